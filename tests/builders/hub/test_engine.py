"""Workers that die take nothing with them but the scene that kills them."""

import os
import signal
from functools import partial

import pytest

from builders.hub.engine import map_scenes


def square(x):
    return x * x


def square_or_die(folder, x):
    """Dies always on 3, and on 5 when it comes there for the first time."""
    first = not os.path.exists(f"{folder}/{x}")
    open(f"{folder}/{x}", "w").close()
    if x == 3 or (x == 5 and first):
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def fail(x):
    raise ValueError(f"bad {x}")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_gets_its_result(workers):
    assert dict(map_scenes(square, range(6), workers)) == {x: x * x for x in range(6)}
    assert list(map_scenes(square, [], workers)) == []


def test_a_deadly_item_is_given_up_and_all_others_finish(tmp_path):
    results = dict(map_scenes(partial(square_or_die, str(tmp_path)), range(8), workers=2))
    assert results == {x: None if x == 3 else x * x for x in range(8)}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_the_function_is_not_swallowed(workers):
    with pytest.raises(ValueError, match="bad"):
        list(map_scenes(fail, [1, 2], workers))
