"""The published JSONL tree into a folder that ``datasets.load_dataset`` reads, one config per task.

Reads our exports and the release with its quirks: row counts in file names that are wrong, ids that repeat, empty
lines, missing or doubled outer lists, unknown keys. A line that cannot be read is reported with its place, never passed
over in silence.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Features

from builders.errors import InputError
from builders.hub.files import safe_name, sha256_of
from builders.hub.manifest import SCHEMA_VERSION, write_manifest
from builders.hub.parquet import TableWriter
from builders.hub.shards import SHARD_BYTES
from builders.scenes import open_source
from builders.spar.jsonl.conversion import GUESSED, LOST, row_of
from builders.spar.jsonl.folder import new_folder
from builders.spar.jsonl.layout import SPLIT, Malformed
from builders.spar.rows import SPAR_FEATURES, Row
from builders.spar.tasks.task import FORMATS

LONGEST_LINE = 8_000_000
"""Bytes. The release's longest records, of 32 pictures, have some thousands."""

_BATCH_BYTES = 100_000_000
_BATCH_ROWS = 1000

_SCHEMA = Features(SPAR_FEATURES).arrow_schema

_IMAGE_STARTS = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png"}


@dataclass(frozen=True)
class JsonlFile:
    """One file of records, and what its folders say."""

    path: Path
    source: str
    split: str
    """Ours: ``train`` or ``validation``."""
    task: str
    format_type: str
    images: Path


@dataclass
class Imported:
    """What was read."""

    rows: Counter[str] = field(default_factory=Counter)
    """``config/split`` -> rows."""
    malformed: list[str] = field(default_factory=list)
    """``file:line: reason``, and files that lie where none belong."""
    notes: list[str] = field(default_factory=list)
    """Oddities that cost no row."""
    pictures: int = 0
    """Embedded, counted in each row."""
    missing_pictures: int = 0


def import_jsonl(root: Path, out: Path, pixels: str = "auto") -> Imported:
    """Read the tree ``root`` into ``out``.

    Args:
        root: the folder that holds ``spar/``, or ``spar`` itself.
        pixels: ``embedded``, ``referenced``, or ``auto``: embedded for sources that may be passed on.

    Raises:
        InputError: there is no such tree, not a single record in it, or ``out`` holds something.
    """
    if pixels not in ("auto", "embedded", "referenced"):
        raise InputError(f"--pixels: expected auto, embedded or referenced, got {pixels!r}")
    result = Imported()
    found = _find(root, result)
    embedded = {name for name in {file.source for file in found} if pixels == "embedded" or
                (pixels == "auto" and _may_be_passed_on(name))}
    reader = _Reader(root, result, embedded)
    with new_folder(out) as partial:
        found.sort(key=lambda file: (file.task, file.split, file.source, FORMATS.index(file.format_type), file.path))
        files: dict[str, int] = {}
        for (task, split), of_split in groupby(found, key=lambda file: (file.task, file.split)):
            written = _write_split(partial / task, split, reader.tables(list(of_split)))
            files |= {f"{task}/{name}": rows for name, rows in written.items()}
            if written:
                result.rows[f"{task}/{split}"] = sum(written.values())
        if not files:
            first = f" ({result.malformed[0]})" if result.malformed else ""
            raise InputError(f"{root}: not one record could be read{first}")
        _describe(partial, files, result)
    return result


def _find(root: Path, result: Imported) -> list[JsonlFile]:
    """The files in their places; any others are reported."""
    base = root / "spar" if (root / "spar").is_dir() else root
    sources = sorted(path.parent for path in base.glob("*/qa_jsonl") if path.is_dir())
    if not sources:
        raise InputError(f"{root}: holds no spar/<source>/qa_jsonl; give the folder the archives were unpacked in")
    found = []
    for source in sources:
        for path in sorted((source / "qa_jsonl").rglob("*.jsonl")):
            parts = path.relative_to(source / "qa_jsonl").parts
            if not path.is_file():  # a folder, a broken link, a pipe
                result.malformed.append(f"{path.relative_to(root).as_posix()}: is no file; left out")
            elif len(parts) == 4 and parts[0] in SPLIT and parts[2] in FORMATS and "." not in parts[1]:
                found.append(JsonlFile(path, safe_name(source.name), SPLIT[parts[0]], safe_name(parts[1]), parts[2],
                                       source / "images"))
            else:  # the release has copies of other tasks inside one task's folder
                where = path.relative_to(root).as_posix()
                result.malformed.append(f"{where}: not in {{train,val}}/<task>/<format>/; left out")
    return found


def _may_be_passed_on(source: str) -> bool:
    """Real scans need a root to open, and none of them may; neither does an unknown name."""
    try:
        return open_source(source).redistributable
    except InputError:
        return False


