"""From scenes to a Hub folder: parts, shards, card, manifest. The folder is the Hub repository: pushing is copying.

    DIR/README.md  DIR/card/*.png                                        the card
    DIR/manifest.json  DIR/<config>/<split>-*.parquet                    the dataset
    DIR/.build/                                                          parts, so that a build can resume

A build may be killed at any moment: parts that exist are whole, shards replace the old ones only when all new ones are
complete, and the manifest is removed before that and written last.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from builders.errors import InputError
from builders.hub.build_log import BuildLog
from builders.hub.card import write_card
from builders.hub.dataset import ROWS, Candidates, HubBuilder, SceneRef, Selection
from builders.hub.disk import DiskWatch
from builders.hub.engine import GivenUp, check_engine, map_parts
from builders.hub.lock import only_writer
from builders.hub.making import make_parts, said
from builders.hub.manifest import make_manifest, read_manifest, write_manifest
from builders.hub.parts import PartOutcome, find_part, part_path, read_part, safe_part_names
from builders.hub.sharding import Shard
from builders.hub.shards import SHARD_NAME, WrittenSplit, write_split
from builders.hub.worker import RunSettings

_WORTH_PROCESSES = 200_000_000
"""Bytes of parts from which on several processes merge: they take seconds to start."""


@dataclass(frozen=True)
class BuildResult:
    """A finished folder."""

    folder: Path
    manifest: dict[str, Any]
    reused: int
    """Parts taken from an earlier build."""


def build_folder(
    builder: HubBuilder,
    out: Path,
    workers: int = 1,
    engine: str = "local",
    only_config: str = "",
    progress: bool = True,
    settings: RunSettings = RunSettings(),  # noqa: B008
) -> BuildResult:
    """Build, or finish, or bring up to date, the Hub folder ``out``.

    Args:
        only_config: write this config alone; empty writes all.
        settings: what worker processes may take.

    Raises:
        InputError: ``out`` holds something else, or no scene gave a single row (each reason is in the message).
        OSError: the disk is full, among others; finished parts stay.
    """
    refs = prepare_output(builder, out, engine)
    with only_writer(out), BuildLog(out / ".build", None) as log:
        outcomes = make_parts(builder, out, refs, log, workers, engine, progress, settings)
        manifest = _merge(builder, out, outcomes, only_config, progress, log, workers, settings)
    return BuildResult(out, manifest, sum(o.reused for o in outcomes))


def build_shard(
    builder: HubBuilder,
    out: Path,
    shard: Shard,
    workers: int = 1,
    engine: str = "local",
    progress: bool = True,
    settings: RunSettings = RunSettings(),  # noqa: B008
) -> list[PartOutcome]:
    """Make the parts of a shard; when those of all are made, here or elsewhere, ``merge_folder`` makes the folder."""
    refs = shard.of(prepare_output(builder, out, engine))
    with only_writer(out, shard, refs), BuildLog(out / ".build", shard) as log:
        return make_parts(builder, out, refs, log, workers, engine, progress, settings, shard)


def merge_folder(
    builder: HubBuilder,
    out: Path,
    workers: int = 1,
    only_config: str = "",
    progress: bool = True,
    settings: RunSettings = RunSettings(),  # noqa: B008
) -> BuildResult:
    """The Hub folder from parts that shards have made.

    Args:
        workers: processes of this machine that write shards, each those of one config and split at a time.

    Raises:
        InputError: some scenes have neither a part nor a reason to have none.
    """
    refs = prepare_output(builder, out)
    with only_writer(out), BuildLog(out / ".build", None) as log:
        log.note("start", **said(builder, len(refs), None), merge=True)
        parts = out / ".build" / "parts"
        found = [find_part(builder, parts, ref) for ref in tqdm(refs, desc="parts", disable=not progress)]
        outcomes = [outcome for outcome in found if outcome]
        missing = [ref.name for ref, outcome in zip(refs, found, strict=True) if outcome is None]
        if missing:
            raise InputError(f"{out}: {len(missing)} of {len(refs)} scenes have no part with these settings, such as "
                             f"{', '.join(missing[:3])}; run their shards (again), or the build without shards")
        manifest = _merge(builder, out, outcomes, only_config, progress, log, workers, settings)
    return BuildResult(out, manifest, len(outcomes))


def prepare_output(builder: HubBuilder, out: Path, engine: str = "local") -> list[SceneRef]:
    """The scenes to build into a folder that may be used for it."""
    check_engine(engine)
    check_output(out, builder.name)
    refs = builder.refs
    safe_part_names(refs)
    try:
        (out / ".build" / "parts").mkdir(parents=True, exist_ok=True)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}); choose another --out") from error
    builder.scratch = out / ".build" / "scratch"
    return refs


def check_output(out: Path, name: str) -> None:
    """Raise ``InputError`` unless ``out`` is absent, empty, or an earlier build of the same dataset."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; choose another --out")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if (out / "manifest.json").is_file():
        held = read_manifest(out)["dataset"]
        if held != name:
            raise InputError(f"{out}: holds the dataset {held}, not {name}; choose another --out")
    elif not (out / ".build").is_dir():
        raise InputError(f"{out}: holds files that are not a Vantage dataset; choose an empty or new --out")


