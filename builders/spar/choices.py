"""Options of multiple-choice questions: distractors wrong by a stated margin, and no cue which option is right."""

import numpy as np
from numpy.typing import NDArray

from builders.scenes.scene import Array
from builders.spar.facts import RELATION_WORDS, BoxFact, RelationFact, relation_slot
from builders.spar.geometry import iou
from builders.spar.limits import Limits

LETTERS = "ABCD"

_EMPTY_SLOT_SHARE = 0.2
"""How often a distractor's slot is empty: about as often as gold slots are, so that emptiness tells nothing."""

_TRIES = 200


def shuffled(gold: str, distractors: list[str], rng: np.random.Generator) -> tuple[list[str], str]:
    """The options in random order, and the letter of the gold one."""
    options = [gold, *distractors]
    order = rng.permutation(len(options)).tolist()
    return [options[i] for i in order], LETTERS[order.index(0)]


def relation_triple(fact: RelationFact, band: float) -> tuple[str, ...]:
    """The gold word of each slot, empty where the difference lies within the band."""
    return tuple(relation_slot(axis, difference, band) for axis, difference in fact.differences)


def relation_distractors(
    fact: RelationFact, count: int, limits: Limits, rng: np.random.Generator
) -> list[tuple[str, ...]] | None:
    """Random other triples, each clearly wrong in at least one slot; None if they cannot be found.

    Clearly wrong: the opposite word; or a word where the difference is below half the band; or an empty slot where
    it is above twice the band. Slots are drawn independently of gold: were distractors gold with one slot changed,
    gold would be the option that has most in common with the others.
    """
    gold = relation_triple(fact, limits.relation_band)
    found: list[tuple[str, ...]] = []
    for _ in range(_TRIES):
        triple = tuple(
            "" if rng.random() < _EMPTY_SLOT_SHARE else RELATION_WORDS[axis][rng.integers(2)]
            for axis, _ in fact.differences
        )
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
    """Boxes of other things in the view, then copies of the gold box put elsewhere; None if there is no room.

    Args:
        size: (width, height) of the view, pixels.

    Returns:
        ``count`` boxes (4,) in pixels; gold and they overlap each other less than ``max_option_iou``.
    """
    chosen = [fact.box]
    extent = fact.box[2:] - fact.box[:2]
    room = np.array(size, dtype=float) - extent
    pool = [fact.elsewhere[i] for i in rng.permutation(len(fact.elsewhere))]
    for attempt in range(len(pool) + _TRIES):
        if attempt < len(pool):
            box = pool[attempt]
        else:
            corner = rng.uniform(0, 1, 2) * room - 0.5
            box = np.concatenate([corner, corner + extent])
        if all(iou(box, other) < limits.max_option_iou for other in chosen):
            chosen.append(box)
            if len(chosen) == count + 1:
                return chosen[1:]
    return None


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
