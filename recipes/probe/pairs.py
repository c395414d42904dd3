"""From facts about pictures to pairs of questions: original and swapped, which differ in the order of two names alone.

What is drawn at random is drawn by the fact's own names, so that leaving one row out changes no other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from builders.errors import InputError
from builders.randomness import stable_hash
from metrics.vd_ei._vectors import CATEGORIES
from recipes.probe.wording import AXIS_OF, PUBLISHED, STYLES, questions_of

ALL_STYLES = "all"


@dataclass(frozen=True)
class Fact:
    """Where one object is relative to another, or how far away, compared with it."""

    row: str
    """Id in its table."""
    first: str
    """Name of the object asked about."""
    second: str
    category: str
    """Answer of the question about the first."""
    image_id: str
    """The same for the same picture."""
    group: str
    """What shares its errors, for intervals: a scene or a picture."""
    heuristic: str = ""
    """Tag of the pair, where it has one."""


@dataclass(frozen=True)
class Pair:
    """One question with its swapped partner, in one wording."""

    id: str
    """``row`` of the fact, and the style."""
    row: str
    style: str
    axis: str
    category: str
    """Answer of the original question; that of the swapped one is the opposite."""
    question: str
    swapped_question: str
    first: str
    second: str
    image_id: str
    group: str
    heuristic: str


@dataclass(frozen=True)
class PairSettings:
    """What pairs are made of the facts."""

    styles: tuple[str, ...] = (PUBLISHED,)
    """Wordings, each a pair of its own."""
    per_category: int = 200
    """Facts of a category, at most; 0: all."""
    mirrored: str = "drop"
    """Of two facts that are each other's swap, one at random, or (``keep``) both. Both give one and the same vector
    after sign correction: as items of their own they make coherence and its certainty look better than they are."""
    seed: int = 0

    def __post_init__(self) -> None:
        for style in self.styles:
            if style not in STYLES:
                raise InputError(f"--style {style}: expected {ALL_STYLES} or one of: {', '.join(STYLES)}")
        if self.mirrored not in ("drop", "keep"):
            raise InputError(f"--mirrored {self.mirrored}: expected drop or keep")
        if self.per_category < 0:
            raise InputError(f"--per-category {self.per_category}: expected 0 (all) or more")


class MadePairs(NamedTuple):
    """Pairs in the order of their pictures, and what was left out: reason -> facts."""

    pairs: list[Pair]
    left_out: Counter[str]


def make_pairs(facts: Iterable[Fact], settings: PairSettings) -> MadePairs:
    """Deduplicate, cap per category, and word."""
    left_out: Counter[str] = Counter()
    chosen = _capped(_distinct(facts, settings, left_out), settings, left_out)
    place = {image_id: number for number, image_id in enumerate(dict.fromkeys(fact.image_id for fact in chosen))}
    pairs = []
    for fact in sorted(chosen, key=lambda fact: place[fact.image_id]):
        axis = AXIS_OF[fact.category]
        for style in settings.styles:
            question, swapped = questions_of(style, axis, fact.first, fact.second)
            pairs.append(Pair(f"{fact.row}/{style}", fact.row, style, axis, fact.category, question, swapped,
                              fact.first, fact.second, fact.image_id, fact.group, fact.heuristic))
    return MadePairs(pairs, left_out)


def _distinct(facts: Iterable[Fact], settings: PairSettings, left_out: Counter[str]) -> list[Fact]:
    """Facts that give different pairs of questions."""
    kept: dict[tuple[str, str, str, str], Fact] = {}
    for fact in facts:
        names = _plain(fact.first), _plain(fact.second)
        key = fact.image_id, AXIS_OF[fact.category], *names
        if names[0] == names[1]:
            left_out["same name twice"] += 1
        elif key in kept:
            left_out["duplicate"] += 1
        else:
            kept[key] = fact
    if settings.mirrored == "keep":
        return list(kept.values())
    once = []
    for (image_id, axis, first, second), fact in kept.items():
        wanted = stable_hash("mirrored", settings.seed, image_id, axis, *sorted((first, second)))[0] % 2
        if (image_id, axis, second, first) in kept and (first < second) != bool(wanted):
            left_out["mirrored"] += 1
        else:
            once.append(fact)
    return once


def _capped(facts: Sequence[Fact], settings: PairSettings, left_out: Counter[str]) -> list[Fact]:
    """The facts of each category whose names come first in a random order, in the order given."""
    if not settings.per_category:
        return list(facts)
    chosen: set[int] = set()
    for category in CATEGORIES:
        here = [number for number, fact in enumerate(facts) if fact.category == category]
        here.sort(key=lambda number: stable_hash("per category", settings.seed, facts[number].row))
        chosen.update(here[: settings.per_category])
        left_out["over the cap"] += max(0, len(here) - settings.per_category)
    return [fact for number, fact in enumerate(facts) if number in chosen]


def _plain(name: str) -> str:
    return " ".join(name.lower().split())
