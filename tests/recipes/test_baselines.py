"""Baselines score what theory says, in any order and however the work is cut."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pytest

from builders.errors import InputError
from recipes.answerers import make_answerer
from recipes.answerers.baselines import BASELINES, make_baseline
from recipes.scoring import score
from tests.recipes.made import make_row, mixed_rows

ROWS = mixed_rows(600, scenes=30)
TASKS = sorted({row["task"] for row in ROWS})


def exact_mra(answer: str, gold: str) -> float:
    """MRA in decimals, written anew."""
    error = abs(Decimal(answer) - Decimal(gold)) / Decimal(gold)
    return sum(error <= 1 - Decimal(50 + 5 * k) / 100 for k in range(10)) / 10


def measured(name: str, rows: list[dict], seed: int = 0) -> dict[str, float]:
    """Percent per task."""
    answers = make_baseline(name, ROWS, seed).answer(rows)
    scores = score(rows, {row["uid"]: a.answer for row, a in zip(rows, answers)})
    return {task: scores.metrics[task].value for task in TASKS}


def test_the_oracle_scores_exactly_100():
    scores = score(ROWS, {row["uid"]: a.answer for row, a in zip(ROWS, make_baseline("oracle", ROWS, 0).answer(ROWS))})
    assert {name: s.value for name, s in scores.metrics.items()} == dict.fromkeys(scores.metrics, 100.0)
    assert all(s.n_unparsed == 0 and s.high == 100.0 for s in scores.metrics.values())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_lies_within_its_sampling_error_of_theory(task: str, seed: int):
    rows = [row for row in ROWS if row["task"] == task]
    if rows[0]["options"]:
        chance = 1 / len(rows[0]["options"])
        theory, variance = chance, chance * (1 - chance)
    else:
        golds = [row["answer"] for row in rows]
        counts = Counter(golds)
        table = {(a, g): exact_mra(a, g) for a in counts for g in counts}
        theory = sum(table[a, g] * counts[a] * counts[g] for a, g in table) / len(golds) ** 2
        within = [np.average([table[a, g] ** 2 for a in counts], weights=list(counts.values()))
                  - np.average([table[a, g] for a in counts], weights=list(counts.values())) ** 2 for g in golds]
        variance = float(np.mean(within))
    assert np.mean(make_baseline("random", ROWS, seed).expected(rows)) == pytest.approx(theory)
    assert measured("random", ROWS, seed)[task] / 100 == pytest.approx(theory, abs=4 * (variance / len(rows)) ** 0.5)


@pytest.mark.parametrize("task", TASKS)
def test_frequency_scores_the_share_of_the_most_frequent_answer(task: str):
    golds = [row["answer"] for row in ROWS if row["task"] == task]
    most = max(Counter(golds).values())
    mode = min((g for g, n in Counter(golds).items() if n == most), key=lambda g: float(g) if "." in g else ord(g))
    right = [exact_mra(mode, g) if "." in g else float(g == mode) for g in golds]
    theory = make_baseline("frequency", ROWS, 0).expected([row for row in ROWS if row["task"] == task])
    assert measured("frequency", ROWS)[task] == pytest.approx(100 * np.mean(right)) == 100 * np.mean(theory)


def test_frequency_breaks_ties_towards_the_smallest_number():
    rows = [make_row("depth_prediction_oc", i, gold) for i, gold in enumerate(["10.2", "9.8", "10.2", "9.8", "12.0"])]
    assert make_baseline("frequency", rows, 0).answer(rows[:1])[0].answer == "9.8"


@pytest.mark.parametrize("name", BASELINES)
def test_answers_do_not_depend_on_order_or_batches(name: str):
    baseline = make_baseline(name, ROWS, 5)
    together = {row["uid"]: a.answer for row, a in zip(ROWS, baseline.answer(ROWS))}
    shuffled = [ROWS[i] for i in np.random.default_rng(0).permutation(len(ROWS))]
    alone = {row["uid"]: make_baseline(name, shuffled, 5).answer([row])[0].answer for row in shuffled[:50]}
    assert alone == {uid: together[uid] for uid in alone}


def test_random_uses_only_the_letters_a_question_has_and_all_of_them():
    rows = [row for row in ROWS if row["task"] == "distance_infer_center_oo"]
    letters = Counter(a.answer for a in make_baseline("random", ROWS, 0).answer(rows))
    assert set(letters) == {"A", "B"}
    assert abs(letters["A"] - letters["B"]) < 4 * len(rows) ** 0.5


def test_seeds_change_the_guesses():
    first, second = (make_baseline("random", ROWS, seed).answer(ROWS) for seed in (0, 1))
    assert [a.answer for a in first] != [a.answer for a in second]


@pytest.mark.parametrize("model", ["baseline:best", "server:somewhere", ""])
def test_other_models_are_refused_with_what_is_supported(model: str):
    with pytest.raises(InputError, match=r"oracle.*random.*frequency"):
        make_answerer(model, ROWS, 0)
