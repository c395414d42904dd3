"""Parts: the rows of one scene in one file, the unit of work and of resumption.

A part carries the hash of its spec in its Parquet metadata. It is written to a temporary name and renamed, so a part
that exists is whole; it is reused while its hash matches.
"""

import errno
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import InputError, SceneError
from builders.hub.dataset import HubBuilder, SceneRef
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
    return folder / safe_name(ref.source) / f"{safe_name(ref.scene_id)}.parquet"


def spec_hash(spec: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def ensure_part(builder: HubBuilder, folder: Path, ref: SceneRef) -> PartOutcome:
    """Build the part of a scene unless a current one exists. A scene that cannot be used leaves no part."""
    path = part_path(folder, ref)
    try:
        wanted = spec_hash(builder.part_spec(ref))
        if read_metadata(path).get(_SPEC_KEY) == wanted.encode():
            return PartOutcome(ref, pq.read_metadata(path).num_rows, True, None)
        table, report = builder.build_scene(ref)
    except InputError:
        raise
    except Exception as error:  # whatever is wrong with one scene must not cost the others
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise
        if not isinstance(error, SceneError):
            logger.exception("%s: unexpected error", ref.name)
        path.unlink(missing_ok=True)
        kind = "" if isinstance(error, SceneError) else f"unexpected {type(error).__name__}: "
        return PartOutcome(ref, 0, False, " ".join(f"{kind}{error}".split()))
    metadata = {_SPEC_KEY.decode(): wanted, _REPORT_KEY.decode(): json.dumps(report.as_dict(), sort_keys=True)}
    with replacing(path) as temporary, TableWriter(temporary, table.schema, metadata) as writer:
        writer.write(table)
    return PartOutcome(ref, len(table), False, None)


def read_part(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The rows of a part, checked page by page.

    Raises:
        OSError: the part is damaged; it has been removed, so that the next run makes it again.
    """
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        path.unlink(missing_ok=True)
        raise OSError(f"{path}: was damaged and has been removed ({str(error).splitlines()[0]})") from error


def read_report(path: Path) -> dict[str, Any]:
    """The scene report stored in a part."""
    return json.loads(read_metadata(path)[_REPORT_KEY])


def read_metadata(path: Path) -> dict[bytes, bytes]:
    """A part's metadata; empty if there is no readable part."""
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
