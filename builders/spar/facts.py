"""Typed geometry, without words: what a question is about and what its gold answer is.

There is one type per FORM of answer, shared by all tasks that answer in that form; ``phrasing`` turns a fact into
words, ``choices`` into options, and ``verify`` recomputes it.
"""

from dataclasses import dataclass

from builders.scenes.scene import Array


@dataclass(frozen=True)
class Asked:
    """An object in the question."""

    object_id: str
    view: int
    """Position in ``Fact.views`` of the image that carries its marker."""
    color: str
    """Marker colour, and the name of its slot in the templates."""


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
    """One length in metres."""

    value: float
    given: float | None
    """A length the question tells, metres."""


@dataclass(frozen=True)
class NearerFact(Fact):
    """Which of two candidates (``asked[1]``, ``asked[2]``) is closer to, or farther from, ``asked[0]``."""

    distances: tuple[float, float]
    """Of the two candidates, metres."""
    closer: bool
    """The question asks for the closer one."""


@dataclass(frozen=True)
class RelationFact(Fact):
    """Where ``asked[0]`` is relative to ``asked[1]``, slot by slot."""

    differences: tuple[tuple[str, float], ...]
    """(axis, signed metres) with axes of ``RELATION_WORDS``; within the band a slot stays empty."""
    elsewhere: tuple[tuple[float, ...], ...] = ()
    """The same differences of other pairs in the view: material for options."""


RELATION_WORDS = {"horizontal": ("left", "right"), "vertical": ("above", "below"), "distance": ("closer", "farther")}
"""Words for a negative and a positive difference: x right, y down, distance to the camera (SPAR, appendix 7.5)."""


@dataclass(frozen=True, eq=False)
class BoxFact(Fact):
    """The 2D box of ``asked[0]`` in the second view."""

    box: Array
    """(4,) x1, y1, x2, y2 in pixels of that view, unrounded."""
    elsewhere: tuple[Array, ...]
    """Boxes of other things in that view, pixels: material for options."""


@dataclass(frozen=True)
class Rejected:
    """A proposal that is not asked, and why."""

    reason: str


def relation_slot(axis: str, difference: float, band: float) -> str:
    """The word of one relation slot, empty within the band.

    Example:
        >>> relation_slot("horizontal", -0.5, 0.1), relation_slot("vertical", 0.05, 0.1)
        ('left', '')
    """
    if abs(difference) < band:
        return ""
    negative, positive = RELATION_WORDS[axis]
    return positive if difference > 0 else negative
