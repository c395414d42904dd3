"""Check a built or published dataset: every file against manifest and card, no scene in two splits, and gold answers.

    python scripts/verify.py build/bench
    python scripts/verify.py build/bench --source scannet=/data/scannet/scans
    python scripts/verify.py build/embspatial
    python scripts/verify.py org/SPAR-Bench@v0.2.0            # a published version; it is downloaded into the cache

With --source, each scene is read again and each row's answer is recomputed by the second route (builders.spar.verify);
cameras and boxes of the configs frames and objects are compared with the scene's. A folder that has these configs is
also held against itself: answers that its own cameras and boxes decide are recomputed from them. Of a tagged benchmark
every tag is computed again from its row.
Exit codes: 0 all is well; 1 something differs (each finding on a line); 2 bad arguments or input.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer
from huggingface_hub import HfApi
from tqdm import tqdm

from builders.command import run_command
from builders.errors import InputError, SceneError
from builders.hub.check import folder_problems
from builders.hub.manifest import read_manifest
from builders.hub.repository import HubRepo
from builders.scenes import open_source
from builders.spar.frame_tables import WITHOUT_QUESTIONS
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.scenes_to_rows import without_frames
from builders.spar.stored import NotStored, stored_record, table_problems
from builders.spar.verify import verify
from builders.tagged.verify import row_problems
from builders.tunnel.verify import problems as tunnel_problems

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: Annotated[str, typer.Argument(metavar="DIR_OR_REPO", help="A folder made by scripts/build.py, or "
                                           "ORG/NAME[@REVISION] on the Hub.")],
    source: Annotated[list[str], typer.Option(metavar="NAME[=ROOT]", help="The scenes it was built from.")] = [],  # noqa: B006
) -> None:
    folder = opened(dataset)
    manifest = read_manifest(folder)
    findings = folder_problems(folder, manifest, progress=True)
    recomputed = checked = 0
    route = "checked by the folder's own cameras and boxes"
    if source and "settings" not in manifest:
        raise InputError(f"--source does not apply to {manifest['dataset']}, which does not say how it was built")
    if not findings and manifest["dataset"] == "spatial_tunnel":
        if source:
            raise InputError("--source does not apply to spatial_tunnel, which is made from no scans")
        route = "checked by their own columns"
        for name in manifest["files"]:
            columns = [c for c in pq.read_schema(folder / name).names if c != "image"]
            rows = pq.read_table(folder / name, columns=columns).to_pylist()
            checked += len(rows)
            findings += [f"{name}: {problem}" for problem in tunnel_problems(rows, manifest["settings"]["tunnel"])]
    elif not findings and "tags" in manifest:
        if source:
            raise InputError(f"--source does not apply to {manifest['dataset']}: tags are computed again from rows")
        checked, findings = tag_problems(folder, manifest)
        route = "checked by computing their tags again"
    elif not findings and "settings" in manifest:  # an import of JSONL has none
        limits = Limits(**manifest["settings"]["limits"])
        scenes = read_tables(folder, manifest)
        checked, findings = own_problems(scenes, limits)
        for spec in source:
            count, wrong = wrong_golds(scenes, manifest, limits, spec)
            recomputed += count
            findings += wrong
    for finding in findings:
        print(finding)
    print(f"{dataset}: {len(manifest['files'])} files, {sum(manifest['rows'].values())} rows, "
          f"{recomputed} golds recomputed, {checked} {route}, "
          f"{len(findings)} findings")
    if findings:
        raise typer.Exit(1)


def opened(dataset: str) -> Path:
    """The folder, or the downloaded copy of a repository."""
    name, _, revision = dataset.partition("@")
    if Path(dataset).exists() or not REPOSITORY.fullmatch(name):
        return Path(dataset)
    try:
        return HubRepo(name, HfApi()).download(revision or "main")
    except InputError as error:
        raise InputError(f"{dataset}: no such folder; on the Hub, {error}") from error


def tag_problems(folder: Path, manifest: dict) -> tuple[int, list[str]]:
    """How many rows were checked, and what is wrong with tags and splits. Pictures pass by, a few at a time."""
    checked, findings = 0, []
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for name in manifest["files"]:
        config, split = name.split("-")[0].split("/")
        for batch in pq.ParquetFile(folder / name).iter_batches(32):
            for row in batch.to_pylist():
                checked += 1
                tags[config][row["heuristic"]] += 1
                findings += [f"{name}: {problem}" for problem in row_problems(row, manifest)]
                if config == "depth" and row["heuristic"] != split:
                    findings.append(f"{name}: holds a row tagged {row['heuristic'] or 'nothing'}")
    if len(tags) == 2 and +tags["depth"] != Counter({tag: n for tag, n in tags["default"].items() if tag}):
        findings.append(f"depth has {dict(tags['depth'])} rows, default {dict(tags['default'])}")
    return checked, findings


@dataclass(frozen=True)
class SceneTables:
    """What a folder holds of one scene, without pixels."""

    rows: dict[str, dict] = field(default_factory=dict)
    """By uid: two configs may hold the same question."""
    frames: list[dict] = field(default_factory=list)
    objects: list[dict] = field(default_factory=list)
    splits: set[str] = field(default_factory=set)


def read_tables(folder: Path, manifest: dict) -> dict[tuple[str, str], SceneTables]:
    """(source, scene) -> its tables, from all shards."""
    scenes: dict[tuple[str, str], SceneTables] = defaultdict(SceneTables)
    for name in manifest["files"]:
        config, split = name.split("-")[0].split("/")
        shard = pq.ParquetFile(folder / name)
        for row in shard.read([c for c in shard.schema_arrow.names if c not in ("image", "depth")]).to_pylist():
            scene = scenes[row["source"], row["scene_id"]]
            scene.splits.add(split)
            if config in WITHOUT_QUESTIONS:
                getattr(scene, config).append(row)
            else:
                scene.rows[row["uid"]] = row
    return scenes


def own_problems(scenes: dict[tuple[str, str], SceneTables], limits: Limits) -> tuple[int, list[str]]:
    """Golds that could be recomputed from the folder's own cameras and boxes, and a line for each that differs; scenes
    in two splits."""
    checked, findings = 0, []
    for (source, scene_id), scene in scenes.items():
        if len(scene.splits) > 1:
            findings.append(f"{source}/{scene_id}: in the splits {' and '.join(sorted(scene.splits))}")
        if not (scene.frames and scene.objects):
            continue
        try:
            record = stored_record(scene.frames, scene.objects)
        except ValueError as error:
            findings.append(f"{source}/{scene_id}: {error}")
            continue
        for uid, row in scene.rows.items():
            try:
                problem = verify(row, record, limits)
            except NotStored:
                continue
            checked += 1
            findings += [f"{uid}: {problem} (by the folder's own cameras and boxes)"] if problem else []
    return checked, findings


def wrong_golds(
    scenes: dict[tuple[str, str], SceneTables], manifest: dict, limits: Limits, spec: str
) -> tuple[int, list[str]]:
    """Rows of the source that were recomputed from its scans, and a line for each row, camera or box that differs."""
    settings = manifest["settings"]
    source = open_source(spec, settings["seed"], settings["renderer"] or "raycast")
    of_source = {scene_id: scene for (name, scene_id), scene in scenes.items() if name == source.name}
    unreadable = {s["scene_id"]: s["unreadable"] for s in manifest["scenes"] if s["source"] == source.name}
    findings = []
    for scene_id, scene in tqdm(of_source.items(), desc=f"scenes of {source.name}", unit="scene"):
        try:
            scan = without_frames(source.load(scene_id), unreadable[scene_id])
            record = build_record(scan, limits, manifest["dataset"] == "spar_7m", settings["excluded_labels"])
        except (InputError, SceneError) as error:
            findings.append(f"{source.name}/{scene_id}: {error}")
            continue
        problems = ((uid, verify(row, record, limits)) for uid, row in scene.rows.items())
        findings += [f"{uid}: {problem}" for uid, problem in problems if problem]
        if scene.frames and scene.objects:
            findings += table_problems(scene.frames, scene.objects, record)
    return sum(len(scene.rows) for scene in of_source.values()), findings


if __name__ == "__main__":
    run_command(app)
