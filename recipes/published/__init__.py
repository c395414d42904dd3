"""Numbers printed in the papers, as data: one CSV per table, each naming its source in its first lines.

Values stand as printed (an empty cell where the table has a dash); what a text at hand does not give is left out, and a
comment says so. Tables are named by number and section: the texts they were taken from have no page numbers.
``expected_mismatches.yaml`` lists what the papers print and their own tables do not give, each with both values and the
reason.
"""

import csv
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from builders.errors import InputError
from builders.yaml_files import read_yaml

FOLDER = Path(__file__).resolve().parent


class PublishedTable(NamedTuple):
    """One printed table."""

    name: str
    about: str
    """What it holds, its source, and what is left out."""
    columns: tuple[str, ...]
    """Without the first, which names the rows."""
    rows: dict[str, dict[str, str]]
    """Row name -> column -> cell as printed."""

    def value(self, row: str, column: str) -> float | None:
        """The number in a cell; None where it is empty."""
        cell = self.rows[row][column]
        return float(cell) if cell else None

    def values(self, row: str, columns: list[str]) -> list[float]:
        """The numbers in some cells of a row, empty ones left out."""
        found = (self.value(row, column) for column in columns)
        return [value for value in found if value is not None]


class Mismatch(NamedTuple):
    """A figure that is known not to follow, with the two values that it was listed with."""

    reason: str
    printed: float
    recomputed: float
    """Rounded to the digits of the table."""


class Published:
    """The tables of a folder, read when they are asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._tables: dict[str, PublishedTable] = {}

    def table(self, name: str) -> PublishedTable:
        """The table ``name``.csv.

        Raises:
            InputError: no such file, a row named twice or of another length, a cell that is no number.
        """
        if name not in self._tables:
            self._tables[name] = _read_table(self.folder / f"{name}.csv")
        return self._tables[name]

    def listed(self, name: str) -> list[dict[str, Any]]:
        """The entries of ``name``.yaml."""
        try:
            return list(read_yaml(self.folder / f"{name}.yaml"))
        except (OSError, TypeError, yaml.YAMLError) as error:
            raise InputError(f"{self.folder / name}.yaml: cannot be read as a list ({error})") from None

    @cached_property
    def expected_mismatches(self) -> dict[tuple[str, str, str], Mismatch]:
        """(check, row, quantity) -> what is printed, what the paper's own numbers give, and why the two differ.

        Raises:
            InputError: an entry is not a row, a figure and two numbers.
        """
        listed: dict[tuple[str, str, str], Mismatch] = {}
        for entry in self.listed("expected_mismatches"):
            for figure in entry["figures"]:
                try:
                    row, quantity, printed, recomputed = figure
                    listed[entry["check"], row, quantity] = Mismatch(entry["reason"], float(printed), float(recomputed))
                except (TypeError, ValueError):
                    path = self.folder / "expected_mismatches.yaml"
                    raise InputError(f"{path}: {figure} is not [row, figure, printed, recomputed]") from None
        return listed


_TEXT_COLUMNS = {"level", "metric", "views", "benchmark"}


def _read_table(path: Path) -> PublishedTable:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; the folder must hold one CSV per table") from None
    about = " ".join(line[1:].strip() for line in lines if line.startswith("#"))
    reader = csv.reader(line for line in lines if not line.startswith("#"))
    key, *columns = next(reader)
    rows: dict[str, dict[str, str]] = {}
    for cells in reader:
        name = cells[0] if key != "model" or "benchmark" not in columns else f"{cells[0]}, {cells[1]}"
        if len(cells) != len(columns) + 1 or name in rows:
            raise InputError(f"{path}: row {name!r} has {len(cells)} cells or comes twice; expected {len(columns) + 1}")
        rows[name] = dict(zip(columns, cells[1:], strict=True))
        for column, cell in rows[name].items():
            if cell and column not in _TEXT_COLUMNS:
                try:
                    float(cell)
                except ValueError:
                    raise InputError(f"{path}: row {name!r}, column {column!r}: {cell!r} is no number") from None
    return PublishedTable(path.stem, about, tuple(columns), rows)
