"""The order of training: which row of which source comes at which position, for all epochs, as arithmetic.

Counts are met exactly, not on average. Within an epoch no row of a source comes twice before each has come once; every
epoch has the same rows in another order. Sources are spread evenly: after any number of samples, each has had its share
up to a few. All follows from the seed, and a position says which row it is without looking at those before it: training
goes on at any position, on any number of processes with any number of workers, without reading what came before.
(``datasets.interleave_datasets`` meets shares on average, and streams lose their shuffle buffer when resumed.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from builders.randomness import generator
from recipes.finetuning.mix import apportioned

Strata = Sequence[NDArray[np.int64]]
"""Rows of a source in groups, each with its weight in the draw: one group, or those that are to be balanced."""

_DECIDED = ("consistent", "counter")


@dataclass(frozen=True)
class Plan:
    """One entry per position of training."""

    sources: tuple[str, ...]
    """Names."""
    source: NDArray[np.uint16]
    """(N,) index into ``sources``."""
    row: NDArray[np.int64]
    """(N,) row of that source."""

    def __len__(self) -> int:
        return len(self.row)


def make_plan(strata: Mapping[str, Strata | None], counts: Mapping[str, int], epochs: int, seed: int) -> Plan:
    """Draw and interleave.

    Args:
        strata: source -> its rows in groups; None: those of a stream, which come in their own order.
        counts: source -> samples in each epoch.
    """
    names = tuple(counts)
    parts: list[tuple[NDArray[np.uint16], NDArray[np.int64]]] = []
    for epoch in range(epochs):
        streams, owners = [], []
        for number, name in enumerate(names):
            groups = strata[name]
            if groups is None:
                streams.append(np.arange(counts[name]))
                owners.append(np.full(counts[name], number, np.uint16))
                continue
            for group, (rows, count) in enumerate(_quotas(groups, counts[name])):
                chosen, order = (generator("finetune", seed, name, group, *key) for key in ((), ("order", epoch)))
                streams.append(drawn(rows, count, chosen, order))
                owners.append(np.full(count, number, np.uint16))
        places = interleaved([len(stream) for stream in streams], generator("finetune", seed, "interleave", epoch))
        parts.append((np.concatenate(owners)[places], np.concatenate(streams)[places]))
    return Plan(names, np.concatenate([s for s, _ in parts]), np.concatenate([r for _, r in parts]))


def drawn(
    rows: NDArray[np.int64], count: int, chosen: np.random.Generator, order: np.random.Generator
) -> NDArray[np.int64]:
    """(count,) rows: each once in random order, again and again, and of the last turn a part.

    Args:
        chosen: decides which part.
        order: decides in which order.
    """
    turns, rest = divmod(count, len(rows))
    part = chosen.permutation(rows)[:rest]
    return np.concatenate([*(order.permutation(rows) for _ in range(turns)), order.permutation(part)])


def interleaved(lengths: Sequence[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """An order of streams laid end to end: each keeps its own order, and its j-th element comes at a random time in the
    j-th of its equal shares of the whole."""
    times = [(np.arange(length) + rng.random(length)) / length for length in lengths if length]
    return np.argsort(np.concatenate(times), kind="stable")


def strata_of(rows: NDArray[np.int64], tags: NDArray[np.str_] | None) -> list[NDArray[np.int64]]:
    """All rows in one group; or, to balance, consistent rows, counter rows and all others.

    Args:
        tags: (N,) of the rows, to balance by.
    """
    if tags is None:
        return [rows]
    groups = [rows[tags == tag] for tag in _DECIDED]
    return [*groups, rows[~np.isin(tags, _DECIDED)]]


def size_of(strata: Strata | None) -> int | None:
    """Rows that can be drawn without repeating one: of balanced groups the larger counts as the smaller. None: not
    known."""
    return None if strata is None else sum(_weights(strata))


def _weights(strata: Strata) -> list[int]:
    if len(strata) == 1:
        return [len(strata[0])]
    least = min(len(strata[0]), len(strata[1]))
    return [least, least, len(strata[2])]


def _quotas(strata: Strata, count: int) -> list[tuple[NDArray[np.int64], int]]:
    weights = _weights(strata)
    parts = apportioned(count, [Fraction(weight, sum(weights)) for weight in weights])
    return [(rows, part) for rows, part in zip(strata, parts, strict=True) if part]
