"""What each question scored, and in which figures of ``results.json`` that counts: what paired comparisons are made of.

Most figures are means over the questions that have the figure's name among their ``parts``. The others are composed of
such means, which ``results.json`` says under ``settings.composed``: ``{"average": {"mean": [NAME, ...]}}`` or ``{"gap":
{"difference": [NAME, NAME]}}``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MEAN = "mean"
DIFFERENCE = "difference"

Composed = dict[str, dict[str, list[str]]]
"""Figure -> {``mean`` or ``difference``: names of the figures it is made of}."""


@dataclass(frozen=True)
class Item:
    """One scored question."""

    score: float
    """0 to 1."""
    group: str
    """What it shares its errors with (scene, image): the unit of intervals."""
    parts: tuple[str, ...]
    """Figures in whose mean the score counts, and what else a report draws (cells of a heat map)."""


Items = dict[str, Item]
"""``uid`` -> item."""


def items_of(
    uids: Iterable[str], scores: Iterable[float], groups: Iterable[str], parts: Iterable[Sequence[str]]
) -> Items:
    """Items from columns of equal length."""
    return {uid: Item(float(score), group, tuple(names))
            for uid, score, group, names in zip(uids, scores, groups, parts, strict=True)}


def figures_of(items: Mapping[str, Item]) -> dict[str, list[str]]:
    """Part -> ``uid`` of its questions."""
    found: dict[str, list[str]] = {}
    for uid, item in items.items():
        for name in item.parts:
            found.setdefault(name, []).append(uid)
    return found
