"""Finding an object of one view in another (SPAR, appendix 7.5, "Position matching").

The paper projects the 3D box; its benchmark asks for the box one sees. Ours bounds the visible pixels in both views, so
that marker and gold follow one rule.
"""

import numpy as np

from builders.spar.facts import BoxFact, Rejected
from builders.spar.geometry import iou
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.sampling import two_views_of_one_object
from builders.spar.tasks.task import Proposal, Task


def _match(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> BoxFact | Rejected:
    views, (red,) = proposal
    first, second = record.images[views[0]], record.images[views[1]]
    marked, gold = first.objects[red.object_id].bbox, second.objects[red.object_id].bbox
    if iou(marked, gold) > limits.max_match_iou:
        return Rejected("moved_too_little")
    others = tuple(o.bbox for i, o in sorted(second.objects.items()) if i != red.object_id)
    return BoxFact(views, (red,), None, gold, others)


MATCHING_TASKS = (
    Task(
        name="position_matching", short="PosMatch", level="medium", relation="none", img_type="multi_view", views=2,
        formats=("select",), bench_format="select", options=4, marker="box", quantity="box",
        propose=two_views_of_one_object("red"), measure=_match,
    ),
)
