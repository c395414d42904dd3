"""Planted truth is measured, and the layer is chosen as the rule says."""

import numpy as np
import pytest

from metrics.vd_ei._vectors import AXES
from recipes.probe.across import rank_interval, relation
from recipes.probe.layers import LayerRule, choose_layer
from recipes.probe.measures import measure, principal_components
from tests.recipes.probe.planted import Planted, planted


def measured(truth: Planted, **changed):
    deltas = truth.swapped - truth.original
    return measure(deltas, truth.categories, [str(n) for n in range(len(deltas))], **{"permutations": 199} | changed)


@pytest.mark.parametrize("entanglement", [0.0, 0.3, 0.6, 1.0])
def test_planted_coherence_and_entanglement_are_found(entanglement: float):
    truth = planted(entanglement, seed=int(10 * entanglement))
    found = measured(truth)
    for axis in AXES:
        figure = found.figures[f"coh_{axis}"]
        assert figure.value == pytest.approx(truth.coherence[axis], abs=0.02)
        assert figure.p == 1 / 200 and abs(figure.null) < 0.02
    for key in ("vd_ei", "vd_ei_pooled"):
        assert found.figures[key].corrected == pytest.approx(truth.corrected, abs=0.06)
    assert found.figures["vd_ei"].value == pytest.approx(truth.vd_ei, abs=0.05)


def test_height_taken_for_depth_gives_one_and_separate_axes_give_zero():
    assert measured(planted(1.0, noise=1.0)).figures["vd_ei"].value > 0.99
    assert abs(measured(planted(0.0, noise=1.0)).figures["vd_ei"].value) < 0.02


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    hits = [figure.low <= truth.coherence[axis] <= figure.high for seed in range(20)
            for truth in [planted(0.5, per_category=30, width=64, seed=seed)]
            for axis in AXES for figure in [measured(truth, permutations=0).figures[f"coh_{axis}"]]]
    assert 0.85 <= np.mean(hits) <= 1


def test_what_cannot_be_used_is_left_out_and_counted():
    truth = planted(0.5, per_category=20)
    clean = measured(truth)
    deltas = truth.swapped - truth.original
    deltas = np.concatenate([deltas, deltas[:3] * [[np.nan], [np.inf], [0.0]], deltas[4:5], -deltas[6:7]])
    names = [*truth.categories, *truth.categories[:3], truth.categories[4], truth.categories[6]]
    found = measure(deltas, names, [str(n) for n in range(len(deltas))], permutations=0)
    assert (found.n_not_finite, found.n_zero, found.n_duplicate) == (2, 1, 2)
    assert found.figures["coh_vertical"].value == clean.figures["coh_vertical"].value
    assert clean.n_duplicate == 0


def test_a_category_without_pairs_leaves_its_figures_undefined_with_the_reason():
    truth = planted(0.5, per_category=20)
    kept = [n for n, name in enumerate(truth.categories) if name not in ("far", "close")]
    found = measure((truth.swapped - truth.original)[kept], [truth.categories[n] for n in kept],
                    [str(n) for n in kept], permutations=0)
    assert np.isnan(found.figures["vd_ei"].value) and "far, close" in found.figures["vd_ei"].reason
    assert found.figures["coh_distance"].reason == "fewer than two vectors"
    assert found.figures["coh_vertical"].value > 0


def test_principal_components_keep_distances():
    points = np.random.default_rng(0).normal(size=(30, 3)) @ np.random.default_rng(1).normal(size=(3, 50))
    coordinates, shares = principal_components(points)
    gaps = [np.linalg.norm(held[:, None] - held[None], axis=-1) for held in (points, coordinates)]
    assert np.allclose(*gaps) and shares.sum() == pytest.approx(1) and (np.diff(shares) <= 0).all()
    assert principal_components(points[:1])[0].tolist() == [[0, 0, 0]]


# ---------------------------------------------------------------- which layer


def curve(peak: float, height: float = 0.5) -> np.ndarray:
    return height * np.exp(-((np.arange(36) - peak) / 8) ** 2)


def test_the_layer_is_the_one_whose_weakest_axis_is_strongest():
    """Peaks at 20, 22 and 30: by hand, the product of the rule's parts."""
    coherence = {"horizontal": curve(20), "vertical": curve(22, 0.9), "distance": curve(30, 0.1)}
    choice = choose_layer(range(36), 36, coherence, np.zeros(36), LayerRule())
    share = {axis: values / values.max() for axis, values in coherence.items()}
    weakest = np.minimum.reduce(list(share.values()))
    assert choice is not None and choice.layer == weakest.argmax() == 25
    near = [n for n in range(34) if any(values[n] >= 0.85 for values in share.values())]
    assert [held.layer for held in choice.candidates] == sorted(near, key=lambda n: -weakest[n])[:3]
    assert choice.last == 33 and choice.by_peak


def test_the_last_layers_are_never_chosen_and_of_equals_the_deeper_is():
    rising = {"horizontal": np.arange(1.0, 101)}
    assert choose_layer(range(100), 100, rising, np.zeros(100), LayerRule()).layer == 93
    assert choose_layer(range(8), 8, {"vertical": np.ones(8)}, np.zeros(8), LayerRule()).layer == 7
    late = choose_layer(range(100), 100, {"horizontal": np.eye(100)[99]}, np.zeros(100), LayerRule())
    assert late.layer == 93 and not late.by_peak


def test_axes_without_coherence_have_no_say():
    coherence = {"horizontal": curve(12), "distance": np.full(36, np.nan), "vertical": np.full(36, -0.1)}
    assert choose_layer(range(36), 36, coherence, np.zeros(36), LayerRule()).layer == 12
    assert choose_layer(range(36), 36, {"distance": np.full(36, np.nan)}, np.zeros(36), LayerRule()) is None


# ---------------------------------------------------------------- across models


def test_rank_correlation_and_its_interval():
    """The published table 5 against EmbSpatial counter accuracy, whose rho is known: 0.662."""
    from recipes.published import Published

    tables = Published()
    coherence, accuracy = tables.table("coherence"), tables.table("real_split_accuracy")
    x = {name: coherence.value(name, "coh_d") for name in coherence.rows}
    y = {name: accuracy.value(name, "embspatial_counter") for name in accuracy.rows}
    found = relation("", "", "", x, y)
    assert len(found.points) == 16 and found.rho == pytest.approx(0.662, abs=5e-4)
    low, high = found.interval
    assert low < 0.25 and high > 0.85  # a bootstrap over models gives 0.22 to 0.87


def test_few_models_give_no_certainty():
    few = relation("", "", "", {"a": 1, "b": 2}, {"a": 3, "b": 4})
    assert few.rho is None and few.interval is None
    assert rank_interval(1.0, 3) is None
    low, high = rank_interval(1.0, 5)
    assert low < 0.99 < high < 1
