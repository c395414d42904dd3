"""Bars of measured times and memory: a chart per figure, a line per setting, a bar per run."""

from collections.abc import Mapping, Sequence
from math import floor, log10

from recipes.reporting.chart import Chart, Row, chart
from recipes.scoring import Score

FIGURES = {"features_ms": "feature extraction, ms", "latency_ms": "whole answer, ms", "peak_mib": "peak memory, MiB"}
"""What is measured -> what a chart calls it."""


def speed_charts(
    runs: Sequence[tuple[str, Mapping[str, Score]]], figures: Mapping[str, str]
) -> list[tuple[str, Chart]]:
    """(title, chart) of each figure.

    Args:
        runs: (label, ``SETTING/FIGURE`` -> score).
        figures: key -> title.
    """
    found = []
    for figure, title in figures.items():
        names = dict.fromkeys(name for _, metrics in runs for name in metrics if name.endswith(f"/{figure}"))
        rows = [Row(name.partition("/")[0], [(f"run-{number % 8}", f"{label}, {name}", metrics.get(name))
                                             for number, (label, metrics) in enumerate(runs)]) for name in names]
        tops = [max(score.value, score.high) for _, metrics in runs for name in names if (score := metrics.get(name))]
        if tops:
            found.append((title, chart(rows, top_value=round_up(max(tops)), bars=True)))
    return found


def round_up(value: float) -> float:
    """The next of 1, 2, 2.5 or 5 times a power of ten: an axis of five steps then has round numbers.

    >>> round_up(771.1), round_up(0.14), round_up(2100)
    (1000.0, 0.2, 2500.0)
    """
    power = 10.0 ** floor(log10(value)) if value > 0 else 1.0
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)
