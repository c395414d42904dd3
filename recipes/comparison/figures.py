"""Figures of values of questions, with their intervals: a mean, a mean of means, or a difference of two means."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.shortcut_gap._difference import difference_interval
from metrics.shortcut_gap._intervals import mean_interval
from metrics.spar_score._averages import mean_of_task_means
from recipes.items import DIFFERENCE

Interval = tuple[float | None, float | None, str, int, int]
"""Low, high, method, number of values and of groups, as ``metrics/_shared/intervals.py`` gives them."""


def figure_of(
    parts: Sequence[NDArray[np.float64]], groups: Sequence[Sequence[str]], kind: str
) -> tuple[float, Interval]:
    """The figure that values make, and its interval.

    Args:
        parts: (N_p,) values between 0 and 1 of each part; two of a difference.
        groups: (N_p,) what each value shares its errors with, across parts, too.
        kind: ``mean`` or ``difference``.

    >>> value, interval = figure_of([np.array([1.0, 0.0]), np.array([1.0, 1.0])], [["a", "b"], ["c", "d"]], "mean")
    >>> value, interval[2]
    (0.75, 'cluster_student_few_groups')
    """
    values = np.concatenate(parts)
    of_part = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    shared = [group for of in groups for group in of]
    if kind == DIFFERENCE:
        return float(parts[0].mean() - parts[1].mean()), difference_interval(values, of_part == 0, shared)
    if len(parts) == 1:
        return float(values.mean()), mean_interval(values, shared)
    return mean_of_task_means(values, of_part.tolist(), shared)
