"""Answers that are a list of numbers of known length, such as length, width and height, and their relative accuracy."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._answers import MARKED, REFUSED, GoldError, Parsed, final_text, is_refusal, stated_lines
from ._numbers import THING_BEFORE, parse_number, unit_of
from ._relative_accuracy import mra_scores

NUMBER = re.compile(
    r"(?:(?<![\w.])[-+])?(?<![\w.])(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?(?!\.?\d)"
    r"(?![dD]\b)(?=\s*(?P<unit>[A-Za-z]+)?)",  # "3D" is no number
    re.ASCII,
)
_TIMES = re.compile(r"(?<=[\d.m])\s*[x*\u00d7]\s*(?=\.?\d)", re.I)
_MARKER = re.compile(MARKED, re.I)

Numbers = tuple[float, ...]


def _values(text: str, units: Sequence[str | None]) -> Numbers | None:
    """The numbers of a text, each in its unit; None unless they are as many as ``units``, or the same list repeated."""
    found = list(NUMBER.finditer(text))
    if len(found) % len(units) or not found:
        found = [n for n in found if not THING_BEFORE.search(text, max(0, n.start() - 40), n.start())]
    if len(found) % len(units) or not found:
        return None
    values, following = [], ""
    for position, match in reversed(list(enumerate(found))):
        following = match["unit"] if match["unit"] and unit_of(match["unit"]) else following
        unit = units[position % len(units)]
        value = parse_number(f"{match[0]} {following}" if unit else match[0], unit).value
        if value is None:
            return None
        values.append(value)
    lists = {tuple(reversed(values[i : i + len(units)])) for i in range(0, len(values), len(units))}
    return lists.pop() if len(lists) == 1 else None


def parse_numbers(answer: object, count: int, unit: str | Sequence[str | None] | None = None) -> Parsed[Numbers]:
    """Read exactly ``count`` numbers; a comma separates them.

    Where the text holds other numbers too, what is marked as the answer or ends it is read. A refusal that is not
    followed by a marked answer is one; several different lists are ambiguous, any other count is malformed.

    Args:
        answer: the text; None is empty.
        count: how many there must be.
        unit: unit wanted, of all or of each number; numbers that state another of its dimension are converted. A unit
            at the end of a list holds for the numbers before it that state none.

    >>> parse_numbers("[120, 340,560,780]", 4).value, parse_numbers("0.5 x 0.4 x 0.3 m", 3, "cm").value
    ((120.0, 340.0, 560.0, 780.0), (50.0, 40.0, 30.0))
    >>> [parse_numbers(text, 3).status for text in ("", "I cannot tell", "1, 2", "1, 2, 3 or 4, 5, 6")]
    ['empty', 'refused', 'malformed', 'ambiguous']
    """
    units = [unit] * count if unit is None or isinstance(unit, str) else list(unit)
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    text = _TIMES.sub(", ", final.value)
    marks = list(_MARKER.finditer(text))
    marked = text[marks[-1].end() :] if marks else ""
    if not marked and REFUSED.search(text):
        return Parsed(None, "refused")
    for part in (text, marked, *stated_lines(text)[-1:]):
        values = None if REFUSED.search(part) else _values(part, units)
        if values is not None:
            return Parsed(values, "ok")
    several = len(NUMBER.findall(text))
    lists = several > count and several % count == 0
    return Parsed(None, "refused" if is_refusal(text) else "ambiguous" if lists else "malformed")


def gold_lists(references: Sequence[object], form: str, count: int | None = None) -> list[Numbers]:
    """The golds as lists of numbers.

    Args:
        form: what a gold should be, in words.
        count: how many numbers a gold has; None: any.

    Raises:
        GoldError: a gold with another count of numbers.

    >>> gold_lists(["120, 60, 75"], "length, width, height")
    [(120.0, 60.0, 75.0)]
    """
    golds = []
    for i, reference in enumerate(references):
        numbers = NUMBER.findall(str(reference))
        gold = parse_numbers(reference, count or max(1, len(numbers))).value
        if gold is None:
            raise GoldError(i, f"{reference!r}, not {form}")
        golds.append(gold)
    return golds


def score_number_lists(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    units: Sequence[str | None],
    count: int | None = None,
) -> tuple[NDArray[np.float64], list[Parsed[Numbers]]]:
    """Mean relative accuracy of each of N answers over the numbers of its gold, and how it was read.

    Args:
        predictions: (N,) answer texts.
        references: (N,) golds such as "120, 60, 75"; an answer must have as many numbers.
        units: (N,) unit of each gold's numbers, or None to take numbers as written.
        count: how many numbers every gold must have; None: any.

    Raises:
        GoldError: a gold without numbers, or with another count.

    >>> score_number_lists(["1.2 x 0.3 x 0.75 m"], ["120, 60, 75"], units=["cm"])[0].round(3)
    array([0.7])
    """
    golds = gold_lists(references, "a list of numbers" if count is None else f"{count} numbers", count)
    read = [parse_numbers(answer, len(gold), unit) for answer, gold, unit in zip(predictions, golds, units)]
    scores = [
        0.0 if item.value is None else round(float(mra_scores(item.value, gold).sum()), 9) / len(gold)
        for item, gold in zip(read, golds)
    ]
    return np.array(scores, dtype=np.float64), read
