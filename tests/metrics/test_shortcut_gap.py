"""Shortcut gap: the published table, symmetries, a published interval, coverage, and the `evaluate` module."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metrics.shortcut_gap._core import shortcut_gap
from metrics.shortcut_gap._difference import difference_interval
from metrics.shortcut_gap.shortcut_gap import ShortcutGap

ROOT = Path(__file__).resolve().parents[2]
CONS, CTR, AMB = "consistent", "counter", "ambiguous"
SWAPPED = {CONS: CTR, CTR: CONS, AMB: AMB}
rows = st.lists(st.tuples(st.floats(0, 1), st.sampled_from([CONS, CTR, AMB]), st.integers(0, 4)), max_size=40)


def same(one, other):
    return one == pytest.approx(other, nan_ok=True, abs=1e-12)


@given(rows)
def test_scores_follow_the_definition_and_the_estimate_lies_inside(items):
    scores, tags, groups = map(list, zip(*items)) if items else ([], [], [])
    for names in (None, groups):
        result = shortcut_gap(scores, tags, groups=names, resamples=50)
        cons = [score for score, tag in zip(scores, tags) if tag == CONS]
        ctr = [score for score, tag in zip(scores, tags) if tag == CTR]
        assert (result["n_cons"], result["n_ctr"], result["n_ambiguous"]) == (len(cons), len(ctr), tags.count(AMB))
        if cons and ctr:
            assert same(result["delta"], np.mean(cons) - np.mean(ctr)) and not result["reasons"]
            assert -1 <= result["low"] <= result["delta"] <= result["high"] <= 1
        else:
            assert math.isnan(result["delta"]) and math.isnan(result["low"]) and result["interval"] == "none"
            assert "no " in result["reasons"]["delta"] and not result["informative"]


@given(rows, st.randoms(use_true_random=False))
def test_order_does_not_matter(items, random):
    assume(items)
    results = []
    for chosen in (items, random.sample(items, len(items))):
        scores, tags, groups = zip(*chosen)
        results.append(shortcut_gap(scores, tags, groups=groups, resamples=50))
    one, other = results
    for key in ("v", "v_cons", "v_ctr", "delta", "n_cons", "n_ctr", "n_ambiguous", "interval", "n_groups"):
        assert one[key] == other[key] if isinstance(one[key], str) else same(one[key], other[key])


@given(rows)
def test_swapping_the_tags_negates_delta(items):
    scores, tags = [row[0] for row in items], [row[1] for row in items]
    one, other = shortcut_gap(scores, tags), shortcut_gap(scores, [SWAPPED[tag] for tag in tags])
    assert same(one["delta"], -other["delta"]) and same(one["v"], other["v"])
    if one["interval"] != "bootstrap":
        assert same((one["low"], one["high"]), (-other["high"], -other["low"]))


def test_swapping_the_tags_mirrors_the_bootstrap_up_to_its_noise():
    rng = np.random.default_rng(0)
    scores, tags = rng.random(600), [CONS, CTR] * 300
    one, other = shortcut_gap(scores, tags), shortcut_gap(scores, [SWAPPED[tag] for tag in tags])
    assert one["interval"] == "bootstrap" and one["low"] == pytest.approx(-other["high"], abs=0.006)
    reach = 1.96 * math.sqrt(2 / 12 / 300)  # normal limit of a difference of two uniform means
    assert one["high"] - one["low"] == pytest.approx(2 * reach, rel=0.08)


@pytest.mark.parametrize(
    "v_cons, v_ctr, delta",
    [(0.565, 0.487, 0.078), (0.703, 0.630, 0.073), (0.776, 0.360, 0.416), (0.948, 0.880, 0.068)],
)
def test_rows_of_the_published_table(v_cons, v_ctr, delta):
    result = shortcut_gap([v_cons] * 3 + [v_ctr] * 2, [CONS] * 3 + [CTR] * 2)
    assert round(result["delta"], 3) == delta


def test_independent_zero_one_items_get_newcombes_interval():
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 in Newcombe 1998, table II, method 10."""
    scores, first = np.array([1.0] * 56 + [0] * 14 + [1] * 48 + [0] * 32), np.arange(150) < 70
    for groups in (None, list(range(150))):
        interval = difference_interval(scores, first, groups)
        assert (round(interval.low, 4), round(interval.high, 4), interval.method) == (0.0524, 0.3339, "newcombe")


