"""Accuracy of answers that put names in order: the whole order, and its pairs."""

from collections.abc import Hashable, Sequence
from math import nan
from typing import Any

from ._orders import score_orders
from ._summary import check_lengths, summary


def order_accuracy(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Share of N answers with every name in its place, with its interval; beside it the share of pairs in order.

    Args:
        predictions: (N,) answer texts; what does not hold each name of the gold once scores 0 and is counted.
        references: (N,) golds such as "chair, table, lamp".
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        accuracy (0 to 1), pair_accuracy (mean over answers of the share of the gold's pairs of names that the answer
        has in the same order), n, n_unparsed, low, high, interval (its method), n_groups. Without items the figures
        are NaN and ``reason`` says so.

    Raises:
        ValueError: a gold without names or with a name twice, columns of different lengths.

    >>> result = order_accuracy(["chair, table, lamp", "chair, lamp, table"], ["chair, table, lamp"] * 2)
    >>> result["accuracy"], round(result["pair_accuracy"], 3)
    (0.5, 0.833)
    """
    check_lengths(len(references), predictions=predictions)
    scores, read = score_orders(predictions, references)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    result = summary("accuracy", scores.exact, read, groups, **settings)
    result["pair_accuracy"] = float(scores.pairs.mean()) if len(scores.pairs) else nan
    for item, pairs in zip(result.get("items", []), scores.pairs.tolist()):
        item["pairs"] = pairs
    return result
