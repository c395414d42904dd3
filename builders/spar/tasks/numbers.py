"""Answers that are one number: depths, distances, sizes, counts."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from builders.spar.askable import best_views, point_problem, seen_together
from builders.spar.choices import alternatives
from builders.spar.facts import Asked, Gold, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.printing import metres, printed
from builders.spar.records import SceneRecord

_DISTRACTORS = 3


def number_gold(
    fact: NumberFact, format_type: str, limits: Limits, rng: np.random.Generator, unit: str = "m"
) -> Gold | Rejected:
    """The number to one decimal; the options are the same quantity of other objects (``fact.elsewhere``).

    Slots: ``value``, and ``given`` if the question tells a length.
    """
    others = (() if format_type != "select" else
              alternatives(fact.value, fact.elsewhere, _DISTRACTORS, lambda a, b: _apart(a, b, limits), rng))
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
        if point_problem(record, limits, views, asked) or (several and seen_together(record, views, asked)):
            continue
        value = number(asked)
        if not isinstance(value, Rejected):
            numbers.append(value)
            if len(numbers) == _DISTRACTORS:
                break
    return tuple(numbers)


def others_elsewhere(record: SceneRecord, views: tuple[int, ...], red: Asked, blue: Asked) -> list[Asked]:
    """Where else the blue marker could stand while the red one stays: in its image, or, over several views, in every
    image but the red marker's."""
    at = [blue.view] if red.view == blue.view else [view for view in range(len(views)) if view != red.view]
    return [Asked(name, view, blue.color) for view in at for name in sorted(record.images[views[view]].objects)
            if name not in (red.object_id, blue.object_id)]


def pairs_elsewhere(
    record: SceneRecord, limits: Limits, views: tuple[int, ...], a: Asked, b: Asked, kept: tuple[Asked, ...] = ()
) -> list[tuple[Asked, Asked]]:
    """Every other pair of objects that the two markers could stand on: in one image if theirs are, else in two that
    mark none of the objects ``kept``; in a video, on the frames that show the objects best."""
    at = [view for view in range(len(views)) if view not in {x.view for x in kept}]
    if views == record.video:
        pairs = list(combinations(sorted(best_views(record, limits, views).items()), 2))
    elif a.view == b.view:
        pairs = list(combinations([(name, a.view) for name in sorted(record.images[views[a.view]].objects)], 2))
    else:
        pairs = [((p, i), (q, j)) for i, j in combinations(at, 2)
                 for p in sorted(record.images[views[i]].objects) for q in sorted(record.images[views[j]].objects)]
    taken, unchanged = {x.object_id for x in kept}, {a.object_id, b.object_id}
    return [(Asked(*p, a.color), Asked(*q, b.color)) for p, q in pairs
            if p[0] != q[0] and {p[0], q[0]} != unchanged and not taken & {p[0], q[0]}]


def _apart(a: float, b: float, limits: Limits) -> bool:
    return abs(a - b) >= max(limits.min_option_gap, limits.min_option_ratio * max(a, b))
