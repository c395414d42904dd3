"""Engine ``ray``: worker processes on the machines of a Ray cluster, or of one that is started here for the build.

Ray finds places and says which are lost; within each place a ``Worker`` keeps the limits, as everywhere. All machines
must see the same folder and have the same code.
"""

import os
import socket
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic

from builders.errors import InputError
from builders.hub.worker import Died, Part, Result, RunSettings, Worker

_OBJECT_STORE_BYTES = 100_000_000
"""Results are a few hundred bytes each; Ray's default takes a third of the memory."""
_CONNECT_SECONDS = 10.0


def ray_seats(function: Callable[[Any], Any], count: int, settings: RunSettings) -> list["RaySeat[Any, Any]"]:
    """Places of one CPU each, and a share of a GPU if the settings say so.

    Raises:
        InputError: Ray is not installed, or no cluster answers at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError('--engine ray needs the package ray: pip install "vantage[ray]"') from error
    address = settings.ray_address or os.environ.get("RAY_ADDRESS", "")
    here = {"num_cpus": count, "object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False,
            "_system_config": {"worker_niceness": 0}}  # Ray's own 15 starves a build on a machine with other work
    if not ray.is_initialized():
        try:
            _reach(address)
            ray.init(**({"address": address} if address else here), logging_level="warning")
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"no Ray cluster at {address or 'this machine'} ({reason}); start one with 'ray start "
                             "--head', or leave out --ray-address and RAY_ADDRESS") from error
    place = ray.remote(num_cpus=1, num_gpus=settings.gpus)(_Place)
    return [RaySeat(lambda: place.remote(function, settings)) for _ in range(count)]


def _reach(address: str) -> None:
    """Raise ``OSError`` if nobody listens at HOST:PORT: Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()


class _Place(Generic[Part, Result]):
    """What lives on the cluster."""

    def __init__(self, function: Callable[[Part], Result], settings: RunSettings):
        self._worker = Worker(function, settings)

    def ready(self) -> tuple[bool, Any]:
        """Answers once Ray has found the place."""
        return True, None

    def run(self, part: Part) -> tuple[bool, Any]:
        """(True, result) or (False, exception): Ray would raise it as one of its own."""
        try:
            return True, self._worker(part)
        except Exception as error:
            return False, error


class RaySeat(Generic[Part, Result]):
    """A place on the cluster, and another one when its machine is lost."""

    def __init__(self, make: Callable[[], Any]):
        self._make = make
        self._place: Any = None

    def open(self) -> Future[None]:
        if self._place is None:
            self._place = self._make()
        return self._told(self._place.ready.remote())

    def start(self, part: Part) -> Future[Result]:
        return self._told(self._place.run.remote(part))

    def _told(self, reference: Any) -> Future[Any]:
        """What a method of the place answers; ``Died`` if the place is lost."""
        from ray.exceptions import RayActorError

        result: Future[Any] = Future()

        def pass_on(answer: Future[tuple[bool, Any]]) -> None:
            try:
                whole, value = answer.result()
            except RayActorError:
                self._place = None
                whole, value = False, Died("its place on the cluster was lost")
            except Exception as error:
                whole, value = False, error
            if whole:
                result.set_result(value)
            else:
                result.set_exception(value)

        reference.future().add_done_callback(pass_on)
        return result

    def close(self) -> None:
        import ray

        if self._place is not None:
            ray.kill(self._place)
