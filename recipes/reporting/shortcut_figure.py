"""The figure of consistent and counter: where its bars go, in SVG units. The template draws them."""

from collections.abc import Mapping
from dataclasses import dataclass

from builders.heuristic import TAGS
from recipes.scoring import Score
from recipes.shortcut_scoring import GAP

LEFT = 30
TOP = 16
HEIGHT = 180
"""Of 100 percent."""
_BAR = 27
_GAP = 26
"""Between blocks."""
_BELOW = 48
"""Room for counts, names and gaps."""


@dataclass(frozen=True)
class Bar:
    """One tag of one block."""

    tag: str
    x: float
    y: float
    low: float
    high: float
    """y of the interval's ends."""
    label: str
    n: int
    title: str


@dataclass(frozen=True)
class BarBlock:
    """The bars of all rows, or of one kind of question."""

    name: str
    x: float
    """Left end."""
    chance: float
    """y."""
    gap: str
    bars: tuple[Bar, ...]

    @property
    def middle(self) -> float:
        return self.x + len(TAGS) * _BAR / 2

    @property
    def right(self) -> float:
        return self.x + len(TAGS) * _BAR


@dataclass(frozen=True)
class BarChart:
    """Everything the template draws."""

    width: float
    height: float
    bottom: float
    bar: float
    """Width of a bar."""
    ticks: tuple[tuple[int, float], ...]
    """(percent, y)."""
    blocks: tuple[BarBlock, ...]


def bar_chart(metrics: Mapping[str, Score], chance: Mapping[str, float]) -> BarChart:
    """Bars of a run, a block for all rows and for each kind that has tags.

    Args:
        chance: block -> percent.
    """
    names = [name for name in chance if any(f"{name}/{tag}" in metrics for tag in TAGS)]
    blocks = []
    for number, name in enumerate(names):
        x = LEFT + _GAP / 2 + number * (len(TAGS) * _BAR + _GAP)
        found = [(place, tag, metrics[f"{name}/{tag}"]) for place, tag in enumerate(TAGS) if f"{name}/{tag}" in metrics]
        bars = tuple(
            Bar(tag, x + place * _BAR, _y(score.value), _y(score.low), _y(score.high), f"{score.value:.0f}", score.n,
                f"{name}, {tag}: {score.value:.1f} [{score.low:.1f}, {score.high:.1f}], {score.n} questions")
            for place, tag, score in found
        )
        gap = metrics.get(f"{name}/{GAP}")
        blocks.append(BarBlock(name, x, _y(chance[name]), f"gap {gap.value:+.1f}" if gap else "no gap", bars))
    width = LEFT + len(names) * (len(TAGS) * _BAR + _GAP)
    ticks = tuple((percent, _y(percent)) for percent in range(0, 101, 25))
    return BarChart(width, TOP + HEIGHT + _BELOW, TOP + HEIGHT, _BAR, ticks, tuple(blocks))


def _y(percent: float) -> float:
    return round(TOP + HEIGHT * (1 - percent / 100), 2)
