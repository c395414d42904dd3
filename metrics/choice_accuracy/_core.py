"""Accuracy of multiple-choice answers: an answer is right when it commits to the gold letter and to no other."""

from collections.abc import Hashable, Sequence
from typing import Any

from ._answers import Compat, check_compat
from ._choice_answers import gold_letter, score_choices
from ._summary import check_lengths, summary

__all__ = ["choice_accuracy", "gold_letter"]


def choice_accuracy(
    predictions: Sequence[object],
    references: Sequence[str],
    *,
    options: Sequence[Sequence[object] | None] | None = None,
    groups: Sequence[Hashable] | None = None,
    compat: Compat = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Share of N answers that name the gold letter, with its interval.

    Args:
        predictions: (N,) answer texts; what commits to no single letter scores 0 and is counted.
        references: (N,) gold letters ("B", "(B)"), or the text of an option; "Yes" or "No" for items without options,
            whose answers are then read as yes or no.
        options: (N,) option texts of each item in letter order, or None for items that have none. They bound the
            letters, and let an answer give the text of an option.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        compat: None, or the evaluator whose scores to give: "spar", "lmms-eval" (the same) or "vlmevalkit".
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        accuracy (0 to 1), n, n_unparsed, low, high, interval (its method), n_groups. Without items accuracy, low and
        high are NaN and ``reason`` says so.

    Raises:
        ValueError: a gold that is no option, columns of different lengths, an unknown ``compat``.

    >>> result = choice_accuracy(["B. left", "The answer is (C)", ""], ["B", "C", "A"])
    >>> round(result["accuracy"], 3), result["n"], result["n_unparsed"], result["interval"]
    (0.667, 3, 1, 'wilson')
    """
    check_compat(compat)
    n = len(references)
    check_lengths(n, predictions=predictions)
    option_lists: Sequence[Sequence[object] | None] = [None] * n if options is None else options
    if len(option_lists) != n:
        raise ValueError(f"options: expected one list (or None) per item ({n}), got {len(option_lists)}")
    scores, read = score_choices(predictions, references, options=option_lists, compat=compat)
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    return summary("accuracy", scores, read, groups, **settings)
