"""From scenes to a Hub folder: parts, shards, card, manifest. The folder is the Hub repository: pushing is copying.

    DIR/README.md  DIR/card/*.png                                        the card
    DIR/manifest.json  DIR/<config>/<split>-*.parquet                    the dataset
    DIR/.build/                                                          parts, so that a build can resume

A build may be killed at any moment: parts that exist are whole, shards replace the old ones only when all new ones are
complete, and the manifest is removed before that and written last.
"""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from builders.errors import InputError
from builders.hub.card import write_card
from builders.hub.dataset import ROWS, Candidates, HubBuilder, SceneRef, Selection
from builders.hub.engine import ENGINES, map_scenes
from builders.hub.manifest import make_manifest, read_manifest, write_manifest
from builders.hub.parts import PartOutcome, ensure_part, part_path, read_part, safe_part_names
from builders.hub.shards import SHARD_NAME, WrittenSplit, write_split


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
) -> BuildResult:
    """Build, or finish, or bring up to date, the Hub folder ``out``.

    Args:
        only_config: write this config alone; empty writes all.

    Raises:
        InputError: ``out`` holds something else, or no scene gave a single row (each reason is in the message).
        OSError: the disk is full, among others; finished parts stay.
    """
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}; choose: {', '.join(ENGINES)}")
    check_output(out, builder.name)
    refs = builder.refs
    safe_part_names(refs)
    try:
        (out / ".build" / "parts").mkdir(parents=True, exist_ok=True)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}); choose another --out") from error
    with only_writer(out):
        return _build(builder, out, refs, workers, only_config, progress)


@contextmanager
def only_writer(out: Path) -> Iterator[None]:
    """Hold the folder's lock, and sweep what a killed build has left; ``InputError`` if another build runs in it."""
    with (out / ".build" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another build is writing there; wait for it, or choose another --out") from None
        for left in [*out.glob(".*.tmp"), *(out / ".build").rglob("*.tmp")]:
            left.unlink()
        shutil.rmtree(out / ".build" / "staging", ignore_errors=True)
        yield


def _build(
    builder: HubBuilder, out: Path, refs: list[SceneRef], workers: int, only_config: str, progress: bool
) -> BuildResult:
    parts = out / ".build" / "parts"
    builder.scratch = out / ".build" / "scratch"
    finished: dict[str, PartOutcome] = {}
    work = map_scenes(partial(ensure_part, builder, parts), refs, workers)
    with tqdm(total=len(refs), desc="scenes", unit="scene", disable=not progress) as bar:
        for ref, outcome in work:
            finished[ref.name] = outcome or PartOutcome(ref, 0, False, "its worker process died each time it was tried")
            bar.update()
            bar.set_postfix(quarantined=sum(bool(o.quarantined) for o in finished.values()))
    outcomes = [finished[ref.name] for ref in refs]
    manifest = _merge(builder, out, parts, outcomes, only_config, progress)
    return BuildResult(out, manifest, sum(o.reused for o in outcomes))


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
    builder: HubBuilder, out: Path, parts: Path, outcomes: list[PartOutcome], only_config: str, progress: bool
) -> dict[str, Any]:
    usable = [o for o in outcomes if not o.quarantined]
    paths = [part_path(parts, o.ref) for o in usable]
    if not sum(o.rows for o in usable):
        reasons = "; ".join(f"{o.ref.name}: {o.quarantined or 'no question passed the limits'}" for o in outcomes[:3])
        raise InputError(f"no question could be made from {len(outcomes)} scenes ({reasons})")
    staging = out / ".build" / "staging"
    refs = [o.ref for o in usable]
    selections = [s for s in builder.select(_candidates(refs, paths, builder.INDEX_COLUMNS)) if s.picks]
    if only_config:
        held = sorted({s.config for s in selections})
        selections = [s for s in selections if s.config == only_config]
        if not selections:
            raise InputError(f"--config {only_config}: no row for it; these configs have rows: {', '.join(held)}")
    splits = [
        write_split(builder, paths, selection, staging)
        for selection in tqdm(selections, desc="shards", unit="config", disable=not progress)
    ]
    _swap_in(builder, out, staging, splits)
    manifest = make_manifest(builder, outcomes, splits, out, parts)
    manifest |= {"questions": _questions(selections)} | builder.manifest_extras(selections, refs)
    manifest["card"] = write_card(builder, out, manifest)
    write_manifest(out, manifest)
    return manifest


def _candidates(
    refs: list[SceneRef], paths: list[Path], columns: Mapping[str, tuple[str, ...]]
) -> list[Candidates]:
    """What there is to choose from, part by part."""
    return [
        Candidates(ref, {table: read_part(path, table, list(names)) for table, names in columns.items()})
        for ref, path in zip(refs, paths, strict=True)
    ]


def _questions(selections: list[Selection]) -> int:
    """Different questions in all configs together."""
    by_part: dict[int, list[NDArray[np.int64]]] = {}
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
    shutil.rmtree(staging)
