"""Builds that are killed again and again give the same bytes, and no part is made twice. Linux.

    python scripts/benchmarks/kills.py --out build/kills                       # 200 rooms, 30 and 20 kills
    python scripts/benchmarks/kills.py --out build/kills --scenes 60 --reference build/before/reference

Procedural rooms, plainly rendered, are built without trouble first; then under Ray, if it is installed; then while
random workers are killed; then while the build itself is killed at random moments and started again. Each time the
shards and the manifest must be those of the first build, each scene must be in the manifest once and each question in
the shards once, and a part that was whole before a kill must still be the same file at the end. Prints a line for each;
exit code 1 if anything differs.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from builders.command import run_command
from builders.errors import InputError
from builders.hub.build_log import events, last_run
from builders.hub.files import sha256_of
from builders.hub.manifest import read_manifest

WORKERS = 2
BUILD = ("spar_bench", "--pixels", "referenced", "--renderer", "raycast", "--workers", str(WORKERS),
         "--set", "bench_scenes=all", "--set", "candidates=1", "--set", "max_keyframes=2",
         "--set", "keyframe_translation=1.5", "--set", "keyframe_rotation=80")
"""Few frames to look at: what costs time, a second or two, is the room."""
TABLES = ("rows", "depth")
"""Of a whole part."""
SPREAD = 0.6
"""All kills fall into this share of the time that the build takes without them."""
EARLY = 0.15
"""Share of the builds that are killed while they start."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    out: Annotated[Path, typer.Option(help="A new folder for the builds.")],
    scenes: Annotated[int, typer.Option(min=4)] = 200,
    worker_kills: Annotated[int, typer.Option(min=0)] = 30,
    driver_kills: Annotated[int, typer.Option(min=0)] = 20,
    reference: Annotated[Path | None, typer.Option(help="A finished build of the same, to save the first one.")] = None,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    if out.exists():
        raise InputError(f"{out}: exists; choose another --out")
    chance = random.Random(seed)
    if reference is None:
        reference = out / "reference"
        start(reference, scenes).wait()
    wanted, problems, seconds = contents(reference), 0, duration(reference)
    print(f"reference: {len(wanted) - 1} shards, {len(read_manifest(reference)['scenes'])} scenes in {seconds:.0f} s",
          flush=True)
    if find_spec("ray"):
        start(out / "ray", scenes, "--engine", "ray").wait()
        problems += told("ray", out / "ray", wanted, "no kills")
    if worker_kills:
        build = start(out / "workers", scenes, "--tries", "20")
        killed = with_dying_workers(build, worker_kills, SPREAD * seconds / worker_kills, chance)
        problems += told("workers", out / "workers", wanted, f"{killed} workers killed")
        problems += killed < worker_kills
    if driver_kills:
        each = SPREAD * seconds / driver_kills
        redone, changed = with_dying_drivers(out / "drivers", scenes, driver_kills, each, chance)
        happened = (f"{len(redone)} builds killed, each with at most {max(redone, default=0)} scenes in the works, "
                    f"{sum(redone)} in all; {changed} tables of whole parts made again")
        problems += told("drivers", out / "drivers", wanted, happened)
        problems += changed + (len(redone) < driver_kills) + (max(redone, default=0) > WORKERS)
    if problems:
        raise typer.Exit(1)


def start(out: Path, scenes: int, *more: str) -> subprocess.Popen[bytes]:
    """A build with two workers."""
    script = Path(__file__).parents[1] / "build.py"
    command = [sys.executable, str(script), *BUILD, "--out", str(out), "--scenes", str(scenes), *more]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".txt").open("a") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def contents(folder: Path) -> dict[str, str]:
    """Path -> sha256 of the shards and the manifest."""
    return {name: sha256_of(folder / name) for name in (*read_manifest(folder)["files"], "manifest.json")}


