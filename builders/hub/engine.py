"""Runs a function over parts: here, in processes of this machine, or on a Ray cluster.

Results depend on the parts alone, never on the engine; and what is done is for the caller to see in what the function
has made: an engine's word is news, not proof.
"""

import gc
import logging
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from builders.errors import InputError
from builders.hub.local_engine import LocalSeat
from builders.hub.worker import Died, Part, Result, RunSettings

logger = logging.getLogger(__name__)

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class GivenUp:
    """In place of a result: every process that tried the part died, or was ended."""

    reason: str


class Seat(Protocol):
    """A place for one part at a time."""

    def open(self) -> Future[Any]:
        """Done when the seat can take a part; called again after ``Died``. Until then it holds nothing up."""
        ...

    def start(self, part: Any) -> Future[Any]:
        """The result to come: it raises ``Died``, or what the function raised."""
        ...

    def close(self) -> None:
        """End what runs, at once."""
        ...


def map_parts(
    function: Callable[[Part], Result],
    parts: Sequence[Part],
    engine: str = "local",
    workers: int = 1,
    settings: RunSettings = RunSettings(),  # noqa: B008
) -> Generator[tuple[Part, Result | GivenUp], None, None]:
    """Yield (part, result) as parts finish, in any order.

    A part whose process dies goes behind all others, to be tried again. An exception of the function ends everything.

    Args:
        function: importable by name, or a partial of such a function, except for one local worker; safe to repeat.
        workers: 1 of the engine local is this process: no limit of ``settings`` holds there.

    Raises:
        InputError: no such engine, or it cannot be had here.
    """
    check_engine(engine)
    if engine == "local" and workers <= 1:
        return _here(function, parts)
    make_seats = _local_seats if engine == "local" else _ray_seats
    return _share_out(parts, make_seats(function, min(workers, len(parts)), settings), settings.tries)


def _local_seats(function: Callable[[Any], Any], count: int, settings: RunSettings) -> Sequence[Seat]:
    return [LocalSeat(function, settings) for _ in range(count)]


def _ray_seats(function: Callable[[Any], Any], count: int, settings: RunSettings) -> Sequence[Seat]:
    from builders.hub.ray_engine import ray_seats  # Ray is an extra

    return ray_seats(function, count, settings)


def check_engine(engine: str) -> None:
    """Raise ``InputError`` for an engine that there is not."""
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}; choose: {', '.join(ENGINES)}")


def _here(
    function: Callable[[Part], Result], parts: Sequence[Part]
) -> Generator[tuple[Part, Result | GivenUp], None, None]:
    gc.freeze()  # what is imported lives as long as the process: no collection need walk it for each part
    try:
        yield from ((part, function(part)) for part in parts)
    finally:
        gc.unfreeze()


def _share_out(
    parts: Sequence[Part], seats: Sequence[Seat], tries: int
) -> Generator[tuple[Part, Result | GivenUp], None, None]:
    """Give parts to seats that are free until each has its result, or has been given up."""
    waiting = deque(range(len(parts)))
    deaths: Counter[int] = Counter()
    lost = 0
    free: list[Seat] = []
    opening: dict[Future[Any], Seat] = {seat.open(): seat for seat in seats}
    running: dict[Future[Any], tuple[int, Seat]] = {}
    try:
        while waiting or running:
            while waiting and free:
                number, seat = waiting.popleft(), free.pop()
                running[seat.start(parts[number])] = number, seat
            done = wait([*opening, *running], return_when=FIRST_COMPLETED).done
            for future in done & opening.keys():
                seat = opening.pop(future)
                try:
                    future.result()
                    free.append(seat)
                except Died as death:
                    lost += 1
                    if lost > tries * len(seats):
                        raise OSError(f"no worker stays alive long enough to take a part: {death}") from death
                    opening[seat.open()] = seat
            for future in done & running.keys():
                number, seat = running.pop(future)
                try:
                    answer: Result | GivenUp = future.result()
                    free.append(seat)
                except Died as death:
                    opening[seat.open()] = seat
                    deaths[number] += 1
                    logger.info("%s: %s (try %d of %d)", parts[number], death, deaths[number], tries)
                    if deaths[number] < tries:
                        waiting.append(number)
                        continue
                    answer = GivenUp(f"{death} (tried {tries} times)" if tries > 1 else str(death))
                yield parts[number], answer
    finally:
        for seat in seats:
            seat.close()
