"""Charts of scores with their intervals, as dots or bars: where the marks go, in SVG units. A macro draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from recipes.scoring import Score

WIDTH = 640
LEFT = 118
"""Room for the labels, at least."""
_LETTER = 6.2
"""Width of a letter of a label, at most on average."""
_BOLD = 7.6
"""The same of a note."""
RIGHT = 14
TOP = 8
_LANE = 9
"""Height of one mark in a line."""
_BAR_LANE = 13
_PADDING = 8
_TICKS = 5


@dataclass(frozen=True)
class Row:
    """One line before it is laid out."""

    label: str
    marks: Sequence[tuple[str, str, Score | None]]
    """(class in the style sheet, what a pointer is told of it, score), one per lane."""
    kind: str = "task"
    chance: tuple[float, ...] = ()
    note: str = ""
    """At the right end."""


@dataclass(frozen=True)
class Mark:
    """One score."""

    css: str
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
    note: str


@dataclass(frozen=True)
class Chart:
    """Everything the macro draws."""

    width: int
    left: int
    right: float
    height: float
    bottom: float
    bar: float
    """Height of a bar; 0: dots."""
    ticks: tuple[tuple[str, float], ...]
    """(label, x)."""
    lines: tuple[ChartLine, ...]


def chart(rows: Sequence[Row], *, top_value: float = 100.0, bars: bool = False) -> Chart:
    """Lay out one line per row, its marks below each other, on an axis from 0 to ``top_value``."""
    left = max(LEFT, round(12 + _LETTER * max((len(row.label) for row in rows), default=0)))
    right = WIDTH - RIGHT - round(_BOLD * max((len(row.note) for row in rows), default=0))
    lane = _BAR_LANE if bars else _LANE
    lanes = max((len(row.marks) for row in rows), default=1)
    height = lane * max(1, lanes) + _PADDING
    digits = 1 if top_value > 1 else 3

    def place(value: float) -> float:
        return round(left + (right - left) * value / top_value, 2)

    drawn = []
    for number, row in enumerate(rows):
        top = TOP + number * height
        marks = []
        for index, (css, title, score) in enumerate(row.marks):
            if score:
                low, high = (bound if isfinite(bound) else score.value for bound in (score.low, score.high))
                value, bounds = f"{score.value:.{digits}f}", f"[{low:.{digits}f}, {high:.{digits}f}]"
                marks.append(Mark(css, top + _PADDING / 2 + lane * (index + 0.5), place(score.value), place(low),
                                  place(high), f"{title}: {value} {bounds}, n {score.n}"))
        drawn.append(ChartLine(row.label, row.kind, top, height, tuple(map(place, row.chance)), tuple(marks), row.note))
    bottom = TOP + len(rows) * height
    ticks = tuple((f"{top_value * i / _TICKS:g}", place(top_value * i / _TICKS)) for i in range(_TICKS + 1))
    return Chart(WIDTH, left, right, bottom + 22, bottom, lane - 3 if bars else 0, ticks, tuple(drawn))
