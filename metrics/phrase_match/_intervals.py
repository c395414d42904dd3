"""Confidence intervals for the mean of per-item scores: Wilson, cluster bootstrap, and Student t for few units.

`jackknife_interval` is for scores that are no mean of item scores, such as a mean over pairs or a cosine of means.

Which one applies (the ``method`` of the result):

* ``wilson``: independent 0/1 items (Wilson 1927): without groups, or with one item per group.
* ``bootstrap`` / ``cluster_bootstrap``: percentile bootstrap over items, or over whole groups (images, scenes) where
  the items of a group are not independent of each other; 20 units or more.
* ``student`` / ``cluster_student``: fewer than 20 items or groups, where percentiles of a bootstrap are too narrow;
  t interval with the standard error of the jackknife that leaves out one group at a time. (The usual group-robust
  error all but vanishes where one large group pulls the mean onto itself.)
* With groups, both are widened where needed to hold the Wilson interval of as many independent items as the intraclass
  correlation leaves: resampling cannot see that a mean near 0 or 1 has a long tail, or what one large group could do.
* ``wilson_bound`` / ``cluster_wilson_bound``: scores that do not vary between units, or a single unit. The data then
  say nothing about the spread, and the Wilson interval over units is wide enough for any scores between 0 and 1,
  because 0/1 scores spread the most.
* ``none``: no items.

``_few_groups`` is added to the method name where there are fewer than 20 groups.

Coverage at 95 %, simulated with 0/1 items, beta distributed group means, intraclass correlation 0.3 and 5 to 100
groups: .89 to 1.00, also for true means of .8 and .95 and where a tenth of the groups have 50 times as many items as
the others. Scores of another distribution that is as skewed may be covered less often.
"""

from collections.abc import Hashable, Iterable, Sequence
from math import atan, cos, pi, sin, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEW_GROUPS = 20
"""Below this number of items or groups no bootstrap is drawn; for groups the method name says so."""

_WIDEST_MULTINOMIAL = 256
_DRAWS_AT_ONCE = 4_000_000


