"""Relation triples: words of signed differences, their options, and how a sentence says them (SPAR, appendix 7.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from builders.spar.facts import Fact, Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.printing import printed

RELATION_WORDS = {
    "horizontal": ("left", "right"),
    "vertical": ("above", "below"),
    "distance": ("closer", "farther"),
    "facing": ("behind", "front"),
}
"""Words for a negative and a positive difference: x right, y down, distance to the camera, z forward."""


@dataclass(frozen=True)
class RelationFact(Fact):
    """Where something is relative to a reference, slot by slot."""

    differences: tuple[tuple[str, float], ...]
    """(axis, signed metres) with axes of ``RELATION_WORDS``; within the band a slot stays empty."""
    height_gap: float
    """Metres between the two heights in the world: what labels alone tell (pictures hang above rugs)."""


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


def relation_triple(differences: Sequence[tuple[str, float]], band: float) -> tuple[str, ...]:
    """The word of each slot, empty where the difference lies within the band."""
    return tuple(relation_slot(axis, difference, band) for axis, difference in differences)


def border_problem(differences: Sequence[tuple[str, float]], limits: Limits) -> str | None:
    """Why a relation is not asked about: a difference on the border of the band, or nothing to tell."""
    sizes = [abs(d) for _, d in differences]
    if any(abs(size - limits.relation_band) < limits.relation_margin for size in sizes):
        return "relation_on_the_border"
    return "relation_indistinguishable" if max(sizes) < limits.relation_band else None


def relation_gold(fact: RelationFact, format_type: str, limits: Limits, rng: np.random.Generator) -> Gold | Rejected:
    """The triple as ``left, , behind`` (an empty slot between its commas), with options for ``select``.

    The four options are all combinations of two opposite words in two slots; the third slot is the same in all. So
    gold has no property that another option lacks. Height takes part only where the two things are about as high, so
    that their names do not tell.
    """
    exact = tuple(d for _, d in fact.differences)
    words = relation_triple(fact.differences, limits.relation_band)
    distractors: list[str] = []
    if format_type == "select":
        axes = [axis for axis, _ in fact.differences]
        free = [i for i, word in enumerate(words)
                if word and (axes[i] != "vertical" or abs(fact.height_gap) <= limits.max_height_gap)]
        pairs = list(combinations(free, 2))
        if not pairs:
            return Rejected("too_few_options")
        varied = pairs[rng.integers(len(pairs))]
        for changed in ((varied[0],), (varied[1],), varied):
            triple = [opposite(axes[i], word) if i in changed else word for i, word in enumerate(words)]
            distractors.append(", ".join(triple))
    return Gold(", ".join(words), printed(exact), exact, ("m",) * len(exact), tuple(distractors))


def opposite(axis: str, word: str) -> str:
    """The other word of an axis.

    Example:
        >>> opposite("facing", "front")
        'behind'
    """
    negative, positive = RELATION_WORDS[axis]
    return negative if word == positive else positive


def joined(words: Sequence[str], phrases: Mapping[str, str]) -> str:
    """The words of a triple as running text, empty slots left out.

    Example:
        >>> joined(["left", "", "closer"], {"left": "to the left of", "closer": "closer than"})
        'to the left of and closer than'
    """
    said = [phrases[word] for word in words if word]
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)
