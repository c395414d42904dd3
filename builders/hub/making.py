"""From scenes to parts, whatever runs them: progress, quarantine, space on the disk. What counts as done is a part that
is there and whole, never an engine's word."""

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from builders.hub.build_log import BuildLog
from builders.hub.dataset import HubBuilder, SceneRef
from builders.hub.disk import DiskWatch
from builders.hub.engine import GivenUp, map_parts
from builders.hub.parts import PartOutcome, ensure_part, has_tables, note_quarantine, part_path, spec_or_nothing
from builders.hub.sharding import Shard
from builders.hub.worker import RunSettings


def make_parts(
    builder: HubBuilder,
    out: Path,
    refs: Sequence[SceneRef],
    log: BuildLog,
    workers: int = 1,
    engine: str = "local",
    progress: bool = True,
    settings: RunSettings = RunSettings(),  # noqa: B008
    shard: Shard | None = None,
) -> list[PartOutcome]:
    """What became of each scene, in order.

    Raises:
        OSError: the disk is nearly full, or workers write somewhere else than into ``out``.
    """
    parts = out / ".build" / "parts"
    disk = DiskWatch(out, len(refs), settings.reserve_gb)
    disk.check()
    log.note("start", **said(builder, len(refs), shard), engine=engine, workers=workers, settings=asdict(settings))
    finished: dict[str, PartOutcome] = {}
    quarantined = rows = 0
    work = map_parts(partial(ensure_part, builder, parts), refs, engine, workers, settings)
    with closing(work), tqdm(total=len(refs), desc="scenes", unit="scene", disable=not progress) as bar:
        for ref, told in work:
            outcome = _checked(builder, out, ref, told)
            finished[ref.name] = outcome
            note_quarantine(parts, outcome)
            log.part(outcome)
            quarantined += not outcome.done
            rows += outcome.rows
            bar.set_postfix(rows=rows, quarantined=quarantined, refresh=False)
            bar.update()
            if outcome.done and (line := disk.add(outcome.bytes)):
                log.note("note", level="info", text=line)
                if progress:
                    bar.write(line, file=sys.stderr)
    return [finished[ref.name] for ref in refs]


def _checked(builder: HubBuilder, out: Path, ref: SceneRef, told: PartOutcome | GivenUp) -> PartOutcome:
    """What an engine tells of a scene, held against the files."""
    part = part_path(out / ".build" / "parts", ref)
    if isinstance(told, GivenUp):
        shutil.rmtree(part, ignore_errors=True)
        return PartOutcome(ref, 0, False, told.reason, spec_or_nothing(builder, ref))
    if told.done and not has_tables(part, builder.INDEX_COLUMNS, told.spec):
        raise OSError(f"{part}: was reported done, but is not there; all workers must see {out} under this path (a "
                      "shared file system)")
    return told


def said(builder: HubBuilder, parts: int, shard: Shard | None) -> dict[str, Any]:
    """Which build a log is of."""
    return {"dataset": builder.name, "version": str(builder.VERSION), "parts": parts, "of": len(builder.refs),
            "tables": list(builder.INDEX_COLUMNS), "shard": [shard.index, shard.count] if shard else None,
            "host": platform.node(), "pid": os.getpid()}
