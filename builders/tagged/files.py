"""The file forms a benchmark comes in, read a few rows at a time: Parquet, JSON (an array, or a line each) and TSV.

``rows(start, stop)`` reads from the place in the file where the rows are, so that neither order nor worker processes
matter, and no more than the rows asked for are in memory.
"""

import csv
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import InputError
from builders.hub.files import sha256_of

Raw = dict[str, Any]
"""A row as the file has it."""

_BLOCK = 1 << 22
_LONGEST_ROW = 1 << 26
"""Bytes; a JSON object that does not end before is none."""
_BETWEEN_OBJECTS = " \t\r\n,[\xef\xbb\xbf"
"""The last three are a byte-order mark."""
_BATCH = 32
"""Rows of a Parquet file that are in memory at once, if its pages are not larger."""


class RowFile(Protocol):
    """A benchmark in one file form."""

    paths: Sequence[Path]
    columns: tuple[str, ...]

    def __len__(self) -> int: ...

    def rows(self, start: int = 0, stop: int | None = None, columns: Sequence[str] | None = None) -> Iterator[Raw]:
        """Rows ``start`` to ``stop``, in file order; of these columns alone if named."""
        ...


def open_rows(path: Path) -> RowFile:
    """The rows of a file, or of all Parquet files in a folder.

    Raises:
        InputError: there is none, it is of another form, or damaged.
    """
    if path.is_dir():
        shards = sorted(path.rglob("*.parquet"))
        if not shards:
            raise InputError(f"{path}: holds no Parquet file; name the file itself")
        return ParquetRows(shards)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the benchmark's Parquet, JSON or TSV file")
    if path.suffix.lower() not in _FORMS:
        raise InputError(f"{path}: expected a name that ends in {', '.join(_FORMS)}")
    return _FORMS[path.suffix.lower()](path)


def fingerprint(file: RowFile) -> str:
    """SHA-256 over the files' own."""
    return hashlib.sha256("".join(sha256_of(path) for path in file.paths).encode()).hexdigest()


