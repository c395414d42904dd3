"""Parts: the tables of one scene in a folder, a Parquet file each; the unit of work and of resumption.

Each file carries the hash of the part's spec in its metadata, and is written to a temporary name and renamed. A part is
whole, and is reused, when all its tables carry the hash wanted.
"""

import errno
import hashlib
import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import InputError, SceneError
from builders.hub.dataset import ROWS, HubBuilder, SceneRef
from builders.hub.files import replacing, safe_name
from builders.hub.parquet import TableWriter

logger = logging.getLogger(__name__)

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SPEC_KEY, _REPORT_KEY = b"vantage.spec", b"vantage.report"


@dataclass(frozen=True)
class PartOutcome:
    """What became of one scene."""

    ref: SceneRef
    rows: int
    reused: bool
    quarantined: str | None
    """Why the scene could not be used, in one line."""


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
    try:
        wanted = spec_hash(builder.part_spec(ref))
        if _is_current(part, builder.INDEX_COLUMNS, wanted):
            return PartOutcome(ref, pq.read_metadata(table_path(part)).num_rows, True, None)
        tables, report = builder.build_scene(ref)
    except InputError:
        raise
    except Exception as error:  # whatever is wrong with one scene must not cost the others
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise
        if not isinstance(error, SceneError):
            logger.exception("%s: unexpected error", ref.name)
        shutil.rmtree(part, ignore_errors=True)
        kind = "" if isinstance(error, SceneError) else f"unexpected {type(error).__name__}: "
        return PartOutcome(ref, 0, False, " ".join(f"{kind}{error}".split()))
    told = {_REPORT_KEY.decode(): json.dumps(report.as_dict(), sort_keys=True)}
    for name, table in tables.items():
        metadata = {_SPEC_KEY.decode(): wanted} | (told if name == ROWS else {})
        with replacing(table_path(part, name)) as temporary, TableWriter(temporary, table.schema, metadata) as writer:
            writer.write(table)
    if builder.scratch:
        shutil.rmtree(part_path(builder.scratch, ref), ignore_errors=True)
    return PartOutcome(ref, len(tables[ROWS]), False, None)


def _is_current(part: Path, tables: Iterable[str], wanted: str) -> bool:
    return all(read_metadata(table_path(part, name)).get(_SPEC_KEY) == wanted.encode() for name in tables)


def read_part(part: Path, table: str = ROWS, columns: list[str] | None = None) -> pa.Table:
    """A table of a part, checked page by page.

    Raises:
        OSError: the table is damaged; it has been removed, so that the next run makes the part again.
    """
    path = table_path(part, table)
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        path.unlink(missing_ok=True)
        raise OSError(f"{path}: was damaged and has been removed ({str(error).splitlines()[0]})") from error


def read_report(part: Path) -> dict[str, Any]:
    """The scene report stored in a part."""
    return json.loads(read_metadata(table_path(part))[_REPORT_KEY])


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
