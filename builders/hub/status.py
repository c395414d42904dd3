"""What a build has done and how long it will take: from its logs, each part that they tell of looked up on the disk."""

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from builders.errors import InputError
from builders.hub.build_log import last_run
from builders.hub.parts import has_tables

_ALIVE_SECONDS = 60.0
"""A driver notes each part; one that has been silent for longer than this and its slowest part has probably ended."""


@dataclass
class Status:
    """All drivers of a build together. Times are in seconds."""

    dataset: str
    version: str
    parts: int
    """In all."""
    shards: int
    """0: built as a whole."""
    begun: int = 0
    """Shards that have begun."""
    done: int = 0
    reused: int = 0
    lost: list[str] = field(default_factory=list)
    """Noted as done, and not there (any more)."""
    quarantined: dict[str, str] = field(default_factory=dict)
    """Scene -> reason."""
    rows: int = 0
    part_bytes: int = 0
    rate: float = 0.0
    """Parts made in a second, all running drivers together."""
    stages: dict[str, tuple[int, float]] = field(default_factory=dict)
    """What has been done after the parts: rows (0 where none are counted), and the time it took."""
    driver_mb: float = 0.0
    """Most resident memory of a driver, as far as it was noted; so too of a worker, after a part."""
    worker_mb: float = 0.0
    notes: list[str] = field(default_factory=list)
    """The last word of the drivers: errors, dead workers, space."""

    @property
    def left(self) -> int:
        return self.parts - self.done - len(self.quarantined)


def read_status(folder: Path) -> Status:
    """The state of a build, running or not.

    Raises:
        InputError: nothing has been built there.
    """
    build = folder / ".build"
    runs = [run for path in sorted(build.glob("log*.jsonl")) if (run := last_run(path))]
    if not runs:
        raise InputError(f"{folder}: no build has begun there (no log in {build})")
    starts = [run[0] for run in runs if not run[0].get("merge")] or [runs[0][0]]
    newest = max(starts, key=lambda start: start["time"])
    count = newest["shard"][1] if newest["shard"] else 0
    status = Status(newest["dataset"], newest["version"], newest["of"], count)
    for run in runs:
        start = run[0]
        if start.get("merge") or (start["shard"][1] if start["shard"] else 0) == count:
            _add(status, folder, run)
    return status


def _add(status: Status, folder: Path, run: list[dict[str, Any]]) -> None:
    """Count what one driver's last run has noted."""
    start, parts = run[0], [event for event in run if event["event"] == "part"]
    status.begun += bool(start["shard"])
    made = 0
    for event in parts:
        if event["became"] == "quarantined":
            status.quarantined[event["part"]] = event["reason"]
        elif has_tables(folder / ".build" / "parts" / event["part"], start["tables"], event["spec"]):
            status.done += 1
            status.reused += event["became"] == "reused"
            status.rows += event["rows"]
            status.part_bytes += event["bytes"]
            made += event["became"] == "made"
        else:
            status.lost.append(event["part"])
    slowest = max((event.get("seconds", 0.0) for event in parts), default=0.0)
    ended = run[-1]["event"] == "end" or time.time() - run[-1]["time"] > _ALIVE_SECONDS + 2 * slowest
    if made and not ended:
        status.rate += made / (parts[-1]["time"] - start["time"])
    status.driver_mb = max(status.driver_mb, *(event.get("driver_mb", 0.0) for event in run))
    status.worker_mb = max(status.worker_mb, *(event.get("worker_mb", 0.0) for event in run))
    for before, event in pairwise(run):
        if event["event"] == "stage":
            rows, seconds = status.stages.get(event["stage"], (0, 0.0))
            took = event["time"] - before["time"]
            status.stages[event["stage"]] = rows + event.get("rows", 0), seconds + took
        elif event["event"] == "note":
            status.notes.append(event["text"])
        elif event["event"] == "end" and event["result"] != "done":
            status.notes.append(f"ended by {event['result']}")


def as_lines(folder: Path, status: Status, most: int = 20) -> Iterator[str]:
    """The status for people."""
    share = status.done / max(1, status.parts)
    yield (f"{folder}: {status.dataset} {status.version}, parts {status.done} of {status.parts} ({share:.0%}), "
           f"{status.left} to do, {len(status.quarantined)} quarantined, {status.rows} rows")
    if status.shards:
        yield f"  shards: {status.begun} of {status.shards} have begun"
    if status.rate and status.left:
        yield f"  rate: {status.rate * 60:.1f} parts a minute; about {_duration(status.left / status.rate)} left"
    elif status.left:
        yield "  nothing runs, or no part has been made yet; run the build again to go on"
    for stage, (rows, seconds) in status.stages.items():
        yield f"  {stage}: {f'{rows} rows in ' if rows else ''}{_duration(seconds)}" + (
            f" ({rows / max(seconds, 1e-3):.0f} a second)" if rows else "")
    whole = (folder / "manifest.json").is_file()
    yield f"  dataset: {'finished' if whole else 'not written yet' if status.left else 'parts are ready to be merged'}"
    usage = shutil.disk_usage(folder)
    yield (f"  disk: parts {status.part_bytes / 1e9:.2f} GB, folder {_size(folder) / 1e9:.2f} GB, "
           f"{usage.free / 1e9:.1f} GB free")
    workers = f", workers {status.worker_mb:.0f} MB after a part" if status.worker_mb else ""
    yield f"  memory: driver {status.driver_mb:.0f} MB at most{workers}"
    yield from _listed("lost", [f"{name}: noted as done, not on the disk" for name in status.lost], most)
    yield from _listed("quarantined", [f"{name}: {why}" for name, why in sorted(status.quarantined.items())], most)
    yield from _listed("note", status.notes[-5:], 5)


def _listed(what: str, lines: list[str], most: int) -> Iterable[str]:
    yield from (f"  {what}: {line}" for line in lines[:most])
    if len(lines) > most:
        yield f"  {what}: and {len(lines) - most} more"


def _size(folder: Path) -> int:
    sizes = 0
    for path in folder.rglob("*"):
        try:
            sizes += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # a temporary name of a running build
            continue
    return sizes


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"
