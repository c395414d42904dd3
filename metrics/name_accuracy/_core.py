"""Accuracy of answers that name one object: right when they commit to the gold name and to no other."""

from collections.abc import Hashable, Sequence
from typing import Any

from ._names import score_names
from ._summary import check_lengths, summary


def name_accuracy(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    candidates: Sequence[Sequence[object] | None] | None = None,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Share of N answers that name the gold object, with its interval.

    Args:
        predictions: (N,) answer texts; what commits to no single name scores 0 and is counted.
        references: (N,) names, such as "office chair".
        candidates: (N,) further names each question has, or None. They let a longer sentence be read.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        accuracy (0 to 1), n, n_unparsed, low, high, interval (its method), n_groups. Without items accuracy, low and
        high are NaN and ``reason`` says so.

    Raises:
        ValueError: a gold without a name, columns of different lengths.

    >>> result = name_accuracy(["The office chair.", "bed", "bed or office chair"], ["office chair"] * 3)
    >>> round(result["accuracy"], 3), result["n_unparsed"]
    (0.333, 1)
    """
    n = len(references)
    check_lengths(n, predictions=predictions, candidates=candidates)
    scores, read = score_names(predictions, references, candidates=[None] * n if candidates is None else candidates)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    return summary("accuracy", scores, read, groups, **settings)
