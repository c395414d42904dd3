"""Combinations drawn one by one, against lists of all of them."""

from collections import Counter
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest

from builders.spar.tasks.sampling import any_view, arrangements, one_of_each, shuffled_numbers


@pytest.mark.parametrize("pools", [["abc", "bcd", "e"], ["ab"] * 2, ["abcd"] * 3, ["a", "a"], ["ab", ""]])
def test_every_combination_comes_once(pools):
    drawn = list(one_of_each(pools, np.random.default_rng(0)))
    assert sorted(drawn) == sorted(c for c in set(product(*pools)) if len(set(c)) == len(c))


def test_arrangements_are_permutations():
    assert set(arrangements("abcde", 3, np.random.default_rng(0))) == set(permutations("abcde", 3))


def test_every_order_is_equally_likely():
    rng, draws = np.random.default_rng(0), 24_000
    orders = Counter(tuple(shuffled_numbers(4, rng)) for _ in range(draws))
    assert set(orders) == set(permutations(range(4)))
    assert all(abs(n - draws / 24) < 5 * (draws / 24) ** 0.5 for n in orders.values())


def test_every_choice_in_any_view_comes_once_and_first_as_often_as_others():
    shown = {0: "ab", 3: "abcd"}
    images = {still: SimpleNamespace(objects=dict.fromkeys(names)) for still, names in shown.items()}
    record = SimpleNamespace(stills=(0, 3), images=images)
    expected = Counter((still, *pair) for still, names in shown.items() for pair in permutations(names, 2))
    rng, firsts = np.random.default_rng(0), Counter()
    for _ in range(2000):
        proposals = any_view(("red", "blue"))(record, None, rng)
        drawn = [(view, red.object_id, blue.object_id) for (view,), (red, blue) in proposals]
        assert Counter(drawn) == expected
        firsts[drawn[0]] += 1
    assert all(abs(n - 2000 / 14) < 4 * (2000 / 14) ** 0.5 for n in firsts.values()) and len(firsts) == 14
