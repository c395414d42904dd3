"""Rows chosen so that what could be guessed from a context is as often wrong as right."""

from collections.abc import Callable

import numpy as np

from builders.spar.facts import Gold


class Balance:
    """Which golds of one scene, task and format are wanted next.

    In each context the possible words take turns in random order, again and again. So every row that is asked holds
    each of them with the same chance, even the only row of its context. Contexts with the same words begin with
    different ones, so that a gold of several contexts finds its turn.
    """

    def __init__(self, generator_of: Callable[[str], np.random.Generator]) -> None:
        """``generator_of`` gives the random numbers of a context, whatever was asked before."""
        self._generator_of = generator_of
        self._generators: dict[str, np.random.Generator] = {}
        self._due: dict[str, list[str]] = {}
        """By context, the words whose turn comes, the next one first."""

    def wants(self, gold: Gold) -> bool:
        """Whether it is the turn of what holds, in every context of the gold."""
        for context, _, possible in gold.balance:
            if context not in self._due:
                beginnings = " ".join(["begin with", *sorted(possible)])
                first = self._next(beginnings, possible)
                self._due[beginnings].pop(0)
                self._due[context] = [first, *(word for word in self._shuffled(context, possible) if word != first)]
        return all(self._next(context, possible) == holds for context, holds, possible in gold.balance)

    def asked(self, gold: Gold) -> None:
        """The gold has become a row: in its contexts it is the next one's turn."""
        for context, _, _ in gold.balance:
            self._due[context].pop(0)

    def _next(self, context: str, possible: tuple[str, ...]) -> str:
        if not self._due.get(context):
            self._due[context] = self._shuffled(context, possible)
        return self._due[context][0]

    def _shuffled(self, context: str, possible: tuple[str, ...]) -> list[str]:
        if context not in self._generators:
            self._generators[context] = self._generator_of(context)
        words = sorted(possible)
        return [words[i] for i in self._generators[context].permutation(len(words)).tolist()]
