"""Guessing without looking: strategies that see a question and its options, and no picture.

A benchmark is only as good as its best blind guesser is bad. Each strategy gives every option a score; it picks the
highest, and ties count in parts. What can be learned is learned from the rows of the train split.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import log
from statistics import median
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from builders.spar.choices import LETTERS

Row = dict[str, Any]


class Strategy(Protocol):
    """A guesser; ``fit`` is called once, with train rows of one task."""

    def fit(self, rows: Sequence[Row]) -> None: ...

    def scores(self, row: Row) -> list[float]:
        """One per option; the highest is picked."""
        ...


class Rule:
    """A strategy that learns nothing: a score of an option among the options."""

    def __init__(self, score: Callable[[str, Sequence[str], Row], float]) -> None:
        self._score = score

    def fit(self, rows: Sequence[Row]) -> None:
        pass

    def scores(self, row: Row) -> list[float]:
        return [self._score(option, row["options"], row) for option in row["options"]]


class MostFrequentAnswer:
    """Picks the option that was gold most often."""

    def fit(self, rows: Sequence[Row]) -> None:
        self._counts = Counter(gold_option(row) for row in rows)

    def scores(self, row: Row) -> list[float]:
        return [self._counts[option] for option in row["options"]]


class BagOfWords:
    """Logistic regression over which words of the question go with which words of an option (and with its length and
    numbers, in steps). Words have no order: unless ``pairs``, which adds neighbouring words, it cannot tell which name
    carries which marker."""

    SIZE = 1 << 16
    RIDGE = 3.0

    def __init__(self, pairs: bool = False) -> None:
        self._pairs = pairs
        self._weights: NDArray[np.float64] = np.zeros(self.SIZE)

    def fit(self, rows: Sequence[Row]) -> None:
        """Maximise the likelihood of the gold option among its options (softmax), with a ridge."""
        if not rows:
            return
        features = self._matrix(rows)
        counts = np.array([len(row["options"]) for row in rows])
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        gold = starts + np.array([LETTERS.index(row["answer"]) for row in rows])

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            logits = features @ weights
            logits = logits - np.repeat(np.maximum.reduceat(logits, starts), counts)
            odds = np.exp(logits)
            sums = np.add.reduceat(odds, starts)
            residual = odds / np.repeat(sums, counts)
            residual[gold] -= 1
            value = float(np.log(sums).sum() - logits[gold].sum() + self.RIDGE / 2 * weights @ weights)
            return value, features.T @ residual + self.RIDGE * weights

        found = minimize(loss, np.zeros(self.SIZE), jac=True, method="L-BFGS-B", options={"maxiter": 60})
        self._weights = found.x

    def scores(self, row: Row) -> list[float]:
        return (self._matrix([row]) @ self._weights).tolist()

    def _matrix(self, rows: Sequence[Row]) -> csr_matrix:
        indices: list[int] = []
        ends = [0]
        for row in rows:
            asked = _words(row["question"].split("\n")[0])
            if self._pairs:
                asked = asked + [f"{a}_{b}" for a, b in pairwise(asked)]
            for option in row["options"]:
                traits = _traits(option, row["options"])
                crossed = {crc32(f"{word}|{trait}".encode()) % self.SIZE for trait in traits for word in set(asked)}
                crossed |= {crc32(trait.encode()) % self.SIZE for trait in traits}
                indices += sorted(crossed)
                ends.append(len(indices))
        return csr_matrix((np.ones(len(indices)), indices, ends), shape=(len(ends) - 1, self.SIZE))


def strategies() -> dict[str, Strategy]:
    """Fresh strategies by name."""
    return {
        "smallest": Rule(lambda option, options, row: -_size(option)),
        "largest": Rule(lambda option, options, row: _size(option)),
        "middle": Rule(_middle),
        "longest option": Rule(lambda option, options, row: len(option)),
        "shortest option": Rule(lambda option, options, row: -len(option)),
        "most like the others": Rule(_likeness),
        "nearest to a number in the question": Rule(_nearness),
        "most frequent answer": MostFrequentAnswer(),
        "bag of words": BagOfWords(),
        "bag of words and pairs": BagOfWords(pairs=True),
    }


def gold_option(row: Row) -> str:
    return row["options"][LETTERS.index(row["answer"])]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def _size(option: str) -> float:
    """One number of an option: its own, the area of a box, the depth of a camera position; 0 for words."""
    numbers = _numbers(option)
    if len(numbers) == 4:
        return (numbers[2] - numbers[0]) * (numbers[3] - numbers[1])
    return numbers[-1] if numbers else 0.0


def _middle(option: str, options: Sequence[str], row: Row) -> float:
    """Closeness to the median size, on a log scale; of places, to the middle of the image."""
    if len(_numbers(option)) > 2:
        return -_off_centre(option)
    sizes = [log(max(_size(other), 1e-3)) for other in options]
    return -abs(log(max(_size(option), 1e-3)) - median(sizes))


def _off_centre(option: str) -> float:
    numbers = _numbers(option)
    u, v = ((numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2) if len(numbers) == 4 else numbers[:2]
    return abs(u - 500) + abs(v - 500)


def _likeness(option: str, options: Sequence[str], row: Row) -> float:
    """Words and places an option shares with the others; of numbers, the negative distance to them."""
    numbers = [_numbers(other) for other in options]
    mine = _numbers(option)
    if mine and all(len(other) == len(mine) for other in numbers):
        return -float(np.abs(np.array(numbers) - mine).sum())
    return sum(a == b for other in options for a, b in zip(option.split(", "), other.split(", "), strict=False))


def _nearness(option: str, options: Sequence[str], row: Row) -> float:
    told = _numbers(row["question"].split("\n")[0])
    return -min((abs(_size(option) - number) for number in told), default=0.0) if _numbers(option) else 0.0


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+(?:\.\d+)?", text.lower())


def _traits(option: str, options: Sequence[str]) -> list[str]:
    """What a bag of words sees of an option."""
    numbers = _numbers(option)
    if not numbers:
        return [f"{place}:{word.strip()}" for place, word in enumerate(option.split(","))] + _words(option)
    ranks = [sorted(_size(other) for other in options).index(_size(option))]
    steps = [round(2 * log(max(number, 0.1))) for number in numbers]
    return [f"rank{ranks[0]}", f"size{round(2 * log(max(_size(option), 0.1)))}"] + [
        f"n{place}:{step}" for place, step in enumerate(steps)
    ]
