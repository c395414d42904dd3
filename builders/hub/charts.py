"""Charts of a card: lines of stacked bars, and histograms, as PNG."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

from builders.hub.drawing import FAINT, INK, LINE, blank, encoded, font, ticks

WIDTH = 990
"""Pixels."""
_MARGIN = 16
_TITLE, _LEGEND, _AXIS = 36, 26, 46
_LINE, _BAR = 22, 15
_PANELS, _PANEL_HEIGHT = 3, 200
_MOST_BINS = 40
_ZONE = (232, 232, 232)
_COLORS = ((68, 119, 170), (238, 102, 119), (187, 187, 187), (34, 136, 51), (204, 187, 68), (102, 204, 238),
           (170, 51, 119), (119, 119, 119))
"""Told apart by the colour-blind, too."""


@dataclass(frozen=True)
class Bars:
    """A line per name, in which the counts of all series stand side by side."""

    name: str
    """Of the file."""
    title: str
    series: Sequence[str]
    lines: Sequence[tuple[str, Sequence[int]]]
    """(label, count of each series)."""
    shares: bool = False
    """Draw each line as wide as the others."""

    def png(self) -> bytes:
        top = _TITLE + (_LEGEND if len(self.series) > 1 else 0)
        bottom = top + _LINE * len(self.lines)
        image, draw = blank(WIDTH, bottom + _AXIS)
        left = 2 * _MARGIN + max(int(font(13).getlength(label)) for label, _ in self.lines)
        longest = 100 if self.shares else max(1, *(sum(counts) for _, counts in self.lines))
        scale = (WIDTH - 2 * _MARGIN - left) / longest
        draw.text((_MARGIN, _TITLE // 2), self.title, INK, font(15, bold=True), anchor="lm")
        if len(self.series) > 1:
            self._legend(draw)
        for value, written in ticks(0, longest, 8):
            if value == int(value):
                x = left + value * scale
                draw.line((x, top, x, bottom + 4), LINE)
                draw.text((x, bottom + 7), written, FAINT, font(12), anchor="mt")
        draw.text((left, bottom + 24), "% of the line" if self.shares else "questions", FAINT, font(12), anchor="lt")
        for number, (label, counts) in enumerate(self.lines):
            y = top + number * _LINE + (_LINE - _BAR) // 2
            draw.text((left - 8, y + _BAR / 2), label, INK, font(13), anchor="rm")
            ends = np.cumsum(counts) * (longest / sum(counts) if self.shares else 1)
            for color, start, end in zip(_COLORS, [0, *ends], ends):
                if end > start:
                    draw.rectangle((left + start * scale, y, left + end * scale - 1, y + _BAR), color)
        return encoded(image)

    def _legend(self, draw: ImageDraw.ImageDraw) -> None:
        x, y = _MARGIN, _TITLE + 2
        for color, label in zip(_COLORS, self.series):
            draw.rectangle((x, y, x + 12, y + 12), color)
            draw.text((x + 18, y + 6), label, INK, font(13), anchor="lm")
            x += 18 + int(font(13).getlength(label)) + 20


@dataclass(frozen=True)
class Panel:
    """How often each number occurs."""

    label: str
    counts: Counter[float]
    step: float
    """Numbers are multiples of it; bars are as wide as a whole number of steps."""
    unit: str
    dead_zone: float = 0.0
    """Marked on both sides of zero."""


@dataclass(frozen=True)
class Histograms:
    """A histogram for each panel."""

    name: str
    title: str
    panels: Sequence[Panel]

    def png(self) -> bytes:
        image, draw = blank(WIDTH, _TITLE + _PANEL_HEIGHT * -(-len(self.panels) // _PANELS))
        draw.text((_MARGIN, _TITLE // 2), self.title, INK, font(15, bold=True), anchor="lm")
        for number, panel in enumerate(self.panels):
            row, column = divmod(number, _PANELS)
            _draw_panel(draw, panel, column * WIDTH // _PANELS, _TITLE + row * _PANEL_HEIGHT)
        return encoded(image)


def _draw_panel(draw: ImageDraw.ImageDraw, panel: Panel, x: int, y: int) -> None:
    """Bars, axes and words of one histogram in the rectangle whose corner is (x, y)."""
    steps = np.rint(np.array(list(panel.counts)) / panel.step).astype(int)
    wide = (steps.max() - steps.min()) // _MOST_BINS + 1
    bins = np.bincount((steps - steps.min()) // wide, weights=list(panel.counts.values()))
    edges = (steps.min() - 0.5 + wide * np.arange(len(bins) + 1)) * panel.step
    left, right, top, bottom = x + 52, x + WIDTH // _PANELS - 14, y + 26, y + _PANEL_HEIGHT - 48

    def across(value: float) -> float:
        return left + (value - edges[0]) / (edges[-1] - edges[0]) * (right - left)

    def up(count: float) -> float:
        return bottom - count / bins.max() * (bottom - top)

    draw.text((left, y + 4), panel.label, INK, font(13), anchor="lt")
    if panel.dead_zone:
        inside = np.clip([-panel.dead_zone, panel.dead_zone], edges[0], edges[-1])
        draw.rectangle((across(inside[0]), top, across(inside[1]), bottom), _ZONE)
    for value, written in ticks(0, bins.max(), 4):
        if value == int(value):
            draw.line((left, up(value), right, up(value)), LINE)
            draw.text((left - 6, up(value)), written, FAINT, font(12), anchor="rm")
    for count, start, end in zip(bins, edges, edges[1:]):
        if count:
            draw.rectangle((across(start), up(count), max(across(start), across(end) - 1), bottom), _COLORS[0])
    for value, written in ticks(edges[0], edges[-1], 5):
        if panel.step != 1 or value == int(value):
            draw.line((across(value), bottom, across(value), bottom + 4), FAINT)
            draw.text((across(value), bottom + 7), written, FAINT, font(12), anchor="mt")
    draw.line((left, bottom, right, bottom), FAINT)
    draw.text((left, bottom + 24), panel.unit, FAINT, font(12), anchor="lt")
