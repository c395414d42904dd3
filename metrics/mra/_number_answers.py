"""Answers that are one number: how each evaluator reads them, and their mean relative accuracy.

``spar`` is the evaluator of the SPAR repository, which lmms-eval took over; ``vlmevalkit`` is the rule-based mode of
VLMEvalKit (its spatial benchmarks).
"""

import ast
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._answers import VLMEVALKIT_INVISIBLE, VLMEVALKIT_THINK_MARKS, Compat, GoldError, Parsed, Status
from ._numbers import NUMBER_WORDS, parse_number
from ._relative_accuracy import float_scores, mra_scores

_UNSIGNED = re.compile(r"(?<!\^)\d+(?:\.\d+)?")

_SIGNED = re.compile(r"[-+]?(?:\d*\.\d+|\d+)(?:[eE][-+]?\d+)?")
_TAGGED = re.compile(
    rf"<\s*answer\b[^>]*>\s*({_SIGNED.pattern})(?:[^\d<][^<]*)?<\s*/\s*answer\s*>", re.IGNORECASE | re.DOTALL
)
_WORD = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)


def spar_number(answer: str, multi_view: bool) -> float | None:
    """First number of a single-view answer, last of a multi-view one; signs are dropped.

    >>> spar_number("red 1.5 and blue -2.0", multi_view=False), spar_number("red 1.5 and blue -2.0", multi_view=True)
    (1.5, 2.0)
    """
    numbers = _UNSIGNED.findall(answer)
    if not numbers:
        return None
    chosen = numbers[-1 if multi_view else 0]
    try:
        return float(chosen) if "." in chosen else float(int(chosen))
    except (OverflowError, ValueError):  # an integer too long for a float
        return None


def vlmevalkit_number(answer: str) -> float | None:
    """The number in the answer tag, else the last number after the reasoning, else the last of all.

    >>> vlmevalkit_number("two"), vlmevalkit_number("see Frame-4"), vlmevalkit_number("[1.5, 2.0]")
    (2.0, -4.0, 1.5)
    """
    if answer.strip().startswith("[") and answer.strip().endswith("]"):
        try:
            items = ast.literal_eval(answer)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
        answer = str(items[0]) if isinstance(items, list) and items else answer
    text = _WORD.sub(
        lambda word: str(NUMBER_WORDS.index(word[1].lower())), VLMEVALKIT_INVISIBLE.sub("", answer.strip())
    )
    if tagged := _TAGGED.search(text):
        return float(tagged[1])
    tail = text
    for mark in VLMEVALKIT_THINK_MARKS:
        if places := list(mark.finditer(text)):
            tail = text[places[-1].end() :]
            break
    numbers = _SIGNED.findall(tail) or _SIGNED.findall(text)
    return float(numbers[-1]) if numbers else None


def gold_numbers(references: Sequence[object]) -> NDArray[np.float64]:
    """(N,) golds as numbers.

    Raises:
        GoldError: a gold that is missing, no number or not finite.

    >>> gold_numbers(["2.0", 1])
    array([2., 1.])
    """
    golds = np.empty(len(references))
    for i, reference in enumerate(references):
        try:
            golds[i] = float(str(reference))
        except ValueError:
            golds[i] = np.nan
        if not np.isfinite(golds[i]):
            raise GoldError(i, f"{reference!r}; every item needs a finite number")
    return golds


def _read(answer: object, compat: Compat, multi_view: bool, unit: str | None) -> Parsed[float]:
    if answer is None:
        return Parsed(None, "empty")
    if compat is None:
        return parse_number(answer, unit)
    text = str(answer)
    value = vlmevalkit_number(text) if compat == "vlmevalkit" else spar_number(text, multi_view)
    status: Status = "ok" if value is not None else "malformed" if text.strip() else "empty"
    return Parsed(value, status)


def score_numbers(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    units: Sequence[str | None],
    multi_view: Sequence[bool],
    compat: Compat = None,
) -> tuple[NDArray[np.float64], list[Parsed[float]]]:
    """Mean relative accuracy of each of N answers, and how it was read.

    Args:
        predictions: (N,) numbers or answer texts.
        references: (N,) finite gold numbers.
        units: (N,) unit of each gold, or None to take numbers as written; unused with ``compat``.
        multi_view: (N,) whether the question shows several views; for the evaluator of SPAR only.
        compat: None, or the released evaluator whose scores to give.

    >>> scores, read = score_numbers(["190 cm"], [2.0], units=["m"], multi_view=[False])
    >>> scores, read
    (array([1.]), [Parsed(value=1.9, status='ok')])
    """
    golds = gold_numbers(references)
    read = [_read(answer, compat, views, unit) for answer, views, unit in zip(predictions, multi_view, units)]
    values = np.array([np.nan if item.value is None else item.value for item in read], dtype=np.float64)
    if compat is None:
        return mra_scores(values, golds), read
    if compat != "vlmevalkit":  # SPAR stands -1 in for a multi-view answer without a number
        texts = np.array([answer is not None for answer in predictions], dtype=bool)
        values = np.where(np.isnan(values) & np.array(multi_view, dtype=bool) & texts, -1.0, values)
    return float_scores(values, golds), read
