"""Samplers that ask about each view in which something may be asked about as often: the answers in the other views are
what a guesser, who knows the objects alone, must take for as likely. Options are made of them."""

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, permutations, repeat

import numpy as np

from builders.spar.askable import best_views, found_in, hidden_in, markable
from builders.spar.facts import Asked
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks.sampling import overlapping_pairs, shuffled, shuffled_numbers, take_turns
from builders.spar.tasks.task import Proposal, Propose


def any_view(colors: Sequence[str]) -> Propose:
    """As ``one_view`` with points, but every choice in every image is equally likely to come next: rich images come
    more often."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        pools = [(still, markable(record, limits, points=True)[still]) for still in record.stills]
        ends = list(accumulate(len(names) ** len(colors) for _, names in pools))
        for number in shuffled_numbers(ends[-1], rng):
            image, names = pools[bisect(ends, number)]
            chosen = []
            for _ in colors:
                number, place = divmod(number, len(names))
                chosen.append(names[place])
            if len(set(chosen)) == len(chosen):
                yield (image,), tuple(map(Asked, chosen, repeat(0), colors))

    return propose


def two_views_of_one_object(color: str) -> Propose:
    """An object marked in one view and seen in a second one. Given the first view and the object, every other view of
    the object is equally likely to be the second, so that another one might as well have been asked about."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_of(first: int, object_id: str) -> Iterator[Proposal]:
            for second in shuffled(other_stills(record, first, object_id), rng):
                yield (first, second), (Asked(object_id, 0, color),)

        yield from take_turns([
            take_turns([choices_of(first, i) for i in shuffled(sorted(record.images[first].objects), rng)])
            for first in shuffled(record.stills, rng)
        ])

    return propose


def other_stills(record: SceneRecord, first: int, object_id: str) -> list[int]:
    """Keyframes besides ``first`` that show the object."""
    return [view for view in record.stills if view != first and object_id in record.images[view].objects]


def objects_in_views_apart(first: str, second: str) -> Propose:
    """Two objects, each marked with a point in a view of its own, in a chain of three overlapping views of which none
    shows both. Given the objects, each of ``views_apart`` is equally likely to mark the second one."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        marked, near = markable(record, limits, points=True), neighbours(record, limits)
        found = found_in(record, limits)

        def choices_of(a: str, b: str) -> Iterator[Proposal]:
            for of_b in shuffled(views_apart(record, limits, a, b), rng):
                of_a = [view for view in near[of_b] if a in marked[view] and b not in found[view]]
                views = of_b, of_a[rng.integers(len(of_a))]
                third = [view for view in _beside(near, views) if not {a, b} <= found[view]]
                if third:
                    chain = (*views, third[rng.integers(len(third))])
                    shown = tuple(rng.permutation(chain).tolist())
                    yield shown, (Asked(a, shown.index(chain[1]), first), Asked(b, shown.index(of_b), second))

        names = sorted({name for view in record.stills for name in marked[view]})
        pairs = list(permutations(names, 2))
        yield from take_turns([choices_of(*pair) for pair in shuffled(pairs, rng)])

    return propose


def views_apart(record: SceneRecord, limits: Limits, a: str, b: str) -> list[int]:
    """Keyframes that mark ``b`` with a point and do not show ``a``, next to one that marks ``a`` and does not show
    ``b``."""
    marked, near, found = markable(record, limits, points=True), neighbours(record, limits), found_in(record, limits)
    of_a, of_b = ({view for view in record.stills if one in marked[view] and other not in found[view]}
                  for one, other in ((a, b), (b, a)))
    return [view for view in sorted(of_b) if not of_a.isdisjoint(near[view])]


def object_hidden_from_first(color: str) -> Propose:
    """An object marked with a point in the second or third of three overlapping views, where it is largest, and hidden
    in the first. Given the object, each of ``views_without`` is equally likely to be the first."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        marked, near = markable(record, limits, points=True), neighbours(record, limits)

        def choices_of(name: str) -> Iterator[Proposal]:
            for first in shuffled(views_without(record, limits, name), rng):
                showing = [view for view in near[first] if name in marked[view]]
                views = first, showing[rng.integers(len(showing))]
                if third := _beside(near, views):
                    later = rng.permutation([views[1], third[rng.integers(len(third))]]).tolist()
                    shown = (first, *later)
                    yield shown, (Asked(name, best_views(record, limits, shown)[name], color),)

        names = sorted({name for view in record.stills for name in marked[view]})
        yield from take_turns([choices_of(name) for name in shuffled(names, rng)])

    return propose


def views_without(record: SceneRecord, limits: Limits, name: str) -> list[int]:
    """Keyframes that show next to nothing of an object, next to one that marks it with a point."""
    marked, near = markable(record, limits, points=True), neighbours(record, limits)
    return [view for view in record.stills
            if hidden_in(record, limits, view, name) and any(name in marked[other] for other in near[view])]


def _beside(near: Mapping[int, Sequence[int]], views: tuple[int, int]) -> list[int]:
    """Views that overlap with either of two, besides these."""
    return sorted({*near[views[0]], *near[views[1]]} - {*views})


@lru_cache(maxsize=1)
def neighbours(record: SceneRecord, limits: Limits) -> Mapping[int, tuple[int, ...]]:
    """Of each keyframe, those that share enough objects with it."""
    near: dict[int, list[int]] = {view: [] for view in record.stills}
    for view, other in overlapping_pairs(record, limits):
        near[view].append(other)
    return {view: tuple(others) for view, others in near.items()}
