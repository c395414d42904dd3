"""How wide an honest interval is: closed forms, symmetries, and coverage of a known truth."""

import math

import numpy as np
import pytest
from scipy import stats

from metrics._shared import intervals
from metrics._shared.intervals import mean_interval, student_quantile, wilson


@pytest.mark.parametrize("successes, n, confidence", [(0, 5, 0.95), (8, 10, 0.95), (30, 30, 0.99), (123, 400, 0.9)])
def test_wilson_bounds_solve_the_score_equation(successes, n, confidence):
    """The bounds are the p at which |successes / n - p| is z standard errors of p: a quadratic in p."""
    z2 = stats.norm.ppf(0.5 + confidence / 2) ** 2
    share = successes / n
    roots = sorted(np.roots([1 + z2 / n, -(2 * share + z2 / n), share**2]).real)
    assert wilson(successes, n, confidence) == pytest.approx(roots, abs=1e-9)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 18, 19, 30])
@pytest.mark.parametrize("probability", [0.6, 0.95, 0.975, 0.995])
def test_student_quantile_agrees_with_scipy(degrees, probability):
    assert student_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-9)


def test_independent_zero_one_items_get_wilson():
    interval = mean_interval([1, 0, 1, 1])
    assert (interval.low, interval.high) == wilson(3, 4) and interval.method == "wilson"


def test_no_items_give_no_bounds_and_no_warning(recwarn):
    for groups in (None, []):
        assert mean_interval([], groups) == (None, None, "none", 0, 0)
    assert not recwarn


def test_few_items_get_the_textbook_t_interval():
    scores = np.array([0.1, 0.4, 0.5, 0.9, 0.3])
    low, high = stats.t.interval(0.95, 4, loc=scores.mean(), scale=stats.sem(scores))
    interval = mean_interval(scores)
    assert interval[:3] == (pytest.approx(low), pytest.approx(high), "student")


def test_fewer_than_twenty_groups_are_flagged():
    scores, groups = [0, 1] * 30, [i // 4 for i in range(60)]
    assert mean_interval([1, 1, 0, *scores[3:]], groups).method == "cluster_student_few_groups"
    assert mean_interval([1, 1, 0, *scores[3:]], [i // 3 for i in range(60)]).method == "cluster_bootstrap"
    assert mean_interval(scores, groups).method == "cluster_wilson_bound_few_groups"
    assert mean_interval([1, 1], ["a", "a"]).method == "cluster_wilson_bound_few_groups"


def test_scores_without_spread_still_get_a_width():
    interval = mean_interval([0.5] * 100, list(range(100)))
    assert (interval.low, interval.high) == pytest.approx(wilson(50, 100))
    assert mean_interval([1.0]).low == pytest.approx(wilson(1, 1)[0])


def test_bootstrap_matches_the_normal_limit_and_its_seed():
    rng = np.random.default_rng(0)
    scores = rng.random(3000)
    interval = mean_interval(scores, seed=3)
    reach = 1.96 * scores.std() / math.sqrt(3000)
    assert interval.method == "bootstrap"
    assert (interval.low, interval.high) == pytest.approx((scores.mean() - reach, scores.mean() + reach), abs=1e-3)
    assert interval == mean_interval(scores, seed=3) != mean_interval(scores, seed=4)


def test_both_ways_to_resample_agree(monkeypatch):
    rng = np.random.default_rng(1)
    scores, groups = rng.integers(0, 11, 600) / 10, (np.arange(600) // 6).tolist()
    counted = mean_interval(scores, groups, resamples=8000)
    monkeypatch.setattr(intervals, "_WIDEST_MULTINOMIAL", 0)
    drawn = mean_interval(scores, groups, resamples=8000)
    assert counted[:2] == pytest.approx(drawn[:2], abs=4e-3)


def test_items_repeated_within_groups_add_no_certainty():
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 2, 60).astype(float)
    once = mean_interval(scores, list(range(60)))
    often = mean_interval(np.repeat(scores, 10), np.repeat(np.arange(60), 10).tolist())
    assert once[:3] == (*wilson(scores.sum(), 60), "wilson")  # one item per group: nothing is shared
    assert often[:2] == pytest.approx(once[:2], abs=0.02) and often.method == "cluster_bootstrap"
    naive = mean_interval(np.repeat(scores, 10))
    assert often.high - often.low > 2 * (naive.high - naive.low)


@pytest.mark.parametrize("group_count", [6, 12, 30])
def test_clustered_intervals_cover_the_truth(group_count):
    """Groups with their own success rate (beta distributed): about 95 % of the intervals hold the true mean."""
    rng = np.random.default_rng(group_count)
    covered = 0
    for _ in range(300):
        sizes = rng.integers(2, 12, group_count)
        scores = np.concatenate([rng.binomial(1, rng.beta(3, 2), size) for size in sizes])
        interval = mean_interval(scores, np.repeat(np.arange(group_count), sizes).tolist(), resamples=400)
        covered += interval.low <= 0.6 <= interval.high
    assert 0.9 <= covered / 300 <= 0.995


@pytest.mark.parametrize(
    "values, groups, message",
    [
        ([0.5, 1.5], None, "between 0 and 1"),
        ([float("nan")], None, "between 0 and 1"),
        ([1, 0], ["a"], "one group per"),
    ],
)
def test_bad_scores_and_groups_are_named(values, groups, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values, groups)
    with pytest.raises(ValueError, match="item 1 has no group"):
        mean_interval([1, 0], ["a", None])


@pytest.mark.parametrize("truth", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("design", ["moderate", "extreme"])
@pytest.mark.parametrize("units", [5, 10, 19, 30])
def test_intervals_cover_the_truth_whatever_the_sizes(units, design, truth):
    """200 sets of 0/1 scores with intraclass correlation 0.3; extreme: a tenth of the groups have 50 times as many."""
    rng = np.random.default_rng([units, round(100 * truth)])
    spread = (1 - 0.3) / 0.3
    covered = 0
    for _ in range(200):
        sizes = rng.integers(2, 21, units) if design == "moderate" else np.where(np.arange(units) * 10 < units, 200, 4)
        index = np.repeat(np.arange(units), sizes)
        rates = rng.beta(truth * spread, (1 - truth) * spread, units)
        scores = (rng.random(len(index)) < rates[index]).astype(float)
        interval = mean_interval(scores, index.tolist(), resamples=200)
        assert interval.low <= scores.mean() <= interval.high
        covered += interval.low <= truth <= interval.high
    assert covered >= 180
