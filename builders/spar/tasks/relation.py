"""Spatial relation of two objects in the camera's frame (SPAR, appendix 7.5, "Obj spatial relation")."""

import numpy as np

from builders.spar.facts import Rejected, RelationFact
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Task


def _relation_in_view(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> RelationFact | Rejected:
    views, (red, blue) = proposal
    seen = record.images[views[0]].objects
    a, b = seen[red.object_id].center_camera, seen[blue.object_id].center_camera
    from_camera = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    differences = (
        ("horizontal", float(a[0] - b[0])),
        ("vertical", float(a[1] - b[1])),
        ("distance", from_camera[0] - from_camera[1]),
    )
    sizes = [abs(d) for _, d in differences]
    if any(abs(size - limits.relation_band) < limits.relation_margin for size in sizes):
        return Rejected("relation_on_the_border")
    if max(sizes) < limits.relation_band:
        return Rejected("relation_indistinguishable")
    return RelationFact(views, (red, blue), (red, blue, *from_camera), differences)


RELATION_TASKS = (
    Task(
        name="obj_spatial_relation_oo", short="ObjRel-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=("select",), bench_format="select", options=4, marker="box", quantity="relation",
        propose=one_view(("red", "blue")), measure=_relation_in_view,
    ),
)
