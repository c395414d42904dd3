"""Answers that put names in order: read by the names the gold has, scored as a whole and by pairs."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._answers import GoldError, Parsed, final_text, is_refusal
from ._choices import plain_text
from ._names import mentions

_BETWEEN_NAMES = re.compile(r"[,;>\n\u2192]|->")


class OrderScores(NamedTuple):
    """(N,) scores of answers; an answer that could not be read has 0 of both."""

    exact: NDArray[np.float64]
    """1 where every name is in its place."""
    pairs: NDArray[np.float64]
    """Share of the pairs of names in the right order; Kendall's tau is 2 x this - 1."""


def names_of(text: object) -> list[str]:
    """The names of a list, in lower case.

    >>> names_of("Chair, office  lamp;table")
    ['chair', 'office lamp', 'table']
    """
    return [name for part in _BETWEEN_NAMES.split(str(text)) if (name := plain_text(part))]


def ordered_pairs(order: Sequence[str], reference: Sequence[str]) -> float:
    """Share of the pairs of ``reference`` that ``order``, of the same different names, has in the same order.

    >>> ordered_pairs(["a", "c", "b"], ["a", "b", "c"]), ordered_pairs(["a"], ["a"])
    (0.6666666666666666, 1.0)
    """
    rank = {item: i for i, item in enumerate(order)}
    kept = [rank[one] < rank[other] for one, other in combinations(reference, 2)]
    return sum(kept) / len(kept) if kept else 1.0


def parse_order(answer: object, names: Sequence[str]) -> Parsed[list[str]]:
    """Read in which order an answer has these names; each must be there once, and nothing else in the list.

    >>> parse_order("1. Table; 2. Chair", ["chair", "table"]).value
    ['table', 'chair']
    >>> [parse_order(text, ["a", "b"]).status for text in ("", "I cannot tell", "a", "a, b, a")]
    ['empty', 'refused', 'malformed', 'ambiguous']
    """
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    parts = [part for part in _BETWEEN_NAMES.split(final.value.lower()) if re.search(r"[^\W\d_]", part)]
    named = [mentions(" ".join(part.split()), names) for part in parts]
    order = [item for items in named for item in items]
    if sorted(order) == sorted(names) and all(named):
        return Parsed(order, "ok")
    return Parsed(
        None, "refused" if is_refusal(final.value) else "ambiguous" if len(order) > len(names) else "malformed"
    )


def score_orders(
    predictions: Sequence[object], references: Sequence[object]
) -> tuple[OrderScores, list[Parsed[list[str]]]]:
    """Scores of N answers, and how each was read.

    Args:
        predictions: (N,) answer texts.
        references: (N,) golds such as "chair, table, lamp".

    Raises:
        GoldError: a gold without names, or with one twice.

    >>> scores, _ = score_orders(["chair, lamp, table", "table"], ["chair, table, lamp"] * 2)
    >>> scores.exact, scores.pairs.round(3)
    (array([0., 0.]), array([0.667, 0.   ]))
    """
    golds = [names_of(reference) for reference in references]
    for i, gold in enumerate(golds):
        if not gold or len(set(gold)) < len(gold):
            raise GoldError(i, f"{references[i]!r}, no list of different names")
    read = [parse_order(answer, gold) for answer, gold in zip(predictions, golds)]
    exact = [float(item.value == gold) for item, gold in zip(read, golds)]
    pairs = [0.0 if item.value is None else ordered_pairs(item.value, gold) for item, gold in zip(read, golds)]
    return OrderScores(np.array(exact, dtype=np.float64), np.array(pairs, dtype=np.float64)), read
