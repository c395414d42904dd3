"""Runs a function over scenes, here or in worker processes. Results depend on the scenes alone, never on the engine."""

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

ENGINES = ("local",)

_SHARED_ROUNDS = 2
_TRIES_ALONE = 2


def map_scenes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result | None]]:
    """Yield (item, result) as items finish; the result is None for an item that kills each process of its own.

    When a process of a pool dies, nobody knows which item did it: the unfinished ones go to a new pool, and after
    ``_SHARED_ROUNDS`` of these each gets a process of its own, ``_TRIES_ALONE`` times.

    Args:
        function: importable by name when ``workers`` > 1; must be safe to repeat.
        workers: 1 runs in this process.
    """
    if workers <= 1:
        gc.freeze()  # what is imported lives as long as the process: no collection need walk it for each scene
        try:
            yield from ((item, function(item)) for item in items)
        finally:
            gc.unfreeze()
        return
    waiting = list(items)
    for _ in range(_SHARED_ROUNDS):
        unfinished = []
        with _pool(min(workers, max(1, len(waiting)))) as pool:
            futures = {pool.submit(function, item): item for item in waiting}
            for future in as_completed(futures):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    unfinished.append(futures[future])
                    continue
                yield futures[future], result
        waiting = unfinished
        if not waiting:
            return
    with ThreadPoolExecutor(workers) as threads:
        alone = {threads.submit(_alone, function, item): item for item in waiting}
        for done in as_completed(alone):
            yield alone[done], done.result()


def _alone(function: Callable[[Item], Result], item: Item) -> Result | None:
    """The item's result from a process of its own; None if it dies each time."""
    for _ in range(_TRIES_ALONE):
        with _pool(1) as pool:
            try:
                return pool.submit(function, item).result()
            except BrokenProcessPool:
                continue
    return None


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=gc.freeze)
