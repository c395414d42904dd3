"""Correctness of yes/no answers: the definition in exact numbers, ties, intervals, and the `evaluate` module."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared.intervals import wilson
from metrics.correctness._core import correctness, sigmoid
from metrics.correctness.correctness import Correctness

ROOT = Path(__file__).resolve().parents[2]
margins = st.floats(-1e4, 1e4)
words = st.sampled_from(["Yes", "No", "yes", " NO "])
answers = st.lists(st.tuples(margins, words), min_size=1, max_size=30)


def is_yes(word):
    return word.strip().lower() == "yes"


@given(answers)
def test_scores_follow_the_definition(rows):
    def softmax_of_gold(margin, gold_is_yes):
        logits = {True: margin / 2, False: -margin / 2}
        top = max(logits.values())
        return math.exp(logits[gold_is_yes] - top) / sum(math.exp(value - top) for value in logits.values())

    result = correctness(*zip(*rows), return_items=True)
    scores = [softmax_of_gold(margin, is_yes(word)) for margin, word in rows]
    assert [item["score"] for item in result["items"]] == pytest.approx(scores)
    assert result["v"] == pytest.approx(np.mean(scores))
    assert result["low"] <= result["v"] <= result["high"] and 0 <= result["v"] <= 1
    assert result["accuracy_low"] <= result["accuracy"] <= result["accuracy_high"]


@given(answers, st.randoms(use_true_random=False))
def test_order_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = correctness(*zip(*rows)), correctness(*zip(*shuffled))
    for key in ("v", "accuracy", "yes_rate", "n", "n_ties"):
        assert one[key] == pytest.approx(other[key])


@given(answers)
def test_asking_the_opposite_question_changes_only_the_yes_rate(rows):
    """Every margin negated and every gold swapped: the same right answers, by the other word."""
    opposite = [(-margin, "No" if is_yes(word) else "Yes") for margin, word in rows]
    one, other = correctness(*zip(*rows)), correctness(*zip(*opposite))
    assert (one["v"], one["accuracy"]) == (other["v"], other["accuracy"])
    assert one["yes_rate"] == pytest.approx(1 - other["yes_rate"])


@given(margins)
def test_a_constant_answer_is_at_chance_on_balanced_items(margin):
    assert correctness([margin] * 4, ["Yes", "No", "No", "Yes"])["v"] == pytest.approx(0.5, abs=1e-15)


def test_huge_margins_neither_overflow_nor_lose_small_probabilities(recwarn):
    result = correctness([-750.0, 1e300, np.inf, -np.inf], ["No", "Yes", "Yes", "Yes"], return_items=True)
    assert [item["score"] for item in result["items"]] == [1, 1, 1, 0]
    assert sigmoid(-100.0) == pytest.approx(math.exp(-100), rel=1e-12)
    assert correctness([100.0], ["No"])["v"] == pytest.approx(math.exp(-100), rel=1e-12)  # 1 - p would give 0
    assert not recwarn


def test_a_margin_of_zero_counts_half():
    result = correctness([0.0, 0.0, 1.0, -1.0], ["Yes", "No", "Yes", "Yes"])
    assert (result["accuracy"], result["yes_rate"], result["n_ties"]) == (0.5, 0.5, 2)


def test_accuracy_of_independent_items_has_a_wilson_interval():
    result = correctness([1.0] * 31 + [-1.0] * 98, ["yes"] * 129)
    assert (result["accuracy_low"], result["accuracy_high"], result["accuracy_interval"]) == (
        *wilson(31, 129),
        "wilson",
    )
    assert (round(result["accuracy_low"], 3), round(result["accuracy_high"], 3)) == (0.175, 0.321)  # as published


@pytest.mark.parametrize("group_count", [8, 40])
def test_intervals_cover_the_truth(group_count):
    """Logit-normal items with group effects: 200 sets, and the true mean by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    truth = float(sigmoid(0.5 + math.sqrt(2) * nodes) @ weights / weights.sum())
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        groups = np.repeat(np.arange(group_count), rng.integers(1, 9, group_count))
        values = 0.5 + rng.normal(size=group_count)[groups] + rng.normal(size=len(groups))
        result = correctness(values, ["Yes"] * len(values), groups=groups.tolist())
        assert result["low"] <= result["v"] <= result["high"]
        covered += result["low"] <= truth <= result["high"]
    assert covered >= 180


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [1.0, None], "references": ["Yes", "No"]}, "predictions: item 1 is None"),
        ({"predictions": [float("nan")], "references": ["Yes"]}, "predictions: item 0 is nan"),
        ({"predictions": ["high"], "references": ["Yes"]}, "expected one margin"),
        ({"predictions": [[1.0, 2.0]], "references": ["Yes"]}, "one margin"),
        ({"predictions": [1.0, 1.0], "references": ["Yes", "maybe"]}, "references: item 1 is 'maybe'"),
        ({"predictions": [1.0], "references": [None]}, "references: item 0 is None"),
        ({"predictions": [1.0], "references": [True]}, "references: item 0 is True"),
        ({"predictions": [1.0], "references": []}, "one per reference"),
        ({"predictions": [1.0], "references": ["Yes"], "groups": [None]}, "item 0 has no group"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        correctness(**arguments)


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return Correctness(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_gives_what_the_function_gives(module):
    values, golds = [0.1, -3.0, 2, 0], ["Yes", "no", " NO", "yes"]
    for options in ({}, {"groups": ["a", "a", "b", "c"]}, {"confidence": 0.5, "seed": 3}):
        expected = correctness(values, golds, return_items=True, **options)
        assert module.compute(predictions=values, references=golds, return_items=True, **options) == expected
    assert module.compute(predictions=np.array(values), references=golds) == correctness(values, golds)
    assert module.compute(predictions=["0.1", -3.0, 2, 0], references=golds) == correctness(values, golds)


def test_module_refuses_none(module):
    for values in ([None, 1.0], [1.0, None]):
        with pytest.raises(ValueError, match=f"item {values.index(None)} is"):
            module.compute(predictions=values, references=["Yes", "No"])
    with pytest.raises(ValueError, match="references: item 0 is None"):
        module.compute(predictions=[1.0], references=[None])


def test_module_without_items(module, recwarn):
    result = module.compute(predictions=[], references=[])
    assert all(math.isnan(result[key]) for key in ("v", "accuracy", "yes_rate", "low", "high"))
    assert (result["n"], result["interval"], result["reasons"]["v"]) == (0, "none", "no items")
    assert not recwarn


def test_readme_examples(module):
    path = ROOT / "metrics/correctness/README.md"
    readme = doctest.testfile(str(path), module_relative=False, globs={"correctness": module})
    assert readme.attempted == 6 and not readme.failed
