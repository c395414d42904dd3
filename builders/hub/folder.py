"""From scenes to a Hub folder: parts, shards, card, manifest. The folder is the Hub repository: pushing is copying.

    DIR/README.md  DIR/manifest.json  DIR/<config>/<split>-*.parquet     the dataset
    DIR/.build/                                                          parts, so that a build can resume

A build may be killed at any moment: parts that exist are whole, shards replace the old ones only when all new ones are
complete, and the manifest is removed before that and written last.
"""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from builders.errors import InputError
from builders.hub.card import write_card
from builders.hub.dataset import HubBuilder
from builders.hub.engine import ENGINES, map_scenes
from builders.hub.manifest import make_manifest, read_manifest, write_manifest
from builders.hub.parts import PartOutcome, ensure_part, part_path, safe_part_names
from builders.hub.shards import WrittenSplit, write_split


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
    parts = out / ".build" / "parts"
    parts.mkdir(parents=True, exist_ok=True)
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
    shutil.rmtree(staging, ignore_errors=True)
    selections = builder.select(_index(paths, builder.INDEX_COLUMNS))
    selections = [s for s in selections if only_config in ("", s.config)]
    splits = [
        write_split(builder, paths, selection, staging)
        for selection in tqdm(selections, desc="shards", unit="config", disable=not progress)
    ]
    _swap_in(out, staging, splits)
    manifest = make_manifest(builder, outcomes, splits, out, parts)
    write_card(builder, out, manifest)
    write_manifest(out, manifest)
    return manifest


def _index(paths: list[Path], columns: tuple[str, ...]) -> pa.Table:
    """The candidates of all parts: ``part``, ``row`` and the columns asked for."""
    tables = []
    for number, path in enumerate(paths):
        table = pq.read_table(path, columns=list(columns)).replace_schema_metadata(None)
        table = table.append_column("part", pa.array([number] * len(table), pa.int64()))
        tables.append(table.append_column("row", pa.array(range(len(table)), pa.int64())))
    return pa.concat_tables(tables)


def _swap_in(out: Path, staging: Path, splits: list[WrittenSplit]) -> None:
    (out / "manifest.json").unlink(missing_ok=True)
    for config in {split.config for split in splits}:
        (out / config).mkdir(exist_ok=True)
        new = {Path(path).name for split in splits if split.config == config for path in split.files}
        for path in (out / config).glob("*.parquet"):
            if path.name not in new:
                path.unlink()
        for name in sorted(new):
            (staging / config / name).replace(out / config / name)
    shutil.rmtree(staging)
