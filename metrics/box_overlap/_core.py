"""Overlap of 2D boxes that answers state with the true boxes: mean IoU, and the share that reaches 0.5."""

from collections.abc import Hashable, Sequence
from math import nan
from typing import Any

from ._image_boxes import reaching, score_image_boxes
from ._summary import check_lengths, summary


def box_overlap(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Mean IoU of N boxes with its interval; beside it the share of IoUs of 0.5 and more.

    Args:
        predictions: (N,) answer texts; what states no box (x1, y1, x2, y2) scores 0 and is counted.
        references: (N,) golds such as "(100, 200, 300, 400)", on the scale of the answers.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        mean_iou, acc@0.5 (0 to 1), n, n_unparsed, low, high (of mean_iou), interval (its method), n_groups. Without
        items the figures are NaN and ``reason`` says so.

    Raises:
        ValueError: a gold that is no box or has no area, columns of different lengths.

    >>> result = box_overlap(["[100, 100, 300, 200]", "top left"], ["(100, 100, 300, 300)"] * 2)
    >>> result["mean_iou"], result["acc@0.5"], result["n_unparsed"]
    (0.25, 0.5, 1)
    """
    check_lengths(len(references), predictions=predictions)
    ious, read = score_image_boxes(predictions, references)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    result = summary("mean_iou", ious, read, groups, **settings)
    result["acc@0.5"] = float(reaching(ious, 0.5).mean()) if len(ious) else nan
    return result
