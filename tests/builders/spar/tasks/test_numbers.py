"""Numbers that serve as options together: which sets fit, and that none of their members is gold more often."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from builders.spar.limits import Limits
from builders.spar.tasks.numbers import numbers_together

LIMITS = Limits(max_option_centrality=1.1)
NUMBERS = (1.0, 1.3, 1.35, 1.9, 2.5, 3.4)
TOLD = (2.0, 2.1, 2.0, 2.15, 2.1, 2.4)


def fitting_sets():
    """By trying all: at least 0.2 and a tenth apart, and what names tell within a tenth."""
    for places in combinations(range(len(NUMBERS)), 4):
        apart = all(abs(NUMBERS[a] - NUMBERS[b]) >= max(0.2, NUMBERS[a] / 10, NUMBERS[b] / 10)
                    for a, b in combinations(places, 2))
        if apart and all(TOLD[a] <= 1.1 * TOLD[b] for a in places for b in places):
            yield frozenset(places)


def test_each_member_of_a_set_is_gold_as_often():
    """Each number is the first in turn, as proposals come; 4 standard errors."""
    rng = np.random.default_rng(0)
    golds: dict[frozenset, Counter] = {}
    for _ in range(1500):
        for first in range(len(NUMBERS)):
            order = [first, *(i for i in range(len(NUMBERS)) if i != first)]
            found = numbers_together([NUMBERS[i] for i in order], [TOLD[i] for i in order], LIMITS, rng)
            if found:
                places = [order[i] for i in found]
                assert first in places
                golds.setdefault(frozenset(places), Counter())[places[0]] += 1
    assert set(golds) == set(fitting_sets())
    for counts in golds.values():
        total = counts.total()
        assert all(abs(counts[i] - total / 4) < 4 * (total * 3 / 16) ** 0.5 for i in counts) and len(counts) == 4


@pytest.mark.parametrize(("numbers", "told"), [
    ((1.0, 2.0, 3.0), (2.0,) * 3),  # too few
    ((1.0, 1.1, 2.0, 3.0), (2.0,) * 4),  # two alike
    ((1.0, 2.0, 3.0, 4.0), (2.0, 2.0, 2.0, 2.3)),  # a name that tells
])
def test_no_set_is_better_than_one_that_does_not_fit(numbers, told):
    assert numbers_together(numbers, told, LIMITS, np.random.default_rng(0)) == []
