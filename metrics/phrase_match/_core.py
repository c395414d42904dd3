"""Exact match of short free answers with one or several right ones, as ScanQA and SQA3D ask for."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ._answers import GoldError
from ._phrases import is_exact, is_refined, parse_phrase, plain_phrase
from ._summary import check_lengths, summary


def phrase_match(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    alternatives: Sequence[Sequence[object] | None] | None = None,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Share of N answers that are a right one, with its interval; and the same counted generously.

    Args:
        predictions: (N,) answer texts; what holds no word scores 0 and is counted.
        references: (N,) right answers.
        alternatives: (N,) further right answers of each question, or None.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status, refined}.

    Returns:
        exact_match (0 to 1), n, n_unparsed, low, high, interval (its method), n_groups; and refined, the share of
        answers of which a right one is part, or that are part of one. Without items the shares and bounds are NaN and
        ``reason`` says so.

    Raises:
        ValueError: a gold without a word, columns of different lengths.

    >>> result = phrase_match(["Brown.", "2", "on the left"], ["brown", "two", "left"])
    >>> round(result["exact_match"], 3), result["refined"]
    (0.667, 1.0)
    """
    n = len(references)
    check_lengths(n, predictions=predictions, alternatives=alternatives)
    for i, reference in enumerate(references):
        if reference is None or not plain_phrase(reference):
            raise GoldError(i, f"{reference!r}, no words")
    read = [parse_phrase(answer) for answer in predictions]
    golds = [[reference, *(more or [])] for reference, more in zip(references, alternatives or [None] * n)]
    exact = np.array([item.value is not None and is_exact(item.value, right) for item, right in zip(read, golds)])
    refined = np.array([item.value is not None and is_refined(item.value, right) for item, right in zip(read, golds)])
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    result = summary("exact_match", exact.astype(np.float64), read, groups, **settings)
    result["refined"] = float(refined.mean()) if n else float("nan")
    for item, is_part in zip(result.get("items", []), refined):
        item["refined"] = float(is_part)
    return result
