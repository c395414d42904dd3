"""Answers that are one number: depths, distances, sizes, counts."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from builders.scenes.scene import Array
from builders.spar.askable import markable, point_problem, seen_together
from builders.spar.choices import alternatives
from builders.spar.facts import Asked, Gold, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.printing import metres, printed
from builders.spar.records import SceneRecord

DISTRACTORS = 3
"""Options beside gold."""

_SETS_DRAWN = 256
"""Random sets of options looked at before none is thought to fit."""


def number_gold(
    fact: NumberFact, format_type: str, limits: Limits, rng: np.random.Generator, unit: str = "m"
) -> Gold | Rejected:
    """The number to one decimal; the options are the same quantity elsewhere (``fact.elsewhere``).

    Slots: ``value``, and ``given`` if the question tells a length.
    """
    others = (() if format_type != "select" else
              alternatives(fact.value, fact.elsewhere, DISTRACTORS, lambda a, b: _apart(a, b, limits), rng))
    if isinstance(others, Rejected):
        return others
    slots = {"value": metres(fact.value)} | ({} if fact.given is None else {"given": metres(fact.given)})
    texts = tuple(metres(other) for other in others)
    return Gold(slots["value"], printed((fact.value,)), (fact.value,), (unit,), texts, slots)


def number_elsewhere(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, views: tuple[int, ...],
    candidates: Sequence[tuple[Asked, ...]], number: Callable[[tuple[Asked, ...]], float | Rejected],
) -> tuple[float, ...]:
    """The number of other things marked with points in the same views, as many as options need.

    They are the first in random order that meet every limit gold meets: one draw from all that do.

    Args:
        candidates: what a question of the same task might ask about in these views; without gold's own.
        number: the task's quantity, or why it is not asked.
    """
    several = len(views) > 1 and views != record.video
    numbers: list[float] = []
    for i in rng.permutation(len(candidates)).tolist():
        asked = candidates[i]
        if point_problem(record, limits, views, asked) or (several and seen_together(record, limits, views, asked)):
            continue
        value = number(asked)
        if not isinstance(value, Rejected):
            numbers.append(value)
            if len(numbers) == DISTRACTORS:
                break
    return tuple(numbers)


def numbers_together(
    numbers: Sequence[float], told_by_names: Sequence[float], limits: Limits, rng: np.random.Generator
) -> list[int]:
    """Places of four numbers that serve as options together, the first as gold; empty if no set is found. The first
    number is one of them, and each of the four is as likely to be gold.

    Args:
        told_by_names: parallel to ``numbers``; what a name lets one expect of the number. It is about the same for all
            members of a set, within the factor ``limits.max_option_centrality``.
    """
    if len(numbers) <= DISTRACTORS:
        return []
    others = 1 + rng.random((_SETS_DRAWN, len(numbers) - 1)).argsort(axis=1)[:, :DISTRACTORS]
    drawn = np.column_stack([np.zeros(_SETS_DRAWN, np.int64), others])
    ordered = np.sort(np.asarray(numbers)[drawn], axis=1)
    low, high = ordered[:, :-1], ordered[:, 1:]
    expected = np.asarray(told_by_names)[drawn]
    fits = (high - low >= _margin(high, limits)).all(axis=1)
    fits &= expected.max(axis=1) <= limits.max_option_centrality * expected.min(axis=1)
    return rng.permutation(drawn[fits.argmax()]).tolist() if fits.any() else []


def from_stills(
    rng: np.random.Generator, places: Sequence[int], number: Callable[[int], float | Rejected]
) -> tuple[float, ...]:
    """The number as other images would give it, as many as options need: the first in random order that are not
    refused. The objects are the same, so that their names do not tell which number is gold.

    Args:
        places: images in which the question might as well have been asked: each must be as likely as gold's own.
        number: the task's quantity in an image, or why it is not asked there.
    """
    numbers: list[float] = []
    for place in rng.permutation(places).tolist():
        value = number(place)
        if not isinstance(value, Rejected):
            numbers.append(value)
            if len(numbers) == DISTRACTORS:
                break
    return tuple(numbers)


def pairs_elsewhere(
    record: SceneRecord, limits: Limits, views: tuple[int, ...], a: Asked, b: Asked, kept: tuple[Asked, ...]
) -> list[tuple[Asked, Asked]]:
    """Every other pair of objects that the two markers could stand on: in one image if theirs are, else in two that
    mark none of the objects ``kept``."""
    at = [view for view in range(len(views)) if view not in {x.view for x in kept}]
    names = [markable(record, limits, points=True)[view] for view in views]
    if a.view == b.view:
        pairs = list(combinations([(name, a.view) for name in names[a.view]], 2))
    else:
        pairs = [((p, i), (q, j)) for i, j in combinations(at, 2) for p in names[i] for q in names[j]]
    taken, unchanged = {x.object_id for x in kept}, {a.object_id, b.object_id}
    return [(Asked(*p, a.color), Asked(*q, b.color)) for p, q in pairs
            if p[0] != q[0] and {p[0], q[0]} != unchanged and not taken & {p[0], q[0]}]


def _apart(a: float, b: float, limits: Limits) -> bool:
    return abs(a - b) >= float(_margin(max(a, b), limits))


def _margin(larger: float | Array, limits: Limits) -> Array:
    """By how much two numbers must differ to be told apart, given the larger one."""
    return np.maximum(limits.min_option_gap, limits.min_option_ratio * np.asarray(larger))
