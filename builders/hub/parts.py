"""Parts: the tables of one scene in a folder, a Parquet file each; the unit of work and of resumption.

Each file carries the hash of the part's spec in its metadata, and is written to a temporary name and renamed. A part is
whole, and is reused, when all its tables carry the hash wanted.
"""

import errno
import hashlib
import json
import shutil
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builders.errors import InputError, SceneError
from builders.hub.dataset import ROWS, HubBuilder, SceneRef
from builders.hub.files import replacing, safe_name
from builders.hub.parquet import ROW_GROUP_ROWS, TableWriter
from builders.hub.worker import resident

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BATCH, _FEW_BYTES = 16, 100_000
"""Rows that are read at once if their row group has more than so many bytes of pictures."""
_SPEC_KEY, _REPORT_KEY = b"vantage.spec", b"vantage.report"


@dataclass(frozen=True)
class PartOutcome:
    """What became of one scene."""

    ref: SceneRef
    rows: int
    reused: bool
    quarantined: str | None
    """Why the scene could not be used, in one line."""
    spec: str = ""
    """The hash that the tables carry."""
    bytes: int = 0
    """Of the tables."""
    seconds: float = 0.0
    """What it took."""
    worker_bytes: int = 0
    """Resident memory of the process that made it, afterwards."""
    details: str = ""
    """The traceback of an error that nobody expected."""

    @property
    def done(self) -> bool:
        return self.quarantined is None


def part_path(folder: Path, ref: SceneRef) -> Path:
    """The folder of a scene's tables."""
    return folder / safe_name(ref.source) / safe_name(ref.scene_id)


def table_path(part: Path, table: str = ROWS) -> Path:
    return part / f"{table}.parquet"


def spec_hash(spec: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def ensure_part(builder: HubBuilder, folder: Path, ref: SceneRef) -> PartOutcome:
    """Build the part of a scene unless a current one exists. A scene that cannot be used leaves no part."""
    part = part_path(folder, ref)
    begun = time.monotonic()
    wanted = ""
    try:
        wanted = spec_hash(builder.part_spec(ref))
        if has_tables(part, builder.INDEX_COLUMNS, wanted):
            return _held(builder, part, ref, wanted)
        part.mkdir(parents=True, exist_ok=True)  # a folder without its tables is a scene that somebody is at, or was
        tables, report = builder.build_scene(ref)
    except InputError:
        raise
    except Exception as error:  # whatever is wrong with one scene must not cost the others
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise
        expected = isinstance(error, SceneError)
        shutil.rmtree(part, ignore_errors=True)
        reason = " ".join(f"{'' if expected else f'unexpected {type(error).__name__}: '}{error}".split())
        return PartOutcome(ref, 0, False, reason, wanted, 0, time.monotonic() - begun, resident(),
                           "" if expected else traceback.format_exc())
    told = {_REPORT_KEY.decode(): json.dumps(report.as_dict(), sort_keys=True)}
    for name, table in tables.items():
        metadata = {_SPEC_KEY.decode(): wanted} | (told if name == ROWS else {})
        with replacing(table_path(part, name)) as temporary, TableWriter(temporary, table.schema, metadata) as writer:
            writer.write(table)
    if builder.scratch:
        shutil.rmtree(part_path(builder.scratch, ref), ignore_errors=True)
    written = sum(table_path(part, name).stat().st_size for name in tables)
    return PartOutcome(ref, len(tables[ROWS]), False, None, wanted, written, time.monotonic() - begun, resident())


def find_part(builder: HubBuilder, folder: Path, ref: SceneRef) -> PartOutcome | None:
    """What has become of a scene in an earlier build with the same settings; None if nothing yet."""
    part, wanted = part_path(folder, ref), spec_or_nothing(builder, ref)
    if wanted and has_tables(part, builder.INDEX_COLUMNS, wanted):
        return _held(builder, part, ref, wanted)
    try:
        noted = json.loads(_note_path(folder, ref).read_text())
    except (OSError, ValueError):
        return None
    return PartOutcome(ref, 0, True, noted["reason"], wanted) if noted["spec"] == wanted else None


def spec_or_nothing(builder: HubBuilder, ref: SceneRef) -> str:
    """The hash of a part's spec; empty if the scene cannot even be looked at, which ``ensure_part`` quarantines."""
    try:
        return spec_hash(builder.part_spec(ref))
    except InputError:
        raise
    except Exception:
        return ""


def note_quarantine(folder: Path, outcome: PartOutcome) -> None:
    """Leave word of a scene that gave no part, for a merge by another process; take it back of one that did."""
    path = _note_path(folder, outcome.ref)
    if outcome.done:
        path.unlink(missing_ok=True)
    else:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({"reason": outcome.quarantined, "spec": outcome.spec}) + "\n")


