"""Mean relative accuracy (MRA) of numbers: exactly in decimal, and as released evaluators compute it.

For an answer p to a gold g, MRA is the share of the ten thresholds t = 0.50, 0.55, ..., 0.95 that meet
|p - g| / |g| <= 1 - t (VSI-Bench; SPAR, section 3.3); a gold of 0 uses the absolute error |p|. Numbers are
taken as their shortest decimal, so that 2.1 against 1.5 has an error of exactly 0.4 and meets three thresholds, where
binary floats meet two.
"""

from decimal import Context, Decimal, Inexact

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def float_scores(predictions: ArrayLike, references: ArrayLike) -> NDArray[np.float64]:
    """(N,) MRA with the ten thresholds and the errors as binary floats; NaN predictions score 0.

    So do the evaluators of SPAR, lmms-eval and VLMEvalKit: an error exactly on a threshold may score 0.1 too little.

    >>> float_scores([2.1], [1.5]).round(1)
    array([0.2])
    """
    p, g = np.asarray(predictions, dtype=np.float64), np.asarray(references, dtype=np.float64)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        error = np.where(g == 0, np.abs(p - g), np.abs((p - g) / g))
    return (error[:, None] <= 1 - np.linspace(0.5, 0.95, 10)).mean(axis=1)
