"""Answerers of SpatialTunnel's yes/no questions that look at no picture: each is one hypothesis about a model.

An answer's ``margin`` is logit_yes - logit_no; these answerers are certain (infinite) or undecided (0).

* ``oracle`` knows: v = 1, delta = 0.
* ``random`` flips a coin for each question: v = 0.5, delta = 0.
* ``always-yes`` says Yes: v = 0.5, delta = 0, exactly, because two of a picture's four questions are true.
* ``higher-is-farther`` takes the object that is higher in the image for the farther one, and is undecided in ties:
  v = 0.5, delta = 1 on phase_variation.
* ``bigger-is-closer`` takes the object with the larger box for the closer one: delta = 0 on phase_variation, whose
  classes are mirror images of each other; delta_s = 1 on size_variation.
"""

import math
from collections.abc import Callable, Sequence
from time import perf_counter

from builders.randomness import generator
from metrics._shared.yes_no import parse_yes_no
from recipes.answerers.answerer import Answer, Answerer
from recipes.questions import Row

Belief = Callable[[Row, int], float]
"""Probability that the farther object of the columns IS the farther one, or of Yes; from the row and the seed."""


def _always_yes(row: Row, seed: int) -> float:
    return 1.0


def _oracle(row: Row, seed: int) -> float:
    return float(row["answer"] == "Yes")


def _random(row: Row, seed: int) -> float:
    return float(generator("baseline:random", seed, row["uid"]).integers(2))


def _higher_is_farther(row: Row, seed: int) -> float:
    return _yes_if(row, row["vertical_gap"])


def _bigger_is_closer(row: Row, seed: int) -> float:
    return _yes_if(row, box_area(row["bbox_near"]) - box_area(row["bbox_far"]))


def _yes_if(row: Row, evidence: float) -> float:
    """Probability of Yes for who believes what the sign of the evidence says of which object is farther; 0 says
    nothing."""
    believed = 0.5 + math.copysign(0.5, evidence) if evidence else 0.5
    return believed if row["answer"] == "Yes" else 1 - believed


def box_area(box: Sequence[float]) -> float:
    """Of x1, y1, x2, y2."""
    return (box[2] - box[0]) * (box[3] - box[1])


YES_NO_BASELINES: dict[str, Belief] = {
    "oracle": _oracle,
    "random": _random,
    "always-yes": _always_yes,
    "higher-is-farther": _higher_is_farther,
    "bigger-is-closer": _bigger_is_closer,
}
"""NAME of ``baseline:NAME`` -> probability of Yes, of a row and a seed."""


class YesNoBaseline(Answerer):
    """From a belief."""

    def __init__(self, belief: Belief, seed: int) -> None:
        self._belief = belief
        self._seed = seed

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Answer:
        start = perf_counter()
        p_yes = self._belief(row, self._seed)
        margin = 0.0 if p_yes == 0.5 else math.copysign(math.inf, p_yes - 0.5)
        return answer_of_margin(margin, perf_counter() - start)


def answer_of_yes_no_text(text: str, seconds: float) -> Answer:
    """The answer that a text commits to, as a certain one: v is then exact match."""
    parsed = parse_yes_no(text)
    certain = {"Yes": math.inf, "No": -math.inf}.get(parsed.value or "")
    return Answer(text, parsed.value, parsed.status, certain, seconds)


def answer_of_lean(margin: float, text: str, seconds: float) -> Answer:
    """A margin, and beside it the answer that a text commits to."""
    parsed = parse_yes_no(text)
    return Answer(text, parsed.value, parsed.status, margin, seconds)


def answer_of_margin(margin: float, seconds: float) -> Answer:
    """The answer that logit_yes - logit_no commits to, where nothing was written; none where it is 0."""
    text = "Yes" if margin > 0 else "No" if margin < 0 else None
    return Answer("", text, "ok" if text else "ambiguous", margin, seconds)
