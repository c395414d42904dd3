"""Axis coherence: closed form against the double loop, symmetries, the null, coverage, and the `evaluate` module."""

import doctest
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ortho_group

from metrics._shared.vectors import AXES, CATEGORIES
from metrics.axis_coherence._core import axis_coherence
from metrics.axis_coherence.axis_coherence import AxisCoherence

ROOT = Path(__file__).resolve().parents[2]
KEYS = [f"coh_{axis}" for axis in AXES]
numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
problems = st.integers(0, 14).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 3), elements=numbers), st.lists(st.sampled_from(CATEGORIES), min_size=n, max_size=n)
    )
)


def plain(vectors, categories, **options):
    return axis_coherence(vectors, categories, permutations=0, **options)


def double_loop(vectors, categories, axis):
    canonical, opposite = AXES[axis]
    signed = [
        vector if name == canonical else -vector
        for vector, name in zip(vectors, categories)
        if name in (canonical, opposite) and vector.any()
    ]
    pairs = list(itertools.combinations(signed, 2))
    cosines = [float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)) for a, b in pairs]
    return math.fsum(cosines) / len(pairs) if pairs else math.nan


@given(problems)
def test_closed_form_equals_the_double_loop(problem):
    vectors, categories = problem
    result = plain(vectors, categories)
    for axis in AXES:
        coherence, n = result[f"coh_{axis}"], result[f"n_{axis}"]
        assert coherence == pytest.approx(double_loop(vectors, categories, axis), abs=1e-12, nan_ok=True)
        assert (n < 2) == math.isnan(coherence) == (f"coh_{axis}" in result["reasons"])
        if n > 1:
            assert -1 / (n - 1) <= coherence <= 1
        if not math.isnan(result[f"coh_{axis}_low"]):
            assert result[f"coh_{axis}_low"] <= coherence <= result[f"coh_{axis}_high"]
    assert result["n_zero"] == sum(not vector.any() for vector in vectors)
    assert sum(result["counts"].values()) + result["n_zero"] == result["n"] == len(vectors)


@given(problems, st.randoms(use_true_random=False))
def test_order_rotation_and_lengths_do_not_matter(problem, random):
    vectors, categories = problem
    expected = [plain(vectors, categories)[key] for key in KEYS]
    order = random.sample(range(len(vectors)), len(vectors))
    rotation = ortho_group.rvs(3, random_state=random.randrange(1000))
    lengths = np.array([10.0 ** random.uniform(-6, 6) for _ in vectors])[:, None]
    for changed, names in (
        (vectors[order], [categories[i] for i in order]),
        (vectors @ rotation, categories),
        (vectors * lengths, categories),
    ):
        result = plain(changed, names)
        assert [result[key] for key in KEYS] == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("axis", AXES)
def test_identical_vectors_and_opposites_after_sign_correction_give_one(axis):
    canonical, opposite = AXES[axis]
    vector = np.array([0.3, -1.7, 2.9])
    assert plain([vector] * 7, [canonical] * 7)[f"coh_{axis}"] == pytest.approx(1, abs=1e-15)
    assert plain([vector, -2 * vector, 5 * vector], [canonical, opposite, canonical])[f"coh_{axis}"] == 1
    assert plain([vector, vector], [canonical, opposite])[f"coh_{axis}"] == -1


def test_other_wordings_of_below():
    vectors = [[1, 0], [-1, 0.2], [-1, 0.1], [-1, 0.3]]
    one = plain(vectors, ["above", "below", "below", "below"])
    np.testing.assert_equal(plain(vectors, ["above", "Under", " beneath", "below"]), one)


def test_numbers_of_any_size_and_type():
    rng = np.random.default_rng(0)
    vectors, categories = rng.normal(size=(60, 8)), ["far", "close", "left"] * 20
    expected = plain(vectors, categories)
    for factor in (1e300, 1e-300):
        result = plain(vectors * factor, categories)
        assert [result[key] for key in KEYS] == pytest.approx([expected[key] for key in KEYS], nan_ok=True)
    single = plain(vectors.astype(np.float32), categories)["coh_distance"]
    assert single == pytest.approx(expected["coh_distance"], abs=1e-7)


