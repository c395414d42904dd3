"""A process of its own for a function that may crash, hang or eat memory. Every engine runs parts in these."""

import contextlib
import gc
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

_TICK = 0.1
"""Seconds between two looks at a busy process."""
_START_SECONDS = 600.0
"""A process that has not imported everything by then is stuck."""
_END_SECONDS = 5.0
"""What an idle process may take to end in good order."""


@dataclass(frozen=True)
class RunSettings:
    """How much of the machine a build may take. What it makes does not depend on it. 0 is no limit."""

    tries: int = 3
    """A part is given up when so many processes have died of it, or were ended for it."""
    seconds: float = 6 * 3600
    """Wall time of one part. Blender may need an hour for the pictures of one."""
    gigabytes: float = 8.0
    """Resident memory of a worker process, watched where there is /proc."""
    recycle: int = 100
    """A process is replaced after so many parts: memory that Blender and others leak comes back only so."""
    gpus: float = 0.0
    """Share of a GPU for each worker: 0.25 puts four on one (engine ray)."""
    ray_address: str = ""
    """A running cluster: ``auto``, ``HOST:6379``, ``ray://HOST:10001``; empty: RAY_ADDRESS, or Ray on this machine."""
    reserve_gb: float = 0.5
    """Stays free on the disk: a build stops before it."""


class Died(Exception):
    """The process ended before the part was done; the message says how, for a sentence about a part."""


class Worker(Generic[Part, Result]):
    """Calls ``function(part)`` in a process that is started when needed, and replaced when it dies or has aged.

    Args:
        function: importable by name, or a ``functools.partial`` of such a function; safe to repeat.
    """

    def __init__(self, function: Callable[[Part], Result], settings: RunSettings):
        self._function = pickle.dumps(function)
        self._settings = settings
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._calls = 0
        self._busy = self._stopped = False

    def __call__(self, part: Part) -> Result:
        """The function's result, or the exception it raised.

        Raises:
            Died: the process crashed, or was ended because it took too long or too much memory.
        """
        if self._process is None or 0 < self._settings.recycle <= self._calls:
            self._start()
        assert self._connection
        self._calls += 1
        self._busy = True
        with contextlib.suppress(OSError):  # a dead process is noticed below
            self._connection.send(part)
        return self._receive(self._settings.seconds)

    def stop(self) -> None:
        """End the process, whatever it does; may be called from another thread. There is no next call."""
        self._stopped = True
        if self._process and self._busy:
            self._process.kill()

    def end(self) -> None:
        """End the process, and wait for that: an idle one ends by itself when nobody can send a part any more."""
        if self._process and self._connection:
            self._connection.close()
            if not self._busy:
                self._process.join(_END_SECONDS)
            self._process.kill()
            self._process.join()
        self._process = None

    def _start(self) -> None:
        self.end()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._function), daemon=True)
        self._calls, self._busy = 0, True
        self._process.start()
        theirs.close()
        if self._stopped:
            self._process.kill()
        self._receive(_START_SECONDS)

    def _receive(self, seconds: float) -> Any:
        """What the process sends within this time; it is ended if it takes longer, or too much memory."""
        assert self._connection and self._process
        begun = time.monotonic()
        while not self._connection.poll(_TICK):
            taken = resident(self._process.pid) / 1e9
            if 0 < self._settings.gigabytes < taken:
                self.end()
                raise Died(f"took {taken:.1f} GB of memory, the limit is {self._settings.gigabytes:g}")
            if 0 < seconds < time.monotonic() - begun:
                self.end()
                raise Died(f"was not done after {seconds:g} seconds")
        try:
            whole, value = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            self.end()
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise Died(f"its worker process died ({how})") from None
        self._busy = False
        if not whole:
            raise value
        return value


def _serve(connection: Connection, pickled: bytes) -> None:
    """Life of a worker process: a part in, a result or an exception out, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; whoever started this process ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        function = pickle.loads(pickled)
        gc.freeze()  # what is imported lives as long as the process: no collection need walk it for each part
        connection.send((True, None))
    except Exception as error:
        connection.send((False, _portable(error)))
        return
    while True:
        try:
            part = connection.recv()
        except EOFError:
            return
        try:
            answer = True, function(part)
        except Exception as error:
            answer = False, _portable(error)
        connection.send(answer)


def _end_with_parent() -> None:
    """A worker whose build was killed must not go on writing beside the next one."""
    parent = multiprocessing.parent_process()
    assert parent
    wait([parent.sentinel])
    os._exit(1)


def _portable(error: Exception) -> Exception:
    """The exception as it can be sent, with its traceback as a note."""
    error.add_note("In a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception_only(error)))
    return error


def resident(pid: int | str | None = "self") -> int:
    """Bytes of a process in memory; 0 where that cannot be read."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
