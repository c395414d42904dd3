"""Score of answers that place another camera in an image, (u, v) and depth: the mean of two ladders of ten steps."""

from collections.abc import Hashable, Sequence
from math import nan
from typing import Any

import numpy as np

from ._camera_positions import TOLERANCES, score_camera_positions
from ._summary import check_lengths, summary

__all__ = ["TOLERANCES", "camera_position"]


def camera_position(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Score of N camera positions with its interval; the choice of the score is ours, no paper has one.

    The score of an answer is the mean of the relative accuracy (MRA) of its depth and of the share of the tolerances
    25, 50, ..., 250 px1000 that its distance from the true image point meets.

    Args:
        predictions: (N,) answer texts; what states no point and depth scores 0 and is counted.
        references: (N,) golds such as "(514, 95), 4.8" or "Image Coor: (514, 95), Depth: 4.8 meters".
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        camera_position (0 to 1), its halves point and depth (0 to 1), point_error (mean distance of the points of the
        answers that could be read, px1000), n, n_unparsed, low, high, interval (its method), n_groups. Without items
        the figures are NaN and ``reason`` says so.

    Raises:
        ValueError: a gold that is no point and depth, columns of different lengths.

    >>> result = camera_position(["(514, 155), 4.8", "left of it"], ["(514, 95), 4.8"] * 2)
    >>> result["camera_position"], result["point"], result["depth"], result["point_error"]
    (0.45, 0.4, 0.5, 60.0)
    """
    check_lengths(len(references), predictions=predictions)
    scores, read = score_camera_positions(predictions, references)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    result = summary("camera_position", scores.score, read, groups, **settings)
    for name, halves in (("point", scores.point), ("depth", scores.depth)):
        result[name] = float(halves.mean()) if len(halves) else nan
    known = scores.distance[np.isfinite(scores.distance)]
    result["point_error"] = float(known.mean()) if len(known) else nan
    return result
