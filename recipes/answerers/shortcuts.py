"""Shortcuts as answerers of multiple-choice questions that compare objects: each is one hypothesis about a model.

* ``higher-is-farther`` takes the higher of the two compared objects for the farther one.
* ``bigger-is-closer`` takes the one with the larger box for the closer one.

Both look at the pair that the row's tag is about (``far_object``, ``near_object``), not at the other options of the
question: so the first scores 1 on every consistent row and 0 on every counter row. Of three distractors that are all
compared, each has to agree. Where a shortcut says nothing (a question that is not about depth, a tie) it guesses as the
baseline ``random`` does.
"""

from collections.abc import Callable, Sequence
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from recipes.answerers.answerer import Answer
from recipes.answerers.baselines import Baseline, MakeBaseline, RandomGuess, timed
from recipes.answerers.yes_no import box_area
from recipes.questions import Row
from recipes.shortcut_boxes import pair_boxes

Evidence = Callable[[Row], float]
"""Positive where a shortcut takes the farther object of a pair for the farther one, negative where for the nearer one;
0 where it says nothing."""


def _height(row: Row) -> float:
    return row["vertical_gap"] or 0.0


def _size(row: Row) -> float:
    pair = pair_boxes(row)
    return min(map(box_area, pair.near)) - max(map(box_area, pair.far)) if pair else 0.0


class Shortcut(Baseline):
    """From evidence."""

    def __init__(self, evidence: Evidence, reads_images: bool, all_rows: Sequence[Row], seed: int) -> None:
        self.reads_images = reads_images
        self._evidence = evidence
        self._random = RandomGuess(all_rows, seed)

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        return timed(rows, self._choose)

    def _choose(self, row: Row) -> str:
        evidence = self._evidence(row) if row["heuristic"] else 0.0
        if not evidence:
            return self._random.answer([row])[0].raw_text
        return row["answer"] if evidence > 0 else _misled(row)

    def expected(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        evidence = np.array([self._evidence(row) if row["heuristic"] else 0.0 for row in rows])
        return np.where(evidence == 0, self._random.expected(rows), evidence > 0)


def _misled(row: Row) -> str:
    """The letter of the object that the answer is compared with, the first of several."""
    compared = {*row["far_object"].split("; "), *row["near_object"].split("; ")}
    others = [(letter, text) for letter, text in zip(ascii_uppercase, row["options"]) if letter != row["answer"]]
    return next((letter for letter, text in others if text in compared), others[0][0])


SHORTCUTS: dict[str, MakeBaseline] = {
    "higher-is-farther": lambda all_rows, seed: Shortcut(_height, False, all_rows, seed),
    "bigger-is-closer": lambda all_rows, seed: Shortcut(_size, True, all_rows, seed),
}
"""NAME of ``baseline:NAME`` -> maker."""
