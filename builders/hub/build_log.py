"""``DIR/.build/log*.jsonl``: a line for everything that happens in a build; what ``status`` reads, and ``tail -f``.

Lines are objects with ``time`` (seconds since 1970), ``driver_mb`` (resident memory of the driver) and ``event``:
``start`` (of a run: shard, parts, settings of the workers), ``part`` (made, reused or quarantined), ``stage`` (a later
step is done), ``note`` (a process died, space on the disk), ``end``. Runs follow one another; each begins with its
``start``.
"""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builders.hub.parts import PartOutcome
from builders.hub.sharding import Shard
from builders.hub.worker import resident


class BuildLog(logging.Handler):
    """Appends to the log of one driver; what our modules tell ``logging`` is noted, too. Use as a context manager."""

    def __init__(self, build: Path, shard: Shard | None):
        super().__init__(logging.INFO)
        self.path = build / (f"log-{shard.name}.jsonl" if shard else "log.jsonl")
        self._loud = logging.getLogger("builders")

    def __enter__(self) -> "BuildLog":
        self._file = self.path.open("a", buffering=1)  # a line is there as soon as it is written
        self._file.write("\n" if self._file.tell() else "")  # after a line that a kill has cut off
        self._loud.addHandler(self)
        self._level = self._loud.level
        self._loud.setLevel(logging.INFO)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.note("end", result="done" if kind is None else f"{kind.__name__}: {error}")
        self._loud.removeHandler(self)
        self._loud.setLevel(self._level)
        self._file.close()

    def note(self, event: str, **what: Any) -> None:
        told = {"time": round(time.time(), 3), "driver_mb": round(resident() / 1e6, 1), "event": event}
        self._file.write(json.dumps(told | what) + "\n")

    def part(self, outcome: PartOutcome) -> None:
        known: dict[str, Any] = {"rows": outcome.rows, "bytes": outcome.bytes, "seconds": round(outcome.seconds, 3),
                 "worker_mb": round(outcome.worker_bytes / 1e6, 1), "spec": outcome.spec}
        if not outcome.done:
            known = {"reason": outcome.quarantined} | ({"details": outcome.details} if outcome.details else {})
        became = "quarantined" if not outcome.done else "reused" if outcome.reused else "made"
        self.note("part", part=outcome.ref.name, became=became, **known)

    def emit(self, record: logging.LogRecord) -> None:
        self.note("note", level=record.levelname.lower(), text=record.getMessage())


def last_run(path: Path) -> list[dict[str, Any]]:
    """The events of the last run in a log; a line that a kill cut off ends it."""
    run: list[dict[str, Any]] = []
    for event in events(path):
        if event["event"] == "start":
            run.clear()
        run.append(event)
    return run


def events(path: Path) -> Iterator[dict[str, Any]]:
    """All that a log holds, of all runs."""
    with path.open() as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event and "time" in event:
                yield event
