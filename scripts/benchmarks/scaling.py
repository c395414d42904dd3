"""What a build takes on one core, on two, and, by projection, on a cluster; what the engines cost; what the Hub gets.

    python scripts/benchmarks/scaling.py                                       # procedural rooms, plainly rendered
    python scripts/benchmarks/scaling.py --built build/spar_7m --cores 64      # the projection from a build of yours

Builds spar_7m with one worker and with two (the same bytes, held against each other), and times parts that do nothing
under each engine. Needs a machine with nothing else to do: times are those of a clock. The projection says its
assumptions. Bytes and files are of pictures that are embedded, or not, as in the build it goes by.
"""

import math
import shutil
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.command import run_command
from builders.errors import InputError
from builders.hub.build_log import last_run
from builders.hub.engine import ENGINES, map_parts
from builders.hub.folder import build_folder, merge_folder
from builders.hub.manifest import read_manifest
from builders.hub.shards import SHARD_BYTES
from builders.spar.spar_7m import Spar7M

HUB_FILES, HUB_ENTRIES, HUB_COMMIT, HUB_FILE_GB, HUB_TB = 100_000, 10_000, 100, 20, 5
"""What the Hub recommends to stay below: files of a repository, entries of a folder, files of a commit, the size of a
file; and what a free account may publish (https://huggingface.co/docs/hub/storage-limits)."""

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
        print(f"engine {engine}: {starts[engine]:.1f} s until the first result; then {1e3 * costs[engine]:.2f} ms a "
              f"part with 2 workers; {1e3 * driver:.2f} ms of the driver's processor time", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        each = None
        if built is None:
            built = timed_builds(Path(temporary), scenes, rows)
            each = timed_merges(built, scenes, rows)
        run = last_build(built)
        work = statistics.mean(part["seconds"] for part in run.parts)
        print(f"a part: {work:.2f} s of work, {statistics.mean(part['rows'] for part in run.parts):.0f} rows, "
              f"{statistics.mean(part['bytes'] for part in run.parts) / 1e6:.2f} MB")
        for engine, cost in costs.items():
            print(f"  {engine}: its engine adds {cost / work:.3%}")
        projection(read_manifest(built), run, each, max(costs.values()), max(starts.values()), project, cores)


@dataclass(frozen=True)
class Run:
    """What a build's log tells of its last run."""

    parts: list[dict[str, Any]]
    """The events of those made."""
    starting: float
    """Seconds until the first worker was at a scene."""
    making: float
    """Seconds from then until the last part was made."""
    merging: float
    """Seconds after that: choosing, shards, card, manifest."""

    @property
    def busy(self) -> float:
        """Workers at work, on average."""
        return sum(part["seconds"] for part in self.parts) / self.making


def last_build(built: Path) -> Run:
    run = last_run(built / ".build" / "log.jsonl")
    parts = [event for event in run if event["event"] == "part" and event["became"] == "made"]
    if not parts:
        raise InputError(f"{built}: its last build made no part; build it anew")
    begun, done = (min(part["time"] - part["seconds"] for part in parts), max(part["time"] for part in parts))
    return Run(parts, begun - run[0]["time"], done - begun, run[-1]["time"] - done)


def engine_cost(engine: str, parts: int) -> tuple[float, float, float]:
    """Seconds until the first result; seconds for each later one, but for the longest wait: that for the other worker's
    start; processor seconds of the driver for each."""
    begun = time.perf_counter()
    results = map_parts(abs, range(parts), engine, 2)
    next(results)
    times, driver = [time.perf_counter()], time.process_time()
    times += [time.perf_counter() for _ in results]
    waits = [after - before for before, after in pairwise(times)]
    costs = times[0] - begun, (sum(waits) - max(waits)) / (len(waits) - 1), (time.process_time() - driver) / len(waits)
    if engine == "ray":
        import ray

        ray.shutdown()  # its own processes would take time from the builds
    return costs


def builder_of(scenes: int, rows: int) -> Spar7M:
    return Spar7M(sources=("procedural",), renderer="raycast", scenes=scenes, max_per_task=rows)


def timed_builds(folder: Path, scenes: int, rows: int) -> Path:
    """Builds with one and with two workers; the folder of the first."""
    runs = {}
    for workers in (1, 2):
        build_folder(builder_of(scenes, rows), folder / str(workers), workers, progress=False)
        runs[workers] = run = last_build(folder / str(workers))
        print(f"{workers} workers: {scenes / run.making * 60:.2f} scenes a minute, {run.busy:.2f} workers busy on "
              f"average, {run.starting:.1f} s until they began", flush=True)
    if read_manifest(folder / "1")["files"] != read_manifest(folder / "2")["files"]:
        raise AssertionError("two workers gave other bytes than one")
    alone, beside = (sum(part["seconds"] for part in run.parts) for run in runs.values())
    print(f"2 workers, the same bytes: {runs[1].making / runs[2].making:.2f} times as fast as 1; a scene takes "
          f"{beside / alone:.2f} times as long beside another")
    return folder / "1"


def timed_merges(built: Path, scenes: int, rows: int) -> float:
    """Seconds by which a merge grows with each scene, from one of half the scenes and one of all."""
    times = {}
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "copy"
        shutil.copytree(built / ".build" / "parts", copy / ".build" / "parts")
        for count in (scenes // 2, scenes):
            begun = time.perf_counter()
            merge_folder(builder_of(count, rows), copy, progress=False)
            times[count] = time.perf_counter() - begun
    each = (times[scenes] - times[scenes // 2]) / (scenes - scenes // 2)
    print(f"a merge of {scenes} scenes: {times[scenes]:.1f} s, of which each scene takes {each:.2f} s", flush=True)
    return each


def projection(
    manifest: dict[str, Any], run: Run, each: float | None, cost: float, start: float, scenes: int, cores: int
) -> None:
    """Time on a cluster, and what would be published.

    Args:
        each: seconds of a merge for each scene; None: all that it took grows with the scenes.
    """
    times = [part["seconds"] for part in run.parts]
    share = scenes / len(times)
    hours = (sum(times) * share / cores + max(times) + start + scenes * cost) / 3600
    merging = run.merging * share if each is None else run.merging + each * (scenes - len(times))
    stored = {split: entry["stored_bytes"] * share for split, entry in manifest["images"].items()}
    total = sum(stored.values())
    largest = max(stored, key=lambda split: stored[split])
    shared = merging * max(1 / cores, stored[largest] / total)
    print(f"""{scenes} scenes on {cores} cores: {hours:.2f} h for the parts, then
  {'at most ' if each is None else ''}{merging / 3600:.2f} h to merge with one process, {shared / 3600:.2f} h with \
{cores} ({largest} alone holds {stored[largest] / total:.0%}), if
  scenes cost what these {len(times)} cost ({min(times):.1f} to {max(times):.1f} s);
  a core does as much as one here, whatever the others do; the slowest scene begins last;
  one driver hands out all parts, one by one; a merge takes time as it writes bytes;
  reading scans and writing parts is no slower than here (a shared file system is often the limit)""")
    files = {split: max(1, math.ceil(size / SHARD_BYTES)) for split, size in stored.items()}
    folders: Counter[str] = Counter()
    for split, count in files.items():
        folders[split.split("/")[0]] += count
    count = sum(files.values()) + len(manifest["card"]) + 2  # and card, manifest
    rows = sum(manifest["rows"].values()) * share
    print(f"""Hub: {rows / 1e6:.1f} M rows of all configs, {total / 1e9:.0f} GB (a free account: about {HUB_TB} TB)
  {count} files (recommended: below {HUB_FILES}), of {SHARD_BYTES / 1e9:.1f} GB on average (below {HUB_FILE_GB})
  at most {max(folders.values())} in a folder (below {HUB_ENTRIES})
  {math.ceil(count / HUB_COMMIT)} commits of at most {HUB_COMMIT} files, or one that is larger than recommended""")


if __name__ == "__main__":
    run_command(app)
