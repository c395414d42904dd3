"""How many things of a kind a scene holds, and how large its floor is (SPAR, appendix 7.5: Obj count, Room size)."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from builders.scenes.scene import Array
from builders.spar.area import covered_area, outline_triangles, room_points, thinned
from builders.spar.facts import Asked, Fact, Gold, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.printing import metres, printed
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second
from builders.spar.tasks.frames import frame_names
from builders.spar.tasks.naming import countable, countable_apart
from builders.spar.tasks.task import Proposal, Task


def _propose_count(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    """The instances of each label that has several, each with the frame that shows most of it. Most have two: no more
    than ``max_same_count`` labels of a scene are asked for the same count, or "2" would nearly always be right."""
    instances = defaultdict(list)
    for object_id in sorted(record.objects) if record.video else ():
        instances[record.label(object_id)].append(object_id)
    repeated = [ids for ids in instances.values() if len(ids) > 1]
    counted: Counter[int] = Counter()
    for i in rng.permutation(len(repeated)).tolist():
        best = (int(record.video_areas[object_id].argmax()) for object_id in repeated[i])
        proposal = record.video, tuple(Asked(o, frame, "") for o, frame in zip(repeated[i], best))
        refused = isinstance(_count(record, limits, rng, proposal), Rejected)
        if refused or counted[len(repeated[i])] < limits.max_same_count:
            counted[len(repeated[i])] += not refused
            yield proposal


def _count(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> Fact | Rejected:
    views, asked = proposal
    label = record.label(asked[0].object_id)
    if not countable(label):
        return Rejected("label_not_countable")
    if not countable_apart(label, {o.item.label for o in record.objects.values()}):
        return Rejected("ambiguous_label")
    if not all(set(record.objects[a.object_id].images) & set(views) for a in asked):
        return Rejected("instance_not_shown")
    if any((a.object_id, b.object_id) in record.overlapping_boxes for i, a in enumerate(asked) for b in asked[:i]):
        return Rejected("instances_overlap")  # perhaps one thing annotated in two pieces
    return Fact(views, asked, None)


def _answer_count(fact: Fact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Gold:
    count = len(fact.asked)
    slots = {"label": record.label(fact.asked[0].object_id), "value": str(count), **frame_names(len(fact.views) - 1)}
    return Gold(str(count), (float(count),), (float(count),), ("count",), slots=slots)


def _second_count(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """Counts the scene's objects by label, and asks the shown frames for each of them."""
    label = row["objects"][0]["label"]
    if f'"{label}"' not in row["question"] and f" {label}" not in row["question"]:
        return "label not named"
    named = {o.item.object_id for o in record.objects.values() if o.item.label == label}
    shown = set(row["frame_ids"])
    seen = {object_id for image in record.images if image.frame.frame_id in shown for object_id in image.objects}
    if named - seen or named != {o["object_id"] for o in row["objects"]}:
        return "instances differ"
    return Second(np.array([float(len(named & seen))]))


def _propose_room(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    """A room has one size, and one question."""
    if record.video:
        yield record.video, ()


def _measure_room(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    if not record.plan_area:  # without a mesh and without a plan nobody knows how much of the room is shown
        return Rejected("room_unknown")
    shown = _room_area(record, limits)
    area = shown if record.room is None else record.plan_area
    if area < limits.min_room_area:
        return Rejected("room_too_small")
    if shown < limits.min_room_shown * record.plan_area:
        return Rejected("room_shown_in_part")
    return NumberFact(proposal[0], (), None, area, None)


@lru_cache(maxsize=1)
def _room_area(record: SceneRecord, limits: Limits) -> float:
    """Square metres inside the outline of what the video shows."""
    return covered_area(_outline(record, limits))


@lru_cache(maxsize=1)
def _outline(record: SceneRecord, limits: Limits) -> Array:
    """(T, 3, 2) its triangles."""
    return outline_triangles(room_points(record.footprint, limits.room_voxel), limits.room_outline_radius)


def _answer_room(
    fact: NumberFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    """The options are a ladder of areas, each a drawn factor above the last, and gold stands on any rung alike."""
    rank, factor = int(rng.integers(4)), rng.uniform(limits.min_area_step, limits.max_area_step)
    ladder = [metres(fact.value * factor ** (rung - rank)) for rung in range(4)]
    others = tuple(text for rung, text in enumerate(ladder) if rung != rank) if format_type == "select" else ()
    slots = {"value": metres(fact.value)}
    return Gold(slots["value"], printed((fact.value,)), (fact.value,), ("m2",), others, slots)


def _second_room(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """Heron's formula, triangle by triangle, of what the union of polygons has measured as a whole; and the occupied
    squares must cover about as much. A known plan is measured by the triangles between its first corner and its edges;
    what is seen of it cannot cover more."""
    if record.room is not None:
        (x, y), (next_x, next_y) = (record.room - record.room[0]).T, (np.roll(record.room, -1, 0) - record.room[0]).T
        area = float(abs((x * next_y - y * next_x).sum()) / 2)
        too_much = len(record.footprint) * limits.room_voxel**2 > (1 + _RASTER_SLACK) * area
        return "occupied squares cover more than the room" if too_much else Second(np.array([area]))
    area, squares = _room_areas_again(record, limits)
    if not abs(squares - area) <= _RASTER_SLACK * area:
        return "occupied squares cover another area"
    return Second(np.array([area]))


@lru_cache(maxsize=1)
def _room_areas_again(record: SceneRecord, limits: Limits) -> tuple[float, float]:
    """Square metres of the outline's triangles, and of the squares twice as wide as a voxel around the points."""
    points = room_points(record.footprint, limits.room_voxel)
    corners = _outline(record, limits)
    a, b, c = (np.linalg.norm(corners[:, i] - corners[:, j], axis=1) for i, j in ((0, 1), (1, 2), (2, 0)))
    half = (a + b + c) / 2
    area = float(np.sqrt(np.maximum(half * (half - a) * (half - b) * (half - c), 0)).sum())
    quarter = limits.room_voxel / 2
    around = (np.mgrid[-2:2, -2:2].reshape(2, -1).T + 0.5) * quarter
    return area, len(thinned((points[:, None] + around).reshape(-1, 2), quarter)) * quarter**2


_RASTER_SLACK = 0.15
"""By this share the area of all occupied squares, each grown by half, may differ: they close no gaps, and overlap the
outline."""


COUNTING_TASKS = (
    Task(
        name="obj_count", short="ObjCount", level="high", relation="none", img_type="video", views=0,
        formats=("fill", "sentence"), bench_format="", options=0, marker="none",
        propose=_propose_count, measure=_count, answer=_answer_count, recompute=_second_count,
    ),
    Task(
        name="room_size", short="RoomSize", level="high", relation="none", img_type="video", views=0,
        formats=("fill", "select", "sentence"), bench_format="", options=4, marker="none",
        propose=_propose_room, measure=_measure_room, answer=_answer_room, recompute=_second_room,
    ),
)
