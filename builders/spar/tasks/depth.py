"""Depth tasks: z of an object's 3D centre in the camera frame (SPAR, appendix 7.5, "Depth prediction")."""

import numpy as np

from builders.spar.facts import Asked, Gold, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, center_of, depth_of, pose_of, tells
from builders.spar.tasks.numbers import number_gold
from builders.spar.tasks.sampling import objects_across_views, one_view
from builders.spar.tasks.task import Proposal, Task


def _depth(record: SceneRecord, views: tuple[int, ...], asked: Asked) -> float:
    """Metres, in the camera of the image that carries the object's marker."""
    return float(record.images[views[asked.view]].objects[asked.object_id].center_camera[2])


def _depth_given_reference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue) = proposal
    given, value = _depth(record, views, red), _depth(record, views, blue)
    if abs(value - given) < limits.min_depth_gap:
        return Rejected("similar_depth")
    others = record.images[views[blue.view]].objects
    depths = (float(o.center_camera[2]) for i, o in others.items() if i not in (red.object_id, blue.object_id))
    elsewhere = tuple(depth for depth in depths if abs(depth - given) >= limits.min_depth_gap)
    pair = (red, blue, given, value) if red.view == blue.view else None
    return NumberFact(views, (red, blue), pair, value, given, elsewhere)


def _depth_difference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue, green) = proposal
    a, b = _depth(record, views, blue), _depth(record, views, green)
    if abs(a - b) < limits.min_depth_gap:
        return Rejected("similar_depth")
    if record.objects[blue.object_id].item.box.overlaps(record.objects[green.object_id].item.box):
        return Rejected("boxes_overlap")
    return NumberFact(views, (red, blue, green), (blue, green, a, b), abs(a - b), _depth(record, views, red))


def _answer(
    fact: NumberFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    return number_gold(fact, format_type, limits, rng)


def _second_depth(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    red, blue = row["objects"]
    if not tells(row, depth_of(row, record, red)):
        return "given depth differs"
    return Second(np.array([depth_of(row, record, blue)]))


def _second_difference(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    red, blue, green = row["objects"]
    if not tells(row, depth_of(row, record, red)):
        return "given depth differs"
    forward = pose_of(row, record, blue)[:3, 2]
    return Second(np.array([abs(float((center_of(record, blue) - center_of(record, green)) @ forward))]))


DEPTH_TASKS = (
    Task(
        name="depth_prediction_oc", short="Depth-OC", level="low", relation="oc", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point",
        propose=one_view(("red", "blue")), measure=_depth_given_reference, answer=_answer, recompute=_second_depth,
    ),
    Task(
        name="depth_prediction_oo", short="Depth-OO", level="low", relation="oo", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point",
        propose=one_view(("red", "blue", "green")), measure=_depth_difference, answer=_answer,
        recompute=_second_difference,
    ),
    Task(
        name="depth_prediction_oc_mv", short="Depth-OC-MV", level="low", relation="oc", img_type="multi_view", views=3,
        formats=("fill",), bench_format="fill", options=0, marker="point",
        propose=objects_across_views(("red", "blue"), views=3), measure=_depth_given_reference, answer=_answer,
        recompute=_second_depth,
    ),
)
