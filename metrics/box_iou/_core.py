"""Overlap of predicted and true 3D boxes: mean IoU, and the share at or above 0.25 and 0.5 (ScanRefer's Acc@k; SPAR,
section 4.3). Boxes may be turned in any way; their common volume is exact up to rounding.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._boxes import Boxes, read_boxes
from ._intervals import mean_interval
from ._overlap import intersection_volumes

THRESHOLDS = (0.25, 0.5)

_ROUNDING = 1e-9
"""An IoU this little below a threshold meets it: half a box is 0.5, whatever the last bits say."""

_SAME = 1e-12
"""An IoU this close to 1 is 1."""


def _ious(predictions: Sequence[Any], references: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N,) IoU of each pair, and (N,) whether the prediction is a box."""
    if len(predictions) != len(references):
        raise ValueError(f"predictions: expected one per reference ({len(references)}), got {len(predictions)}")
    predicted, answered = read_boxes(predictions, "predictions", lenient=True)
    true, given = read_boxes(references, "references")
    if not given.all():
        raise ValueError(f"references: item {int(np.flatnonzero(~given)[0])} has no box")
    true = Boxes(*(column[answered] for column in true))
    common = intersection_volumes(predicted, true)
    ious = np.zeros(len(references))
    ious[answered] = common / (predicted.volumes + true.volumes - common)
    return np.where(ious > 1 - _SAME, 1.0, ious), answered


def box_ious(predictions: Sequence[Any], references: Sequence[Any]) -> NDArray[np.float64]:
    """(N,) IoU of each pair; 0 where the prediction is None or no box that has a volume.

    Args:
        predictions, references: (N,) boxes as 6, 7 or 15 numbers or as mappings, see :func:`box_iou`.

    >>> box_ious([[0, 0, 0, 2, 2, 2]], [[1, 0, 0, 2, 2, 2]]).round(12)
    array([0.33333333])
    """
    return _ious(predictions, references)[0]


def box_iou(
    predictions: Sequence[Any],
    references: Sequence[Any],
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Acc@k and mean IoU of N pairs of boxes.

    Args:
        predictions: (N,) boxes, or None for no answer (counted; its IoU is 0). A box is 6 numbers (centre, full
            extents; axis-aligned), 7 (and yaw in radians about +Z), 15 (centre, 3 x 3 axes with unit rows, extents), or
            a mapping with center, extents and axes or yaw. Metres, or any one unit.
        references: (N,) boxes.
        thresholds: IoUs to reach, each between 0 and 1.
        groups: (N,) scene or image of each item, for intervals that respect what items share.
        confidence, seed: of the intervals.
        return_items: add ``items``, (N,) IoUs.

    Returns:
        mean_iou, acc@0.25, acc@0.5 (0 to 1; NaN with a reason where there are no items), n, n_missing,
        n_invalid (predictions without volume, not finite or with axes that are not orthonormal; their IoU is 0),
        n_groups, intervals {name: {low, high, interval}}.

    Raises:
        ValueError: lengths differ, a box of another shape, a reference that is none or has no volume (names the
            item), a threshold out of range.

    >>> result = box_iou([[0, 0, 0, 2, 2, 2], None], [[0, 0, 1, 2, 2, 2]] * 2)
    >>> result["acc@0.25"], result["acc@0.5"], result["n_missing"]
    (0.5, 0.0, 1)
    """
    if not all(0 < threshold <= 1 for threshold in thresholds):
        raise ValueError(f"thresholds: expected IoUs between 0 and 1, got {list(thresholds)}")
    ious, answered = _ious(predictions, references)
    scores = {"mean_iou": ious}
    scores |= {f"acc@{k:g}": (ious >= k - _ROUNDING).astype(np.float64) for k in thresholds}
    n = len(ious)
    result: dict[str, Any] = {name: float(values.mean()) if n else float("nan") for name, values in scores.items()}
    missing = sum(box is None for box in predictions)
    result |= {"n": n, "n_missing": missing, "n_invalid": int((~answered).sum()) - missing}
    intervals = {}
    for name, values in scores.items():
        interval = mean_interval(values, groups, confidence=confidence, seed=seed)
        low, high = (float("nan") if bound is None else bound for bound in (interval.low, interval.high))
        intervals[name] = {"low": low, "high": high, "interval": interval.method}
        result["n_groups"] = interval.n_groups
    result["intervals"] = intervals
    if not n:
        result["reason"] = "no items"
    if return_items:
        result["items"] = ious.tolist()
    return result
