"""Answerers that look at no picture: the ceiling and the floors of a benchmark.

Each knows the score it must reach: ``expected`` is its mean score on a row in closed form, so that a measurement can
be held against theory. The golds a baseline draws from are those of ALL rows of the split, whatever part is answered.

* ``oracle`` gives the gold answer: 1.
* ``random`` draws a letter of the row's options, or yes or no where a claim is judged: 1 / number of options. Where
  there is nothing to choose from it gives the gold of a uniformly random row of the same task and format: the mean
  score of all those golds against this one. (The paper's random row drew among four letters even where a question has
  two.)
* ``frequency`` gives the most frequent gold of the task and format, the smallest of several: the share of that letter,
  or the mean score of that answer (SPAR, table 4, "Chance Level (Frequency)").
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from string import ascii_uppercase
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from builders.randomness import generator
from recipes.answerers.answerer import Answer, Answerer, answer_from_text
from recipes.grading import GRADERS, grader_of
from recipes.questions import Row

Form = tuple[str, str]
"""Task and format."""


class Baseline(Answerer, Protocol):
    """An answerer whose expected score has a closed form."""

    def expected(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """(N,) expected score of each row, 0 to 1."""
        ...


class Oracle(Baseline):
    """Gives the gold answer: shows that reading and scoring lose nothing."""

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        return timed(rows, lambda row: row["answer"])

    def expected(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        return np.ones(len(rows))


class RandomGuess(Baseline):
    """Guesses with the task in mind but not the question; the draw depends on the seed and the row's ``uid`` alone."""

    def __init__(self, all_rows: Sequence[Row], seed: int) -> None:
        self._golds = {form: sorted(golds) for form, golds in _golds_by_form(all_rows).items()}
        self._seed = seed

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        return timed(rows, self._guess)

    def _guess(self, row: Row) -> str:
        rng = generator("baseline:random", self._seed, row["uid"])
        pool = _choices(row) or self._golds[_form(row)]
        return pool[int(rng.integers(len(pool)))]

    def expected(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        distinct = {form: np.unique(golds, return_counts=True) for form, golds in self._golds.items()}

        @cache
        def against(form: Form, metric: str, gold: str) -> float:
            values, counts = distinct[form]
            scores = GRADERS[metric].compare(values.tolist(), [gold] * len(values))
            return float(scores @ counts / counts.sum())

        return np.array([
            1 / len(_choices(row)) if _choices(row) else against(_form(row), row["metric"], row["answer"])
            for row in rows
        ])


class MostFrequent(Baseline):
    """Always gives the most frequent gold answer of the task."""

    def __init__(self, all_rows: Sequence[Row], seed: int) -> None:
        self._modes = {form: _mode(golds) for form, golds in _golds_by_form(all_rows).items()}

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        return timed(rows, lambda row: self._modes[_form(row)])

    def expected(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        return np.array([grader_of(row).compare([self._modes[_form(row)]], [row["answer"]])[0] for row in rows])


MakeBaseline = Callable[[Sequence[Row], int], Baseline]
"""(All rows of the split, seed) -> baseline."""

BASELINES: dict[str, MakeBaseline] = {
    "oracle": lambda all_rows, seed: Oracle(),
    "random": RandomGuess,
    "frequency": MostFrequent,
}
"""NAME of ``baseline:NAME`` -> maker."""


def make_baseline(
    name: str, all_rows: Sequence[Row], seed: int, known: Mapping[str, MakeBaseline] = BASELINES
) -> Baseline:
    """The baseline of that name; ``InputError`` for one that is not ``known``."""
    if name not in known:
        raise InputError(f"--model baseline:{name}: unknown baseline; choose one of: {', '.join(known)}")
    return known[name](all_rows, seed)


def timed(rows: Sequence[Row], give: Callable[[Row], str]) -> list[Answer]:
    """The answers that a function gives, each with its time."""
    answers = []
    for row in rows:
        start = perf_counter()
        text = give(row)
        answers.append(answer_from_text(row, text, perf_counter() - start))
    return answers


def _form(row: Row) -> Form:
    return row["task"], row["format_type"]


def _choices(row: Row) -> Sequence[str]:
    """What a row offers to choose from; empty where the answer is free."""
    letters = ascii_uppercase[: len(row["options"])]
    return letters or (("Yes", "No") if row["format_type"] == "judge" else ())


def _golds_by_form(rows: Sequence[Row]) -> dict[Form, list[str]]:
    golds: dict[Form, list[str]] = {}
    for row in rows:
        golds.setdefault(_form(row), []).append(row["answer"])
    return golds


def _mode(golds: Sequence[str]) -> str:
    counts = Counter(golds)
    return min(counts, key=lambda gold: (-counts[gold], _as_number(gold), gold))


def _as_number(gold: str) -> float:
    try:
        return float(gold)
    except ValueError:
        return 0.0  # letters and words: the alphabet decides
