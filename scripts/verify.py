"""Check a built dataset: every file against the manifest, and, given the scenes again, every gold answer.

    python scripts/verify.py build/bench
    python scripts/verify.py build/bench --source scannet=/data/scannet/scans

With --source, each scene is read again and each row's answer is recomputed by the second route (builders.spar.verify).
Exit codes: 0 all is well; 1 something differs (each finding on a line); 2 bad arguments or input.
"""

from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer
from tqdm import tqdm

from builders.command import run_command
from builders.errors import InputError, SceneError
from builders.hub.manifest import file_problems, read_manifest
from builders.scenes import open_source
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.verify import verify

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    folder: Annotated[Path, typer.Argument(help="A folder made by scripts/build.py.")],
    source: Annotated[list[str], typer.Option(metavar="NAME[=ROOT]", help="The scenes it was built from.")] = [],  # noqa: B006
) -> None:
    manifest = read_manifest(folder)
    findings = file_problems(folder, manifest)
    checked = 0
    if not findings:
        for spec in source:
            count, wrong = wrong_golds(folder, manifest, spec)
            checked += count
            findings += wrong
    for finding in findings:
        print(finding)
    print(f"{folder}: {len(manifest['files'])} files, {sum(manifest['rows'].values())} rows, "
          f"{checked} golds recomputed, {len(findings)} findings")
    if findings:
        raise typer.Exit(1)


def wrong_golds(folder: Path, manifest: dict, spec: str) -> tuple[int, list[str]]:
    """Rows of the source that were recomputed, and a line for each one that differs."""
    settings = manifest["settings"]
    scenes = open_source(spec, settings["seed"], settings["renderer"] or "raycast")
    rows = {}
    for name in manifest["files"]:
        shard = pq.ParquetFile(folder / name)
        table = shard.read([c for c in shard.schema_arrow.names if c != "image"])
        rows.update({row["uid"]: row for row in table.to_pylist() if row["source"] == scenes.name})
    by_scene: dict[str, list[dict]] = {}
    for row in rows.values():
        by_scene.setdefault(row["scene_id"], []).append(row)
    limits, findings = Limits(**settings["limits"]), []
    for scene_id, of_scene in tqdm(by_scene.items(), desc=f"scenes of {scenes.name}", unit="scene"):
        try:
            record = build_record(scenes.load(scene_id), limits)
        except (InputError, SceneError) as error:
            findings.append(f"{scenes.name}/{scene_id}: {error}")
            continue
        problems = ((row["uid"], verify(row, record, limits)) for row in of_scene)
        findings += [f"{uid}: {problem}" for uid, problem in problems if problem]
    return len(rows), findings


if __name__ == "__main__":
    run_command(app)
