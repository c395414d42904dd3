"""The result of a metric that is a mean of item scores: the mean, its interval, counts, and items on request."""

from collections.abc import Hashable, Sequence
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._answers import Parsed
from ._intervals import mean_interval


def check_lengths(n: int, **columns: Sequence[object] | None) -> None:
    """Raises ValueError for a column that does not hold one value per reference; None stands for no column."""
    for name, values in columns.items():
        if values is not None and len(values) != n:
            raise ValueError(f"{name}: expected one per reference ({n}), got {len(values)}")


def summary(
    name: str,
    scores: NDArray[np.float64],
    read: Sequence[Parsed[Any]],
    groups: Sequence[Hashable] | None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Mean score under ``name``, n, n_unparsed, low, high, interval (its method), n_groups, and ``items`` on request.

    Without items the mean and the bounds are NaN, and ``reason`` says why.

    Args:
        name: key of the mean.
        scores: (N,) between 0 and 1.
        read: (N,) the answers as read.
        groups: (N,) what items share, or None.

    >>> result = summary("accuracy", np.array([1.0, 0.0]), [Parsed("A", "ok"), Parsed(None, "empty")], None)
    >>> result["accuracy"], result["n_unparsed"], result["interval"]
    (0.5, 1, 'wilson')
    >>> summary("accuracy", np.array([]), [], None)["reason"]
    'no items'
    """
    interval = mean_interval(scores, groups, confidence=confidence, seed=seed)
    result: dict[str, Any] = {
        name: float(scores.mean()) if len(scores) else nan,
        "n": len(scores),
        "n_unparsed": sum(item.status != "ok" for item in read),
        "low": nan if interval.low is None else interval.low,
        "high": nan if interval.high is None else interval.high,
        "interval": interval.method,
        "n_groups": interval.n_groups,
    }
    if not len(scores):
        result["reason"] = "no items"
    if return_items:
        result["items"] = [
            {"score": float(score), "value": item.value, "status": item.status} for score, item in zip(scores, read)
        ]
    return result
