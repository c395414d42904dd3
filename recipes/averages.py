"""The mean of several tasks' means, every task counting alike (SPAR, table 4), and its interval over scenes.

Same family of intervals as ``metrics/_shared/intervals.py``, for a mean of ratios: percentile bootstrap over whole
scenes; below 20 scenes Student t with the scenes' linearised influence on the mean; where scenes do not differ, or
there is only one, the Wilson interval over scenes, which is wide enough for any scores between 0 and 1.
"""

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from metrics._shared.intervals import FEW_GROUPS, Interval, group_indices, student_quantile, wilson


def mean_of_task_means(
    scores: ArrayLike,
    tasks: Sequence[Hashable],
    scenes: Sequence[Hashable],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, Interval]:
    """The mean over tasks of each task's mean score, and its interval.

    Args:
        scores: (N,) between 0 and 1, at least one.
        tasks: (N,) the task of each score.
        scenes: (N,) what scores share.

    A resample that happens to hold no question of a task averages the others.

    >>> value, interval = mean_of_task_means([1, 0, 1, 0], ["a", "a", "b", "b"], ["x", "y", "x", "y"])
    >>> value, interval.method
    (0.5, 'cluster_student_few_groups')
    """
    values = np.asarray(scores, dtype=np.float64)
    task, scene = group_indices(tasks, len(values)), group_indices(scenes, len(values))
    shape = int(scene.max()) + 1, int(task.max()) + 1
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (scene, task), values)
    np.add.at(counts, (scene, task), 1)
    means = sums.sum(axis=0) / counts.sum(axis=0)
    mean = float(means.mean())
    influence = ((sums - means * counts) / counts.sum(axis=0)).mean(axis=1)
    units = len(sums)
    few = "_few_groups" if units < FEW_GROUPS else ""
    if units == 1 or np.abs(influence).max() < 1e-12:
        low, high = wilson(mean * units, units, confidence)
        return mean, Interval(low, high, f"cluster_wilson_bound{few}", len(values), units)
    if few:
        error = sqrt(units / (units - 1) * float(influence @ influence))
        reach = student_quantile(0.5 + confidence / 2, units - 1) * error
        low, high = max(0.0, mean - reach), min(1.0, mean + reach)
        return mean, Interval(low, high, f"cluster_student{few}", len(values), units)
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=resamples)
    drawn_sums, drawn_counts = drawn @ sums, drawn @ counts
    present = drawn_counts > 0
    ratios = np.divide(drawn_sums, drawn_counts, out=np.zeros_like(drawn_sums), where=present)
    low, high = np.quantile(ratios.sum(axis=1) / present.sum(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return mean, Interval(min(float(low), mean), max(float(high), mean), "cluster_bootstrap", len(values), units)
