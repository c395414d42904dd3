"""The score chart: where its marks go, in SVG units. The template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

from recipes.reporting.score_table import ScoreLine

WIDTH = 760
LEFT = 118
"""Room for the labels, at least."""
_LETTER = 6.2
"""Width of a letter of a label, at most on average."""
RIGHT = 14
TOP = 8
_LANE = 9
"""Height of one run in a line."""
_PADDING = 8


@dataclass(frozen=True)
class Mark:
    """One score of one run."""

    run: int
    y: float
    x: float
    low: float
    high: float
    title: str


@dataclass(frozen=True)
class ChartLine:
    """One line of the chart."""

    label: str
    kind: str
    top: float
    height: float
    chance: tuple[float, ...]
    """x of each theoretical chance level."""
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Chart:
    """Everything the template draws."""

    width: int
    left: int
    height: float
    bottom: float
    ticks: tuple[tuple[int, float], ...]
    """(percent, x)."""
    lines: tuple[ChartLine, ...]


def score_chart(lines: Sequence[ScoreLine], labels: Sequence[str]) -> Chart:
    """Lay out one line per score line, the runs below each other in it.

    Args:
        labels: of the runs, for the marks' titles.
    """
    drawn = []
    left = max(LEFT, round(12 + _LETTER * max((len(line.label) for line in lines), default=0)))
    top = float(TOP)
    height = _LANE * max(1, len(labels)) + _PADDING
    for line in lines:
        marks = tuple(
            Mark(
                run=run,
                y=top + _PADDING / 2 + _LANE * (run + 0.5),
                x=_x(score.value, left),
                low=_x(score.low, left),
                high=_x(score.high, left),
                title=f"{labels[run]}, {line.label}: {score.value:.1f} [{score.low:.1f}, {score.high:.1f}]",
            )
            for run, score in enumerate(line.scores)
            if score
        )
        chance = tuple(_x(value, left) for value in line.chance)
        drawn.append(ChartLine(line.label, line.kind, top, height, chance, marks))
        top += height
    ticks = tuple((percent, _x(percent, left)) for percent in range(0, 101, 20))
    return Chart(WIDTH, left, top + 22, top, ticks, tuple(drawn))


def _x(percent: float, left: int) -> float:
    return round(left + (WIDTH - left - RIGHT) * percent / 100, 2)
