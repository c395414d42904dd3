"""Answers that place another camera in an image: where it is seen (u, v), and its depth.

Image coordinates run from 0 to 1000 on both axes (px1000) with the origin at the top left, depths are in metres. No
paper scores this form (SPAR asks it as a choice; its released evaluator holds an error function that nothing calls), so
the score is this project's own: the mean of two ladders of ten steps, one for the depth and one for the point. The
depth's is its mean relative accuracy; the point's is the share of ten tolerances that its distance from the true point
keeps within.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .answers import Parsed, final_text
from .number_lists import NUMBER, Numbers, gold_lists, parse_numbers
from .relative_accuracy import mra_scores

TOLERANCES = tuple(range(25, 251, 25))
"""px1000: from a fortieth to a quarter of the image. Always naming the middle of the image earns 0.08 of points that
lie anywhere in it."""

_ROUNDING = 1e-6
"""px1000 squared: a point on a tolerance meets it, whatever the last bits say."""

_POINT = re.compile(r"[(\[]\s*[-+\d.]+\s*,\s*[-+\d.]+\s*[)\]]")


class CameraScores(NamedTuple):
    """(N,) figures of answers; 0 where an answer could not be read, of ``distance`` NaN."""

    score: NDArray[np.float64]
    """0 to 1: the mean of the next two."""
    point: NDArray[np.float64]
    """Share of the tolerances met."""
    depth: NDArray[np.float64]
    """Mean relative accuracy."""
    distance: NDArray[np.float64]
    """px1000, from the true point."""


def parse_camera_position(answer: object) -> Parsed[Numbers]:
    """Read u, v and depth; the depth in metres, whatever unit it states. A point in brackets may come last.

    >>> parse_camera_position("Image Coor: (514, 95), Depth: 4.8 meters").value
    (514.0, 95.0, 4.8)
    >>> parse_camera_position("depth 480 cm at (514, 95)").value
    (514.0, 95.0, 4.8)
    """
    final = final_text(answer).value or ""
    point = _POINT.search(final)
    if point and len(NUMBER.findall(final)) == 3 and NUMBER.search(final, 0, point.start()):
        read = parse_numbers(answer, 3, ("m", None, None))
        return read if read.value is None else Parsed((*read.value[1:], read.value[0]), "ok")
    return parse_numbers(answer, 3, (None, None, "m"))


def camera_scores(positions: ArrayLike, others: ArrayLike) -> CameraScores:
    """Scores of N positions u, v, depth (N, 3) against true ones; NaN stands for an answer that could not be read.

    >>> camera_scores([(500, 425, 2.0), (560, 480, 3.0)], [(500, 400, 2.0)] * 2).score
    array([1. , 0.4])
    """
    p, g = (np.asarray(given, dtype=np.float64).reshape(-1, 3) for given in (positions, others))
    squared = ((p[:, :2] - g[:, :2]) ** 2).sum(axis=1)
    point = (squared[:, None] <= np.square(TOLERANCES) + _ROUNDING).sum(axis=1) / len(TOLERANCES)
    depth = mra_scores(p[:, 2], g[:, 2])
    return CameraScores(np.rint(10 * (point + depth)) / 20, point, depth, np.sqrt(squared))


def score_camera_positions(
    predictions: Sequence[object], references: Sequence[object]
) -> tuple[CameraScores, list[Parsed[Numbers]]]:
    """Scores of N answers, and how each was read.

    Args:
        predictions: (N,) answer texts.
        references: (N,) golds such as "(514, 95), 4.8".

    Raises:
        GoldError: a gold that is no point and depth.

    >>> score_camera_positions(["(514, 155), 4.8"], ["Image Coor: (514, 95), Depth: 4.8 meters"])[0].score
    array([0.9])
    """
    golds = gold_lists(references, "an image point and a depth: (u, v), depth", 3)
    read = [parse_camera_position(answer) for answer in predictions]
    nothing = (np.nan,) * 3
    return camera_scores([item.value or nothing for item in read], golds), read
