"""Distance tasks: metres between 3D centres, or to the camera centre (SPAR, appendix 7.5, "Distance infer")."""

import numpy as np

from builders.spar.facts import NearerFact, NumberFact, Rejected
from builders.spar.geometry import center_distance
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Task


def _distance_to_camera(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red,) = proposal
    center = record.images[views[red.view]].objects[red.object_id].center_camera
    return NumberFact(views, (red,), None, float(np.linalg.norm(center)), None)


def _distance_between(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue) = proposal
    a, b = record.objects[red.object_id].item.box, record.objects[blue.object_id].item.box
    distance = center_distance(a, b)
    if distance < limits.min_distance:
        return Rejected("too_close")
    if a.overlaps(b):
        return Rejected("boxes_overlap")
    return NumberFact(views, (red, blue), None, distance, None)


def _nearer_candidate(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NearerFact | Rejected:
    views, (red, green, blue) = proposal
    if len({record.label(asked.object_id) for asked in (red, green, blue)}) < 3:
        return Rejected("same_label")  # the options are names, and must not sound like the reference
    boxes = [record.objects[a.object_id].item.box for a in (red, green, blue)]
    to_green, to_blue = center_distance(boxes[0], boxes[1]), center_distance(boxes[0], boxes[2])
    if abs(to_green - to_blue) < limits.min_nearer_gap:
        return Rejected("similar_distance")
    if boxes[0].overlaps(boxes[1]) or boxes[0].overlaps(boxes[2]):
        return Rejected("boxes_overlap")
    return NearerFact(views, (red, green, blue), None, (to_green, to_blue), bool(rng.integers(2)))


DISTANCE_TASKS = (
    Task(
        name="distance_prediction_oc", short="Dist-OC", level="low", relation="oc", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point", quantity="distance_to_camera",
        propose=one_view(("red",)), measure=_distance_to_camera,
    ),
    Task(
        name="distance_prediction_oo", short="Dist-OO", level="low", relation="oo", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point", quantity="distance_between",
        propose=one_view(("red", "blue")), measure=_distance_between,
    ),
    Task(
        name="distance_infer_center_oo", short="DistI-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=("select",), bench_format="select", options=2, marker="point", quantity="nearer",
        propose=one_view(("red", "green", "blue")), measure=_nearer_candidate,
    ),
)
