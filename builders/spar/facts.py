"""Typed geometry, without words: what a question is about and what its gold answer is.

A task family has fact types of its own beside its tasks; what several families share is here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """An object in the question. (A tuple, since far more are proposed than asked.)"""

    object_id: str
    view: int
    """Position in ``Fact.views`` of the image that carries its marker."""
    color: str
    """Marker colour, and the name of its slot in the templates; empty if the question does not name this object by
    itself, as those that it counts."""


@dataclass(frozen=True)
class Fact:
    """What every question has."""

    views: tuple[int, ...]
    """Image record indices, in the order the question shows them."""
    asked: tuple[Asked, ...]
    pair: tuple[Asked, Asked, float, float] | None
    """Two objects of one image and the quantity asked about for each (metres from the camera): who is farther?
    Feeds the consistent / counter tag; None where the question compares nothing of the kind."""


@dataclass(frozen=True)
class NumberFact(Fact):
    """One number."""

    value: float
    given: float | None
    """A length the question tells, metres."""
    elsewhere: tuple[float, ...] = ()
    """The same quantity where it might as well have been asked for: material for options."""


class Balanced(NamedTuple):
    """One property of an answer that must not follow from a context."""

    context: str
    """What the question, the options or a name tell."""
    holds: str
    """The property of this answer."""
    shares: Mapping[str, float]
    """Of each property that answers may have in this context, the share of rows that must have it; their sum is 1."""
    strict: bool = True
    """Rather no row than one alone that nothing balances. Else rows are left out only for going along with others."""


def evenly(context: str, holds: str, possible: Collection[str], strict: bool = True) -> Balanced:
    """Each of the possible properties as often."""
    return Balanced(context, holds, dict.fromkeys(possible, 1 / len(possible)), strict)


@dataclass(frozen=True)
class Gold:
    """The answer of a fact in one format."""

    text: str
    """As a fill answer or an option shows it; ``Yes`` or ``No`` of a judged claim."""
    value: tuple[float, ...]
    """The deciding quantities, rounded as printed."""
    exact: tuple[float, ...]
    """The same, unrounded."""
    unit: tuple[str, ...]
    """Parallel to ``value``: m, cm, deg, m2, px1000, count, frame."""
    distractors: tuple[str, ...] = ()
    """Option texts beside the gold one (``select`` only)."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """Words for the wording's slots, beside the objects' names by their colours."""
    balance: tuple[Balanced, ...] = ()
    """What a guesser could know of the answer: rows are chosen so that it does not help."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What the row says besides, in columns that other tasks do not have."""


@dataclass(frozen=True)
class Rejected:
    """A proposal that is not asked, and why."""

    reason: str
