"""Answers that are a camera motion of five parts: how each evaluator reads them, and their score.

The published form is ``move_right:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_left:90`` (SPAR-Bench,
view_change_infer), in metres and degrees. A motion has five signed parts: right, up, forward, rotation to the right,
rotation up; the score is the mean of their five relative accuracies (MRA) with the gold as denominator.

``spar`` is the evaluator of the SPAR repository, which lmms-eval took over: it swaps prediction and gold, so that the
prediction becomes the denominator, wants the published spelling to the letter and scores 0 where any part has another.
``vlmevalkit`` is the evaluator of VLMEvalKit: it skips what it cannot read, and takes parts that are not there for 0.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._answers import MARKED, Compat, GoldError, Parsed, final_text, is_refusal
from ._numbers import unit_of
from ._relative_accuracy import float_scores, mra_scores

PARTS = ("move_right", "move_up", "move_forward", "rotate_right", "rotate_up")
_OPPOSITES = ("move_left", "move_down", "move_backward", "rotate_left", "rotate_down")

_PART = re.compile(
    r"(?<![A-Za-z])(?P<verb>move(?:ment)?|rotat(?:e|ion)|turn)[\s_-]*"
    r"(?P<way>left|right|upwards?|up|downwards?|down|forwards?|backwards?|back)(?![A-Za-z])"
    r"[\s\"'_]*(?:by\b)?\s*[:=]?\s*(?:(?:~|\u2248|(?:about|around|roughly|approximately)\b|approx\b\.?)\s*)?"
    r"(?P<number>[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?)(?!\.?\d|,\d)"
    r"(?=\s*(?P<unit>[A-Za-z]+|\u00b0)?)",
    re.I | re.ASCII,
)
_SECOND_NUMBER = re.compile(
    r"\s*(?:(?!or\b|to\b)[A-Za-z]+|\u00b0)?\s*(?:\bor\b|\bto\b|[-\u2013\u2014~/])\s*[-+]?\.?\d", re.I
)
_SEVERAL = Decimal("NaN")  # value of a part such as "1.2 or 1.5", "1.2-1.5 m"
_MARKER = re.compile(MARKED, re.I)
_WAYS = {"for": "forward", "back": "backward"}
_DIMENSIONS = {"move": "length", "rotate": "angle"}


class Motion(NamedTuple):
    """The five parts in m, m, m, degrees, degrees; None for a part that is not stated."""

    right: float | None
    up: float | None
    forward: float | None
    rotate_right: float | None
    rotate_up: float | None


def _in_base_unit(number: str, unit: str | None, verb: str) -> Decimal | None:
    """Metres or degrees; None where the unit is of another dimension. A word that is no unit is none."""
    known = unit_of(unit) if unit else None
    if known is None:
        return Decimal(number)
    return Decimal(number) * known[1] if known[0] == _DIMENSIONS[verb] else None


def _stated(text: str) -> dict[str, set[Decimal]]:
    """Key in the published spelling -> the values stated for it."""
    found: dict[str, set[Decimal]] = {}
    for part in _PART.finditer(text):
        verb, way = "move" if part["verb"][0] in "mM" else "rotate", re.sub("wards?$", "", part["way"].lower())
        key = f"{verb}_{_WAYS.get(way, way)}"
        value: Decimal | None
        if _SECOND_NUMBER.match(text, part.end("number")):
            value = _SEVERAL
        else:
            value = _in_base_unit(part["number"], part["unit"], verb)
        if value is not None and key in (*PARTS, *_OPPOSITES):
            found.setdefault(key, set()).add(value)
    return found


def _undisputed(final: str) -> dict[str, set[Decimal]] | None:
    """The parts of the whole text; where it states several motions, of what is marked as the answer or ends it."""
    marks = list(_MARKER.finditer(final))
    lines = [line for line in final.splitlines() if _PART.search(line)]
    for text in (final, *([final[marks[-1].end() :]] if marks else []), *lines[-1:]):
        stated = _stated(text)
        if stated and all(len(values) == 1 for values in stated.values()):
            return stated
    return None


def parse_motion(answer: object) -> Parsed[Motion]:
    """Read the motion that an answer states, in any spelling of its parts.

    "move right 1.2 m", "Move_Back: 40 cm" and "turn left = 90 degrees" are read too; where both directions of a part
    are given, the difference counts (as published); two values for one direction are ambiguous. Parts that are not
    stated, or stated as "1.2 or 1.5", are None, and an answer without any is malformed.

    >>> parse_motion("move_right:1.2, move_up:0.4, move_back:1.4, rotate_up:5, rotate left: 90 degrees").value
    Motion(right=1.2, up=0.4, forward=-1.4, rotate_right=-90.0, rotate_up=5.0)
    >>> [parse_motion(text).status for text in ("", "I cannot tell", "to the left", "move_up:1 or move_up:2")]
    ['empty', 'refused', 'malformed', 'ambiguous']
    """
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    text = final.value
    if not _stated(text):
        return Parsed(None, "refused" if is_refusal(text) else "malformed")
    stated = _undisputed(text)
    if stated is None:
        return Parsed(None, "ambiguous")
    parts: list[float | None] = []
    for positive, negative in zip(PARTS, _OPPOSITES):
        there = [sign * value for key, sign in ((positive, 1), (negative, -1)) for value in stated.get(key, ())]
        parts.append(None if not there or any(map(isnan, there)) else float(sum(there, Decimal(0))) + 0.0)
    if not any(part is not None for part in parts):
        return Parsed(None, "ambiguous")
    if None in parts and is_refusal(text):
        return Parsed(None, "refused")
    return Parsed(Motion(*parts), "ok")


def motion_scores(motions: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) scores of N motions (N, 5) against true ones; a part that is NaN scores 0.

    >>> motion_scores(np.array([[1.0, 0, 0, 0, np.nan]]), np.array([[1.2, 0, 0, 0, 0]]))
    array([0.74])
    """
    tenths = np.rint(10 * mra_scores(motions.ravel(), others.ravel())).reshape(motions.shape)
    return tenths.sum(axis=1) / (10 * len(PARTS))


