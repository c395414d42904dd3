"""Interval of a difference of two means whose items may share groups: Newcombe, cluster bootstrap or Student t.

Which one applies (the ``method`` of the result):

* ``newcombe``: independent 0/1 items; the Wilson intervals of both means, combined (Newcombe 1998, method 10).
* ``bootstrap`` / ``cluster_bootstrap``: percentiles over resampled items or groups; both classes have 20 or more.
* ``student`` / ``cluster_student_few_groups``: a class with fewer than 20 items or groups; t interval with the standard
  error of a jackknife that leaves out one item or group at a time, and as many degrees of freedom as the smaller class
  allows.
* ``newcombe_bound`` / ``cluster_newcombe_bound...``: a class whose scores do not vary between its units, or with a
  single unit, or a difference that does not vary between groups; the intervals of both means, combined as Newcombe
  does.
* ``none``: an empty class.
"""

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ._intervals import FEW_GROUPS, Interval, group_indices, mean_interval, student_quantile

_DRAWS_AT_ONCE = 4_000_000


def _resampled_differences(units: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Differences of means over units drawn with replacement; draws without one of the classes are left out.

    ``units`` is (G, 4): score and count of the first class, score and count of the second.
    """
    units = units[np.lexsort(units.T)]  # the order in which items came decides nothing
    rng, n = np.random.default_rng(seed), len(units)
    step = max(1, _DRAWS_AT_ONCE // n)
    differences = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
        totals = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n) @ units
        totals = totals[(totals[:, 1] > 0) & (totals[:, 3] > 0)]
        differences.append(totals[:, 0] / totals[:, 1] - totals[:, 2] / totals[:, 3])
    return np.concatenate(differences)


def difference_interval(
    scores: NDArray[np.float64],
    first: NDArray[np.bool_],
    groups: Sequence[Hashable] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Interval of the mean of one class of items minus the mean of the others.

    Args:
        scores: (N,) scores between 0 and 1.
        first: (N,) True for the items of the first class.
        groups: (N,) what items share, also across the classes; None, or one item a group, where they are independent.
        confidence: coverage aimed at.
        resamples: bootstrap draws.
        seed: of the bootstrap.

    >>> interval = difference_interval(np.array([1.0, 1, 1, 0, 0, 1]), np.array([True] * 3 + [False] * 3))
    >>> round(interval.low, 2), round(interval.high, 2), interval.method
    (-0.06, 0.94, 'newcombe')
    """
    n = len(scores)
    index = np.arange(n) if groups is None else group_indices(groups, n)
    total = int(index.max()) + 1 if n else 0
    if groups is None or total == n:
        groups, prefix = None, ""
    else:
        groups, prefix = list(groups), "cluster_"
    if first.all() or not first.any():
        return Interval(None, None, "none", n, total)
    chosen = (first, ~first)
    means = [float(scores[mask].mean()) for mask in chosen]
    delta = means[0] - means[1]
    counts = [np.bincount(index[mask], minlength=total).astype(np.float64) for mask in chosen]
    sums = [np.bincount(index[mask], scores[mask], minlength=total) for mask in chosen]
    present = [int((count > 0).sum()) for count in counts]
    residuals = [(s - mean * c) / c.sum() for s, mean, c in zip(sums, means, counts)]
    few = "_few_groups" if prefix and min(present) < FEW_GROUPS else ""
    no_spread = any(units == 1 or np.abs(rest).max() < 1e-12 for units, rest in zip(present, residuals))
    no_spread = no_spread or np.abs(residuals[0] - residuals[1]).max() < 1e-12  # every group has the same difference
    if no_spread or (groups is None and np.isin(scores, (0.0, 1.0)).all()):
        parts = [
            mean_interval(
                scores[mask],
                None if groups is None else [groups[item] for item in np.flatnonzero(mask)],
                confidence=confidence,
                resamples=resamples,
                seed=seed,
            )
            for mask in chosen
        ]
        bounds = [(mean - (part.low or 0.0), (part.high or 0.0) - mean) for mean, part in zip(means, parts)]
        low = delta - sqrt(bounds[0][0] ** 2 + bounds[1][1] ** 2)
        high = delta + sqrt(bounds[0][1] ** 2 + bounds[1][0] ** 2)
        name = "newcombe" if all(part.method == "wilson" for part in parts) else "newcombe_bound"
        method = f"{prefix}{name}{few}"
    elif min(present) < FEW_GROUPS:
        left_out = [(s.sum() - s) / (c.sum() - c) for s, c in zip(sums, counts)]
        spread = left_out[0] - left_out[1]
        error = sqrt((total - 1) / total) * float(np.linalg.norm(spread - spread.mean()))
        reach = student_quantile(0.5 + confidence / 2, min(present) - 1) * error
        low, high, method = delta - reach, delta + reach, f"{prefix}student{few}"
    else:
        table = np.stack([sums[0], counts[0], sums[1], counts[1]], axis=1)
        differences = _resampled_differences(table, resamples, seed)
        low, high = map(float, np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2]))
        method = f"{prefix}bootstrap"
    return Interval(max(-1.0, min(low, delta)), min(1.0, max(high, delta)), method, n, total)
