"""Mean relative accuracy (MRA) of numeric answers (VSI-Bench; SPAR, section 3.3), compared exactly in decimal."""

from collections.abc import Hashable, Sequence
from typing import Any

from ._answers import Compat, check_compat
from ._number_answers import score_numbers
from ._relative_accuracy import THRESHOLDS, mra_scores
from ._summary import check_lengths, summary

__all__ = ["THRESHOLDS", "mra", "mra_scores"]


def _per_item(name: str, given: Any, n: int) -> list[Any]:
    """One value for all items, or one per item."""
    if given is None or isinstance(given, (str, bool)):
        return [given] * n
    values = list(given)
    if len(values) != n:
        raise ValueError(f"{name}: expected one value or one per item ({n}), got {len(values)}")
    return values


def mra(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    unit: str | Sequence[str | None] | None = None,
    multi_view: bool | Sequence[bool] = False,
    compat: Compat = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Mean relative accuracy of N answers with its interval.

    Args:
        predictions: (N,) numbers or answer texts; what commits to no number scores 0 and is counted.
        references: (N,) finite gold numbers.
        groups: (N,) image or scene of each item, for an interval that respects what items share.
        unit: unit of the golds ("m", "cm", "deg", "m2"), one or one per item. Answers that state another unit of the
            same dimension are converted; without it numbers are taken as written. Unused with ``compat``.
        multi_view: for ``compat="spar"``, which reads the last number of a multi-view answer; one flag or one per item.
        compat: None, or the evaluator whose scores to give: "spar", "lmms-eval" (the same) or "vlmevalkit".
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        mra (0 to 1), n, n_unparsed, low, high, interval (its method), n_groups. Without items mra, low and high are
        NaN and ``reason`` says so.

    Raises:
        ValueError: a gold that is no finite number, columns of different lengths, an unknown ``compat``.

    >>> result = mra([2.0, "about 1.5 m", "no idea"], [2.0, 2.0, 2.0])
    >>> round(result["mra"], 3), result["n"], result["n_unparsed"]
    (0.533, 3, 1)
    """
    check_compat(compat)
    n = len(references)
    check_lengths(n, predictions=predictions)
    views, units = _per_item("multi_view", multi_view, n), _per_item("unit", unit, n)
    scores, read = score_numbers(predictions, references, units=units, multi_view=views, compat=compat)
    options: dict[str, Any] = {"confidence": confidence, "seed": seed, "return_items": return_items}
    return summary("mra", scores, read, groups, **options)
