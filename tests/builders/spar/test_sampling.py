"""Combinations drawn one by one, against lists of all of them."""

from collections import Counter
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest

from builders.spar.limits import Limits
from builders.spar.records import ImageRecord, SceneRecord, build_record
from builders.spar.tasks import TASKS
from builders.spar.tasks.even_sampling import any_view
from builders.spar.tasks.sampling import arrangements, one_of_each, shuffled_numbers
from tests.builders.spar.asked import LIMITS
from tests.builders.toy import toy_room


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
    seen = SimpleNamespace(center_on_object=True, marker_cover=1.0)
    images = [ImageRecord(view, None, dict.fromkeys(shown.get(view, ""), seen)) for view in range(4)]
    record = SceneRecord("toy", "s", tuple(images), (0, 3), (), {}, "mesh", 4, {})
    expected = Counter((still, *pair) for still, names in shown.items() for pair in permutations(names, 2))
    rng, firsts = np.random.default_rng(0), Counter()
    for _ in range(2000):
        proposals = any_view(("red", "blue"))(record, Limits(), rng)
        drawn = [(view, red.object_id, blue.object_id) for (view,), (red, blue) in proposals]
        assert Counter(drawn) == expected
        firsts[drawn[0]] += 1
    assert all(abs(n - 2000 / 14) < 4 * (2000 / 14) ** 0.5 for n in firsts.values()) and len(firsts) == 14


@pytest.mark.parametrize("name", ["depth_prediction_oc_mv", "distance_prediction_oc_mv"])
def test_given_the_objects_each_view_that_could_be_asked_about_is_as_likely(name):
    """The view of the last object, or the first one shown, over many seeds; 5 standard errors."""
    record = build_record(toy_room(2), LIMITS)
    first: dict[frozenset, Counter] = {}
    for seed in range(200):
        before = set()
        for views, asked in TASKS[name].propose(record, LIMITS, np.random.default_rng(seed)):
            names = tuple(a.object_id for a in asked)
            if names not in before:
                before.add(names)
                view = views[asked[-1].view] if len(asked) == 2 else views[0]
                first.setdefault(names, Counter())[view] += 1
    several = [counts for counts in first.values() if len(counts) > 1]
    assert len(several) > 3
    for counts in several:
        share = 1 / len(counts)
        error = (counts.total() * share * (1 - share)) ** 0.5
        assert all(abs(n - counts.total() * share) < 5 * error for n in counts.values())