def test_float32_vectors_are_summed_in_double_precision():
    """300 unit vectors that cancel: single precision would be off in the eighth digit."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(300, 512)).astype(np.float32)
    vectors -= vectors.mean(axis=0)
    exact = double_loop(vectors.astype(np.float64), ["far"] * 300, "distance")
    assert plain(vectors, ["far"] * 300)["coh_distance"] == pytest.approx(exact, abs=1e-14)


def jackknife_by_hand(vectors, categories, groups):
    """Bias-corrected value and standard error, leaving out one group after another."""
    names = sorted(set(groups))
    rest = []
    for name in names:
        kept = [i for i, group in enumerate(groups) if group != name]
        rest.append(double_loop(vectors[kept], [categories[i] for i in kept], "distance"))
    count, mean = len(names), np.mean(rest)
    whole = double_loop(vectors, categories, "distance")
    error = math.sqrt((count - 1) / count * sum((value - mean) ** 2 for value in rest))
    return count * whole - (count - 1) * mean, error


def test_interval_is_the_jackknife_over_groups():
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(15, 3)) + [1, 0, 0]
    categories = ["far"] * 15
    groups = [0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5]
    centre, error = jackknife_by_hand(vectors, categories, groups)
    result = plain(vectors, categories, groups=[f"scene{group}" for group in groups])
    assert result["coh_distance_high"] == pytest.approx(min(1, centre + 2.570582 * error), rel=1e-6)
    assert result["coh_distance_low"] == pytest.approx(max(-1 / 14, centre - 2.570582 * error), rel=1e-6)
    assert result["coh_distance_interval"] == "cluster_jackknife_few_groups" and result["n_groups_distance"] == 6


@pytest.mark.parametrize("groups", [None, ["a", "a"]])
def test_too_few_to_leave_one_out_has_no_interval_but_a_coherence(groups):
    result = plain([[1, 0], [0, 1]], ["far", "far"], groups=groups)
    assert result["coh_distance"] == 0 and math.isnan(result["coh_distance_low"])
    assert result["coh_distance_interval"] == "none" and "too few" in result["reasons"]["coh_distance_low"]


def directed(rng, n, dimension, strength, group_count=None, share=0.4):
    """Unit noise, partly common to a group, plus ``strength`` along one axis; labels at random."""

    def sphere(count):
        noise = rng.normal(size=(count, dimension))
        return noise / np.linalg.norm(noise, axis=1)[:, None]

    noise, groups = sphere(n), None
    if group_count:
        groups = rng.integers(0, group_count, n)
        noise = math.sqrt(1 - share) * noise + math.sqrt(share) * sphere(group_count)[groups]
    noise[:, 0] += strength
    far = rng.random(n) < 0.5
    vectors = np.where(far, 1, -1)[:, None] * noise
    return vectors, np.where(far, "far", "close").tolist(), groups


@pytest.mark.parametrize(
    "n, dimension, strength, group_count",
    [
        (60, 16, 0.5, None),
        (60, 64, 0.2, None),
        (40, 64, 0.0, None),
        (12, 16, 0.5, None),
        (120, 32, 0.4, 30),
        (60, 32, 0.4, 10),
        (200, 64, 0.0, 40),
    ],
)
def test_intervals_cover_the_truth(n, dimension, strength, group_count):
    """The truth is the coherence of vectors that share no group, from 50,000 of them."""
    truth = 0.0
    if strength:
        many = 50_000
        sample = directed(np.random.default_rng(1), many, dimension, strength, many if group_count else None)
        truth = plain(sample[0], sample[1])["coh_distance"]
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        vectors, categories, groups = directed(rng, n, dimension, strength, group_count)
        result = plain(vectors, categories, groups=groups)
        assert result["coh_distance_low"] <= result["coh_distance"] <= result["coh_distance_high"]
        covered += result["coh_distance_low"] <= truth <= result["coh_distance_high"]
    assert covered >= 180


# ---------------------------------------------------------------- the permutation null


@pytest.mark.parametrize("group_count", [None, 40])
def test_p_values_are_uniform_where_labels_say_nothing(group_count):
    """With groups of shared noise and one label each, moving single labels would give p below 0.05 far too often."""
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(200):
        n = 40 if group_count is None else 160
        groups = np.arange(n) if group_count is None else np.arange(n) // 4
        vectors = rng.normal(size=(groups.max() + 1, 6))[groups] + 0.5 * rng.normal(size=(n, 6))
        vectors[:, 0] += 2  # a direction that every swap has, whatever its label
        far = (rng.random(groups.max() + 1) < 0.4)[groups]
        names = np.where(far, "far", "close")
        result = axis_coherence(vectors, names, groups=groups, permutations=99, seed=int(rng.integers(1 << 30)))
        p_values.append(result["coh_distance_p"])
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.10 and 0.4 <= np.mean(p_values) <= 0.6


def test_a_weak_direction_is_found_and_the_seed_decides_the_draws():
    vectors, categories, _ = directed(np.random.default_rng(4), 200, 64, 0.25)
    result = axis_coherence(vectors, categories)
    assert (
        result["coh_distance"] < 0.1 and result["coh_distance_p"] == 0.001 and abs(result["coh_distance_null"]) < 0.005
    )
    again, other = (axis_coherence(vectors, categories, seed=seed)["coh_distance_null"] for seed in (0, 1))
    assert again == result["coh_distance_null"] != other


def test_null_is_exact_for_a_case_that_can_be_counted():
    """far, far, close along one line: of the three ways to place the close label, one is as coherent as the given."""
    result = axis_coherence([[1.0], [1.0], [-1.0]], ["far", "far", "close"], permutations=6000)
    assert result["coh_distance"] == 1 and result["coh_distance_p"] == pytest.approx(1 / 3, abs=0.02)
    assert result["coh_distance_null"] == pytest.approx((1 - 1 / 3 - 1 / 3) / 3, abs=0.02)


def test_nothing_to_permute_is_said():
    one_half = axis_coherence([[1, 0], [1, 1]], ["far", "far"])
    assert math.isnan(one_half["coh_distance_p"]) and one_half["reasons"]["coh_distance_p"] == "no close vectors"
    sizes = axis_coherence([[1, 0], [1, 1], [0, 1]], ["far", "close", "close"], groups=["a", "b", "b"])
    assert math.isnan(sizes["coh_distance_p"]) and "no two groups of one size" in sizes["reasons"]["coh_distance_p"]


# ---------------------------------------------------------------- input, and the evaluate module


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [[1, 0], [1]], "references": ["far"] * 2}, "predictions: item 1 has 1 numbers; expected 2"),
        ({"predictions": [[1, 0], None], "references": ["far"] * 2}, "predictions: item 1 has 0 numbers"),
        (
            {"predictions": [1.0, 2.0], "references": ["far"] * 2},
            "predictions: item 0 has 0 numbers; expected a vector",
        ),
        ({"predictions": [[1, None]], "references": ["far"]}, "predictions: item 0 holds NaN, None"),
        ({"predictions": [[1, 0], [0, np.inf]], "references": ["far"] * 2}, "predictions: item 1 holds NaN, None"),
        ({"predictions": np.zeros((1, 2, 2)), "references": ["far"]}, r"expected vectors of shape \(N, d\)"),
        (
            {"predictions": [[1, 0]], "references": ["near"]},
            "references: item 0 is 'near'; expected one of left, right",
        ),
        ({"predictions": [[1, 0]], "references": [None]}, "references: item 0 is None"),
        ({"predictions": [[1, 0]], "references": []}, "one per reference"),
        ({"predictions": [[1, 0]], "references": ["far"], "groups": []}, "one group per item"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        axis_coherence(**arguments)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return AxisCoherence(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_gives_what_the_function_gives(module):
    rng = np.random.default_rng(5)
    vectors, categories = rng.normal(size=(30, 5)), ["far", "close", "under", "left", "right"] * 6
    vectors[4] = 0
    for options in ({}, {"groups": (np.arange(30) // 3).tolist()}, {"permutations": 0, "confidence": 0.5}):
        expected = axis_coherence(vectors, categories, **options)
        np.testing.assert_equal(
            module.compute(predictions=vectors.tolist(), references=categories, **options), expected
        )
    np.testing.assert_equal(
        module.compute(predictions=vectors, references=categories), axis_coherence(vectors, categories)
    )
    whole = np.array([[1, 0], [2, 1], [-1, 0]])
    np.testing.assert_equal(
        module.compute(predictions=whole.tolist(), references=["far", "far", "close"]),
        axis_coherence(whole, ["far", "far", "close"]),
    )


def test_module_gathers_batches_and_refuses_none(module):
    module.add(prediction=[1.0, 0.0], reference="far")
    module.add_batch(predictions=[[-1.0, 0.0], [1.0, 0.0]], references=["close", "far"])
    assert module.compute()["coh_distance"] == 1
    with pytest.raises(ValueError, match="predictions: item 1"):
        module.compute(predictions=[[1.0, 0.0], [None, 1.0]], references=["far", "far"])


def test_module_without_items(module, recwarn):
    result = module.compute(predictions=[], references=[])
    assert all(math.isnan(result[key]) for key in KEYS) and result["n"] == 0
    assert not recwarn


def test_readme_examples(module):
    path = ROOT / "metrics/axis_coherence/README.md"
    readme = doctest.testfile(str(path), module_relative=False, globs={"axis_coherence": module})
    assert readme.attempted == 14 and not readme.failed
