"""Several processes answer one split: each its share of the questions, into one folder. The last one to end scores.

    python recipes/spar_bench.py ... --gpus 4                             # here: a process per GPU
    python recipes/spar_bench.py ... --shard-index 0 --num-shards 4       # one process of four, on any machine
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from builders.errors import InputError

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
    """Run a command once per GPU, each process with its shard, and wait for all.

    Args:
        command: a Python program and its arguments; none: this very one, as it was called.

    Raises:
        InputError: there are fewer GPUs.
        OSError: a process failed.
    """
    devices = _devices(count)
    arguments = command or _without_gpus(sys.argv)
    processes = [
        subprocess.Popen([sys.executable, *arguments, "--shard-index", str(index), "--num-shards", str(count)],
                         env=os.environ | ({"CUDA_VISIBLE_DEVICES": device} if device else {}))
        for index, device in enumerate(devices)
    ]
    codes = [process.wait() for process in processes]
    if failed := sum(map(bool, codes)):
        raise OSError(f"{failed} of {count} processes failed (exit codes {', '.join(map(str, codes))})")


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
