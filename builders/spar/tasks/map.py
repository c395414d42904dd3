"""A bird's-eye map from three views (SPAR-7M, ``spatial_imagination_map_mv``; frame after SPAR, section 4.4).

Origin: the first camera dropped to the ground; y: its viewing direction on the ground; x: to its right; metres. Every
object is boxed in one view, all in one colour, and told apart by a tag ``object0``, ``object1``, ... in row order. In
the paper's probe (``bev``) nothing is drawn in: objects are called by their labels, which must be unmistakable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from builders.scenes.scene import Array, Frame
from builders.spar.facts import Asked, Fact, Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.markers import tag_of
from builders.spar.printing import metres, printed
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, center_of, image_of, may_be_called
from builders.spar.tasks.naming import unmistakable
from builders.spar.tasks.sampling import take_turns, view_groups
from builders.spar.tasks.task import Proposal, Task

MAP_OBJECTS = (3, 7)
"""Fewest and most objects of a map (SPAR, section 4.4)."""

_VIEWS = 3
_SETS_PER_GROUP = 4
"""Sets of objects looked at for each group of views."""


@dataclass(frozen=True)
class MapFact(Fact):
    """Where the asked objects stand."""

    positions: tuple[tuple[float, float], ...]
    """(x, y) in metres, parallel to ``asked``."""


def map_positions(points: Array, first: Frame) -> Array:
    """(N, 3) world metres to (N, 2) map metres: x to the right of the first camera, y along its view on the ground."""
    forward = first.world_from_camera[:2, 2] / np.linalg.norm(first.world_from_camera[:2, 2])
    offsets = points[:, :2] - first.center[:2]
    return np.stack([offsets @ (forward[1], -forward[0]), offsets @ forward], axis=1)


def _propose(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, named: bool = False
) -> Iterator[Proposal]:
    """Groups of views with random sets of objects, each marked in a random view that shows it.

    Args:
        named: only objects that their label names unmistakably, for questions without markers.
    """

    def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
        shown = tuple(rng.permutation(group).tolist())
        seen_in: dict[str, list[int]] = {}
        for position, view in enumerate(shown):
            shows = record.images[view].objects
            for object_id in sorted(unmistakable(record) & shows.keys() if named else shows):
                seen_in.setdefault(object_id, []).append(position)
        ids, (fewest, most) = sorted(seen_in), MAP_OBJECTS
        for _ in range(_SETS_PER_GROUP if len(ids) >= fewest else 0):
            count = rng.integers(fewest, min(most, len(ids)) + 1)
            chosen = [ids[i] for i in rng.permutation(len(ids))[:count].tolist()]
            yield shown, tuple(Asked(i, seen_in[i][rng.integers(len(seen_in[i]))], "blue") for i in chosen)

    groups = view_groups(record, limits, _VIEWS, rng)
    before = set()
    for proposal in take_turns([choices_in(groups[i]) for i in rng.permutation(len(groups)).tolist()]):
        key = proposal[0], frozenset(asked.object_id for asked in proposal[1])
        if key not in before:
            before.add(key)
            yield proposal


def _map(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> MapFact | Rejected:
    views, asked = proposal
    if len({a.view for a in asked}) < len(views):
        return Rejected("view_without_object")
    first = record.frame(views[0])
    if abs(first.world_from_camera[2, 2]) > np.sin(np.radians(limits.max_map_pitch)):
        return Rejected("looks_up_or_down")
    centers = np.array([record.objects[a.object_id].item.box.center for a in asked])
    return MapFact(views, asked, None, tuple((x, y) for x, y in map_positions(centers, first).tolist()))


def _answer(fact: MapFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Gold:
    tags = [tag_of(i) for i in range(len(fact.asked))]
    named = [f"{tag} ({record.label(a.object_id)})" for tag, a in zip(tags, fact.asked, strict=True)]
    return _gold(fact, tags, named)


def _answer_by_name(
    fact: MapFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    labels = [record.label(a.object_id) for a in fact.asked]
    return _gold(fact, labels, [f"the {label}" for label in labels])


def _gold(fact: MapFact, names: Sequence[str], called: Sequence[str]) -> Gold:
    """
    Args:
        names: of the objects in the answer.
        called: what the question calls them.
    """
    exact = tuple(number for position in fact.positions for number in position)
    text = map_text(names, exact)
    slots = {"map": text, "objects": f"{', '.join(called[:-1])} and {called[-1]}"}
    return Gold(text, printed(exact), exact, ("m",) * len(exact), slots=slots)


def map_text(names: Sequence[str], exact: Sequence[float]) -> str:
    """Positions x1, y1, x2, y2, ... (metres) as the answer lists them.

    Example:
        >>> map_text(["object0", "object1"], (0.52, 1.98, -1.3, 0.4))
        'object0: (0.5, 2.0), object1: (-1.3, 0.4)'
    """
    numbers = [metres(number) for number in exact]
    return ", ".join(f"{name}: ({x}, {y})" for name, x, y in zip(names, numbers[::2], numbers[1::2], strict=True))


def _second_map(row: Row, record: SceneRecord, limits: Limits, named: bool = False) -> Second | str:
    """In polar coordinates: distance on the ground, and bearing clockwise from the first camera's heading."""
    pose = image_of(row, record, 0).frame.world_from_camera
    heading = np.arctan2(pose[1, 2], pose[0, 2])
    offsets = np.array([center_of(record, item) for item in row["objects"]])[:, :2] - pose[:2, 3]
    bearing = heading - np.arctan2(offsets[:, 1], offsets[:, 0])
    distance = np.linalg.norm(offsets, axis=1)
    exact = np.stack([distance * np.sin(bearing), distance * np.cos(bearing)], axis=1).ravel()
    text = map_text([item["label"] if named else tag_of(i) for i, item in enumerate(row["objects"])], exact.tolist())
    if text not in row["answer"]:
        return "map differs"  # also in its order, which a comparison of the words would not notice
    return Second(exact, text)


def _second_named_map(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """The same, of objects that nothing else may be called."""
    for item in row["objects"]:
        if may_be_called(record, item["label"]) != [item["object_id"]]:
            return f"another object may be the {item['label']}"
        if f"the {item['label']}" not in row["question"]:
            return "object not named"
    return _second_map(row, record, limits, named=True)


MAP_TASKS = (
    Task(
        name="spatial_imagination_map_mv", short="Map-MV", level="high", relation="none", img_type="multi_view",
        views=_VIEWS, formats=("sentence",), bench_format="", options=0, marker="box", propose=_propose, measure=_map,
        answer=_answer, recompute=_second_map,
    ),
)

BEV = Task(
    name="bev", short="BEV-MV", level="high", relation="none", img_type="multi_view", views=_VIEWS,
    formats=("fill", "sentence"), bench_format="", options=0, marker="described", propose=partial(_propose, named=True),
    measure=_map, answer=_answer_by_name, recompute=_second_named_map, fill_metric="position_error",
)
"""The probe of SPAR, section 4.4."""
