"""Workers that die, hang or eat memory take nothing with them but the part that does it. Every engine alike."""

import os
import signal
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from builders.errors import InputError
from builders.hub.engine import map_parts
from builders.hub.worker import RunSettings

ray_is_missing = pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed")
ENGINES = ["local", pytest.param("ray", marks=ray_is_missing)]


def square(x):
    return x * x


def square_or_fail(folder, x):
    """Says in ``folder`` that x was tried, and by whom."""
    with open(f"{folder}/{x}", "a") as file:
        file.write(f"{os.getpid()}\n")
    if x == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if x == 5 and len(tries(folder, 5)) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if x == 7:
        time.sleep(600)
    if x == 9:
        held = [np.ones(10_000_000) for _ in range(10)]  # 0.8 GB
        time.sleep(60 + len(held))
    return x * x


def tries(folder, x):
    """Process ids of all that tried."""
    return (Path(folder) / str(x)).read_text().split()


def fail(x):
    raise ValueError(f"bad {x}")


class Odd(Exception):
    """Cannot be unpickled."""

    def __init__(self, a, b):
        super().__init__(f"{a} {b}")


def fail_oddly(x):
    raise Odd("very", "odd")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_part_gets_its_result(workers):
    assert dict(map_parts(square, range(6), workers=workers)) == {x: x * x for x in range(6)}
    assert list(map_parts(square, [], workers=workers)) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_that_crash_or_hang_are_given_up_and_all_others_finish(tmp_path, engine):
    settings = RunSettings(tries=2, seconds=4)
    results = dict(map_parts(partial(square_or_fail, str(tmp_path)), range(9), engine, 2, settings))
    given_up = {x: results.pop(x).reason for x in (3, 7)}
    assert results == {x: x * x for x in (0, 1, 2, 4, 5, 6, 8)}
    assert given_up == {3: "its worker process died (SIGSEGV) (tried 2 times)",
                        7: "was not done after 4 seconds (tried 2 times)"}
    assert [len(tries(tmp_path, x)) for x in range(9)] == [1, 1, 1, 2, 1, 2, 1, 2, 1]


def test_a_part_that_eats_memory_is_given_up(tmp_path):
    function, settings = partial(square_or_fail, str(tmp_path)), RunSettings(tries=1, gigabytes=0.3)
    results = dict(map_parts(function, [8, 9], "local", 2, settings))
    assert results[8] == 64 and results[9].reason.startswith("took 0.")
    assert results[9].reason.endswith(" GB of memory, the limit is 0.3")


def test_workers_are_replaced_after_so_many_parts(tmp_path):
    settings = RunSettings(recycle=3)
    parts = [0, 1, 2, 4, 6, 8, 10]
    assert len(list(map_parts(partial(square_or_fail, str(tmp_path)), parts, "local", 2, settings))) == 7
    by_process = [tries(tmp_path, x)[0] for x in parts]
    assert len(set(by_process)) >= 3 and max(map(by_process.count, by_process)) <= 3


@pytest.mark.parametrize("engine, workers", [("local", 1), ("local", 2), pytest.param("ray", 1, marks=ray_is_missing)])
def test_an_exception_of_the_function_is_not_swallowed(engine, workers):
    with pytest.raises(ValueError, match="bad"):
        list(map_parts(fail, [1, 2], engine, workers))


def test_exceptions_that_cannot_travel_are_told(tmp_path):
    with pytest.raises(RuntimeError, match="Odd: very odd"):
        list(map_parts(fail_oddly, [1, 2], "local", 2))


def test_workers_end_when_nobody_asks_any_more(tmp_path):
    results = map_parts(partial(square_or_fail, str(tmp_path)), [0, 7], "local", 2)
    assert next(results) == (0, 0)
    while not (tmp_path / "7").exists():
        time.sleep(0.01)
    results.close()
    for x in (0, 7):
        with pytest.raises(ProcessLookupError):
            os.kill(int(tries(tmp_path, x)[0]), 0)


def test_an_unknown_engine_is_named():
    with pytest.raises(InputError, match="unknown engine 'spark'; choose: local, ray"):
        map_parts(square, [1], "spark")


@ray_is_missing
def test_a_cluster_that_does_not_answer_is_named():
    import ray

    ray.shutdown()
    with pytest.raises(InputError, match=r"no Ray cluster at 127\.0\.0\.1:1 "):
        list(map_parts(square, [1], "ray", 1, RunSettings(ray_address="127.0.0.1:1")))

