"""Means of task means and their intervals.

With groups: percentile bootstrap over whole groups; below 20 groups Student t with the jackknife's standard error, one
group left out at a time. Both are widened where needed to hold the Wilson interval of as many independent items as the
intraclass correlation leaves.

Without: Student t with the variances of the task means, which are independent (Welch-Satterthwaite degrees of
freedom). Where nothing varies, the Wilson interval over units is wide enough for any scores between 0 and 1.
"""

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ._intervals import (
    FEW_GROUPS,
    Interval,
    clustered_variance,
    group_indices,
    jackknife_error,
    student_quantile,
    wilson,
    wilson_of_variance,
)


def mean_of_task_means(
    scores: NDArray[np.float64],
    tasks: Sequence[Hashable],
    groups: Sequence[Hashable] | None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, Interval]:
    """The mean over tasks of each task's mean score, every task counting alike, and its interval.

    Args:
        scores: (N,) between 0 and 1, at least one.
        tasks: (N,) the task of each score.
        groups: (N,) what scores share, across tasks too, or None.

    A resample that happens to hold no item of a task averages the others; so does the jackknife.

    >>> value, interval = mean_of_task_means(np.array([1.0, 0, 1, 0]), ["a", "a", "b", "b"], None)
    >>> value, interval.method
    (0.5, 'stratified_student')
    """
    task = group_indices(tasks, len(scores))
    means = np.bincount(task, scores) / np.bincount(task)
    mean = float(means.mean())
    if groups is None:
        return mean, _stratified(scores, task, means, confidence)
    group = group_indices(groups, len(scores))
    shape = int(group.max()) + 1, len(means)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (group, task), scores)
    np.add.at(counts, (group, task), 1)
    influence = ((sums - means * counts) / counts.sum(axis=0)).mean(axis=1)
    units = len(sums)
    few = "_few_groups" if units < FEW_GROUPS else ""
    if units == 1 or np.abs(influence).max() < 1e-12:
        low, high = wilson(mean * units, units, confidence)
        return mean, Interval(low, high, f"cluster_wilson_bound{few}", len(scores), units)
    variance = clustered_variance(scores - means[task], group, 1 / (np.bincount(task) * len(means))[task])
    bounds = wilson_of_variance(mean, variance, confidence)
    if few:
        left_out = _present_means(sums.sum(axis=0) - sums, counts.sum(axis=0) - counts)
        reach = student_quantile(0.5 + confidence / 2, units - 1) * jackknife_error(left_out)
        low, high = max(0.0, min(mean - reach, bounds[0])), min(1.0, max(mean + reach, bounds[1]))
        return mean, Interval(low, high, f"cluster_student{few}", len(scores), units)
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=resamples)
    drawn_means = _present_means(drawn @ sums, drawn @ counts)
    low, high = map(float, np.quantile(drawn_means, [(1 - confidence) / 2, (1 + confidence) / 2]))
    return mean, Interval(min(low, bounds[0]), max(high, bounds[1]), "cluster_bootstrap", len(scores), units)


def _present_means(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,) mean over the tasks that have items, from (R, T) sums and counts."""
    present = counts > 0
    ratios = np.divide(sums, counts, out=np.zeros_like(sums), where=present)
    return ratios.sum(axis=1) / present.sum(axis=1)


def _stratified(
    scores: NDArray[np.float64], task: NDArray[np.int64], means: NDArray[np.float64], confidence: float
) -> Interval:
    """Student t for the mean of independent task means; a task with one item counts with the largest variance, 1/4."""
    n = np.bincount(task).astype(np.float64)
    mean = float(means.mean())
    squares = np.bincount(task, (scores - means[task]) ** 2)
    variances = np.where(n > 1, squares / np.maximum(n - 1, 1), 0.25) / n / len(n) ** 2
    total = float(variances.sum())
    if total < 1e-24:
        low, high = wilson(mean * len(scores), len(scores), confidence)
        return Interval(low, high, "wilson_bound", len(scores), len(scores))
    degrees = max(1, int(total**2 / float((variances**2 / np.maximum(n - 1, 1)).sum())))
    reach = student_quantile(0.5 + confidence / 2, degrees) * sqrt(total)
    low, high = max(0.0, mean - reach), min(1.0, mean + reach)
    return Interval(low, high, "stratified_student", len(scores), len(scores))