def test_two_small_samples_get_welchs_standard_error():
    scores, first = np.array([0.1, 0.5, 0.9, 0.2, 0.3, 0.7, 0.4]), np.arange(7) < 3
    error = math.sqrt(scores[:3].var(ddof=1) / 3 + scores[3:].var(ddof=1) / 4)
    interval = difference_interval(scores, first)
    assert interval.method == "student"
    assert interval.high - (scores[:3].mean() - scores[3:].mean()) == pytest.approx(
        min(4.302653 * error, 1 - (scores[:3].mean() - scores[3:].mean())), rel=1e-6
    )


def test_classes_paired_in_scenes_share_their_noise():
    """Scenes shift both classes alike: with groups the interval is that of the differences within scenes."""
    rng = np.random.default_rng(1)
    shift = rng.uniform(-0.3, 0.3, 60)
    scores = np.concatenate([0.6 + shift, 0.5 + shift]) + rng.normal(0, 0.01, 120)
    tags, scenes = [CONS] * 60 + [CTR] * 60, list(range(60)) * 2
    paired, free = shortcut_gap(scores, tags, groups=scenes), shortcut_gap(scores, tags)
    assert paired["interval"] == "cluster_bootstrap" and paired["n_groups"] == 60
    assert paired["high"] - paired["low"] < 0.2 * (free["high"] - free["low"])


def test_items_repeated_within_groups_add_no_certainty():
    rng = np.random.default_rng(2)
    scores, tags = rng.random(80), [CONS, CTR] * 40
    once = shortcut_gap(scores, tags, groups=list(range(80)))
    often = shortcut_gap(np.repeat(scores, 9), np.repeat(tags, 9), groups=np.repeat(np.arange(80), 9))
    assert often["high"] - often["low"] == pytest.approx(once["high"] - once["low"], rel=0.05)


@pytest.mark.parametrize("groups", [None, [0, 0, 0, 1, 1, 1]])
def test_classes_without_spread_still_get_a_width(groups):
    result = shortcut_gap([1, 1, 1, 0.3, 0.3, 0.3], [CONS] * 3 + [CTR] * 3, groups=groups)
    assert "newcombe_bound" in result["interval"] and result["high"] - result["low"] > 0.5


def simulated(rng, *, groups, per_group, counter_groups=None, binary=True, shared=False):
    """Scores around 0.8 (consistent) and 0.6 (counter) with group effects; delta is 0.2."""
    if shared:
        names = np.repeat(np.arange(groups), per_group)
        tags = np.where(rng.random(len(names)) < 0.5, CONS, CTR)
    else:
        names = np.repeat(np.arange(groups + (counter_groups or groups)), per_group)
        tags = np.where(names < groups, CONS, CTR)
    mean = np.where(tags == CONS, 0.8, 0.6)
    chance = mean + (0.4 * (rng.beta(2, 2, names.max() + 1) - 0.5)[names] if per_group > 1 else 0)
    scores = (rng.random(len(names)) < chance).astype(float) if binary else rng.beta(6 * chance, 6 * (1 - chance))
    return scores, tags, None if per_group == 1 else names.tolist()


@pytest.mark.parametrize(
    "design, method",
    [
        ({"groups": 60, "per_group": 1}, "newcombe"),
        ({"groups": 100, "per_group": 1, "counter_groups": 10}, "newcombe"),
        ({"groups": 40, "per_group": 1, "counter_groups": 25, "binary": False}, "bootstrap"),
        ({"groups": 40, "per_group": 1, "counter_groups": 8, "binary": False}, "student"),
        ({"groups": 30, "per_group": 6, "shared": True}, "cluster_bootstrap"),
        ({"groups": 30, "per_group": 6}, "cluster_bootstrap"),
        ({"groups": 30, "per_group": 6, "counter_groups": 6}, "cluster_student_few_groups"),
        ({"groups": 8, "per_group": 6, "shared": True}, "cluster_student_few_groups"),
    ],
)
def test_intervals_cover_the_truth(design, method):
    rng = np.random.default_rng(0)
    covered, methods = 0, []
    for _ in range(200):
        scores, tags, groups = simulated(rng, **design)
        result = shortcut_gap(scores, tags, groups=groups, resamples=400)
        assert result["low"] <= result["delta"] <= result["high"]
        covered += result["low"] <= 0.2 <= result["high"]
        methods.append(result["interval"])
    assert covered >= 180 and methods.count(method) >= 190