def _note_path(folder: Path, ref: SceneRef) -> Path:
    path = part_path(folder.parent / "quarantined", ref)
    return path.with_name(f"{path.name}.json")


def _held(builder: HubBuilder, part: Path, ref: SceneRef, spec: str) -> PartOutcome:
    paths = [table_path(part, name) for name in builder.INDEX_COLUMNS]
    rows = pq.read_metadata(table_path(part)).num_rows
    return PartOutcome(ref, rows, True, None, spec, sum(path.stat().st_size for path in paths))


def has_tables(part: Path, tables: Iterable[str], wanted: str) -> bool:
    """Whether a part is whole, and of the spec with this hash."""
    return all(read_metadata(table_path(part, name)).get(_SPEC_KEY) == wanted.encode() for name in tables)


def read_part(part: Path, table: str = ROWS, columns: list[str] | None = None) -> pa.Table:
    """A table of a part, checked page by page.

    Raises:
        OSError: the table is damaged; it has been removed, so that the next run makes the part again.
    """
    with _checked(part, table) as file:
        return file.read(columns=columns)


def read_rows(part: Path, table: str, rows: NDArray[np.integer]) -> Iterator[pa.Table]:
    """The rows with these ascending numbers, in batches: of a row group, what a reader must hold is held, and no more.

    Raises:
        OSError: as ``read_part``.
    """
    with _checked(part, table) as file:
        last = 0
        for group in range(file.num_row_groups):
            first, last = last, last + file.metadata.row_group(group).num_rows
            start, stop = np.searchsorted(rows, (first, last))
            if start == stop:
                continue
            size = _batch(file.metadata.row_group(group))
            for batch in file.iter_batches(size, row_groups=[group], use_threads=False):
                start, stop = np.searchsorted(rows, (first, first + len(batch)))
                if start < stop:
                    yield pa.Table.from_batches([batch]).take(pa.array(rows[start:stop] - first))
                first += len(batch)


def _batch(group: pq.RowGroupMetaData) -> int:
    """How many rows of a row group are read at once. (Columns for pictures may be there, and empty.)"""
    columns = map(group.column, range(group.num_columns))
    pictures = sum(one.total_uncompressed_size for one in columns if one.path_in_schema.endswith(".bytes"))
    return _BATCH if pictures > _FEW_BYTES else ROW_GROUP_ROWS


@contextmanager
def _checked(part: Path, table: str) -> Iterator[pq.ParquetFile]:
    path = table_path(part, table)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (OSError, pa.ArrowInvalid) as error:
        path.unlink(missing_ok=True)
        raise OSError(f"{path}: was damaged and has been removed ({str(error).splitlines()[0]})") from error


def read_report(part: Path) -> dict[str, Any]:
    """The scene report stored in a part. Thousands of them share their keys, a quarter of the memory."""
    text = read_metadata(table_path(part))[_REPORT_KEY]
    return json.loads(text, object_pairs_hook=lambda pairs: {sys.intern(key): value for key, value in pairs})


def read_metadata(path: Path) -> dict[bytes, bytes]:
    """The metadata of a part's table; empty if there is no readable one."""
    try:
        return pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return {}


def safe_part_names(refs: list[SceneRef]) -> None:
    """Raise ``InputError`` if two scenes would share a part, or one would be written outside the folder."""
    seen: set[str] = set()
    for ref in refs:
        part_path(Path(), ref)
        if ref.name in seen:
            raise InputError(f"scene {ref.name} occurs in two of the sources; build them into separate folders")
        seen.add(ref.name)