def _merge(
    builder: HubBuilder,
    out: Path,
    outcomes: list[PartOutcome],
    only_config: str,
    progress: bool,
    log: BuildLog,
    workers: int,
    settings: RunSettings,
) -> dict[str, Any]:
    usable = [o for o in outcomes if o.done]
    parts = out / ".build" / "parts"
    paths = [part_path(parts, o.ref) for o in usable]
    if not sum(o.rows for o in usable):
        reasons = "; ".join(f"{o.ref.name}: {o.quarantined or 'no question passed the limits'}" for o in outcomes[:3])
        raise InputError(f"no question could be made from {len(outcomes)} scenes ({reasons})")
    DiskWatch(out, 0, settings.reserve_gb).check(0 if only_config else sum(o.bytes for o in usable), "shards")
    staging = out / ".build" / "staging"
    refs = [o.ref for o in usable]
    selections = [s for s in builder.select(_candidates(refs, paths, builder.INDEX_COLUMNS)) if s.picks]
    log.note("stage", stage="choosing", configs=len(selections))
    if only_config:
        held = sorted({s.config for s in selections})
        selections = [s for s in selections if s.config == only_config]
        if not selections:
            raise InputError(f"--config {only_config}: no row for it; these configs have rows: {', '.join(held)}")
    try:
        if sum(o.bytes for o in usable) < _WORTH_PROCESSES:
            workers = 1
        splits = _write_splits(builder, paths, selections, staging, progress, log, workers, settings)
        _swap_in(builder, out, staging, splits)
    finally:
        shutil.rmtree(staging, ignore_errors=True)  # what a full disk has left of it would keep the disk full
    manifest = make_manifest(builder, outcomes, splits, out, parts)
    manifest |= {"questions": _questions(selections)} | builder.manifest_extras(selections, refs)
    manifest["card"] = write_card(builder, out, manifest)
    write_manifest(out, manifest)
    log.note("stage", stage="manifest", rows=sum(manifest["rows"].values()))
    return manifest


def _write_splits(
    builder: HubBuilder, paths: list[Path], selections: list[Selection], staging: Path, progress: bool, log: BuildLog,
    workers: int, settings: RunSettings,
) -> list[WrittenSplit]:
    """The shards of all selections, below ``staging``; in the order of the selections, whichever is done first."""
    splits: dict[Selection, WrittenSplit] = {}
    total = sum(len(rows) for selection in selections for _, rows in selection.picks)
    work = map_parts(partial(write_split, builder, paths, staging), selections, "local",
                     min(workers, os.cpu_count() or 1), replace(settings, seconds=0.0))
    with closing(work), tqdm(total=total, desc="shards", unit="row", disable=not progress) as bar:
        for selection, written in work:
            if isinstance(written, GivenUp):
                raise OSError(f"{selection}: its shards could not be written: {written.reason}; parts are kept, run it "
                              "again")
            splits[selection] = written
            rows = sum(written.files.values())
            bar.set_postfix_str(str(selection))
            bar.update(rows)
            log.note("stage", stage="shards", config=selection.config, split=selection.split, rows=rows)
    return [splits[selection] for selection in selections]


def _candidates(
    refs: list[SceneRef], paths: list[Path], columns: Mapping[str, tuple[str, ...]]
) -> list[Candidates]:
    """What there is to choose from, part by part."""
    return [Candidates(ref, _IndexTables(path, columns)) for ref, path in zip(refs, paths, strict=True)]


@dataclass(frozen=True)
class _IndexTables(Mapping[str, pa.Table]):
    """The index columns of a part, read when asked for and not kept: those of all parts would not fit into memory."""

    path: Path
    columns: Mapping[str, tuple[str, ...]]

    def __getitem__(self, table: str) -> pa.Table:
        return read_part(self.path, table, list(self.columns[table]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def _questions(selections: list[Selection]) -> int:
    """Different questions in all configs together."""
    by_part: dict[int, list[NDArray[np.integer]]] = {}
    for selection in selections:
        if selection.table == ROWS:
            for part, rows in selection.picks:
                by_part.setdefault(part, []).append(rows)
    return sum(len(np.unique(np.concatenate(rows))) for rows in by_part.values())


def _swap_in(builder: HubBuilder, out: Path, staging: Path, splits: list[WrittenSplit]) -> None:
    """Replace the shards of earlier builds, of all configs, by the new ones; files of other names stay."""
    (out / "manifest.json").unlink(missing_ok=True)
    new = {path for split in splits for path in split.files}
    for config in builder.CONFIG_NAMES:
        for shard in (out / config).glob("*.parquet"):
            if SHARD_NAME.fullmatch(shard.name) and f"{config}/{shard.name}" not in new:
                shard.unlink()
    for path in sorted(new):
        (out / path).parent.mkdir(exist_ok=True)
        (staging / path).replace(out / path)
    for config in builder.CONFIG_NAMES:
        if (out / config).is_dir() and not any((out / config).iterdir()):
            (out / config).rmdir()
