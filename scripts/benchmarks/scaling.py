"""What a build takes on one core, on two, and, by projection, on a cluster; what the engines cost; what the Hub gets.

    python scripts/benchmarks/scaling.py                                       # procedural rooms, plainly rendered
    python scripts/benchmarks/scaling.py --built build/spar_7m --cores 64      # the projection from a build of yours

Builds spar_7m with one worker and with two (the same bytes, held against each other), and times parts that do nothing
under each engine. The projection says its assumptions. Bytes and files are of pictures that are embedded, or not, as in
the build it goes by.
"""

import math
import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.command import run_command
from builders.hub.build_log import last_run
from builders.hub.engine import ENGINES, map_parts
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.hub.shards import SHARD_BYTES
from builders.spar.spar_7m import Spar7M

HUB_FILES, HUB_ENTRIES, HUB_COMMIT = 100_000, 10_000, 100
"""What the Hub recommends to stay below: files of a repository, entries of a folder, files of a commit."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    scenes: Annotated[int, typer.Option(min=2, help="Rooms to build.")] = 6,
    rows: Annotated[int, typer.Option(help="max_per_task.")] = 30,
    built: Annotated[Path | None, typer.Option(help="A finished build to go by, in place of rooms.")] = None,
    project: Annotated[int, typer.Option(help="Scenes of the projection.")] = 4500,
    cores: Annotated[int, typer.Option(help="Cores of the projection.")] = 64,
    empty_parts: Annotated[int, typer.Option(help="Parts that do nothing, for the cost of an engine.")] = 300,
) -> None:
    starts, costs = {}, {}
    for engine in ENGINES:
        if engine == "ray" and not find_spec("ray"):
            print("engine ray: not installed")
            continue
        starts[engine], costs[engine], driver = engine_cost(engine, empty_parts)
        print(f"engine {engine}: {starts[engine]:.1f} s until the first results; then {1e3 * costs[engine]:.2f} ms a "
              f"part with 2 workers, of which {1e3 * driver:.2f} ms are processor time of the driver", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        if built is None:
            built = timed_builds(Path(temporary), scenes, rows)
        parts, after = measured(built)
        work = statistics.mean(part["seconds"] for part in parts)
        print(f"a part: {work:.2f} s of work, {statistics.mean(part['rows'] for part in parts):.0f} rows, "
              f"{statistics.mean(part['bytes'] for part in parts) / 1e6:.2f} MB")
        for engine, cost in costs.items():
            print(f"  {engine}: its engine adds {cost / work:.3%}")
        projection(read_manifest(built), parts, after, max(costs.values()), max(starts.values()), project, cores)


def engine_cost(engine: str, parts: int) -> tuple[float, float, float]:
    """Seconds until the first result; seconds for each later one; processor seconds of the driver for each."""
    begun, results = time.perf_counter(), map_parts(abs, range(parts), engine, 2)
    for _ in range(2):  # of each worker
        next(results)
    first, driver = time.perf_counter(), time.process_time()
    left = len(list(results))
    return first - begun, (time.perf_counter() - first) / left, (time.process_time() - driver) / left


def timed_builds(folder: Path, scenes: int, rows: int) -> Path:
    """Builds with one and with two workers; the folder of the first."""
    seconds = {}
    for workers in (1, 2):
        builder = Spar7M(sources=("procedural",), renderer="raycast", scenes=scenes, max_per_task=rows)
        begun = time.perf_counter()
        build_folder(builder, folder / str(workers), workers)
        seconds[workers] = time.perf_counter() - begun - measured(folder / str(workers))[1]
        print(f"{workers} workers: {scenes / seconds[workers] * 60:.2f} scenes a minute (parts alone)", flush=True)
    if read_manifest(folder / "1")["files"] != read_manifest(folder / "2")["files"]:
        raise AssertionError("two workers gave other bytes than one")
    print(f"2 workers are {seconds[1] / seconds[2]:.2f} times as fast as 1")
    return folder / "1"


def measured(built: Path) -> tuple[list[dict[str, Any]], float]:
    """The parts that the last build made, and the seconds of what followed them: choosing, shards, manifest."""
    run = last_run(built / ".build" / "log.jsonl")
    parts = [event for event in run if event["event"] == "part" and event["became"] == "made"]
    if not parts:
        raise typer.BadParameter(f"{built}: its last build made no part; build it anew")
    return parts, run[-1]["time"] - max(part["time"] for part in parts)


def projection(
    manifest: dict[str, Any], parts: list[dict[str, Any]], after: float, cost: float, start: float, scenes: int,
    cores: int,
) -> None:
    """Time on a cluster, and what would be published."""
    times = [part["seconds"] for part in parts]
    share = scenes / len(parts)
    hours = (sum(times) * share / cores + max(times) + start + scenes * cost) / 3600
    merging = after * share / 3600
    print(f"""{scenes} scenes on {cores} cores: {hours:.2f} h for the parts, then {merging:.2f} h to merge, if
  scenes cost what these {len(parts)} cost ({min(times):.1f} to {max(times):.1f} s);
  a core does as much as one here, whatever the others do; the slowest scene begins last;
  one driver hands out all parts, one by one; one core merges;
  reading scans and writing parts is no slower than here (a shared file system is often the limit)""")
    stored = {split: entry["stored_bytes"] * share for split, entry in manifest["images"].items()}
    files = {split: max(1, math.ceil(size / SHARD_BYTES)) for split, size in stored.items()}
    folders: dict[str, int] = {}
    for split, count in files.items():
        folders[split.split("/")[0]] = folders.get(split.split("/")[0], 0) + count
    total = sum(files.values()) + 2
    rows = sum(manifest["rows"].values()) * share
    print(f"""Hub: {rows / 1e6:.1f} M rows of all configs, {sum(stored.values()) / 1e9:.0f} GB
  {total} files (recommended: below {HUB_FILES}), of {SHARD_BYTES / 1e9:.1f} GB (below 20)
  at most {max(folders.values())} in a folder (below {HUB_ENTRIES})
  {math.ceil(total / HUB_COMMIT)} commits of at most {HUB_COMMIT} files, or one that is larger than recommended""")


if __name__ == "__main__":
    run_command(app)
