"""Which scenes this machine builds, when several share the work: given, or read from what a scheduler sets."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from builders.errors import InputError

T = TypeVar("T")

INDEX_VARIABLES = ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX")
"""Set by Slurm for job arrays, and by Kubernetes for indexed jobs."""
COUNT_VARIABLES = ("VANTAGE_NUM_SHARDS", "SLURM_ARRAY_TASK_COUNT")
"""Kubernetes tells a job its index alone; set VANTAGE_NUM_SHARDS in its template, equal to ``completions``."""


@dataclass(frozen=True)
class Shard:
    """Every ``count``-th scene from number ``index`` on: neighbours, which often cost alike, go to different shards."""

    index: int = 0
    count: int = 1

    def of(self, items: Sequence[T]) -> list[T]:
        return list(items[self.index :: self.count])

    @property
    def name(self) -> str:
        return f"{self.index:05d}-of-{self.count:05d}"


def shard_of(
    index: int | None = None, count: int | None = None, environment: Mapping[str, str] = os.environ
) -> Shard | None:
    """The shard given by ``--shard-index`` and ``--num-shards``, or, where they are not, by the environment; None if
    neither says anything. A count of 1 is no shard: it builds everything inside an array job, too.

    Raises:
        InputError: half of the information, or an index beyond the count.
    """
    if count == 1 and not index:
        return None
    index_from = count_from = "--shard-index"
    if index is None:
        index_from, index = _first(INDEX_VARIABLES, environment)
    if count is None:
        count_from, count = _first(COUNT_VARIABLES, environment)
    if index is None and (count is None or count_from in COUNT_VARIABLES):
        return None
    if index is None:
        raise InputError(f"--num-shards {count}: also give --shard-index, from 0 to {(count or 0) - 1}")
    if count is None:
        raise InputError(f"{index_from} is {index}: also give --num-shards, or set {COUNT_VARIABLES[0]}; "
                         "--num-shards 1 builds everything here")
    if not 0 <= index < count:
        raise InputError(f"{index_from} is {index}, of {count} shards: expected 0 to {count - 1}; number arrays from "
                         "0, and give --num-shards when only some of the tasks are run again")
    return Shard(index, count)


def _first(variables: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int | None]:
    """Name and value of the first variable that is set."""
    for name in variables:
        text = environment.get(name, "").strip()
        if text:
            if not text.isdecimal():
                raise InputError(f"{name}={text}: expected a whole number")
            return name, int(text)
    return variables[0], None
