"""How large an object is (SPAR, appendix 7.5, "Spatial volume infer").

Length and width are the sides of the smallest rectangle around the object's box seen from above, the length the longer
one; height is its vertical extent. The paper multiplies the three to a volume; the questions it released ask for the
three numbers only, in whole centimetres, and so do ours.
"""

from dataclasses import dataclass

import numpy as np
from shapely import MultiPoint

from builders.scenes.scene import OrientedBox
from builders.spar.facts import Fact, Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Task


@dataclass(frozen=True)
class SizeFact(Fact):
    """Dimensions of ``asked[0]``."""

    size: tuple[float, float, float]
    """Length, width, height in metres."""


def box_size(box: OrientedBox) -> tuple[float, float, float]:
    """Length, width and height in metres: sides of the minimum-area rectangle around the corners in XY, longer one
    first, and the extent in Z. The box may be tilted.

    Example:
        >>> box_size(OrientedBox((0, 0, 0), np.eye(3)[[1, 0, 2]], (0.5, 2, 1)))
        (2.0, 0.5, 1.0)
    """
    corners = box.corners()
    around = np.array(MultiPoint(corners[:, :2]).minimum_rotated_rectangle.exterior.coords)
    width, length = sorted(np.linalg.norm(np.diff(around[:3], axis=0), axis=1).tolist())
    return length, width, float(np.ptp(corners[:, 2]))


def _size(record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal) -> SizeFact | Rejected:
    views, (red,) = proposal
    seen = record.images[views[0]].objects[red.object_id]
    if seen.in_image_fraction < limits.min_measured_in_image:
        return Rejected("cut_off")
    if seen.visible_fraction < limits.min_measured(record.visibility_basis):
        return Rejected("too_occluded")
    if seen.unhidden_fraction < limits.min_measured_unhidden:
        return Rejected("partly_hidden")
    size = box_size(record.objects[red.object_id].item.box)
    return Rejected("too_thin") if min(size) < limits.min_dimension else SizeFact(views, (red,), None, size)


def _answer(
    fact: SizeFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    exact = tuple(100 * side for side in fact.size)
    value = tuple(float(round(side)) for side in exact)
    texts = [f"{side:.0f}" for side in value]
    return Gold(", ".join(texts), value, exact, ("cm",) * 3, slots=dict(zip(("length", "width", "height"), texts)))


def _second_size(row: Row, record: SceneRecord, limits: Limits) -> Second:
    """The smallest of all rectangles that have a side along the line through two corners: one side of the best
    rectangle lies on the hull."""
    (red,) = row["objects"]
    corners = record.objects[red["object_id"]].item.box.corners() * 100
    spans = (corners[:, None, :2] - corners[None, :, :2]).reshape(-1, 2)
    lengths = np.linalg.norm(spans, axis=1)
    along = spans[lengths > 1e-6] / lengths[lengths > 1e-6, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    sides = np.stack([np.ptp(corners[:, :2] @ directions.T, axis=0) for directions in (along, across)], axis=1)
    best = sides[np.argmin(sides.prod(axis=1))]
    return Second(np.array([best.max(), best.min(), corners[:, 2].max() - corners[:, 2].min()]))


VOLUME_TASKS = (
    Task(
        name="spatial_volume_infer", short="Volume", level="low", relation="none", img_type="single_view", views=1,
        formats=("fill", "sentence"), bench_format="", options=0, marker="box", propose=one_view(("red",)),
        measure=_size, answer=_answer, recompute=_second_size, fill_metric="number_list",
    ),
)
