"""Which images and objects a question may combine. Every sampler takes turns over the views, so that a limited number
of questions spreads over the whole scene, and yields each combination at most once."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, repeat
from typing import TypeVar

import numpy as np

from builders.spar.askable import best_views, found_in, markable
from builders.spar.facts import Asked
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.task import Proposal, Propose

T = TypeVar("T")

_GROUPS_PER_VIEW = 8

_DRAWN_AT_ONCE = 32
"""Random numbers: of many combinations few are ever wanted."""
_SHUFFLED_AT_ONCE = 1000
"""Combinations, at most: so few are shuffled sooner than they are drawn one by one."""

_CHOICES_PER_GROUP = 256
"""Choices of objects looked at in each group of views, at most."""


def one_view(colors: Sequence[str], points: bool = False) -> Propose:
    """Ordered choices of ``len(colors)`` different objects seen in one image, marked by boxes or ``points``."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(image: int) -> Iterator[Proposal]:
            for chosen in arrangements(markable(record, limits, points)[image], len(colors), rng):
                yield (image,), tuple(map(Asked, chosen, repeat(0), colors))

        yield from take_turns([choices_in(i) for i in rng.permutation(record.stills).tolist()])

    return propose


def two_views(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
    """Ordered pairs of overlapping views, for questions about the camera."""
    for pair in shuffled(overlapping_pairs(record, limits), rng):
        yield pair, ()


def objects_across_views(
    colors: Sequence[str], views: int, in_order: bool = False, points: bool = False
) -> Propose:
    """Different objects, each marked in a view of its own, in a chain of overlapping views shown in random order. No
    view shows all of them.

    Args:
        in_order: the first colour is in the first view shown, and so on; otherwise any colour in any view.
        points: markers are points, otherwise boxes.
    """

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
            shown = tuple(rng.permutation(group).tolist())
            carriers = (np.arange(views) if in_order else rng.permutation(views)).tolist()[: len(colors)]
            pools = [markable(record, limits, points)[shown[view]] for view in carriers]
            for objects in choices_apart(record, limits, shown, pools, rng):
                yield shown, tuple(map(Asked, objects, carriers, colors))

        yield from take_turns([choices_in(group) for group in shuffled(view_groups(record, limits, views, rng), rng)])

    return propose


def objects_in_video(colors: Sequence[str]) -> Propose:
    """Ordered choices of different objects, each marked in the frame of the video that shows it best."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        best = best_views(record, limits, record.video)
        for chosen in arrangements(sorted(best), len(colors), rng):
            yield record.video, tuple(map(Asked, chosen, map(best.__getitem__, chosen), colors))

    return propose


def arrangements(items: Sequence[str], size: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Every ordered choice of ``size`` different items, in random order."""
    for number in shuffled_numbers(math.perm(len(items), size), rng):
        left, chosen = list(items), []
        for choices in range(len(items), len(items) - size, -1):
            number, place = divmod(number, choices)
            chosen.append(left.pop(place))
        yield tuple(chosen)


def choices_apart(
    record: SceneRecord, limits: Limits, views: Sequence[int], pools: Sequence[Sequence[str]], rng: np.random.Generator
) -> Iterator[tuple[str, ...]]:
    """Of the first choices of one object from each pool, those that none of the views shows together."""
    found = [found_in(record, limits)[view] for view in views]
    if not any(map({name for pool in pools for name in pool}.issubset, found)):
        for objects in islice(one_of_each(pools, rng), _CHOICES_PER_GROUP):
            if not any(map({*objects}.issubset, found)):
                yield objects


def one_of_each(pools: Sequence[Sequence[str]], rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Every choice of one item from each pool, no item twice, in random order."""
    sizes = [len(pool) for pool in pools]
    for number in shuffled_numbers(math.prod(sizes), rng):
        chosen: list[str] = []
        for pool, size in zip(pools, sizes):
            number, place = divmod(number, size)
            if pool[place] in chosen:
                break
            chosen.append(pool[place])
        else:
            yield tuple(chosen)


def shuffled_numbers(count: int, rng: np.random.Generator) -> Iterator[int]:
    """0 to ``count`` - 1 in random order. Of many, each is drawn when it is wanted: by Fisher and Yates' shuffle, which
    remembers only the numbers that it has moved."""
    if count <= _SHUFFLED_AT_ONCE:
        yield from rng.permutation(count).tolist()
        return
    moved: dict[int, int] = {}
    for start in range(0, count, _DRAWN_AT_ONCE):
        for first, draw in enumerate(rng.random(min(_DRAWN_AT_ONCE, count - start)).tolist(), start):
            other = first + int(draw * (count - first))
            yield moved.get(other, other)
            moved[other] = moved.pop(first, first)


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


def shuffled(items: Sequence, rng: np.random.Generator) -> Iterator:
    return (items[i] for i in rng.permutation(len(items)).tolist())


@lru_cache(maxsize=1)
def overlapping_pairs(record: SceneRecord, limits: Limits) -> tuple[tuple[int, int], ...]:
    """Ordered image pairs that share enough objects; keyframing has given them a baseline."""
    places = np.argwhere(record.view_overlap >= limits.min_view_overlap).tolist()
    return tuple((record.stills[i], record.stills[j]) for i, j in places)


def view_groups(record: SceneRecord, limits: Limits, size: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Sets of views in which each view overlaps with another one of the set: up to ``_GROUPS_PER_VIEW`` random ones
    grown from each view, so that their number stays linear in the number of views."""
    near = record.view_overlap >= limits.min_view_overlap
    groups = np.repeat(np.arange(len(near)), _GROUPS_PER_VIEW)[:, None]
    reachable = near[groups[:, 0]]
    for _ in range(size - 1):
        growing = reachable.any(axis=1)
        groups, reachable = groups[growing], reachable[growing]
        drawn = np.where(reachable, rng.random(reachable.shape), -1.0).argmax(axis=1)
        groups, reachable = np.column_stack([groups, drawn]), reachable | near[drawn]
        np.put_along_axis(reachable, groups, False, axis=1)
    different = sorted({tuple(group) for group in np.sort(groups, axis=1).tolist()})
    return [tuple(record.stills[place] for place in group) for group in different]
