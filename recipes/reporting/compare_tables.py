"""The tables of the comparison page: scores line by line, and the differences of every pair."""

from dataclasses import dataclass
from itertools import chain

from recipes.comparison.layouts import Line
from recipes.comparison.paired import Difference
from recipes.comparison.tables import Compared
from recipes.scoring import Score
from recipes.shortcut_scoring import ALL

_SAME = 9
"""Decimals to which two figures count as equal."""


@dataclass(frozen=True)
class Cell:
    """One figure of one run."""

    score: Score | None
    best: bool
    uninformative: bool
    n: int
    """Where it is not that of the line, else 0."""


@dataclass(frozen=True)
class TableRow:
    """One figure of all runs."""

    line: Line
    heading: str
    """Of a block that begins here."""
    chance: float | None
    """Of that block."""
    n: int
    cells: list[Cell]


@dataclass(frozen=True)
class Matrix:
    """Differences of every pair in one figure: below the diagonal."""

    title: str
    signed: bool
    """A gap, of which neither more nor less is better by itself."""
    lines: list[list[Difference | None]]


def table_rows(part: Compared) -> list[TableRow]:
    """The lines of the scores, block by block."""
    runs, rows, block = part.group.runs, [], ""
    chance = runs[0].results.settings.get("chance") or {}
    for line in part.lines:
        scores = [run.metrics.get(line.figure) for run in runs]
        count = next(score.n for score in scores if score)
        values = {round(score.value, _SAME) for score in scores if score}
        ranked = len(values) > 1 and not line.signed and "yes_rate" not in line.figure
        best = (min if line.less_is_better else max)(values)
        cells = [Cell(score, ranked and score is not None and round(score.value, _SAME) == best,
                      line.figure in run.results.settings.get("uninformative", ()),
                      score.n if score and score.n != count else 0)
                 for run, score in zip(runs, scores, strict=True)]
        rows.append(TableRow(line, line.block if line.block != block else "", chance.get(line.block), count, cells))
        block = line.block
    return rows


def matrices(part: Compared) -> list[Matrix]:
    """Of each figure that comes first and has differences."""
    found = []
    for line in part.headlines:
        lines = [[part.difference(line.figure, i, j) for j in range(i)] for i in range(1, len(part.group.runs))]
        if any(chain.from_iterable(lines)):
            of = "all questions" if line.block == ALL else line.block
            title = f"{line.label} ({of})" if of and of != line.label else line.label
            found.append(Matrix(title, line.signed, lines))
    return found


def differences_from_first(part: Compared) -> list[tuple[Line, list[Difference | None]]]:
    """Every figure of the other runs less that of the first run."""
    others = range(1, len(part.group.runs))
    lines = [(line, [part.difference(line.figure, i, 0) for i in others]) for line in part.lines]
    return [(line, cells) for line, cells in lines if any(cells)]
