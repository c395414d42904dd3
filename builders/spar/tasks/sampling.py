"""Which images and objects a question may combine. Every sampler takes turns over the views, so that a limited number
of questions spreads over the whole scene, and yields each combination at most once."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import TypeVar

import numpy as np

from builders.spar.facts import Asked
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.task import Proposal, Propose

T = TypeVar("T")

_GROUPS_PER_VIEW = 8


def one_view(colors: Sequence[str]) -> Propose:
    """Ordered choices of ``len(colors)`` different objects seen in one image."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(image: int) -> Iterator[Proposal]:
            objects = sorted(record.images[image].objects)
            for chosen in _shuffled(list(permutations(objects, len(colors))), rng):
                yield (image,), tuple(Asked(o, 0, c) for o, c in zip(chosen, colors, strict=True))

        yield from take_turns([choices_in(i) for i in rng.permutation(record.stills).tolist()])

    return propose


def two_views_of_one_object(color: str) -> Propose:
    """An object seen in two overlapping views, marked in the first."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(pair: tuple[int, int]) -> Iterator[Proposal]:
            shared = sorted(set(record.images[pair[0]].objects) & set(record.images[pair[1]].objects))
            for chosen in _shuffled(shared, rng):
                yield pair, (Asked(chosen, 0, color),)

        yield from take_turns([choices_in(pair) for pair in _shuffled(_overlapping_pairs(record, limits), rng)])

    return propose


def objects_across_views(colors: Sequence[str], views: int) -> Propose:
    """Different objects, each marked in a view of its own, in a chain of overlapping views shown in random order."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
            shown = tuple(rng.permutation(group).tolist())
            carriers = rng.permutation(views).tolist()[: len(colors)]
            pools = [sorted(record.images[shown[view]].objects) for view in carriers]
            chosen = list(product_of_different(pools))
            for objects in _shuffled(chosen, rng):
                asked = zip(objects, carriers, colors, strict=True)
                yield shown, tuple(Asked(o, view, c) for o, view, c in asked)

        yield from take_turns([choices_in(group) for group in _shuffled(_view_groups(record, limits, views, rng), rng)])

    return propose


def product_of_different(pools: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """All ways to pick one object from each pool, no object twice."""
    if not pools:
        yield ()
        return
    for rest in product_of_different(pools[1:]):
        for first in pools[0]:
            if first not in rest:
                yield (first, *rest)


def take_turns(iterators: Sequence[Iterator[T]]) -> Iterator[T]:
    """One item of each iterator in turn until all are exhausted.

    Example:
        >>> list(take_turns([iter("ab"), iter("c")]))
        ['a', 'c', 'b']
    """
    waiting = list(iterators)
    while waiting:
        still = []
        for iterator in waiting:
            for item in iterator:
                yield item
                still.append(iterator)
                break
        waiting = still


def _shuffled(items: Sequence, rng: np.random.Generator) -> Iterator:
    return (items[i] for i in rng.permutation(len(items)).tolist())


def _overlapping_pairs(record: SceneRecord, limits: Limits) -> list[tuple[int, int]]:
    """Ordered image pairs that share enough objects; keyframing has given them a baseline."""
    seen = {view: set(record.images[view].objects) for view in record.stills}
    pairs = []
    for a, b in permutations(record.stills, 2):
        fewer = min(len(seen[a]), len(seen[b]))
        if fewer and len(seen[a] & seen[b]) / fewer >= limits.min_view_overlap:
            pairs.append((a, b))
    return pairs


def _view_groups(record: SceneRecord, limits: Limits, size: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Sets of views in which each view overlaps with another one of the set: up to ``_GROUPS_PER_VIEW`` random ones
    grown from each view, so that their number stays linear in the number of views."""
    neighbours: dict[int, set[int]] = {view: set() for view in record.stills}
    for a, b in _overlapping_pairs(record, limits):
        neighbours[a].add(b)
    groups = set()
    for first in neighbours:
        for _ in range(_GROUPS_PER_VIEW):
            group = [first]
            while len(group) < size:
                reachable = sorted(set().union(*(neighbours[view] for view in group)) - set(group))
                if not reachable:
                    break
                group.append(reachable[rng.integers(len(reachable))])
            if len(group) == size:
                groups.add(tuple(sorted(group)))
    return sorted(groups)
