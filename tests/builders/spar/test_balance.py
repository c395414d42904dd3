"""Balance: whatever the scene offers, either word of a context is asked as often."""

from collections import Counter

import numpy as np
import pytest

from builders.spar.balance import Balance
from builders.spar.facts import Gold
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from tests.builders.toy import toy_room

LIMITS = Limits(min_in_image_fraction=0.3)


def gold(*balance):
    return Gold("text", (), (), (), balance=balance)


def test_a_lopsided_stream_comes_out_even_and_its_first_row_is_a_coin():
    firsts = Counter()
    for seed in range(400):
        rng = np.random.default_rng(seed)
        balance = Balance(lambda context, seed=seed: np.random.default_rng((seed, len(context))))
        asked = []
        for _ in range(300):
            closer = rng.random() < 0.9  # nine of ten proposals say "closer"
            item = gold(("below", "closer" if closer else "farther", ("closer", "farther")))
            if balance.wants(item):
                balance.asked(item)
                asked.append(closer)
        assert len(asked) > 20 and abs(2 * sum(asked) - len(asked)) <= 1
        firsts[asked[0]] += 1
    assert abs(firsts[True] - 200) < 4 * 10  # four standard deviations of a fair coin


def test_a_gold_without_contexts_is_always_wanted_and_all_contexts_must_agree():
    balance = Balance(lambda context: np.random.default_rng(len(context)))
    assert balance.wants(gold())
    sides, depths = ("left", "right"), ("near", "far")
    assert sum(balance.wants(gold(("h", side, sides), ("d", depth, depths))) for side in sides for depth in depths) == 1


@pytest.mark.parametrize("name", ["obj_spatial_relation_oo", "obj_spatial_relation_oo_mv"])
def test_the_third_word_of_a_relation_does_not_tell_the_others(name):
    """In photographs from above, what is lower is closer; among the rows of a scene it is not."""
    counts = Counter()
    for seed in range(4):
        record = build_record(toy_room(seed), LIMITS)
        for row in task_rows(TASKS[name], "select", record, LIMITS, 60, ("t", "1", 0), Counter()):
            triples = [option.split(", ") for option in row["options"]]
            told = triples["ABCD".index(row["answer"])]
            for slot in range(3):
                if len({triple[slot] for triple in triples}) == 2:
                    shown = [i for i in range(3) if len({t[i] for t in triples}) == 1]
                    counts[seed, (shown[0], told[shown[0]]), slot, told[slot]] += 1
    opposites = {"left": "right", "above": "below", "closer": "farther"}
    pairs = [(counts[s, c, i, w], counts[s, c, i, opposites[w]]) for s, c, i, w in list(counts) if w in opposites]
    assert sum(map(sum, pairs)) > 40 and all(abs(a - b) <= 2 for a, b in pairs)


def test_each_candidate_wins_and_loses_as_often():
    record = build_record(toy_room(1), LIMITS)
    wins = Counter()
    rows = list(task_rows(TASKS["distance_infer_center_oo"], "select", record, LIMITS, 80, ("t", "1", 0), Counter()))
    for row in rows:
        near, far = sorted(zip(row["answer_exact"], (o["object_id"] for o in row["objects"][1:])))
        wins["closer" in row["question"], near[1]] += 1
        wins["closer" in row["question"], far[1]] -= 1
    assert len(rows) >= 8 and all(abs(difference) <= 1 for difference in wins.values())
