"""Spatial relation of two objects in the camera's frame (SPAR, appendix 7.5, "Obj spatial relation")."""

import numpy as np

from builders.scenes.scene import Array
from builders.spar.facts import Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.relations import RELATION_WORDS, RelationFact, border_problem, relation_gold
from builders.spar.second_route import Row, Second, center_of, pose_of
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Task

_AXES = ("horizontal", "vertical", "distance")


def _relation_in_view(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> RelationFact | Rejected:
    views, (red, blue) = proposal
    seen = record.images[views[0]].objects
    centers = [seen[asked.object_id].center_camera for asked in (red, blue)]
    differences = _differences(*centers)
    problem = border_problem(differences, limits)
    if problem:
        return Rejected(problem)
    heights = [float(record.objects[asked.object_id].item.box.center[2]) for asked in (red, blue)]
    from_camera = [float(np.linalg.norm(center)) for center in centers]
    pair = (red, blue, from_camera[0], from_camera[1])
    return RelationFact(views, (red, blue), pair, differences, heights[0] - heights[1])


def _differences(a: Array, b: Array) -> tuple[tuple[str, float], ...]:
    """Right, down, and distance to the camera of ``a`` less those of ``b``, metres, from camera coordinates."""
    nearer = float(np.linalg.norm(a) - np.linalg.norm(b))
    return tuple(zip(_AXES, (float(a[0] - b[0]), float(a[1] - b[1]), nearer), strict=True))


def _answer(
    fact: RelationFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    return relation_gold(fact, format_type, limits, rng)


def _second_route(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    red, blue = row["objects"]
    pose = pose_of(row, record, red)
    apart = center_of(record, red) - center_of(record, blue)
    lengths = [float(np.linalg.norm(center_of(record, item) - pose[:3, 3])) for item in (red, blue)]
    differences = np.array([apart @ pose[:3, 0], apart @ pose[:3, 1], lengths[0] - lengths[1]])
    words = [RELATION_WORDS[axis][int(d > 0)] if abs(d) >= limits.relation_band else ""
             for axis, d in zip(_AXES, differences, strict=True)]
    return Second(differences, ", ".join(words))


RELATION_TASKS = (
    Task(
        name="obj_spatial_relation_oo", short="ObjRel-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=("select",), bench_format="select", options=4, marker="box",
        propose=one_view(("red", "blue")), measure=_relation_in_view, answer=_answer, recompute=_second_route,
    ),
)
