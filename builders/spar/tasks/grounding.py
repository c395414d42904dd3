"""Where an object is in 3D, in words: a frame that shows it, and in that frame the image point, the depth and the size
of its box (SPAR, section 3.5). A camera turns such an answer back into a box (``recipes/grounding.py``).

The box is the one along the axes of the scene's aligned frame that holds the object's vertices, as ScanRefer's are;
its size is given along x, y and z. The frame is the one, of those shown, that shows the object best; its camera has the
box's centre in front of it and inside the picture. Objects are named where their label is unmistakable, and described
by what only they satisfy where others have the same label, or by annotators' words (``builders.spar.scanrefer``).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from builders.scenes.scene import Array, OrientedBox
from builders.spar.facts import Asked, Fact, Gold, Rejected
from builders.spar.geometry import project
from builders.spar.limits import Limits
from builders.spar.records import ImageRecord, SceneRecord
from builders.spar.second_route import Row, Second, center_of, image_of, law_of_cosines, may_be_called, numbers_in
from builders.spar.tasks.naming import Name, confusable, unmistakable
from builders.spar.tasks.sampling import take_turns
from builders.spar.tasks.task import Proposal, Task
from builders.spar.wording import templates

UNITS = ("frame", "px1000", "px1000", "m", "cm", "cm", "cm")
"""Of the seven numbers of an answer: frame, u, v, depth, and the size along x, y and z."""

_VIEW_SETS = 4
"""Sets of frames in which an object is looked for."""

_MIN_CENTIMETRES = 0.5
"""Thinner boxes would be printed as 0 cm."""


class Annotation(NamedTuple):
    """One description of an object by a person."""

    object_id: str
    name: str
    """``object_id/ann_id``: unique within the scene."""
    text: str


class Reference(NamedTuple):
    """How a question tells which object it means."""

    by: str
    """``name``, or of its label: ``closest`` or ``farthest`` (from the anchor), ``highest``, ``lowest``; or
    ``annotation``."""
    anchor: str = ""
    """Object id."""
    annotation: Annotation | None = None


@dataclass(frozen=True)
class BoxFact(Fact):
    """The box of ``asked[0]``, seen from the frame ``views[asked[0].view]``."""

    reference: Reference
    numbers: tuple[float, ...]
    """Parallel to ``UNITS``, unrounded."""


def box_numbers(frame: int, image: ImageRecord, center: Array, extents: Array) -> tuple[float, ...]:
    """Frame, u, v, depth and size of a box (metres, world), parallel to ``UNITS``; NaN if it is behind the camera."""
    pose = image.frame.world_from_camera  # not quite a rotation where files print six digits: solved, not transposed
    x, y, depth = np.linalg.solve(pose[:3, :3], center - pose[:3, 3]).tolist()
    if depth <= 0:
        return (float(frame), *(np.nan,) * 6)
    u, v = project(np.array([x, y, depth]), image.frame.intrinsics).tolist()
    size = (100 * extents).tolist()
    return (float(frame), (u + 0.5) / image.frame.width * 1000, (v + 0.5) / image.frame.height * 1000, depth, *size)


def rounded(numbers: Sequence[float]) -> tuple[float, ...]:
    """The numbers as an answer prints them: depths to a centimetre. (SPAR's decimetres would move a box by up to five.)

    Example:
        >>> rounded((2, 511.6, 88.2, 2.3449, 59.7, 45.1, 80.4))
        (2.0, 512.0, 88.0, 2.34, 60.0, 45.0, 80.0)
    """
    frame, u, v, depth, *size = numbers
    return float(frame), float(round(u)), float(round(v)), float(f"{depth:.2f}"), *(float(round(side)) for side in size)


def box_text(numbers: Sequence[float]) -> str:
    """An answer, from its numbers as printed.

    Example:
        >>> box_text((2, 512, 88, 2.34, 60, 45, 80))
        'Frame: 2, center: (512, 88), depth: 2.34 m, size: 60 x 45 x 80 cm'
    """
    return "Frame: {frame}, center: ({u}, {v}), depth: {depth} m, size: {x} x {y} x {z} cm".format(**_printed(numbers))


def _printed(numbers: Sequence[float]) -> dict[str, str]:
    texts = [f"{number:.2f}" if unit == "m" else f"{number:.0f}" for number, unit in zip(numbers, UNITS, strict=True)]
    return dict(zip(("frame", "u", "v", "depth", "x", "y", "z"), texts, strict=True))


# ---------------------------------------------------------------- frames


@lru_cache(maxsize=1)
def frames_of(record: SceneRecord) -> Mapping[str, tuple[int, ...]]:
    """By object id: the keyframes that show the object with its box's centre inside the picture, the best first.
    Objects without one are left out."""
    found: dict[str, list[tuple[float, int]]] = {}
    for view in record.stills:
        image = record.images[view]
        for name, seen in image.objects.items():
            box = record.aligned_boxes[name]
            _, u, v, *_ = box_numbers(0, image, box.center, box.extents)
            if 0 <= u <= 1000 and 0 <= v <= 1000:
                found.setdefault(name, []).append((-seen.visible_fraction * seen.in_image_fraction, view))
    return {name: tuple(view for _, view in sorted(views)) for name, views in found.items()}


def _views(record: SceneRecord, limits: Limits, rng: np.random.Generator, shown: int) -> tuple[int, ...]:
    """Random keyframes in capture order, ``shown`` among them."""
    others = [view for view in rng.permutation(record.stills).tolist() if view != shown]
    return tuple(sorted([shown, *others[: limits.grounding_views - 1]]))


def _best_shown(record: SceneRecord, views: Sequence[int], object_id: str) -> int:
    """Position in ``views`` of the frame that shows the object best."""
    return views.index(next(view for view in frames_of(record)[object_id] if view in views))


def _propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    def sets_with(object_id: str) -> Iterator[Proposal]:
        for view in rng.permutation(frames_of(record)[object_id]).tolist()[:_VIEW_SETS]:
            views = _views(record, limits, rng, view)
            yield views, (Asked(object_id, _best_shown(record, views, object_id), "target"),)

    names = sorted(frames_of(record))
    yield from take_turns([sets_with(names[i]) for i in rng.permutation(len(names)).tolist()])


# ---------------------------------------------------------------- references


def _references(record: SceneRecord, limits: Limits, views: Sequence[int], target: str) -> list[Reference]:
    """Every way to tell the object from all others of the scene."""
    if target in unmistakable(record):
        return [Reference("name")]
    label = record.label(target)
    others = [name for name in record.objects if name != target and record.label(name) == label]
    if not others or confusable(label, record.labels):
        return []
    names = [target, *others]
    found = []

    def compare(values: Array, least: Reference, most: Reference) -> None:
        """
        Args:
            values: (N, 2), of each name by two measures, which have to agree.
        """
        if (values[0] + limits.min_description_gap <= values[1:]).all():
            found.append(least)
        if (values[0] - limits.min_description_gap >= values[1:]).all():
            found.append(most)

    compare(np.array([_bottom_and_top(record.aligned_boxes[name]) for name in names]),
            Reference("lowest"), Reference("highest"))
    seen = {name for view in views for name in record.images[view].objects}
    for anchor in sorted(seen & unmistakable(record)):
        compare(np.array([_distances(record, name, anchor) for name in names]),
                Reference("closest", anchor), Reference("farthest", anchor))
    return found


def _bottom_and_top(box: OrientedBox) -> tuple[float, float]:
    return box.center[2] - box.extents[2] / 2, box.center[2] + box.extents[2] / 2


def _distances(record: SceneRecord, name: str, other: str) -> tuple[float, float]:
    """Between the centers of two objects, and across the space between their boxes along the axes: 0 if they touch."""
    a, b = record.aligned_boxes[name], record.aligned_boxes[other]
    space = np.clip(np.abs(a.center - b.center) - (a.extents + b.extents) / 2, 0, None)
    centers = record.objects[name].item.box.center - record.objects[other].item.box.center
    return float(np.linalg.norm(centers)), float(np.linalg.norm(space))


def described(record: SceneRecord, target: str, reference: Reference) -> Name:
    """What a question calls the object."""
    label = Name(record.label(target), of=record.label(target))
    anchor = record.label(reference.anchor) if reference.anchor in record.objects else ""
    text = templates("grounding")["descriptions"][reference.by].format(label=label, anchor=anchor)
    return Name(text, of=label)


def _measure(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> BoxFact | Rejected:
    views, (target,) = proposal
    references = _references(record, limits, views, target.object_id)
    if not references:
        return Rejected("ambiguous_label")
    if record.aligned_boxes[target.object_id].extents.min() < limits.min_dimension:
        return Rejected("too_thin")
    kinds = sorted({reference.by for reference in references})
    kind = kinds[rng.integers(len(kinds))]
    alike = [reference for reference in references if reference.by == kind]
    return _fact(record, proposal, alike[rng.integers(len(alike))])


def _fact(record: SceneRecord, proposal: Proposal, reference: Reference) -> BoxFact | Rejected:
    views, (target,) = proposal
    box = record.aligned_boxes[target.object_id]
    numbers = box_numbers(target.view, record.images[views[target.view]], box.center, box.extents)
    if min(numbers[4:]) < _MIN_CENTIMETRES:
        return Rejected("too_thin")
    return BoxFact(views, (target,), None, reference, numbers)


def _answer(fact: BoxFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Gold:
    value = rounded(fact.numbers)
    (target,), reference = fact.asked, fact.reference
    given = reference.annotation
    words = given.text if given else described(record, target.object_id, reference)
    slots = _printed(value) | {"target": words, "last": str(len(fact.views) - 1)}
    columns = {"referred_by": reference.by, "anchor": reference.anchor, "annotation": given.name if given else "",
               "same_label": record.labels[record.label(target.object_id)]}
    return Gold(box_text(value), value, fact.numbers, UNITS, slots=slots, columns=columns)


# ---------------------------------------------------------------- second route


def _second_box(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """The box from its corners; its centre by the frame's 3 x 4 projection matrix."""
    (target,) = row["objects"]
    name, image = target["object_id"], image_of(row, record, target["image_index"])
    if name not in image.objects:
        return "the frame does not show the object"
    corners = record.aligned_boxes[name].corners()
    projection = image.frame.intrinsics @ np.linalg.inv(image.frame.world_from_camera)[:3]
    x, y, depth = (projection @ np.append(corners.mean(axis=0), 1.0)).tolist()
    u, v = (x / depth + 0.5) * 1000 / image.frame.width, (y / depth + 0.5) * 1000 / image.frame.height
    if depth <= 0 or not (0 <= u <= 1000 and 0 <= v <= 1000):
        return "centre not inside the picture"
    exact = np.array([target["image_index"], u, v, depth, *100 * (corners.max(axis=0) - corners.min(axis=0))])
    if row["annotation"]:
        return Second(exact)
    called = described(record, name, Reference(row["referred_by"], row["anchor"]))
    if numbers_in(row["answer"].replace(called, "")) != row["answer_value"]:
        return "answer does not say the numbers in their order"
    return _reference_problem(row, record, called) or Second(exact)


def _reference_problem(row: Row, record: SceneRecord, called: str) -> str | None:
    """Whether another object of the scene satisfies the words, too."""
    (target,) = row["objects"]
    label, by, anchor = target["label"], row["referred_by"], row["anchor"]
    if f"the {called}" not in row["question"]:
        return "object not named"
    if by == "name":
        return None if may_be_called(record, label) == [target["object_id"]] else "another object may be meant"
    alike = [item for item in record.objects if record.label(item) == label]
    corners = {item: record.aligned_boxes[item].corners() for item in (*alike, *([anchor] if anchor else []))}
    if by in ("closest", "farthest"):
        places = {item: center_of(record, {"object_id": item}) for item in corners}
        told = [[law_of_cosines(places[item], places[anchor]) for item in alike],
                [_across(corners[item], corners[anchor]) for item in alike]]
    else:
        told = [[float(corners[item][:, 2].min()) for item in alike],
                [float(corners[item][:, 2].max()) for item in alike]]
    first = {alike[np.argsort(values)[0 if by in ("closest", "lowest") else -1]] for values in told}
    return None if first == {target["object_id"]} and len(alike) > 1 else "another object is meant"


def _across(a: Array, b: Array) -> float:
    """Metres between two boxes along the axes, from their corners (8, 3): how far they are apart on each axis."""
    return math.hypot(*(max(0.0, a[:, k].min() - b[:, k].max(), b[:, k].min() - a[:, k].max()) for k in range(3)))


GROUNDING = Task(
    name="grounding", short="Ground-MV", level="high", relation="none", img_type="multi_view", views=0,
    formats=("fill", "sentence"), bench_format="", options=0, marker="described", propose=_propose, measure=_measure,
    answer=_answer, recompute=_second_box, fill_metric="box_iou",
)


# ---------------------------------------------------------------- annotations


def annotated(annotations: Sequence[Annotation]) -> Task:
    """The task that asks, of one scene, for what these annotations describe: each once, in their order."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        for n, annotation in enumerate(annotations):
            shown = frames_of(record).get(annotation.object_id)
            views = _views(record, limits, rng, shown[0]) if shown else record.stills[:1]
            yield views, (Asked(annotation.object_id, views.index(shown[0]) if shown else 0, str(n)),)

    def measure(
        record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
    ) -> BoxFact | Rejected:
        (asked,) = proposal[1]
        annotation = annotations[int(asked.color)]
        if asked.object_id not in record.objects:
            return Rejected("no_such_object")
        if asked.object_id not in frames_of(record):
            return Rejected("never_visible")
        return _fact(record, proposal, Reference("annotation", annotation=annotation))

    return replace(SCANREFER, propose=propose, measure=measure)


def _nothing(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    yield from ()


SCANREFER = replace(GROUNDING, name="scanrefer", short="ScanRefer", formats=("fill",), propose=_nothing, asks_all=True)
"""Without annotations it asks nothing; see ``annotated``."""
