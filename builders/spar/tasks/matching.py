"""Finding an object of one view in another (SPAR, appendix 7.5, "Position matching").

The paper projects the 3D box; its benchmark asks for the box one sees. Ours bounds the visible pixels in both views, so
that marker and gold follow one rule.
"""

from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from builders.scenes.scene import Array
from builders.spar.choices import alternatives
from builders.spar.facts import Fact, Gold, Rejected
from builders.spar.geometry import box_to_px1000, iou
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, image_of
from builders.spar.tasks.even_sampling import other_stills, two_views_of_one_object
from builders.spar.tasks.task import Proposal, Task


@dataclass(frozen=True, eq=False)
class BoxFact(Fact):
    """The 2D box of ``asked[0]`` in the second view."""

    box: Array
    """(4,) x1, y1, x2, y2 in pixels of that view, unrounded."""
    elsewhere: tuple[Array, ...]
    """Boxes of the same object in the other views that might as well have been the second: material for options. A
    guesser who knows how large such an object is, how high it stands and where its first box lies learns nothing."""


def _match(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> BoxFact | Rejected:
    views, (red,) = proposal
    seconds = views[1:] + tuple(v for v in other_stills(record, views[0], red.object_id) if v != views[1])
    marked, *boxes = [record.images[view].objects[red.object_id].bbox for view in (views[0], *seconds)]
    moved, *others_moved = (iou(marked, np.array(boxes)) <= limits.max_match_iou).tolist()
    if not moved:
        return Rejected("moved_too_little")
    return BoxFact(views, (red,), None, boxes[0], tuple(compress(boxes[1:], others_moved)))


def _answer(
    fact: BoxFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    frame = record.frame(fact.views[1])
    size = frame.width, frame.height
    others = (() if format_type != "select" else
              alternatives(fact.box, fact.elsewhere, 3, lambda a, b: bool(iou(a, b) < limits.max_option_iou), rng))
    if isinstance(others, Rejected):
        return others
    scaled = box_to_px1000(fact.box, *size)
    exact = tuple(((fact.box.reshape(2, 2) + 0.5) / size * 1000).ravel().tolist())
    texts = tuple(_text(box_to_px1000(box, *size)) for box in others)
    return Gold(_text(scaled), tuple(map(float, scaled)), exact, ("px1000",) * 4, texts, {"box": _text(scaled)})


def _text(box: NDArray[np.int64]) -> str:
    return "({}, {}, {}, {})".format(*box.tolist())


def _second_route(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """The box of the visible pixels must agree with the box of the visible vertices, up to a mesh edge."""
    (red,) = row["objects"]
    image = image_of(row, record, 1)
    seen, frame = image.objects[red["object_id"]], image.frame
    slack = limits.box_slack * frame.intrinsics[0, 0] / seen.center_camera[2] + 2
    if np.abs(seen.bbox - seen.vertex_bbox).max() > slack:
        return "two routes to the box differ"
    return Second((seen.bbox + 0.5) * 1000 / np.array([frame.width, frame.height] * 2))


MATCHING_TASKS = (
    Task(
        name="position_matching", short="PosMatch", level="medium", relation="none", img_type="multi_view", views=2,
        formats=("fill", "select", "sentence"), bench_format="select", options=4, marker="box",
        propose=two_views_of_one_object("red"), measure=_match, answer=_answer, recompute=_second_route,
        fill_metric="box_overlap",
    ),
)
