"""A page of bird's-eye maps: where things are, and where a model put them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metrics.position_error._positions import normalised, read_positions
from recipes.placing import gold_map
from recipes.predictions import Answers
from recipes.questions import Row
from recipes.reporting.html import render, write_page
from recipes.results import Results

_MAPS = 12
_PIXELS = 46
"""Of a metre."""
_MARGIN = 0.7
"""Metres around what is drawn."""
_LETTERS = 14
"""Pixels between two names."""
_NAME_PIXELS = 120
"""Names of things farther apart than this, across, do not meet."""
_FARTHEST = 15.0
"""Metres; places beyond are drawn at this distance, or a wild guess would shrink the room to a dot."""


@dataclass(frozen=True)
class Thing:
    """One object, in pixels of its map."""

    name: str
    x: float
    y: float
    answer: tuple[float, float] | None
    """Where the model put it; None if it did not."""
    error: str
    label_y: float
    """Of its name, apart from others."""


@dataclass(frozen=True)
class Map:
    """One question."""

    uid: str
    question: str
    answer: str
    width: float
    height: float
    camera: tuple[float, float]
    columns: list[float]
    lines: list[float]
    """Whole metres, in pixels."""
    things: list[Thing]


def write_maps(out: Path, results: Results, rows: Sequence[Row], answers: Answers, summary: str) -> None:
    """Write the page: maps of some of the rows, evenly over the dataset, below the figures."""
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, min(_MAPS, len(rows))).round().astype(int)]
    maps = [_map(row, answers[row["uid"]].answer, answers[row["uid"]].raw_text) for row in chosen]
    write_page(render("bev.html.jinja", title=f"{results.model} on bird's-eye maps", summary=summary, maps=maps,
                      total=len(rows), metre=_PIXELS), out)


def _map(row: Row, read: str | None, raw: str) -> Map:
    gold = gold_map(row)
    known = {normalised(name): name for name in gold}
    places = read_positions(read, known).places if read else {}
    given = {known[name]: _drawn(at) for name, at in places.items() if name in known}
    points = np.array([(0.0, 0.0), *gold.values(), *given.values()])
    low, high = points.min(axis=0) - _MARGIN, points.max(axis=0) + _MARGIN

    def pixel(at: Sequence[float]) -> tuple[float, float]:
        return round((at[0] - low[0]) * _PIXELS, 1), round((high[1] - at[1]) * _PIXELS, 1)

    things: list[Thing] = []
    for name, at in sorted(gold.items(), key=lambda thing: -thing[1][1]):
        answer = given.get(name)
        said = places.get(normalised(name))
        error = f"{np.hypot(said[0] - at[0], said[1] - at[1]):.2f} m" if said else "not placed"
        x, y = pixel(at)
        above = [thing.label_y for thing in things if abs(thing.x - x) < _NAME_PIXELS]
        label_y = max([y, *(other + _LETTERS for other in above)])
        things.append(Thing(name, x, y, pixel(answer) if answer else None, error, label_y))
    metres = [np.arange(np.ceil(a), np.floor(b) + 1) for a, b in zip(low, high, strict=True)]
    width, height = ((high - low) * _PIXELS).round(1).tolist()
    return Map(row["uid"], row["question"], raw[:300] or "no answer", width, height, pixel((0.0, 0.0)),
               [pixel((x, 0.0))[0] for x in metres[0]], [pixel((0.0, y))[1] for y in metres[1]], things)


def _drawn(at: tuple[float, float]) -> tuple[float, float]:
    shrink = min(1.0, _FARTHEST / max(float(np.hypot(*at)), 1e-9))
    return at[0] * shrink, at[1] * shrink
