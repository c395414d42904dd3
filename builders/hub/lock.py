"""One build at a time in a folder, or several shards beside each other; and what killed ones have left is swept."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from builders.errors import InputError
from builders.hub.dataset import SceneRef
from builders.hub.parts import part_path
from builders.hub.sharding import Shard


@contextmanager
def only_writer(out: Path, shard: Shard | None = None, refs: Sequence[SceneRef] = ()) -> Iterator[None]:
    """Hold the folder's lock, or that of a shard beside other shards, and sweep what a killed build has left.

    Args:
        refs: of the shard; without one, everything is swept.

    Raises:
        InputError: another build, or the same shard, runs there.
    """
    build = out / ".build"
    with ExitStack() as held:
        _lock(held, build / "lock", fcntl.LOCK_SH if shard else fcntl.LOCK_EX, out)
        if shard:
            _lock(held, build / f"lock-{shard.name}", fcntl.LOCK_EX, out)
            swept = [left for ref in refs for left in part_path(build / "parts", ref).glob(".*.tmp")]
        else:
            swept = [*out.glob(".*.tmp"), *build.rglob("*.tmp")]
            shutil.rmtree(build / "staging", ignore_errors=True)
        for left in swept:
            left.unlink()
        yield


def _lock(held: ExitStack, path: Path, kind: int, out: Path) -> None:
    lock = held.enter_context(path.open("w"))
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{out}: another build is writing there; wait for it, or choose another --out") from None