class _Reader:
    """Records into tables."""

    def __init__(self, root: Path, result: Imported, embedded: set[str]):
        self._root, self._result, self._embedded = root, result, embedded
        self._numbers: Counter[tuple[str, ...]] = Counter()
        self._uids: set[str] = set()

    def tables(self, files: list[JsonlFile]) -> Iterator[pa.Table]:
        """Rows of the files in order, in tables that fit into memory."""
        for file in files:
            pending: list[tuple[int, Row]] = []
            size = lines = 0
            for number, row in self._rows(file):
                lines += 1
                pending.append((number, row))
                size += sum(len(image["bytes"]) for image in row["image"] if image)
                if size > _BATCH_BYTES or len(pending) == _BATCH_ROWS:
                    yield from self._table(file, pending)
                    pending, size = [], 0
            yield from self._table(file, pending)
            claimed = file.path.stem.rpartition("_")[2]
            if claimed.isdigit() and int(claimed) != lines:
                self._result.notes.append(f"{self._name(file)}: holds {lines} readable records")

    def _rows(self, file: JsonlFile) -> Iterator[tuple[int, Row]]:
        for number, line in _lines(file.path):
            try:
                if line is None:
                    raise Malformed(f"longer than {LONGEST_LINE} bytes")
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if not text:
                    continue
                row = row_of(json.loads(text, parse_constant=_refuse), file.source, file.task, file.format_type)
                safe_name(row["scene_id"])
                self._note_uid(row["uid"])
            except (ValueError, RecursionError, InputError) as error:
                self._reject(file, number, error)
                continue
            row["uid"] = row["uid"] or self._uid(row)
            places = zip(row["frame_ids"], row["image"], strict=True)
            row["image"] = [self._picture(file, row, frame_id, path) for frame_id, path in places]
            yield number, row

    def _note_uid(self, uid: Any) -> None:
        """Raise ``Malformed`` for one that came with an earlier record."""
        if isinstance(uid, str) and uid in self._uids:
            raise Malformed(f"uid {uid} occurs twice")
        if isinstance(uid, str) and uid:
            self._uids.add(uid)

    def _uid(self, row: Row) -> str:
        key = row["source"], row["scene_id"], row["task"], row["format_type"]
        self._numbers[key] += 1
        return "/".join([*key, str(self._numbers[key] - 1)])

    def _picture(self, file: JsonlFile, row: Row, frame_id: str, path: str) -> dict[str, Any] | None:
        if file.source not in self._embedded:
            return None
        place = file.images / path
        data = place.read_bytes() if place.is_file() else b""
        suffix = next((suffix for start, suffix in _IMAGE_STARTS.items() if data.startswith(start)), None)
        if suffix is None:  # absent, or a text that says where it would be
            self._result.missing_pictures += 1
            return None
        self._result.pictures += 1
        return {"bytes": data, "path": f"{row['scene_id']}_{frame_id}.{suffix}"}

    def _table(self, file: JsonlFile, rows: list[tuple[int, Row]]) -> Iterator[pa.Table]:
        """One table; if a value has a type that its column cannot take, that row is reported and the rest is kept."""
        if not rows:
            return
        try:
            table = pa.Table.from_pylist([row for _, row in rows], schema=_SCHEMA)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            if len(rows) == 1:
                self._reject(file, rows[0][0], error)
                return
            middle = len(rows) // 2
            yield from self._table(file, rows[:middle])
            yield from self._table(file, rows[middle:])
        else:
            yield table

    def _reject(self, file: JsonlFile, number: int, error: Exception) -> None:
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        self._result.malformed.append(f"{self._name(file)}:{number}: {reason:.300}")

    def _name(self, file: JsonlFile) -> str:
        return file.path.relative_to(self._root).as_posix()


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None for one that is too long to be a record."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                yield number, None
            else:
                yield number, line


def _refuse(constant: str) -> None:
    raise Malformed(f"{constant} is not a number")


def _write_split(folder: Path, split: str, tables: Iterator[pa.Table]) -> dict[str, int]:
    """Shards of one split: file name -> rows."""
    counts: list[int] = []
    table = next(tables, None)
    while table is not None:
        folder.mkdir(exist_ok=True)
        open_name = folder / f"{split}-{len(counts):05d}.open"
        rows = 0
        with TableWriter(open_name, _SCHEMA) as writer:
            while table is not None and (not rows or open_name.stat().st_size < SHARD_BYTES):
                writer.write(table)
                rows += len(table)
                table = next(tables, None)
        counts.append(rows)
    names = [f"{split}-{n:05d}-of-{len(counts):05d}.parquet" for n in range(len(counts))]
    for n, name in enumerate(names):
        (folder / f"{split}-{n:05d}.open").rename(folder / name)
    return dict(zip(names, counts, strict=True))


def _describe(folder: Path, files: dict[str, int], result: Imported) -> None:
    """README (what ``load_dataset`` needs), the lines that were left out, and the manifest."""
    if result.malformed:
        (folder / "malformed.txt").write_text("".join(f"{line}\n" for line in result.malformed), encoding="utf-8")
    entries = {name: {"rows": rows, "bytes": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)}
               for name, rows in files.items()}
    content = hashlib.sha256(json.dumps(entries).encode()).hexdigest()
    version = f"0.0.{int(content[:8], 16)}"  # follows the content, so that datasets' cache never serves other rows
    configs = []
    for task, of_task in groupby(result.rows, key=lambda name: name.split("/")[0]):
        configs += [f"- config_name: {task}", f"  version: {version}", "  data_files:"]
        for name in of_task:
            configs += [f"  - split: {name.split('/')[1]}", f"    path: {name}-*.parquet"]
    lost = [f"- `{column}`: {what}" for column, what in LOST.items()]
    guessed = [f"- `{column}`: {what}" for column, what in GUESSED.items()]
    lines = ["---", "configs:", *configs, "---", "# Rows read from a SPAR-7M JSONL tree", "",
             f"{sum(files.values())} rows; {len(result.malformed)} lines or files left out"
             f"{' (malformed.txt)' if result.malformed else ''}.", "",
             "Records with the key `vantage` came back whole. In all others these are null or empty:", "", *lost, "",
             "and these are derived:", "", *guessed]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_manifest(folder, {
        "schema_version": SCHEMA_VERSION, "dataset": "spar_7m_jsonl", "version": version, "rows": dict(result.rows),
        "files": entries, "left_out": len(result.malformed),
    })