def duration(folder: Path) -> float:
    """Seconds from a build's first word to its last."""
    times = [event["time"] for event in last_run(folder / ".build" / "log.jsonl")]
    return times[-1] - times[0]


def told(name: str, folder: Path, wanted: dict[str, str], happened: str) -> int:
    """Print how a build ended; 1 if it differs from the reference, or anything was made twice, or lost."""
    same = contents(folder) == wanted
    notes = list(events(folder / ".build" / "log.jsonl"))
    noted = {note["part"] for note in notes if note["event"] == "part"}
    made = Counter(note["part"] for note in notes if note["event"] == "part" and note["became"] == "made")
    deaths = sum(note["event"] == "note" and "(try " in note["text"] for note in notes)
    twice = sum(count > 1 for count in made.values())
    manifest = read_manifest(folder)
    scenes = Counter(scene["scene_id"] for scene in manifest["scenes"])
    uids = [uid for path in manifest["files"] if path.startswith("default/")
            for uid in pq.read_table(folder / path, columns=["uid"])["uid"].to_pylist()]
    repeated = len(scenes) < scenes.total() or len(set(uids)) < len(uids)
    lost = len(noted) != len(scenes) or len(uids) != manifest["questions"] or bool(manifest["quarantined"])
    print(f"{name}: {'the same bytes' if same else 'OTHER BYTES'}; {happened}; {deaths} tries ended by a death; "
          f"{len(made)} parts noted as made, {twice} of them twice; {len(scenes)} scenes in the manifest, {len(uids)} "
          f"questions, {'some TWICE' if repeated else 'each once'}{', some LOST' if lost else ''}", flush=True)
    return int(not same or twice > 0 or repeated or lost)


def with_dying_workers(build: subprocess.Popen[bytes], kills: int, seconds: float, chance: random.Random) -> int:
    """How many workers could be killed before the build was done."""
    killed = 0
    while build.poll() is None:
        time.sleep(chance.uniform(0, 2 * seconds))
        workers = list(children(build.pid))
        if killed < kills and workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed += 1
    return killed


def with_dying_drivers(
    out: Path, scenes: int, kills: int, seconds: float, chance: random.Random
) -> tuple[list[int], int]:
    """How many scenes were in the works at each kill, and are begun anew by the next build; and how many tables of
    parts that were whole have been made again."""
    redone: list[int] = []
    seen: dict[Path, int] = {}
    while True:
        build = start(out, scenes)
        if len(redone) < kills:
            early = chance.random() < EARLY
            while not early and build.poll() is None and not works(out, build.pid):
                time.sleep(0.1)
            time.sleep(chance.uniform(0, 2 * seconds))
        if len(redone) == kills or build.poll() is not None:
            build.wait()
            return redone, sum(path.stat().st_mtime_ns != moment for path, moment in seen.items())
        workers = list(children(build.pid))
        build.kill()
        build.wait()
        while any(map(runs, workers)):
            time.sleep(0.05)  # they end by themselves, as soon as they see that nobody waits for them
        redone.append(0)
        for part in (out / ".build" / "parts").glob("*/*"):
            tables = [part / f"{name}.parquet" for name in TABLES]
            if all(table.exists() for table in tables):
                seen |= {table: table.stat().st_mtime_ns for table in tables if table not in seen}
            else:
                redone[-1] += 1


def works(out: Path, pid: int) -> bool:
    """Whether this build has made a part."""
    log = out / ".build" / "log.jsonl"
    run = last_run(log) if log.exists() else []
    return bool(run) and run[0]["pid"] == pid and any(note.get("became") == "made" for note in run)


def children(pid: int) -> Iterator[int]:
    """Worker processes of a build (not the resource tracker of ``multiprocessing``)."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                yield int(entry.name)
        except OSError:  # has just ended
            continue


def runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # empty for what has ended and waits to be noticed
    except OSError:
        return False


if __name__ == "__main__":
    run_command(app)
