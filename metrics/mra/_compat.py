"""What two released evaluators compute for the numeric questions of SPAR-Bench, slips included.

``spar`` is the evaluator of the SPAR repository, which lmms-eval took over; ``vlmevalkit`` is the rule-based mode of
VLMEvalKit (its spatial benchmarks). Both compare binary floats with the thresholds, so an error exactly on a threshold
may score 0.1 less than it should.
"""

import ast
import re

import numpy as np
from numpy.typing import NDArray

from ._answers import NUMBER_WORDS

_UNSIGNED = re.compile(r"(?<!\^)\d+(?:\.\d+)?")

_SIGNED = re.compile(r"[-+]?(?:\d*\.\d+|\d+)(?:[eE][-+]?\d+)?")
_TAGGED = re.compile(
    rf"<\s*answer\b[^>]*>\s*({_SIGNED.pattern})(?:[^\d<][^<]*)?<\s*/\s*answer\s*>", re.IGNORECASE | re.DOTALL
)
_WORD = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b\u200c\u200d\ufeff]")
_THINK_MARKS = (re.compile(r"<\s*/\s*think\s*>", re.IGNORECASE), re.compile(r"<\s*think\s*>", re.IGNORECASE))


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
    text = _WORD.sub(lambda word: str(NUMBER_WORDS.index(word[1].lower())), _INVISIBLE.sub("", answer.strip()))
    if tagged := _TAGGED.search(text):
        return float(tagged[1])
    tail = text
    for mark in _THINK_MARKS:
        if places := list(mark.finditer(text)):
            tail = text[places[-1].end() :]
            break
    numbers = _SIGNED.findall(tail) or _SIGNED.findall(text)
    return float(numbers[-1]) if numbers else None


def float_scores(predictions: NDArray[np.float64], references: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) MRA with the ten thresholds and the errors as binary floats; NaN predictions score 0."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        error = np.abs(predictions - references)
        relative = np.abs((predictions - references) / references)
    error = np.where(references == 0, error, relative)
    return (error[:, None] <= 1 - np.linspace(0.5, 0.95, 10)).mean(axis=1)