def _spar_parts(text: str) -> dict[str, float] | None:
    try:
        return {key: float(value) for key, value in (part.split(":") for part in text.split(","))}
    except ValueError:
        return None


def _vlmevalkit_parts(text: str) -> dict[str, float]:
    parts = {}
    for part in text.split(","):
        key, colon, value = part.partition(":")
        try:
            if colon:
                parts[key.strip()] = float(value.strip())
        except ValueError:
            continue
    return parts


def _released_score(answer: str, reference: str, compat: Compat) -> tuple[float, Parsed[Motion]]:
    read = _vlmevalkit_parts if compat == "vlmevalkit" else _spar_parts
    prediction, gold = read(answer), read(reference)
    unread = Parsed[Motion](None, "malformed" if answer.strip() else "empty")
    if prediction is None or gold is None:
        return 0.0, unread
    p, g = (
        np.array([parts.get(right, 0.0) - parts.get(left, 0.0) for right, left in zip(PARTS, _OPPOSITES)])
        for parts in (prediction, gold)
    )
    scores = float_scores(p, g) if compat == "vlmevalkit" else float_scores(g, p)
    named = not set(prediction).isdisjoint((*PARTS, *_OPPOSITES))
    return float(scores.mean()), Parsed(Motion(*p.tolist()), "ok") if named else unread


def gold_motions(references: Sequence[object]) -> list[Motion]:
    """The golds as motions.

    Raises:
        GoldError: a gold that states no motion.
    """
    golds = []
    for i, reference in enumerate(references):
        parsed = parse_motion(reference)
        if parsed.value is None:
            raise GoldError(i, f"{reference!r}; expected parts like 'move_right:1.2,rotate_up:5'")
        golds.append(parsed.value)
    return golds


def score_motions(
    predictions: Sequence[object], references: Sequence[object], *, compat: Compat = None
) -> tuple[NDArray[np.float64], list[Parsed[Motion]]]:
    """Score of each of N answers, 0 to 1, and how it was read.

    A part that the answer leaves out scores 0 unless the gold leaves it out too; left out of the gold alone it is 0.

    Args:
        predictions: (N,) answer texts.
        references: (N,) golds in the published form.
        compat: None, or the released evaluator whose scores to give.

    >>> score_motions(["move_right:1.0"], ["move_right:1.2,move_up:0.0"])[0]
    array([0.74])
    """
    golds = gold_motions(references)
    if compat is not None:
        given: list[tuple[float, Parsed[Motion]]] = [
            (0.0, Parsed(None, "empty")) if answer is None else _released_score(str(answer), str(reference), compat)
            for answer, reference in zip(predictions, references)
        ]
        return np.array([score for score, _ in given], dtype=np.float64), [item for _, item in given]
    read = [parse_motion(answer) for answer in predictions]
    silent = Motion(None, None, None, None, None)
    p = np.array([item.value or silent for item in read], dtype=np.float64).reshape(-1, len(PARTS))
    g = np.array(golds, dtype=np.float64).reshape(-1, len(PARTS))
    unread = np.array([item.value is None for item in read], dtype=bool)[:, None]
    return motion_scores(np.where(np.isnan(p) & np.isnan(g) & ~unread, 0.0, p), np.nan_to_num(g)), read
