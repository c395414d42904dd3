"""The tables of a comparison as CSV (one line per figure) and as Markdown (one column per run)."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from pathlib import Path

from builders.hub.files import replacing
from recipes.comparison.layouts import Line, figure_names, layout_of
from recipes.comparison.paired import Difference, Paired
from recipes.comparison.runs import Group, Run
from recipes.scoring import Score

_ASKED = ("recipe", "dataset", "revision", "manifest_sha256", "config", "split")
_SCORES = (*_ASKED, "figure", "run", "value", "low", "high", "interval", "n", "n_groups", "n_unparsed")
_DIFFERENCES = (*_ASKED, "figure", "run", "less", "value", "low", "high", "interval", "n", "n_groups")


@dataclass(frozen=True)
class Compared:
    """A group of runs with every paired difference."""

    group: Group
    paired: Paired
    lines: list[Line]
    headlines: list[Line]
    differences: dict[tuple[str, int, int], Difference]
    """(figure, run, run that is subtracted), for every pair in the order of the runs."""

    def difference(self, figure: str, first: int, second: int) -> Difference | None:
        """Of any two runs, in either order."""
        if found := self.differences.get((figure, first, second)):
            return found
        if found := self.differences.get((figure, second, first)):
            return Difference(-found.value, -found.high, -found.low, found.interval, found.n, found.n_groups)
        return None


def compare(group: Group) -> Compared:
    """The group with all of its differences.

    Raises:
        InputError: predictions of a run do not fit its results.
    """
    paired, names, layout = Paired(group), figure_names(group), layout_of(group)
    lines = layout.arrange(names)
    wanted = layout.headlines(names)
    found = {(line.figure, i, j): difference for line in lines for i, j in combinations(range(len(group.runs)), 2)
             if (difference := paired.difference(line.figure, i, j))}
    return Compared(group, paired, lines, [line for line in lines if line.figure in wanted], found)


def name_of(run: Run) -> str:
    """The label, with its caption where it has one."""
    return f"{run.label} ({run.caption})" if run.caption else run.label


def write_tables(compared: Sequence[Compared], page: Path) -> list[Path]:
    """Write scores and differences as CSV and both as Markdown beside the page, under its name."""
    texts = {"scores.csv": _csv(_SCORES, _score_rows(compared)),
             "differences.csv": _csv(_DIFFERENCES, _difference_rows(compared)),
             "md": "\n\n".join(markdown(part) for part in compared) + "\n"}
    written = []
    for ending, text in texts.items():
        written.append(page.with_suffix(f".{ending}"))
        with replacing(written[-1]) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    return written


def _csv(columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> str:
    with io.StringIO(newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
        return file.getvalue()


def _asked(group: Group) -> tuple[str, ...]:
    asked = group.asked
    return asked.recipe, group.repo, group.revision or "", asked.manifest_sha256, asked.config, asked.split


def _score_rows(compared: Sequence[Compared]) -> Iterator[tuple[object, ...]]:
    for part in compared:
        for run in part.group.runs:
            for name, score in run.metrics.items():
                yield (*_asked(part.group), name, name_of(run), score.value, score.low, score.high, score.interval,
                       score.n, score.n_groups, score.n_unparsed)


def _difference_rows(compared: Sequence[Compared]) -> Iterator[tuple[object, ...]]:
    for part in compared:
        runs = part.group.runs
        for (name, i, j), found in part.differences.items():
            yield (*_asked(part.group), name, name_of(runs[i]), name_of(runs[j]), found.value, found.low, found.high,
                   found.interval, found.n, found.n_groups)


def markdown(part: Compared) -> str:
    """Scores, then the differences of every pair in the figures that come first."""
    group, runs = part.group, part.group.runs
    digits = 1 if group.scale == 100 else 3
    held = f"{group.repo}{'@' + group.revision[:12] if group.revision else ''}"
    texts = [f"## {layout_of(group).title or group.asked.recipe}: {held}",
             f"{group.asked.config}/{group.asked.split}, manifest {group.asked.manifest_sha256[:24]}; in brackets 95 % "
             "intervals"]
    head = ["Figure", "n", *map(name_of, runs)]
    rows = [[line.name, _count([run.metrics.get(line.figure) for run in runs]),
             *(_cell(run.metrics.get(line.figure), digits, line.signed) for run in runs)] for line in part.lines]
    texts.append(_table(head, rows))
    pairs = [[line.name, name_of(runs[i]), name_of(runs[j]), str(found.n),
              _cell(found, digits, True)]
             for line in part.headlines for i, j in combinations(range(len(runs)), 2)
             if (found := part.differences.get((line.figure, i, j)))]
    if pairs:
        texts.append(_table(["Paired difference", "of", "less", "n", "value"], pairs))
    return "\n\n".join(texts)


def _count(scores: Sequence[Score | None]) -> str:
    return " / ".join(dict.fromkeys(str(score.n) for score in scores if score))


def _cell(found: Score | Difference | None, digits: int, signed: bool) -> str:
    if found is None:
        return ""
    value, low, high = (number(x, digits, signed) for x in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]" if isfinite(found.low) else value


def number(value: float, digits: int, signed: bool = False) -> str:
    """With its sign where it is a difference; a zero has none.

    >>> number(2.04, 1, True), number(-0.001, 2, True), number(0.5, 3)
    ('+2.0', '0.00', '0.500')
    """
    rounded = round(value, digits) or 0.0
    return f"{rounded:{'+' if signed and rounded else ''}.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
