"""Balance: whatever the scene offers, what a guesser could know tells nothing of the answer."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from builders.spar.balance import _dither, in_balance
from builders.spar.facts import Balanced, evenly
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from tests.builders.spar.asked import slots_of
from tests.builders.toy import toy_room

LIMITS = Limits(min_in_image_fraction=0.3)


def kept_of(pool, groups, most, wanted, seed=0):
    return in_balance(pool, groups, most, wanted, np.random.default_rng(seed))


def alone(count):
    """Groups of one, and the most of each."""
    return [(n,) for n in range(count)], (1,)


def test_a_lopsided_pool_comes_out_even():
    depths = ["closer"] * 90 + ["farther"] * 10
    pool = [[evenly("below", depth, ("closer", "farther"))] for depth in depths]
    for seed in range(20):
        kept = kept_of(pool, *alone(100), wanted=100, seed=seed)
        counts = Counter(depths[i] for i in kept)
        assert kept == sorted(kept) and counts["farther"] == 10 and abs(counts["closer"] - 10) <= 1


@pytest.mark.parametrize("wins, losses", [(30, 12), (3, 5), (6, 9)])
def test_shares_need_not_be_even_and_are_nearly_met_on_average(wins, losses):
    """Of few rows, the nearest whole number would be off to the same side each time: 0.25 for 3 and 5."""
    shares = {"wins": 0.25, "loses": 0.75}
    outcomes = ["wins"] * wins + ["loses"] * losses
    off = []
    for seed in range(400):
        kept = kept_of([[Balanced("lamp", o, shares)] for o in outcomes], *alone(len(outcomes)), len(outcomes), seed)
        off.append(sum(outcomes[i] == "wins" for i in kept) - 0.25 * len(kept))
    assert np.abs(off).max() <= 1 and len(set(off)) > 1
    assert abs(np.mean(off)) < 0.16


def test_offsets_make_rounding_right_on_average():
    rng = np.random.default_rng(0)
    for exact in ([1.25, -0.75, 0.1, -0.6], [0.25, -0.25], [2.4, -1.7, -0.7]):
        offsets = np.array([_dither(len(exact), rng) for _ in range(4000)])
        near = np.array(list(product(range(-4, 5), repeat=len(exact))))
        near = near[near.sum(axis=1) == 0]
        places = ((offsets[:, None] + np.array(exact) - near) ** 2).sum(axis=2).argmin(axis=1)
        rounded = near[places]
        assert np.allclose(offsets.sum(axis=1), 0)
        assert (np.abs(rounded.mean(axis=0) - exact) < 4 * 0.7 / 4000**0.5).all()


def test_where_balance_is_not_strict_what_stands_alone_stays():
    """And of many that go along with each other, no more than half a row beyond what balances them."""
    sizes = ["larger", "smaller"]
    lonely = [[evenly(f"thing {n}", sizes[n % 3 == 0], sizes, strict=False)] for n in range(30)]
    crowd = [[evenly("pillow", size, sizes, strict=False)] for size in ["smaller"] * 20 + ["larger"] * 4]
    strict = [[entry._replace(strict=True) for entry in entries] for entries in lonely]
    for seed in range(20):
        kept = kept_of(lonely + crowd, *alone(54), wanted=54, seed=seed)
        assert kept[:30] == list(range(30)) and kept[-4:] == [50, 51, 52, 53] and len(kept) in (38, 39)
        assert len(kept_of(strict, *alone(30), wanted=30, seed=seed)) < 30


def test_all_contexts_count_and_groups_have_limits():
    rng = np.random.default_rng(0)
    pool, said, groups = [], [], []
    for _ in range(300):  # to the left, things are mostly near
        side = "left" if rng.random() < 0.7 else "right"
        depth = "near" if rng.random() < (0.9 if side == "left" else 0.4) else "far"
        said.append((side, depth))
        groups.append((int(rng.integers(40)), "frame"))
        pool.append([evenly("sides", side, ("left", "right")), evenly(side, depth, ("near", "far"))])
    kept = kept_of(pool, groups, (4, 60), wanted=40)
    counts = Counter(said[i] for i in kept)
    assert len(kept) == 40 and max(counts.values()) - min(counts.values()) <= 3
    assert max(Counter(groups[i][0] for i in kept).values()) <= 4
    assert len(kept_of(pool, groups, (4, 20), wanted=40)) <= 20


def test_one_wanted_row_says_either_thing_as_often():
    rng = np.random.default_rng(1)
    firsts = Counter()
    for seed in range(400):
        depths = rng.permutation(["closer"] * 9 + ["farther"] * 3).tolist()
        (kept,) = kept_of([[evenly("below", d, ("closer", "farther"))] for d in depths], *alone(12), 1, seed)
        firsts[depths[kept]] += 1
    assert abs(firsts["closer"] - 200) < 4 * 10  # four standard deviations of a fair coin


def test_what_has_no_context_always_stays():
    assert kept_of([(), (), ()], *alone(3), wanted=3) == [0, 1, 2]
    assert kept_of([], [], (), wanted=3) == []


@pytest.mark.parametrize("name", ["obj_spatial_relation_oo", "obj_spatial_relation_oo_mv"])
def test_the_third_word_of_a_relation_does_not_tell_the_others(name):
    """In photographs from above, what is lower is closer; among the rows of a scene it is not."""
    counts = Counter()
    for seed in range(4):
        # so that views show enough things to choose from
        limits = replace(LIMITS, min_area=0.01, min_view_overlap=0, min_unhidden_fraction=0, max_namesake_share=1)
        record = build_record(toy_room(seed, frames=30), limits)
        for row in task_rows(TASKS[name], "select", record, limits, 60, ("t", "1", 0), Counter()):
            triples = [slots_of(option) for option in row["options"]]
            told = triples["ABCD".index(row["answer"])]
            for slot in range(3):
                if len({triple[slot] for triple in triples}) == 2:
                    shown = [i for i in range(3) if len({t[i] for t in triples}) == 1]
                    counts[seed, (shown[0], told[shown[0]]), slot, told[slot]] += 1
    opposites = {"left": "right", "above": "below", "closer": "farther"}
    pairs = [(counts[s, c, i, w], counts[s, c, i, opposites[w]]) for s, c, i, w in list(counts) if w in opposites]
    assert sum(map(sum, pairs)) > 100 and all(abs(a - b) <= 2 for a, b in pairs)


def test_each_candidate_wins_as_often_as_chance():
    """The names of things in the middle of a room would tell otherwise."""
    record = build_record(toy_room(1), LIMITS)
    wins, shown = defaultdict(float), Counter()
    rows = list(task_rows(TASKS["distance_infer_center_oo"], "select", record, LIMITS, 80, ("t", "1", 0), Counter()))
    for row in rows:
        for option in row["options"]:
            wins["closer" in row["question"], option] += (option == row["options"]["AB".index(row["answer"])]) - 0.5
            shown["closer" in row["question"], option] += 1
    assert len(rows) >= 8 and all(abs(wins[key]) <= 1 for key in shown)
