"""Mean relative accuracy (MRA) of numeric answers, compared exactly in decimal.

For an answer p to a gold g, MRA is the share of the ten thresholds t = 0.50, 0.55, ..., 0.95 that meet
|p - g| / |g| <= 1 - t (VSI-Bench; SPAR, section 3.3); a gold of 0 uses the absolute error |p|. Numbers are
taken as their shortest decimal, so that 2.1 against 1.5 has an error of exactly 0.4 and meets three thresholds, where
binary floats meet two.
"""

from collections.abc import Hashable, Sequence
from decimal import Context, Decimal, Inexact
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._answers import Parsed, Status, parse_number
from ._compat import float_scores, spar_number, vlmevalkit_number
from ._intervals import mean_interval

Compat = Literal["spar", "vlmevalkit"] | None

THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))

_NEAR = 1e-9
_EXACT = Context(prec=400, traps=[Inexact])


def _steps_exactly(prediction: float, reference: float, step: int) -> int:
    """``step`` if the error is at most ``step`` twentieths, else ``step + 1``; the error is known to be very near."""
    p, g = Decimal(repr(prediction)), Decimal(repr(reference))
    error = _EXACT.multiply(Decimal(20), _EXACT.subtract(p, g).copy_abs())
    return step if error <= _EXACT.multiply(Decimal(step), g.copy_abs() if g else Decimal(1)) else step + 1


def mra_scores(predictions: ArrayLike, references: ArrayLike) -> NDArray[np.float64]:
    """Score of each item.

    Args:
        predictions: (N,) numbers; NaN or infinite ones score 0.
        references: (N,) finite golds, in the unit of the predictions.

    Returns:
        (N,) multiples of 0.1 between 0 and 1.

    >>> mra_scores([2.0, 1.9, 2.1, 0.3], [2.0, 2.0, 1.5, 0.0])
    array([1. , 1. , 0.3, 0.5])
    """
    p = np.asarray(predictions, dtype=np.float64)
    g = np.asarray(references, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        twentieths = 20 * (np.abs(p - g) / np.where(g == 0, 1.0, np.abs(g)))
    twentieths = np.where(np.isfinite(twentieths), np.minimum(twentieths, 100.0), 100.0)
    steps = np.ceil(twentieths).astype(np.int64)
    nearest = np.rint(twentieths).astype(np.int64)
    # Only an error within float noise of a threshold needs decimals; a step of 0 or above 10 decides nothing.
    for i in np.flatnonzero((np.abs(twentieths - nearest) < _NEAR) & (nearest >= 1) & (nearest <= 10)):
        steps[i] = _steps_exactly(float(p[i]), float(g[i]), int(nearest[i]))
    return np.clip(11 - np.maximum(steps, 1), 0, 10) / 10


def _references(references: Sequence[object]) -> NDArray[np.float64]:
    golds = np.array([np.nan if gold is None else gold for gold in references], dtype=np.float64)
    if bad := np.flatnonzero(~np.isfinite(golds)).tolist():
        raise ValueError(f"references: item {bad[0]} is {references[bad[0]]!r}; every item needs a finite number")
    return golds


def _read(answer: object, compat: Compat, multi_view: bool, unit: str | None) -> Parsed[float]:
    if answer is None:
        return Parsed(None, "empty")
    if compat is None:
        return parse_number(answer, unit)
    text = str(answer)
    value = spar_number(text, multi_view) if compat == "spar" else vlmevalkit_number(text)
    status: Status = "ok" if value is not None else "unparsable" if text.strip() else "empty"
    return Parsed(value, status)


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
        compat: None, or the evaluator whose scores to give: "spar" (also lmms-eval) or "vlmevalkit".
        confidence: coverage of the interval.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {score, value, status}.

    Returns:
        mra (0 to 1, or None for no items), n, n_unparsed, low, high, interval (its method), n_groups.

    >>> result = mra([2.0, "about 1.5 m", "no idea"], [2.0, 2.0, 2.0])
    >>> round(result["mra"], 3), result["n"], result["n_unparsed"]
    (0.533, 3, 1)
    """
    if compat not in (None, "spar", "vlmevalkit"):
        raise ValueError(f"compat: expected None, 'spar' or 'vlmevalkit', got {compat!r}")
    n = len(references)
    if len(predictions) != n:
        raise ValueError(f"predictions: expected one per reference ({n}), got {len(predictions)}")
    golds = _references(references)
    views, units = _per_item("multi_view", multi_view, n), _per_item("unit", unit, n)
    read = [_read(*item) for item in zip(predictions, [compat] * n, views, units)]
    values = np.array([np.nan if item.value is None else item.value for item in read], dtype=np.float64)
    if compat is None:
        scores = mra_scores(values, golds)
    else:
        if compat == "spar":  # it stands -1 in for a multi-view answer without a number
            texts = np.array([answer is not None for answer in predictions], dtype=bool)
            values = np.where(np.isnan(values) & np.array(views, dtype=bool) & texts, -1.0, values)
        scores = float_scores(values, golds)
    interval = mean_interval(scores, groups, confidence=confidence, seed=seed)
    result: dict[str, Any] = {
        "mra": float(scores.mean()) if n else None,
        "n": n,
        "n_unparsed": sum(item.status != "ok" for item in read),
        "low": interval.low,
        "high": interval.high,
        "interval": interval.method,
        "n_groups": interval.n_groups,
    }
    if return_items:
        result["items"] = [
            {"score": float(score), "value": item.value, "status": item.status} for score, item in zip(scores, read)
        ]
    return result
