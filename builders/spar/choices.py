"""Options of multiple-choice questions: distractors wrong by a stated margin, and no cue which option is right.

The rule behind all of them: gold and distractors come from one distribution, and a set of options is as likely with
each of its members as gold. Then neither the smallest, the middle, the odd one out nor the one most like the others is
a better guess than any other.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from builders.spar.facts import Rejected

LETTERS = "ABCD"

T = TypeVar("T")


def shuffled(gold: str, distractors: Sequence[str], place: int, rng: np.random.Generator) -> tuple[list[str], str]:
    """The options with gold at its place (from 0) and the others in random order, and the letter of the gold one."""
    options = [distractors[i] for i in rng.permutation(len(distractors)).tolist()]
    options.insert(place, gold)
    return options, LETTERS[place]


def alternatives(
    gold: T, pool: Sequence[T], count: int, differ: Callable[[T, T], bool], rng: np.random.Generator
) -> tuple[T, ...] | Rejected:
    """``count`` members of the pool, drawn ONCE; rejected unless they and gold all differ from each other.

    Drawing again until a set fits would favour golds that few sets fit, and a guesser could use that.

    Args:
        pool: what might as well have been asked about, by the same limits as gold; without gold itself.
        differ: symmetric; whether two members cannot be taken for each other.
    """
    if len(pool) < count:
        return Rejected("too_few_options")
    drawn = tuple(pool[i] for i in rng.permutation(len(pool))[:count].tolist())
    fits = all(differ(a, b) for a, b in combinations((gold, *drawn), 2))
    return drawn if fits else Rejected("options_too_alike")


def option_lines(options: Sequence[str]) -> list[str]:
    """The options as a question shows them, a line each.

    Example:
        >>> option_lines(["left, above,", "right, above,"])
        ['A. left, above,', 'B. right, above,']
    """
    return [f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False)]


def letters(count: int) -> str:
    """The answer letters as a question names them.

    Example:
        >>> letters(2), letters(4)
        ('A or B', 'A, B, C or D')
    """
    return f"{', '.join(LETTERS[: count - 1])} or {LETTERS[count - 1]}"
