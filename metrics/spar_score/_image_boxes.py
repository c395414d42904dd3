"""Answers that are a 2D box x1, y1, x2, y2 with the origin at the top left, and their overlap with the true box."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._answers import GoldError, Parsed
from ._number_lists import Numbers, gold_lists, parse_numbers


def image_box_ious(boxes: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """(N,) intersection over union of two times N boxes (N, 4) that have an area; 0 where one is NaN.

    >>> image_box_ious([(0, 0, 2, 2)], [(1, 0, 3, 2)]).round(3)
    array([0.333])
    """
    a, b = (np.asarray(given, dtype=np.float64).reshape(-1, 2, 2) for given in (boxes, others))
    sides = np.minimum(a[:, 1], b[:, 1]) - np.maximum(a[:, 0], b[:, 0])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = sum(np.diff(corners, axis=1).prod(axis=(1, 2)) for corners in (a, b))
    return np.nan_to_num(shared / (areas - shared))


def reaching(ious: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """(N,) whether each IoU is at least the threshold; half a box is 0.5, whatever the last bits say.

    >>> reaching(np.array([0.5 - 1e-16, 0.4999]), 0.5)
    array([ True, False])
    """
    return ious >= threshold - 1e-9


def parse_image_box(answer: object) -> Parsed[Numbers]:
    """Read one box; corners in another order, or a box without area, are malformed.

    >>> parse_image_box("(100, 200), (300, 400)").value, parse_image_box("300, 200, 100, 400").status
    ((100.0, 200.0, 300.0, 400.0), 'malformed')
    """
    read = parse_numbers(answer, 4)
    if read.value is not None and not (read.value[0] < read.value[2] and read.value[1] < read.value[3]):
        return Parsed(None, "malformed")
    return read


def score_image_boxes(
    predictions: Sequence[object], references: Sequence[object]
) -> tuple[NDArray[np.float64], list[Parsed[Numbers]]]:
    """IoU of each of N answers with its gold, and how it was read.

    Args:
        predictions: (N,) answer texts.
        references: (N,) golds such as "(100, 200, 300, 400)".

    Raises:
        GoldError: a gold that is no box, or has no area.

    >>> score_image_boxes(["[100, 100, 300, 300]", "left"], ["100,100,300,200"] * 2)[0]
    array([0.5, 0. ])
    """
    golds = gold_lists(references, "a box x1, y1, x2, y2", 4)
    for i, gold in enumerate(golds):
        if not (gold[0] < gold[2] and gold[1] < gold[3]):
            raise GoldError(i, f"{references[i]!r}, a box without area")
    read = [parse_image_box(answer) for answer in predictions]
    nothing = (np.nan,) * 4
    return image_box_ious([item.value or nothing for item in read], golds), read
