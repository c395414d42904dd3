"""Several processes answer one split: each its share of the questions, into one folder. The last one to end scores.

    python recipes/spar_bench.py ... --gpus 4                             # here: a process per GPU
    python recipes/spar_bench.py ... --shard-index 0 --num-shards 4       # one process of four, on any machine
"""

import importlib.util
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from builders.errors import InputError
from builders.hub.engine import GivenUp, map_parts
from builders.hub.worker import RunSettings

BLOCK = 16
"""Questions that stay together: neighbours are often about the same picture."""


@dataclass(frozen=True)
class Shard:
    """One of several shares."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise InputError(f"--shard-index {self.index}: expected 0 to {self.count - 1}, less than --num-shards")

    @property
    def label(self) -> str:
        """For a progress bar."""
        return f" {self.index + 1}/{self.count}" if self.count > 1 else ""

    def of(self, positions: Sequence[int]) -> list[int]:
        """This shard's share: blocks in turns, so that each has questions of every kind.

        >>> Shard(1, 2).of(range(50)) == [*range(16, 32), *range(48, 50)]
        True
        """
        return [position for place, position in enumerate(positions) if place // BLOCK % self.count == self.index]


WHOLE = Shard()


def run_on_gpus(count: int, command: Sequence[str] = ()) -> None:
    """Run a command once per GPU, each process with its shard, and wait for all. One that is killed, as for want of
    memory, is started again, and goes on where it was.

    Args:
        command: a Python program and its arguments; none: this very one, as it was called.

    Raises:
        InputError: there are fewer GPUs.
        OSError: a process failed.
    """
    run = partial(_run_shard, tuple(command or _without_gpus(sys.argv)), count)
    settings = RunSettings(seconds=0, gigabytes=0, recycle=1)  # models take what they take; a process has one GPU
    ended = dict(map_parts(run, list(enumerate(_devices(count))), workers=max(2, count), settings=settings))
    became = [one.reason if isinstance(one, GivenUp) else str(one) for _, one in sorted(ended.items())]
    if failed := sum(one != "0" for one in became):
        raise OSError(f"{failed} of {count} processes failed (exit codes {', '.join(became)})")


def _run_shard(command: Sequence[str], count: int, share: tuple[int, str]) -> int:
    """Run the program in this process, which is there for it alone; its exit code."""
    index, device = share
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device  # before torch is imported
    sys.argv = [*command, "--shard-index", str(index), "--num-shards", str(count)]
    try:
        runpy.run_path(command[0], run_name="__main__")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:
        traceback.print_exc()
        return 1  # the others go on
    finally:
        sys.stdout.flush()
    return 0


def _devices(count: int) -> list[str]:
    """What each process may see; empty where there is no GPU, and all share the CPU."""
    there = 0
    if importlib.util.find_spec("torch"):
        import torch

        there = torch.cuda.device_count()
    if 0 < there < count:
        raise InputError(f"--gpus {count}: there are {there}")
    if not there:
        return [""] * count
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return (visible.split(",") if visible else [str(index) for index in range(there)])[:count]


def _without_gpus(argv: Sequence[str]) -> list[str]:
    kept = []
    arguments = iter(argv)
    for argument in arguments:
        if argument == "--gpus":
            next(arguments)
        elif not argument.startswith("--gpus="):
            kept.append(argument)
    return kept
