"""Answers that are one number: depths, distances, sizes, counts."""

import numpy as np

from builders.spar.choices import alternatives
from builders.spar.facts import Gold, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.printing import metres, printed


def number_gold(
    fact: NumberFact, format_type: str, limits: Limits, rng: np.random.Generator, unit: str = "m"
) -> Gold | Rejected:
    """The number to one decimal; the options are the same quantity of other objects (``fact.elsewhere``).

    Slots: ``value``, and ``given`` if the question tells a length.
    """
    others = (() if format_type != "select" else
              alternatives(fact.value, fact.elsewhere, 3, lambda a, b: _apart(a, b, limits), rng))
    if isinstance(others, Rejected):
        return others
    slots = {"value": metres(fact.value)} | ({} if fact.given is None else {"given": metres(fact.given)})
    texts = tuple(metres(other) for other in others)
    return Gold(slots["value"], printed((fact.value,)), (fact.value,), (unit,), texts, slots)


def _apart(a: float, b: float, limits: Limits) -> bool:
    return abs(a - b) >= max(limits.min_option_gap, limits.min_option_ratio * max(a, b))