class ParquetRows:
    """Parquet shards, one after the other; columns are those of all shards."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths: Sequence[Path] = paths
        try:
            self._groups = [[group.num_rows for group in map(metadata.row_group, range(metadata.num_row_groups))]
                            for metadata in map(pq.read_metadata, paths)]
            self.columns = tuple(dict.fromkeys(name for path in paths for name in pq.read_schema(path).names))
        except (OSError, pa.ArrowInvalid) as error:
            where = paths[0].parent if len(paths) > 1 else paths[0]
            raise InputError(f"{where}: not readable as Parquet ({_one_line(error)})") from error

    def __len__(self) -> int:
        return sum(map(sum, self._groups))

    def rows(self, start: int = 0, stop: int | None = None, columns: Sequence[str] | None = None) -> Iterator[Raw]:
        stop = len(self) if stop is None else stop
        first = 0
        for path, groups in zip(self.paths, self._groups, strict=True):
            with pq.ParquetFile(path) as file:
                held = [name for name in file.schema_arrow.names if columns is None or name in columns]
                for number, count in enumerate(groups):
                    if first < stop and first + count > start:
                        yield from _of_group(file, number, held, start - first, stop - first)
                    first += count


def _of_group(file: pq.ParquetFile, group: int, columns: list[str], start: int, stop: int) -> Iterator[Raw]:
    """Rows ``start`` to ``stop`` of a row group, those that there are."""
    first = 0
    for batch in file.iter_batches(_BATCH, row_groups=[group], columns=columns, use_threads=False):
        yield from batch.slice(max(0, start - first), max(0, stop - max(first, start))).to_pylist()
        first += len(batch)
        if first >= stop:
            return


class JsonRows:
    """A JSON array of objects, or an object after the other (JSON Lines)."""

    def __init__(self, path: Path) -> None:
        self.paths: Sequence[Path] = [path]
        self._spans = list(_object_spans(path))
        self.columns = tuple(dict.fromkeys(name for row in self.rows(0, min(len(self), _BATCH)) for name in row))

    def __len__(self) -> int:
        return len(self._spans)

    def rows(self, start: int = 0, stop: int | None = None, columns: Sequence[str] | None = None) -> Iterator[Raw]:
        with self.paths[0].open("rb") as file:
            for number, (begin, end) in enumerate(self._spans[start:stop], start):
                file.seek(begin)
                try:
                    row = json.loads(file.read(end - begin))
                except ValueError as error:
                    raise InputError(f"{self.paths[0]}: row {number} is no JSON object ({error})") from error
                yield row if columns is None else {name: row[name] for name in columns if name in row}


def _object_spans(path: Path) -> Iterator[tuple[int, int]]:
    """First byte and end of each object. Bytes are read as Latin-1, of which each is a character: what JSON's structure
    is made of is ASCII."""
    decoder, text, start, place = json.JSONDecoder(), "", 0, 0  # text[place:] is not looked at yet
    with path.open("rb") as file:
        at_end = False
        while True:
            while place < len(text) and text[place] in _BETWEEN_OBJECTS:
                place += 1
            if text[place : place + 1] == "]" or (at_end and place == len(text)):
                return
            try:
                value, end = decoder.raw_decode(text, place)
            except json.JSONDecodeError as error:
                if at_end or len(text) - place > _LONGEST_ROW:
                    raise InputError(f"{path}: expected a JSON array of objects, or an object a line; what begins at "
                                     f"byte {start + place} is none ({error.msg})") from error
                block = file.read(_BLOCK)
                at_end = not block
                start, text, place = start + place, text[place:] + block.decode("latin-1"), 0
                continue
            if not isinstance(value, dict):
                raise InputError(f"{path}: expected JSON objects, got {str(value)[:40]!r} at byte {start + place}")
            yield start + place, start + end
            place = end


class TsvRows:
    """Tab-separated values with a line of names, quoted as spreadsheets do; empty cells are None."""

    def __init__(self, path: Path) -> None:
        self.paths: Sequence[Path] = [path]
        csv.field_size_limit(sys.maxsize)
        self._starts = [offset for offset, _ in self._cells(0)]
        if not self._starts:
            raise InputError(f"{path}: is empty")
        self.columns = tuple(name.strip() for name in next(self._cells(0))[1])

    def __len__(self) -> int:
        return len(self._starts) - 1

    def rows(self, start: int = 0, stop: int | None = None, columns: Sequence[str] | None = None) -> Iterator[Raw]:
        csv.field_size_limit(sys.maxsize)  # an image is a cell, and a worker process has a limit of its own
        offsets = self._starts[1:][start:stop]
        for _, cells in islice(self._cells(offsets[0]) if offsets else (), len(offsets)):
            row = {name: cell or None for name, cell in zip(self.columns, cells)}
            yield row if columns is None else {name: row[name] for name in columns if name in row}

    def _cells(self, offset: int) -> Iterator[tuple[int, list[str]]]:
        """(first byte, cells) of each line from ``offset`` on; empty lines are skipped."""
        with self.paths[0].open("rb") as file:
            file.seek(offset)
            lines = _CountedLines(file)
            reader = csv.reader(lines, delimiter="\t")
            while True:
                begin = offset + lines.bytes
                try:
                    cells = next(reader, None)
                except (csv.Error, UnicodeDecodeError) as error:
                    raise InputError(f"{self.paths[0]}: not readable as UTF-8 TSV near byte {begin} "
                                     f"({error})") from error
                if cells is None:
                    return
                if cells:
                    yield begin, cells


class _CountedLines:
    """Lines as text; ``bytes`` is what has been read."""

    def __init__(self, file: Iterable[bytes]) -> None:
        self._lines = iter(file)
        self.bytes = 0

    def __iter__(self) -> "_CountedLines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.bytes += len(line)
        return line.decode("utf-8-sig")


def _one_parquet(path: Path) -> RowFile:
    return ParquetRows([path])


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


_FORMS: dict[str, Callable[[Path], RowFile]] = {
    ".parquet": _one_parquet, ".json": JsonRows, ".jsonl": JsonRows, ".tsv": TsvRows}
