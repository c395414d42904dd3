"""Depth tasks: z of an object's 3D centre in the camera frame (SPAR, appendix 7.5, "Depth prediction")."""

import numpy as np

from builders.spar.facts import Asked, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.sampling import objects_across_views, one_view
from builders.spar.tasks.task import Proposal, Task


def depth_of(record: SceneRecord, views: tuple[int, ...], asked: Asked) -> float:
    """Metres, in the camera of the image that carries the object's marker."""
    return float(record.images[views[asked.view]].objects[asked.object_id].center_camera[2])


def _depth_given_reference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue) = proposal
    given, value = depth_of(record, views, red), depth_of(record, views, blue)
    if abs(value - given) < limits.min_depth_gap:
        return Rejected("similar_depth")
    pair = (red, blue, given, value) if red.view == blue.view else None
    return NumberFact(views, (red, blue), pair, value, given)


def _depth_difference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue, green) = proposal
    a, b = depth_of(record, views, blue), depth_of(record, views, green)
    if abs(a - b) < limits.min_depth_gap:
        return Rejected("similar_depth")
    if record.objects[blue.object_id].item.box.overlaps(record.objects[green.object_id].item.box):
        return Rejected("boxes_overlap")
    return NumberFact(views, (red, blue, green), (blue, green, a, b), abs(a - b), depth_of(record, views, red))


DEPTH_TASKS = (
    Task(
        name="depth_prediction_oc", short="Depth-OC", level="low", relation="oc", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point", quantity="depth",
        propose=one_view(("red", "blue")), measure=_depth_given_reference,
    ),
    Task(
        name="depth_prediction_oo", short="Depth-OO", level="low", relation="oo", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point", quantity="depth_difference",
        propose=one_view(("red", "blue", "green")), measure=_depth_difference,
    ),
    Task(
        name="depth_prediction_oc_mv", short="Depth-OC-MV", level="low", relation="oc", img_type="multi_view", views=3,
        formats=("fill",), bench_format="fill", options=0, marker="point", quantity="depth",
        propose=objects_across_views(("red", "blue"), views=3), measure=_depth_given_reference,
    ),
)
