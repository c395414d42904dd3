"""Engine ``local``: worker processes of this machine, each watched by a thread."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic

from builders.hub.worker import Part, Result, RunSettings, Worker


class LocalSeat(Generic[Part, Result]):
    """A worker process and the thread that waits for it."""

    def __init__(self, function: Callable[[Part], Result], settings: RunSettings):
        self._worker = Worker(function, settings)
        self._thread = ThreadPoolExecutor(1)

    def open(self) -> Future[None]:
        return self._thread.submit(lambda: None)

    def start(self, part: Part) -> Future[Result]:
        return self._thread.submit(self._worker, part)

    def close(self) -> None:
        self._worker.stop()
        self._thread.submit(self._worker.end)
        self._thread.shutdown()
