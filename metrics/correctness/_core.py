"""Probability-based correctness of yes/no answers (arXiv 2605.30161, section on SpatialTunnel).

p = sigmoid(logit_yes - logit_no) of the first answer token; v = p where the right answer is Yes, else 1 - p.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._intervals import Interval, mean_interval


def sigmoid(x: ArrayLike) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)) of any shape, without overflow, and with full relative precision for very negative x.

    >>> [float(f"{p:.6g}") for p in sigmoid([0.0, 800.0, -700.0])]
    [0.5, 1.0, 9.85968e-305]
    """
    values = np.asarray(x, dtype=np.float64)
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, small) / (1.0 + small)


def _margins(predictions: Sequence[object]) -> NDArray[np.float64]:
    try:
        margins = np.asarray(predictions, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"predictions: expected one margin (logit_yes - logit_no) per item: {error}") from None
    if margins.ndim != 1:
        raise ValueError(f"predictions: expected one margin per item, got shape {margins.shape}")
    missing = np.isnan(margins)
    if missing.any():
        item = int(np.argmax(missing))
        raise ValueError(f"predictions: item {item} is {predictions[item]!r}; expected logit_yes - logit_no, a number")
    return margins


def _is_yes(references: Sequence[object]) -> NDArray[np.bool_]:
    words = [reference.strip().lower() if isinstance(reference, str) else None for reference in references]
    for item, word in enumerate(words):
        if word not in ("yes", "no"):
            raise ValueError(f"references: item {item} is {references[item]!r}; expected 'Yes' or 'No'")
    return np.array([word == "yes" for word in words], dtype=bool)


def _bounds(interval: Interval) -> tuple[float, float]:
    return (
        float("nan") if interval.low is None else interval.low,
        float("nan") if interval.high is None else interval.high,
    )


def correctness(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Mean correctness v and accuracy of N yes/no answers with their intervals.

    Args:
        predictions: (N,) margins logit_yes - logit_no of the first answer token, in nats; infinite ones are certain
            answers, NaN and None are errors.
        references: (N,) "Yes" or "No"; case and outer spaces do not matter.
        groups: (N,) image or scene of each item, for intervals that respect what items share.
        confidence: coverage of the intervals.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score (v), p_yes, correct}.

    Returns:
        v (0 to 1); accuracy, the share of margins with the right sign; yes_rate, the share of positive margins; n;
        n_ties, how many margins are 0: each counts half in accuracy and in yes_rate; low, high and interval (its
        method) of v; accuracy_low, accuracy_high, accuracy_interval; n_groups; reasons, {key: why it is NaN}. Without
        items the scores are NaN.

    Raises:
        ValueError: a margin or an answer that cannot be used, which is named, or unequal counts.

    >>> result = correctness([2.0, -1.0, 0.0], ["Yes", "yes", "No"])
    >>> round(result["v"], 3), result["accuracy"], result["yes_rate"], result["n_ties"]
    (0.55, 0.5, 0.5, 1)
    """
    predictions, references = list(predictions), list(references)
    n = len(references)
    if len(predictions) != n:
        raise ValueError(f"predictions: expected one per reference ({n}), got {len(predictions)}")
    margins, yes = _margins(predictions), _is_yes(references)
    towards_gold = np.where(yes, margins, -margins)
    v, correct = sigmoid(towards_gold), (np.sign(towards_gold) + 1) / 2
    interval = mean_interval(v, groups, confidence=confidence, seed=seed)
    accuracy_interval = mean_interval(correct, groups, confidence=confidence, seed=seed)
    low, high = _bounds(interval)
    accuracy_low, accuracy_high = _bounds(accuracy_interval)
    result: dict[str, Any] = {
        "v": float(v.mean()) if n else float("nan"),
        "accuracy": float(correct.mean()) if n else float("nan"),
        "yes_rate": float(((np.sign(margins) + 1) / 2).mean()) if n else float("nan"),
        "n": n,
        "n_ties": int((margins == 0).sum()),
        "low": low,
        "high": high,
        "interval": interval.method,
        "accuracy_low": accuracy_low,
        "accuracy_high": accuracy_high,
        "accuracy_interval": accuracy_interval.method,
        "n_groups": interval.n_groups,
        "reasons": {} if n else dict.fromkeys(("v", "accuracy", "yes_rate"), "no items"),
    }
    if return_items:
        probabilities = sigmoid(margins)
        result["items"] = [
            {"score": float(score), "p_yes": float(p), "correct": float(hit)}
            for score, p, hit in zip(v, probabilities, correct)
        ]
    return result
