"""Relation triples: words of signed differences, their options and claims, and how a sentence says them (SPAR, appendix
7.5). The words that a reader sees are in ``templates/relation_words.yaml``."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from builders.scenes.scene import Array
from builders.spar.facts import Balanced, Fact, Gold, Rejected, evenly
from builders.spar.limits import Limits
from builders.spar.printing import printed
from builders.spar.wording import templates

RELATION_WORDS = {
    "horizontal": ("left", "right"),
    "vertical": ("above", "below"),
    "distance": ("closer", "farther"),
    "facing": ("behind", "front"),
}
"""Words for a negative and a positive difference: x right, y down, distance to the camera, z forward."""

_ANY_WORD = re.compile(rf"\b(?:{'|'.join(word for pair in RELATION_WORDS.values() for word in pair)})\b")

TWO_OBJECTS = ("horizontal", "vertical", "distance")
"""The slots of a relation of two objects."""

TO_OBSERVER = ("horizontal", "vertical", "facing")
"""The slots of a relation of an object to the observer."""

_TOLD_BY_NAMES = ("distance", "facing")
"""Axes of which a name may tell the word: what stands by a wall is farther, and more often behind."""

Differences = tuple[tuple[str, float], ...]
"""(axis, signed metres) of each slot, with axes of ``RELATION_WORDS``."""


@dataclass(frozen=True)
class RelationFact(Fact):
    """Where something is relative to a reference, slot by slot."""

    differences: Differences
    """Within the band a slot stays empty."""
    height_gap: float
    """Metres between the two heights in the world: what labels alone tell (pictures hang above rugs)."""
    closed: tuple[str, ...] = field(default=(), kw_only=True)
    """Axes whose word a guesser would know without the pictures; neither options nor claims differ in them."""

    @property
    def compared(self) -> tuple[str, ...]:
        """Ids of what is where, and of what it is compared with, if that is no observer."""
        return tuple(asked.object_id for asked in self.asked)


def between(a: Array, b: Array, pose: Array) -> Differences:
    """Right, down, and distance to the camera of ``a`` less those of ``b``.

    Args:
        a, b: (3,) world metres.
        pose: (4, 4) world_from_camera of the observer.
    """
    eye, axes = pose[:3, 3], pose[:3, :3]
    right, down, _ = ((a - eye) @ axes - (b - eye) @ axes).tolist()
    nearer = math.dist(a.tolist(), eye.tolist()) - math.dist(b.tolist(), eye.tolist())
    return tuple(zip(TWO_OBJECTS, (right, down, nearer), strict=True))


def to_observer(a: Array, pose: Array) -> Differences:
    """Right, down and forward of the camera; arguments as for ``between``."""
    in_camera = (a - pose[:3, 3]) @ pose[:3, :3]
    return tuple(zip(TO_OBSERVER, in_camera.tolist(), strict=True))


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


def relation_triple(differences: Differences, band: float) -> tuple[str, ...]:
    """The word of each slot, empty where the difference lies within the band."""
    return tuple([relation_slot(axis, difference, band) for axis, difference in differences])


def as_text(triple: Sequence[str]) -> str:
    """The triple as an option, without a space at its end.

    Example:
        >>> as_text(("left", "", "behind")), as_text(("left", "above", ""))
        ('left, , behind', 'left, above,')
    """
    return ", ".join(triple).rstrip()


def border_problem(differences: Differences, limits: Limits) -> str | None:
    """Why a relation is not asked about: a difference on the border of the band, or nothing to tell."""
    sizes = [abs(d) for _, d in differences]
    if min([abs(size - limits.relation_band) for size in sizes]) < limits.relation_margin:
        return "relation_on_the_border"
    return "relation_indistinguishable" if max(sizes) < limits.relation_band else None


def relation_gold(fact: RelationFact, format_type: str, limits: Limits, rng: np.random.Generator) -> Gold | Rejected:
    """The triple as ``left, , behind`` (an empty slot between its commas), with options for ``select``; for ``judge``
    whether a claim about one slot holds.

    The four options are all combinations of two opposite words in two slots; the third slot is the same in all. So
    gold has no property that another option lacks. Above and below take part only where nothing else tells them. A
    claim has either word of its slot with the same chance.

    Slots: ``claim`` (judge), and for sentences those of ``spoken_slots``.
    """
    if format_type == "judge":
        return _claim_gold(fact, limits, rng)
    exact = tuple(d for _, d in fact.differences)
    words = relation_triple(fact.differences, limits.relation_band)
    gold = Gold(as_text(words), printed(exact), exact, ("m",) * len(exact))
    if format_type == "select":
        return _with_options(gold, fact, words, limits, rng)
    slots = spoken_slots(fact.differences, limits.relation_band)
    return replace(gold, slots=slots, balance=facing_balance(fact, words))


def facing_balance(fact: RelationFact, words: Sequence[str]) -> tuple[Balanced, ...]:
    """As much is behind the observer as in front, in sentences: cameras look at what is interesting."""
    told = dict(zip([axis for axis, _ in fact.differences], words, strict=True)).get("facing")
    if not told or "facing" in fact.closed:
        return ()
    return (evenly("facing", told, RELATION_WORDS["facing"]),)


def _with_options(
    gold: Gold, fact: RelationFact, words: Sequence[str], limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    """The gold with its other triples. All four are as frequent among the rows that show the same third word: without,
    "below" would tell "closer", since cameras look down. And of each two things either is closer as often, and each
    one is behind the observer as often as in front: names tell what stands by a wall."""
    axes = [axis for axis, _ in fact.differences]
    free = _open_slots(fact, words, limits)
    if words[2]:  # a camera that looks down sees what is farther higher up: the third word would tell the second
        free = [i for i in free if axes[i] != "vertical"]
    pairs = list(combinations(free, 2))
    if not pairs:
        return Rejected("too_few_options")
    varied = pairs[rng.integers(len(pairs))]
    triples = []
    for changed in ((varied[0],), (varied[1],), varied):
        triple = [opposite(axes[i], word) if i in changed else word for i, word in enumerate(words)]
        triples.append(as_text(triple))
    (shown,) = {0, 1, 2} - set(varied)
    context = f"{axes[shown]}: {words[shown]}"
    balance = evenly(context, gold.text, (gold.text, *triples)), *(
        _balance_of_things(fact, axes[i], words[i], context) for i in varied if axes[i] in _TOLD_BY_NAMES)
    return replace(gold, distractors=tuple(triples), balance=balance)


def _balance_of_things(fact: RelationFact, axis: str, word: str, context: str) -> Balanced:
    """Either word as often of these things, whichever of two is asked about."""
    first, *others = fact.compared
    told = opposite(axis, word) if others and others[0] < first else word
    return evenly(f"{axis} of {', '.join(sorted(fact.compared))}: {context}", told, RELATION_WORDS[axis])


def _claim_gold(fact: RelationFact, limits: Limits, rng: np.random.Generator) -> Gold | Rejected:
    words = relation_triple(fact.differences, limits.relation_band)
    slots = _open_slots(fact, words, limits)
    if not slots:
        return Rejected("nothing_to_claim")
    slot = slots[rng.integers(len(slots))]
    axis, difference = fact.differences[slot]
    holds = bool(rng.integers(2))
    claimed = words[slot] if holds else opposite(axis, words[slot])
    return Gold("Yes" if holds else "No", printed((difference,)), (difference,), ("m",),
                slots={"claim": templates("relation_words")["before_name"][claimed]})


def _open_slots(fact: RelationFact, words: Sequence[str], limits: Limits) -> list[int]:
    """The slots whose word a picture tells and a name does not: height takes part only where the two things are about
    as high."""
    return [i for i, (axis, _) in enumerate(fact.differences)
            if words[i] and axis not in fact.closed
            and (axis != "vertical" or abs(fact.height_gap) <= limits.max_height_gap)]


def opposite(axis: str, word: str) -> str:
    """The other word of an axis.

    Example:
        >>> opposite("facing", "front")
        'behind'
    """
    negative, positive = RELATION_WORDS[axis]
    return negative if word == positive else positive


def spoken_slots(differences: Differences, band: float, suffix: str = "") -> dict[str, str]:
    """The triple as running text: ``where``, and ``before_name`` (two objects) or ``around_them`` (to the observer), as
    in ``relation_words.yaml``; and ``unclear``, a sentence after a space about the empty slots, if any."""
    words = relation_triple(differences, band)
    spoken = templates("relation_words")
    to_object = tuple(axis for axis, _ in differences) == TWO_OBJECTS
    forms = ("where", "before_name" if to_object else "around_them")
    slots = {f"{form}{suffix}": joined(words, spoken[form]) for form in forms}
    empty = [spoken["axes"][axis] for (axis, _), word in zip(differences, words, strict=True) if not word]
    listed = joined(empty, {name: name for name in empty})
    slots[f"unclear{suffix}"] = " " + spoken["unclear"]["some"].format(axes=listed) if empty else ""
    return slots


def joined(words: Sequence[str], phrases: Mapping[str, str]) -> str:
    """The words of a triple as running text, empty slots left out.

    Example:
        >>> joined(["left", "", "closer"], {"left": "to the left of", "closer": "closer than"})
        'to the left of and closer than'
    """
    said = [phrases[word] for word in words if word]
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def said_words(row: Mapping[str, Any]) -> list[str]:
    """All relation words of a row's answer, in order; objects' names do not count (a "front door").

    Example:
        >>> said_words({"answer": "Right door: to the left and above.", "objects": [{"label": "right door"}]})
        ['left', 'above']
    """
    text = row["answer"].lower()
    for label in sorted({item["label"].lower() for item in row["objects"]}, key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(label)}\b", "", text)
    return _ANY_WORD.findall(text)
