"""Coverage of clustered intervals where groups differ in size and scores lean to one side."""

import numpy as np
import pytest

from metrics._shared.intervals import mean_interval


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
