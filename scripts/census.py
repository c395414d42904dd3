"""What a build holds: rows of every task by format and source, and why proposals were not asked.

    python scripts/census.py build/spar

Tasks without a single row are listed too. Works on folders of spar_7m, spar_bench and spar_3d. Exit codes: 0 done; 1
failed; 2 bad arguments or input.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer

from builders.command import run_command
from builders.hub.manifest import read_manifest
from builders.spar.tasks import TASKS, TASKS_3D
from builders.spar.tasks.task import FORMATS

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    folder: Annotated[Path, typer.Argument(help="A folder made by scripts/build.py.")],
    reasons: Annotated[int, typer.Option(min=0, help="How many reasons to print per task and source.")] = 6,
) -> None:
    manifest = read_manifest(folder)
    counts = row_counts(folder, manifest)
    tasks = TASKS_3D if manifest["dataset"] == "spar_3d" else TASKS
    refused = refusals(manifest, tasks)
    scenes = Counter(scene["source"] for scene in manifest["scenes"])
    held = len({task for task, _, _ in counts})
    print(f"{folder}: {manifest['dataset']} {manifest['version']}, {sum(counts.values())} rows of {held} of "
          f"{len(tasks)} task types; scenes: " + ", ".join(f"{count} {source}" for source, count in scenes.items()))
    print(f"{'task':34s} {'source':12s}" + "".join(f"{form:>9s}" for form in FORMATS) + "  not asked")
    for name, task in tasks.items():
        for source in scenes:
            cells = "".join(f"{counts[name, source, form] if form in task.formats else '-':>9}" for form in FORMATS)
            why = ", ".join(f"{count} {reason}" for reason, count in refused[name, source].most_common(reasons))
            print(f"{name:34s} {source:12s}{cells}  {why}")
    totals = Counter[tuple[str, str]]()
    for (_, source, form), count in counts.items():
        totals[source, form] += count
    for source in scenes:
        print(f"{'all':34s} {source:12s}" + "".join(f"{totals[source, form]:>9}" for form in FORMATS))
    for scene in manifest["quarantined"]:
        print(f"quarantined: {scene['source']}/{scene['scene_id']}: {scene['reason']}")


def row_counts(folder: Path, manifest: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    """(task, source, format) -> rows; a row that several configs hold counts once."""
    seen: dict[str, tuple[str, str, str]] = {}
    columns = ["uid", "task", "source", "format_type"]
    for name in manifest["files"]:
        if set(columns) <= set(pq.read_schema(folder / name).names):
            for row in pq.read_table(folder / name, columns=columns).to_pylist():
                seen[row["uid"]] = row["task"], row["source"], row["format_type"]
    return Counter(seen.values())


def refusals(manifest: dict[str, Any], tasks: Iterable[str]) -> dict[tuple[str, str], Counter[str]]:
    """(task, source) -> proposals not asked, by reason."""
    sources = {scene["source"] for scene in manifest["scenes"]}
    found: dict[tuple[str, str], Counter[str]] = {(task, source): Counter() for task in tasks for source in sources}
    for scene in manifest["scenes"]:
        for task, reasons in scene["rejected"].items():
            found.setdefault((task, scene["source"]), Counter()).update(reasons)
    return found


if __name__ == "__main__":
    run_command(app)
