"""Spatial relation of two objects in the camera's frame (SPAR, appendix 7.5, "Obj spatial relation")."""

from itertools import permutations

import numpy as np

from builders.scenes.scene import Array
from builders.spar.facts import RELATION_WORDS, Rejected, RelationFact
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Task

_OTHER_PAIRS = 60
"""Pairs of the view whose relations may serve as options."""


def _relation_in_view(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> RelationFact | Rejected:
    views, (red, blue) = proposal
    seen = record.images[views[0]].objects
    centers = {object_id: seen[object_id].center_camera for object_id in sorted(seen)}
    here = _differences(centers[red.object_id], centers[blue.object_id])
    sizes = [abs(d) for d in here]
    if any(abs(size - limits.relation_band) < limits.relation_margin for size in sizes):
        return Rejected("relation_on_the_border")
    if max(sizes) < limits.relation_band:
        return Rejected("relation_indistinguishable")
    pairs = list(permutations(centers.values(), 2))
    others = tuple(_differences(*pairs[i]) for i in rng.permutation(len(pairs))[:_OTHER_PAIRS].tolist())
    from_camera = [float(np.linalg.norm(centers[asked.object_id])) for asked in (red, blue)]
    differences = tuple(zip(RELATION_WORDS, here, strict=True))
    return RelationFact(views, (red, blue), (red, blue, from_camera[0], from_camera[1]), differences, others)


def _differences(a: Array, b: Array) -> tuple[float, ...]:
    """Right, down, and distance to the camera of ``a`` less those of ``b``, metres, from camera coordinates."""
    return float(a[0] - b[0]), float(a[1] - b[1]), float(np.linalg.norm(a) - np.linalg.norm(b))


RELATION_TASKS = (
    Task(
        name="obj_spatial_relation_oo", short="ObjRel-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=("select",), bench_format="select", options=4, marker="box", quantity="relation",
        propose=one_view(("red", "blue")), measure=_relation_in_view,
    ),
)
