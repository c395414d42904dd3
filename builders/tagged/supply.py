"""Where the rows of a tagged dataset come from, a part at a time: a published benchmark, or rooms (``procedural.py``).

A row at this stage has the published columns and what was measured in its picture; tags come later, when all rows are
known.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from builders.errors import InputError
from builders.hub.dataset import SceneRef, SceneReport
from builders.tagged.files import Raw, fingerprint
from builders.tagged.images import name_of
from builders.tagged.sources import Published, open_published

ROWS_PER_PART = 128


class Supply(Protocol):
    """Rows in parts."""

    unit: str
    """What a part is, in words, for the report."""
    pictures: str
    """Where pictures come from, as the licence guard knows it."""
    denoised: bool
    """Whether pictures made again differ by 2 levels at most, instead of not at all."""

    @property
    def refs(self) -> list[SceneRef]:
        """The parts, in order."""
        ...

    def rows(self, ref: SceneRef, shown: Callable[[str], bool]) -> tuple[list[Raw], SceneReport]:
        """The rows of a part: published columns, measured columns, and ``key``, unique over all parts.

        Args:
            shown: whether the row of a key is wanted with its picture; ``image`` is None otherwise.
        """
        ...

    def spec(self, ref: SceneRef) -> dict[str, Any]:
        """What the rows of a part depend on."""
        ...

    def expectation(self) -> str: ...

    def said(self) -> dict[str, Any]:
        """For the manifest: what the input was."""
        ...

    def licences(self) -> dict[str, str]: ...



@dataclass(frozen=True)
class RowForm:
    """How a benchmark's rows are made from those of its files."""

    needed: Sequence[str]
    """Columns without which a file is not this benchmark."""
    known: Collection[str]
    """Columns that rows are made from; others are left out, and named in the manifest."""
    kind: str
    """The published column that says what a row asks."""
    to_row: Callable[[Raw], Raw]
    """The published columns of a row, its picture left out."""
    measure: Callable[[Raw, Raw, Path], tuple[bytes | None, Raw]]
    """(row, row as in the file, folder of the file) -> picture, None if it cannot be decoded; and columns measured in
    it."""


class PublishedRows:
    """All rows of a published benchmark, in file order."""

    unit = f"parts of {ROWS_PER_PART} rows"

    def __init__(self, spec: str, name: str, published: Published, form: RowForm) -> None:
        """
        Args:
            spec: as ``--source`` takes it.
            name: of the dataset.

        Raises:
            InputError: see ``open_published``; or the file is another one.
        """
        self._spec, self._name, self._published, self._form = spec, name, published, form
        self.pictures, self.denoised = published.name, False
        self._opened = open_published(spec, published)
        file = self._file = self._opened.rows
        self.columns = file.columns
        missing = [column for column in form.needed if column not in file.columns]
        if missing:
            raise InputError(f"{file.paths[0]}: is not {published.repo}: no column {', '.join(missing)} (its columns: "
                             f"{', '.join(file.columns)})")
        if not len(file):
            raise InputError(f"{file.paths[0]}: holds no row")

    @property
    def refs(self) -> list[SceneRef]:
        return [SceneRef(self._spec, self._name, f"rows_{start:06d}")
                for start in range(0, len(self._file), ROWS_PER_PART)]

    def rows(self, ref: SceneRef, shown: Callable[[str], bool]) -> tuple[list[Raw], SceneReport]:
        start = int(ref.scene_id.removeprefix("rows_"))
        rows = []
        for number, raw in enumerate(self._file.rows(start, min(start + ROWS_PER_PART, len(self._file))), start):
            row = self._form.to_row(raw)
            data, measured = self._form.measure(row, raw, self._file.paths[0].parent)
            row["image"] = {"bytes": data, "path": name_of(raw.get("image"))} if data and shown(str(number)) else None
            rows.append(row | measured | {"key": str(number)})
        return rows, report_of(rows, self._form.kind, len(rows), "published boxes")

    def spec(self, ref: SceneRef) -> dict[str, Any]:
        return {"input": self.input_hash, "rows": ref.scene_id, "code": code_hash("tagged")}

    @cached_property
    def input_hash(self) -> str:
        """Of the files that rows are read from."""
        return fingerprint(self._file)

    def expectation(self) -> str:
        return f"expected {len(self._file)} rows: all of {self._published.repo}, with a tag or without"

    def said(self) -> dict[str, Any]:
        left_out = [name for name in self.columns if name not in self._form.known]
        return self._opened.said | {"sha256": self.input_hash, "rows": len(self._file)} | (
            {"columns_left_out": left_out} if left_out else {})

    def licences(self) -> dict[str, str]:
        return {self._published.name: self._published.licence}


def report_of(rows: Sequence[Raw], kind: str, pictures: int, basis: str) -> SceneReport:
    """What the manifest says of a part."""
    made = Counter(row[kind] or "" for row in rows)
    return SceneReport(
        frames_read=pictures, keyframes=pictures, objects=0, visibility_basis=basis, dropped={}, unseen={},
        rejected={name: {} for name in made}, made={name: {"choice": count} for name, count in made.items()})


@cache
def code_hash(*packages: str) -> str:
    """Of the code and wording of some of our packages: what other code has made is made again."""
    folder = Path(__file__).parents[1]
    files = sorted(path for name in packages for path in (folder / name).rglob("*") if path.suffix in (".py", ".yaml"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