class Interval(NamedTuple):
    """A two-sided interval around a mean; the bounds are None where there are no items."""

    low: float | None
    high: float | None
    method: str
    n: int
    n_groups: int
    """Number of independent units: groups, or items where there are none."""


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion.

    >>> [round(bound, 4) for bound in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if n <= 0:
        raise ValueError(f"wilson: expected at least one item, got n={n}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
    return min(low, share), max(high, share)  # rounding may put a bound beyond a share of 0 or 1


def wilson_of_variance(mean: float, variance: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of as many independent 0/1 items as would give a mean this variance.

    >>> [round(bound, 4) for bound in wilson_of_variance(0.8, 0.8 * 0.2 / 10)]  # as of 8 in 10
    [0.4902, 0.9433]
    """
    n = mean * (1 - mean) / variance
    return wilson(mean * n, n, confidence)


def student_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t with whole degrees of freedom, for a probability of at least 0.5.

    Bisection on the finite trigonometric series of the distribution (Abramowitz and Stegun, 26.7.3 and 26.7.4), and
    from 100 degrees on the expansion around the normal quantile (26.7.5), which is then right to six digits.

    >>> round(student_quantile(0.975, 9), 4), round(student_quantile(0.975, 400), 4)
    (2.2622, 1.9659)
    """
    if degrees >= 100:
        z = NormalDist().inv_cdf(probability)
        first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
        third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
        return z + first / degrees + second / degrees**2 + third / degrees**3

    def inside(t: float) -> float:  # P(|T| < t)
        theta = atan(t / sqrt(degrees))
        term = cos(theta) if degrees % 2 else 1.0
        total = 0.0
        for k in range(degrees % 2, degrees - 1, 2):
            total += term
            term *= cos(theta) ** 2 * (k + 1) / (k + 2)
        return 2 / pi * (theta + sin(theta) * total) if degrees % 2 else sin(theta) * total

    low, high = 0.0, 1.0
    while inside(high) < 2 * probability - 1:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < 2 * probability - 1 else (low, middle)
    return (low + high) / 2


def group_indices(groups: Iterable[Hashable], n: int) -> NDArray[np.int64]:
    """(n,) index of each item's group, numbered in order of first appearance."""
    names = list(groups)
    if len(names) != n:
        raise ValueError(f"groups: expected one group per item ({n}), got {len(names)}")
    numbers: dict[Hashable, int] = {}
    for position, name in enumerate(names):
        if name is None or name != name:
            raise ValueError(f"groups: item {position} has no group; give every item one, or leave out `groups`")
        numbers.setdefault(name, len(numbers))
    return np.fromiter((numbers[name] for name in names), np.int64, n)


def clustered_variance(
    residuals: NDArray[np.float64], index: NDArray[np.int64], weights: NDArray[np.float64]
) -> float:
    """Variance of a weighted sum of items, those of one group being correlated alike in every group.

    Args:
        residuals: (N,) scores less the mean they are expected to have, not all 0.
        index: (N,) number of each item's group; two groups or more.
        weights: (N,) of the sum.

    The intraclass correlation is that of an analysis of variance, and no less than 0.

    >>> clustered_variance(np.array([1.0, 1, -1, -1]), np.array([0, 0, 1, 1]), np.full(4, 0.25))  # two items, twice
    0.5
    """
    counts, n = np.bincount(index), len(residuals)
    units = len(counts)
    square, total = float((np.bincount(index, residuals) ** 2 / counts).sum()), float(residuals @ residuals)
    between, within = square / (units - 1), max(0.0, total - square) / max(n - units, 1)
    typical = (n - float(counts @ counts) / n) / (units - 1)
    correlation = min(1.0, max(0.0, (between - within) / max(between + (typical - 1) * within, 1e-300)))
    shares = np.bincount(index, weights)
    own, together = float(weights @ weights), float(shares @ shares)
    return total / n * (own + correlation * (together - own))


def jackknife_error(left_out: NDArray[np.float64]) -> float:
    """Standard error of a score from its values without each group in turn.

    >>> round(jackknife_error(np.array([0.65, 0.55, 0.3])), 4)  # of the mean of 0.2, 0.4 and 0.9
    0.2082
    """
    return sqrt((len(left_out) - 1) / len(left_out) * float(((left_out - left_out.mean()) ** 2).sum()))


def _resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """(resamples,) ratio of total score to total count over units drawn with replacement."""
    rng = np.random.default_rng(seed)
    n = len(sums)
    kinds, multiplicity = np.unique(np.stack([sums, counts], axis=1), axis=0, return_counts=True)
    if len(kinds) <= _WIDEST_MULTINOMIAL:  # equal units are interchangeable: draw how often each kind comes up
        totals = rng.multinomial(n, multiplicity / n, size=resamples) @ kinds
        return totals[:, 0] / totals[:, 1]
    means = np.empty(resamples)
    step = max(1, _DRAWS_AT_ONCE // n)
    for start in range(0, resamples, step):
        drawn = rng.integers(0, n, size=(min(step, resamples - start), n))
        means[start : start + step] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means


def mean_interval(
    values: ArrayLike,
    groups: Sequence[Hashable] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Interval of the mean of per-item scores.

    Args:
        values: (N,) scores between 0 and 1.
        groups: (N,) what items share (image, scene), or None where items are independent.
        confidence: coverage aimed at, between 0 and 1.
        resamples: bootstrap draws.
        seed: of the bootstrap; equal seeds give equal intervals.

    Raises:
        ValueError: scores outside [0, 1] or not finite, groups of another length or missing, confidence out of range.

    >>> interval = mean_interval([1, 0, 1, 1])
    >>> round(interval.low, 2), round(interval.high, 2), interval.method
    (0.3, 0.95, 'wilson')
    >>> mean_interval([])
    Interval(low=None, high=None, method='none', n=0, n_groups=0)
    """
    scores = np.asarray(values, dtype=np.float64).reshape(-1)
    n = len(scores)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a value between 0 and 1, got {confidence}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(f"values: expected scores between 0 and 1, got {scores[~((scores >= 0) & (scores <= 1))][0]}")
    if groups is not None:
        index = group_indices(groups, n)
    if n == 0:
        return Interval(None, None, "none", 0, 0)
    if groups is None or index[-1] == n - 1:  # one item per group: nothing is shared
        if np.isin(scores, (0.0, 1.0)).all():
            return Interval(*wilson(float(scores.sum()), n, confidence), "wilson", n, n)
        sums, counts, prefix = scores, np.ones(n), ""
    else:
        counts = np.bincount(index).astype(np.float64)
        sums, prefix = np.bincount(index, scores).astype(np.float64), "cluster_"
    units, mean = len(sums), float(scores.mean())
    few = "_few_groups" if prefix and units < FEW_GROUPS else ""
    residuals = sums - mean * counts
    if units == 1 or np.abs(residuals).max() < 1e-12 * n:
        return Interval(*wilson(mean * units, units, confidence), f"{prefix}wilson_bound{few}", n, units)
    if units < FEW_GROUPS:
        error = jackknife_error((sums.sum() - sums) / (n - counts))
        reach = student_quantile(0.5 + confidence / 2, units - 1) * error
        low, high, name = max(0.0, mean - reach), min(1.0, mean + reach), "student"
    else:
        means = _resampled_means(sums, counts, resamples, seed)
        low, high = map(float, np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2]))
        low, high, name = min(low, mean), max(high, mean), "bootstrap"
    if prefix:
        variance = clustered_variance(scores - mean, index, np.full(n, 1 / n))
        bounds = wilson_of_variance(mean, variance, confidence)
        low, high = min(low, bounds[0]), max(high, bounds[1])
    return Interval(low, high, f"{prefix}{name}{few}", n, units)


def jackknife_interval(
    estimate: float,
    left_out: ArrayLike,
    n: int,
    *,
    clustered: bool,
    confidence: float = 0.95,
    limits: tuple[float, float] = (-1.0, 1.0),
) -> Interval:
    """Student t interval around the jackknife's bias-corrected estimate, widened where needed to hold the estimate.

    A bootstrap draws units twice, and a vector is perfectly similar to its own copy: means over pairs would come out
    too large. Leaving units out has no such effect (Efron and Tibshirani 1993, chapter 11).

    Args:
        estimate: the score of all units.
        left_out: (G,) the score without each unit in turn; a value that is not finite means that no interval can be
            given.
        n: number of items in the units.
        clustered: whether the units are groups of items; for the method name.
        confidence: coverage aimed at, between 0 and 1.
        limits: smallest and largest possible score.

    Returns:
        Method ``jackknife`` or ``cluster_jackknife`` (``_few_groups`` added below 20 groups); ``none`` and no bounds
        where there are fewer than two units or a score without one of them is undefined.

    >>> scores = [0.2, 0.4, 0.9]  # of the mean, the jackknife interval is the textbook t interval
    >>> interval = jackknife_interval(0.5, [0.65, 0.55, 0.3], 3, clustered=False)
    >>> round(interval.low, 3), round(interval.high, 3), interval.method
    (-0.396, 1.0, 'jackknife')
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a value between 0 and 1, got {confidence}")
    values = np.asarray(left_out, dtype=np.float64).reshape(-1)
    units = len(values)
    if units < 2 or not np.isfinite(values).all() or not np.isfinite(estimate):
        return Interval(None, None, "none", n, units)
    mean = float(values.mean())
    corrected = units * estimate - (units - 1) * mean
    reach = student_quantile(0.5 + confidence / 2, units - 1) * jackknife_error(values)
    low, high = max(limits[0], min(corrected - reach, estimate)), min(limits[1], max(corrected + reach, estimate))
    method = ("cluster_jackknife" + "_few_groups" * (units < FEW_GROUPS)) if clustered else "jackknife"
    return Interval(min(low, estimate), max(high, estimate), method, n, units)
