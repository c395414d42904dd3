"""Runs a function over scenes, here or in worker processes. Results depend on the scenes alone, never on the engine."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

ENGINES = ("local",)

_ATTEMPTS = 3


def map_scenes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result | None]]:
    """Yield (item, result) as items finish; the result is None for an item whose process died ``_ATTEMPTS`` times.

    Args:
        function: importable by name when ``workers`` > 1; must be safe to repeat.
        workers: 1 runs in this process.
    """
    if workers <= 1:
        yield from ((item, function(item)) for item in items)
        return
    waiting, attempt = list(items), 1
    while waiting and attempt <= _ATTEMPTS:
        # after a crash nobody knows which scene caused it: the last attempt gives each scene a process of its own
        pools = [waiting] if attempt < _ATTEMPTS else [[item] for item in waiting]
        waiting = []
        for batch in pools:
            with ProcessPoolExecutor(min(workers, len(batch)), mp_context=get_context("spawn")) as pool:
                futures = {pool.submit(function, item): item for item in batch}
                for future in as_completed(futures):
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        waiting.append(futures[future])
                        continue
                    yield futures[future], result
        attempt += 1
    yield from ((item, None) for item in waiting)
