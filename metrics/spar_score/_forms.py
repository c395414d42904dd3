"""Scores of the answer forms of SPAR-7M that SPAR-Bench does not ask: boxes, camera positions, lists, names, orders.

No paper defines these; they are this project's choice and never enter the average. Answers are read as strictly as
elsewhere: what commits to no answer of the form scores 0 and is counted. Image coordinates run from 0 to 1000 on both
axes (px1000), with the origin at the top left.
"""

import re
from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._answers import GoldError, Parsed, final_text, is_refusal
from ._camera_positions import score_camera_positions
from ._image_boxes import reaching, score_image_boxes
from ._names import score_names
from ._number_lists import score_number_lists
from ._orders import score_orders

_FRAME_RANGE = re.compile(r"\d\s*(?:-|\u2013|to|through)\s*(?:frame\W*)?\d", re.I)

Scored = tuple[NDArray[np.float64], list[Parsed[Any]], dict[str, float]]
"""Scores (N,) from 0 to 1, the answers as read, and the means of what else the form reports."""

Answers = Sequence[object]


def _boxes(predictions: Answers, references: Answers) -> Scored:
    """2D boxes x1, y1, x2, y2 in px1000; the score is the IoU."""
    ious, read = score_image_boxes(predictions, references)
    return ious, list(read), {"accuracy_at_50": float(reaching(ious, 0.5).mean())}


def _camera_positions(predictions: Answers, references: Answers) -> Scored:
    """u, v in px1000 and depth in m; the score is the mean of a ladder for the point and the MRA of the depth."""
    scores, read = score_camera_positions(predictions, references)
    known = scores.distance[np.isfinite(scores.distance)]
    beside = {"point": float(scores.point.mean()), "depth": float(scores.depth.mean())}
    return scores.score, list(read), beside | {"point_error": float(known.mean()) if len(known) else nan}


def _number_lists(predictions: Answers, references: Answers) -> Scored:
    """Length, width and height in cm; the score is the mean of the three MRAs."""
    scores, read = score_number_lists(predictions, references, units=["cm"] * len(references), count=3)
    return scores, list(read), {}


def _names(predictions: Answers, references: Answers) -> Scored:
    scores, read = score_names(predictions, references, candidates=[None] * len(references))
    return scores, list(read), {}


def _orders(predictions: Answers, references: Answers) -> Scored:
    """Names in order; the score is 1 for the exact order."""
    scores, read = score_orders(predictions, references)
    return scores.exact, list(read), {"pair_accuracy": float(scores.pairs.mean())}


def _frames(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"(?<![\d.])\d{1,9}(?![\d.]*\d)", text)}


def _read_frames(answer: object) -> Parsed[list[int]]:
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    if _FRAME_RANGE.search(final.value):  # "3-5" may mean three frames or two
        return Parsed(None, "ambiguous")
    frames = _frames(final.value)
    if not frames or is_refusal(final.value):
        return Parsed(None, "refused" if is_refusal(final.value) else "malformed")
    return Parsed(sorted(frames), "ok")


def _frame_sets(predictions: Answers, references: Answers) -> Scored:
    """Frame numbers in any order; the score is the F1 of the two sets."""
    golds = [_frames(str(reference)) for reference in references]
    for i, gold in enumerate(golds):
        if not gold:
            raise GoldError(i, f"{references[i]!r}, which names no frame")
    read = [_read_frames(answer) for answer in predictions]
    named = [set(item.value or ()) for item in read]
    scores = [2 * len(frames & gold) / (len(frames) + len(gold)) for frames, gold in zip(named, golds)]
    return np.array(scores, dtype=np.float64), list(read), {}


FORMS: dict[str, Callable[[Answers, Answers], Scored]] = {
    "box_overlap": _boxes,
    "camera_position": _camera_positions,
    "number_list": _number_lists,
    "name_accuracy": _names,
    "order_accuracy": _orders,
    "frame_set": _frame_sets,
}
"""Name of a form -> how it is scored. Forms that are one number, one letter or yes or no are scored as in the
benchmark."""


def score_form(form: str, predictions: Sequence[object], references: Sequence[object]) -> Scored:
    """Scores of N answers of one form.

    Raises:
        GoldError: a gold that is not of the form.

    >>> scores, _, beside = score_form("order_accuracy", ["lamp, bed", "I cannot tell"], ["lamp, bed", "bed, lamp"])
    >>> scores, beside
    (array([1., 0.]), {'pair_accuracy': 0.5})
    """
    return FORMS[form](predictions, references)
