"""Scores of the answer forms of SPAR-7M that SPAR-Bench does not ask: boxes, image points, orders, sets, yes or no.

No paper defines these; they are this project's choice and never enter the average. Answers are read as strictly as
elsewhere: what commits to no answer of the form scores 0 and is counted. Image coordinates run from 0 to 1000 on both
axes (px1000), with the origin at the top left.
"""

import re
from collections.abc import Callable, Sequence
from itertools import combinations
from math import hypot, nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._answers import GoldError, Parsed, final_text, is_refusal
from ._choices import parse_choice, plain_text
from ._numbers import parse_number, unit_of
from ._relative_accuracy import mra_scores

_NUMBER = re.compile(
    r"(?:(?<![\w.])[-+])?(?<![\w.])(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?(?!\.?\d)(?=\s*(?P<unit>[A-Za-z]+)?)",
    re.ASCII,
)
_YES_OR_NO = re.compile(r"\b(yes|no)\b", re.I)
_STARTS_SO = re.compile(r"\W*(yes|no)\b(?!\s*(?:/|or\b|and\b|idea\b))", re.I)
_BETWEEN_ITEMS = re.compile(r"[,;>\n\u2192]|->")
_FRAME_RANGE = re.compile(r"\d\s*(?:-|\u2013|to|through)\s*(?:frame\W*)?\d", re.I)


class _NotOfTheForm(ValueError):
    """A gold that is not of its form; the message shows it."""


class FormScore(NamedTuple):
    """One answer, scored."""

    score: float
    """0 to 1."""
    read: Parsed[Any]
    extra: float = nan
    """What the form reports beside the score; NaN where the answer has none."""


class Form(NamedTuple):
    """How answers of one form are scored."""

    score: Callable[[object, str], FormScore]
    """Answer and gold to the score; ``_NotOfTheForm`` for a gold of another form."""
    extra: str = ""
    """Key of the mean of ``extra`` over the answers that have one."""


def parse_numbers(answer: object, count: int, unit: str | None = None) -> Parsed[tuple[float, ...]]:
    """Read exactly ``count`` numbers; a comma separates them. Fewer are malformed, more are ambiguous.

    Args:
        answer: the text.
        count: how many there must be.
        unit: unit wanted; numbers that state another of its dimension are converted. A unit at the end of a list holds
            for the numbers before it that state none.

    >>> parse_numbers("[120, 340,560,780]", 4).value, parse_numbers("0.5 x 0.4 x 0.3 m", 3, "cm").value
    ((120.0, 340.0, 560.0, 780.0), (50.0, 40.0, 30.0))
    """
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    found = list(_NUMBER.finditer(final.value))
    if len(found) != count:
        status = "refused" if is_refusal(final.value) else "ambiguous" if len(found) > count else "malformed"
        return Parsed(None, status)  # type: ignore[arg-type]
    values, following = [], ""
    for match in reversed(found):
        following = match["unit"] if match["unit"] and unit_of(match["unit"]) else following
        value = parse_number(f"{match[0]} {following}" if unit else match[0], unit).value
        if value is None:
            return Parsed(None, "malformed")
        values.append(value)
    return Parsed(tuple(reversed(values)), "ok")


def _gold_numbers(reference: str, count: int, form: str) -> tuple[float, ...]:
    gold = parse_numbers(reference, count).value
    if gold is None:
        raise _NotOfTheForm(f"{reference!r}, not {form}")
    return gold


