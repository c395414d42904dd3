"""The mean of task means and its interval, against brute force and against the interval of a single mean."""

import numpy as np
import pytest
from scipy.stats import t

from metrics._shared.intervals import mean_interval
from metrics.spar_score._averages import mean_of_task_means


def sample(scenes: int, seed: int = 0) -> tuple[np.ndarray, list[str], list[int]]:
    """Scores of three tasks of different difficulty and size; scenes differ too."""
    rng = np.random.default_rng(seed)
    ease = rng.uniform(-0.3, 0.3, scenes)
    rows = [(task, s) for s in range(scenes) for task, n in (("a", 4), ("b", 2), ("c", 1)) for _ in range(n)]
    level = {"a": 0.3, "b": 0.5, "c": 0.7}
    scores = np.array([float(rng.random() < level[task] + ease[s]) for task, s in rows])
    return scores, [task for task, _ in rows], [scene for _, scene in rows]


def test_every_task_counts_alike():
    scores, tasks, scenes = sample(40)
    means = [scores[[name == task for name in tasks]].mean() for task in "abc"]
    assert mean_of_task_means(scores, tasks, scenes)[0] == pytest.approx(sum(means) / 3)


def test_many_scenes_give_the_percentiles_of_redrawn_scenes():
    scores, tasks, scenes = sample(40)
    rng = np.random.default_rng(9)
    per_scene = [[(name, x) for name, x, s in zip(tasks, scores, scenes) if s == scene] for scene in range(40)]
    means = []
    for _ in range(1500):
        pooled = [item for scene in rng.integers(0, 40, 40) for item in per_scene[scene]]
        means.append(np.mean([np.mean([x for name, x in pooled if name == task]) for task in "abc"]))
    _, interval = mean_of_task_means(scores, tasks, scenes)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.02)
    assert (interval.method, interval.n, interval.n_groups) == ("cluster_bootstrap", 280, 40)


@pytest.mark.parametrize("scenes", [1, 2, 7, 19])
def test_one_task_has_the_interval_of_its_metric(scenes: int):
    scores, _, groups = sample(scenes, seed=scenes)
    value, interval = mean_of_task_means(scores, ["a"] * len(scores), groups)
    expected = mean_interval(scores, groups)
    assert value == pytest.approx(scores.mean())
    assert interval[:2] == pytest.approx(expected[:2])
    assert interval[2:] == expected[2:]
    assert interval.method.endswith("_few_groups")


def test_few_scenes_give_a_t_interval_no_narrower_than_the_jackknife():
    scores, tasks, scenes = sample(15)
    left_out = []
    for scene in range(15):
        kept = [i for i, s in enumerate(scenes) if s != scene]
        left_out.append(np.mean([np.mean([scores[i] for i in kept if tasks[i] == task]) for task in "abc"]))
    error = np.sqrt(14 / 15 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    value, interval = mean_of_task_means(scores, tasks, scenes)
    low, high = value + error * t.ppf([0.025, 0.975], 14)
    assert low - 0.05 < interval.low < low + 1e-9 and high - 1e-9 < interval.high < high + 0.05


@pytest.mark.parametrize("scenes", [5, 15, 25])
def test_intervals_cover_where_one_scene_outweighs_the_others(scenes: int):
    rng = np.random.default_rng(scenes)
    sizes = np.array([100] + [3] * (scenes - 1))
    groups, covered = np.repeat(np.arange(scenes), sizes), 0
    for _ in range(100):
        ease = rng.beta(0.5 / 0.3 - 0.5, 0.5 / 0.3 - 0.5, scenes)
        scores = (rng.random(sizes.sum()) < ease[groups]).astype(float)
        tasks = ["ab"[i % 2] for i in range(len(scores))]
        interval = mean_of_task_means(scores, tasks, groups.tolist(), resamples=200)[1]
        covered += interval.low <= 0.5 <= interval.high
    assert covered >= 88


def test_asking_a_scene_twice_as_much_narrows_nothing():
    scores, tasks, scenes = sample(12)
    once = mean_of_task_means(scores, tasks, scenes)[1]
    twice = mean_of_task_means(np.tile(scores, 2), tasks * 2, scenes * 2)[1]
    assert twice[:2] == pytest.approx(once[:2])


def test_a_task_that_only_one_scene_has_does_not_break_the_bootstrap():
    scores, tasks, scenes = sample(25)
    _, interval = mean_of_task_means([*scores, 1.0], [*tasks, "rare"], [*scenes, 0])
    assert interval.low is not None and interval.high is not None
    assert 0 <= interval.low < interval.high <= 1
