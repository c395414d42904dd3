"""Options of multiple-choice questions: distractors wrong by a stated margin, and no cue which option is right."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from builders.scenes.scene import Array
from builders.spar.facts import BoxFact, RelationFact, relation_slot
from builders.spar.geometry import iou
from builders.spar.limits import Limits

LETTERS = "ABCD"

_COPIES = 200
"""Changed copies of a gold box among which options are looked for."""


def shuffled(gold: str, distractors: list[str], rng: np.random.Generator) -> tuple[list[str], str]:
    """The options in random order, and the letter of the gold one."""
    options = [gold, *distractors]
    order = rng.permutation(len(options)).tolist()
    return [options[i] for i in order], LETTERS[order.index(0)]


def relation_triple(differences: Iterable[tuple[str, float]], band: float) -> tuple[str, ...]:
    """The word of each slot, empty where the difference lies within the band."""
    return tuple(relation_slot(axis, difference, band) for axis, difference in differences)


def relation_distractors(
    fact: RelationFact, count: int, limits: Limits, rng: np.random.Generator
) -> list[tuple[str, ...]] | None:
    """Relations of other pairs in the view, each clearly wrong for this one; None if there are too few.

    Clearly wrong in at least one slot: the opposite word; or a word where the difference is below half the band; or an
    empty slot where it is above twice the band. Because gold is drawn from the same pairs, neither empty slots nor
    frequent triples tell it from the others, and gold is not the option that has most in common with the rest.
    """
    gold = relation_triple(fact.differences, limits.relation_band)
    axes = [axis for axis, _ in fact.differences]
    found: list[tuple[str, ...]] = []
    for i in rng.permutation(len(fact.elsewhere)).tolist():
        triple = relation_triple(zip(axes, fact.elsewhere[i], strict=True), limits.relation_band)
        wrong = any(
            _clearly_wrong(word, right, abs(difference), limits.relation_band)
            for word, right, (_, difference) in zip(triple, gold, fact.differences, strict=True)
        )
        if wrong and any(triple) and triple not in found:
            found.append(triple)
            if len(found) == count:
                return found
    return None


def _clearly_wrong(word: str, gold: str, size: float, band: float) -> bool:
    if word and gold:
        return word != gold
    if word:
        return size < band / 2
    return bool(gold) and size > 2 * band


def box_distractors(
    fact: BoxFact, count: int, size: tuple[int, int], limits: Limits, rng: np.random.Generator
) -> list[Array] | None:
    """Boxes of like-sized things in the view, then changed copies of the gold box elsewhere; None if there is no room.

    Like-sized, so that neither the name of the object nor its box in the first view tells which option is gold.

    Args:
        size: (width, height) of the view, pixels.

    Returns:
        ``count`` boxes (4,) in pixels; gold and they overlap each other less than ``max_option_iou``.
    """
    others = [fact.elsewhere[i] for i in rng.permutation(len(fact.elsewhere))]
    alike = [box for box in others if _alike(box, fact.box, size[1])]
    candidates = np.concatenate([np.reshape(alike, (-1, 4)), _moved_copies(fact.box, size, rng)])
    free = iou(candidates, fact.box) < limits.max_option_iou
    chosen: list[Array] = []
    while len(chosen) < count:
        if not free.any():
            return None
        chosen.append(candidates[free.argmax()])
        free &= iou(candidates, chosen[-1]) < limits.max_option_iou
    return chosen


def _alike(box: Array, gold: Array, height: int) -> bool:
    """Both sides within a third of gold's, and the middle about as high in the image."""
    ratio = (box[2:] - box[:2]) / (gold[2:] - gold[:2])
    shift = abs(box[1] + box[3] - gold[1] - gold[3]) / 2 / height
    return bool((ratio > 0.75).all() and (ratio < 1.33).all()) and shift < 0.1


def _moved_copies(box: Array, size: tuple[int, int], rng: np.random.Generator) -> Array:
    """(N, 4) copies anywhere across the image, resized and shifted up or down.

    Gold and copies depart alike from a common pattern that nobody sees, so that gold is neither the middle nor an
    extreme of them: what a copy has beyond gold is its own departure less gold's.
    """
    resized = rng.uniform(-0.1, 0.1, (_COPIES + 1, 2))
    shifted = rng.normal(0, 0.03, _COPIES + 1)
    sides = np.minimum((box[2:] - box[:2]) * np.exp(resized[1:] - resized[0]), size)
    room = np.array(size, dtype=float) - sides
    middle = (box[1] + box[3]) / 2 + 0.5 + (shifted[1:] - shifted[0]) * size[1]
    across = rng.uniform(0, 1, _COPIES) * room[:, 0]
    corners = np.clip(np.stack([across, middle - sides[:, 1] / 2], axis=1), 0, room) - 0.5
    return np.concatenate([corners, corners + sides], axis=1)


def box_text(box: NDArray[np.int64]) -> str:
    """A 0-1000 box as an option shows it.

    Example:
        >>> box_text(np.array([1, 2, 30, 40]))
        '(1, 2, 30, 40)'
    """
    return "({}, {}, {}, {})".format(*box.tolist())


def letters(count: int) -> str:
    """The answer letters as a question names them.

    Example:
        >>> letters(2), letters(4)
        ('A or B', 'A, B, C or D')
    """
    return f"{', '.join(LETTERS[: count - 1])} or {LETTERS[count - 1]}"