def box_iou(box: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2).

    >>> box_iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    area, other_area = ((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (box, other))
    width = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    height = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    shared = width * height
    return shared / (area + other_area - shared)


def _box(answer: object, reference: str) -> FormScore:
    """2D box x1, y1, x2, y2 in px1000; the score is the IoU."""
    gold = _gold_numbers(reference, 4, "a box x1, y1, x2, y2")
    if not (gold[0] < gold[2] and gold[1] < gold[3]):
        raise _NotOfTheForm(f"{reference!r}, a box without area")
    read = parse_numbers(answer, 4)
    if read.value is not None and not (read.value[0] < read.value[2] and read.value[1] < read.value[3]):
        read = Parsed(None, "malformed")
    if read.value is None:
        return FormScore(0.0, read, 0.0)
    iou = box_iou(read.value, gold)
    return FormScore(iou, read, float(iou >= 0.5))


def _image_point(answer: object, reference: str) -> FormScore:
    """u, v in px1000 and depth in m; the score is the MRA of the depth, the extra the point's distance in px1000."""
    gold = _gold_numbers(reference, 3, "an image point and a depth: u, v, depth")
    read = parse_numbers(answer, 3)
    if read.value is None:
        return FormScore(0.0, read)
    (u, v, depth), (gold_u, gold_v, gold_depth) = read.value, gold
    return FormScore(float(mra_scores([depth], [gold_depth])[0]), read, hypot(u - gold_u, v - gold_v))


def _extents(answer: object, reference: str) -> FormScore:
    """Length, width and height in cm; the score is the mean of the three MRAs."""
    gold = _gold_numbers(reference, 3, "length, width, height")
    read = parse_numbers(answer, 3, "cm")
    return FormScore(0.0 if read.value is None else float(mra_scores(read.value, gold).mean()), read)


def _yes_no(answer: object, reference: str) -> FormScore:
    gold = reference.strip().strip(".").lower()
    if gold not in ("yes", "no"):
        raise _NotOfTheForm(f"{reference!r}, neither Yes nor No")
    final = final_text(answer)
    if final.value is None:
        return FormScore(0.0, Parsed(None, final.status))
    if start := _STARTS_SO.match(final.value):
        read = Parsed(start[1].lower(), "ok")
    else:
        letter, status = parse_choice(final.value, ["Yes", "No"])
        if status == "ok" and not _YES_OR_NO.search(final.value):  # "A" is no answer to a yes-or-no question
            letter, status = None, "malformed"
        read = Parsed({"A": "yes", "B": "no"}.get(letter or ""), status)
    return FormScore(float(read.value == gold), read)


def kendall_tau(order: Sequence[str], reference: Sequence[str]) -> float:
    """Kendall's tau of two orders of the same distinct items, -1 to 1; NaN for fewer than two items.

    >>> kendall_tau(["a", "c", "b"], ["a", "b", "c"])
    0.3333333333333333
    """
    rank = {item: i for i, item in enumerate(order)}
    signs = [1 if rank[one] < rank[other] else -1 for one, other in combinations(reference, 2)]
    return sum(signs) / len(signs) if signs else nan


def _order(answer: object, reference: str) -> FormScore:
    """Names in order; the score is 1 for the exact order, the extra is Kendall's tau."""
    gold = [name for part in _BETWEEN_ITEMS.split(reference) if (name := plain_text(part))]
    if not gold or len(set(gold)) < len(gold):
        raise _NotOfTheForm(f"{reference!r}, no list of different names")
    final = final_text(answer)
    if final.value is None:
        return FormScore(0.0, Parsed(None, final.status))
    longest_first = sorted(map(re.escape, gold), key=len, reverse=True)
    one_name = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")
    parts = [part for part in _BETWEEN_ITEMS.split(final.value.lower()) if re.search(r"[^\W\d_]", part)]
    named = [one_name.findall(" ".join(part.split())) for part in parts]
    order = [item for items in named for item in items]
    if sorted(order) == sorted(gold) and all(named):
        return FormScore(float(order == gold), Parsed(order, "ok"), kendall_tau(order, gold))
    status = "refused" if is_refusal(final.value) else "ambiguous" if len(order) > len(gold) else "malformed"
    return FormScore(0.0, Parsed(None, status))  # type: ignore[arg-type]


def _frames(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"(?<![\d.])\d{1,9}(?![\d.]*\d)", text)}


def _frame_set(answer: object, reference: str) -> FormScore:
    """Frame numbers in any order; the score is the F1 of the two sets."""
    gold = _frames(reference)
    if not gold:
        raise _NotOfTheForm(f"{reference!r}, which names no frame")
    final = final_text(answer)
    if final.value is None:
        return FormScore(0.0, Parsed(None, final.status))
    if _FRAME_RANGE.search(final.value):  # "3-5" may mean three frames or two
        return FormScore(0.0, Parsed(None, "ambiguous"))
    frames = _frames(final.value)
    if not frames or is_refusal(final.value):
        return FormScore(0.0, Parsed(None, "refused" if is_refusal(final.value) else "malformed"))
    return FormScore(2 * len(frames & gold) / (len(frames) + len(gold)), Parsed(sorted(frames), "ok"))


FORMS: dict[str, Form] = {
    "box_iou": Form(_box, "accuracy_at_50"),
    "image_point": Form(_image_point, "point_error"),
    "yes_no": Form(_yes_no),
    "order": Form(_order, "kendall_tau"),
    "frame_set": Form(_frame_set),
    "extents": Form(_extents),
}
"""Name of a form -> how it is scored. Forms that are one number or one letter are scored as in the benchmark."""


def score_form(
    form: str, predictions: Sequence[object], references: Sequence[object]
) -> tuple[NDArray[np.float64], list[Parsed[Any]], dict[str, float]]:
    """Scores (N,) from 0 to 1, the answers as read, and the means of what else the form reports.

    Raises:
        GoldError: a gold that is not of the form.

    >>> score_form("yes_no", ["Yes, it is.", "I cannot tell"], ["Yes", "No"])[0]
    array([1., 0.])
    """
    rule = FORMS[form]
    scored = []
    for i, (answer, reference) in enumerate(zip(predictions, references)):
        try:
            scored.append(rule.score(answer, str(reference)))
        except _NotOfTheForm as error:
            raise GoldError(i, str(error)) from None
    extras = [item.extra for item in scored if item.extra == item.extra]
    means = {rule.extra: float(np.mean(extras)) if extras else nan} if rule.extra else {}
    return np.array([item.score for item in scored], dtype=np.float64), [item.read for item in scored], means