def test_a_model_at_chance_is_uninformative_and_a_pure_shortcut_is_not():
    rng = np.random.default_rng(3)
    tags = [CONS, CTR] * 200
    cons = np.array([tag == CONS for tag in tags])
    guessing = shortcut_gap(rng.integers(0, 2, 400), tags)
    shortcut = shortcut_gap(np.where(cons, 0.8, 0.2) + rng.normal(0, 0.05, 400), tags)
    robust = shortcut_gap(np.clip(0.9 + rng.normal(0, 0.05, 400), 0, 1), tags)
    assert [r["near_chance"] for r in (guessing, shortcut, robust)] == [True, True, False]
    assert [r["informative"] for r in (guessing, shortcut, robust)] == [False, True, True]


def test_chance_and_its_margin_are_arguments():
    tags = [CONS, CTR] * 200
    quarter = np.tile([1.0, 1, 0, 0, 0, 0, 0, 0], 50)
    assert shortcut_gap(quarter, tags)["informative"] and not shortcut_gap(quarter, tags, chance=0.25)["informative"]
    unsure = 0.51 + 0.001 * np.tile([1, 1, -1, -1], 100)
    assert (
        shortcut_gap(unsure, tags)["informative"] and not shortcut_gap(unsure, tags, chance_margin=0.02)["informative"]
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [0.5, None], "references": [CONS, CTR]}, "predictions: item 1 is None"),
        ({"predictions": [float("nan")], "references": [CONS]}, "predictions: item 0 is nan"),
        ({"predictions": [1.5], "references": [CONS]}, "predictions: item 0 is 1.5; expected a score between 0 and 1"),
        ({"predictions": [[0.5, 0.5]], "references": [CONS]}, "expected one score per item"),
        ({"predictions": ["good"], "references": [CONS]}, "expected one score per item"),
        ({"predictions": [0.5, 0.5], "references": [CONS, "neutral"]}, "references: item 1 is 'neutral'"),
        ({"predictions": [0.5], "references": [None]}, "references: item 0 is None"),
        ({"predictions": [0.5], "references": []}, "one per reference"),
        ({"predictions": [0.5], "references": [CONS], "groups": []}, "one group per item"),
        ({"predictions": [0.5], "references": [AMB], "groups": [None]}, "item 0 has no group"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        shortcut_gap(**arguments)


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return ShortcutGap(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_gives_what_the_function_gives(module):
    scores, tags = [0.1, 1, 0.35, 0, 0.9], [CONS, CTR, CTR, AMB, "Consistent"]
    for options in ({}, {"groups": ["a", "a", "b", "c", "d"]}, {"chance": 0.25, "confidence": 0.5}):
        assert module.compute(predictions=scores, references=tags, **options) == shortcut_gap(scores, tags, **options)


def test_module_without_items(module, recwarn):
    result = module.compute(predictions=[], references=[])
    assert math.isnan(result["delta"]) and not result["informative"] and result["n"] == 0
    assert result["reasons"]["delta"] == "no consistent items and no counter items"
    assert not recwarn


def test_module_refuses_none(module):
    for scores in ([None, 1.0], [1.0, None]):
        with pytest.raises(ValueError, match=f"item {scores.index(None)} is"):
            module.compute(predictions=scores, references=[CONS, CTR])


def test_readme_examples(module):
    path = ROOT / "metrics/shortcut_gap/README.md"
    readme = doctest.testfile(str(path), module_relative=False, globs={"shortcut_gap": module})
    assert readme.attempted == 11 and not readme.failed
