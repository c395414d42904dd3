"""VD-EI: the two formulas against plain means and each other, symmetries, coverage, and the `evaluate` module."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ortho_group

from metrics._shared.vectors import CATEGORIES
from metrics.vd_ei._core import corrected_products, four_term, vd_ei
from metrics.vd_ei.vd_ei import VdEi

ROOT = Path(__file__).resolve().parents[2]
FOUR = ["above", "below", "far", "close"]
KEYS = ["vd_ei", "vd_ei_pooled"]
numbers = st.integers(-1000, 1000).map(lambda x: x / 8)
problems = st.integers(0, 14).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 3), elements=numbers), st.lists(st.sampled_from(CATEGORIES), min_size=n, max_size=n)
    )
)


def cosine(a, b):
    length = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    return float(a @ b) / length if length > 1e-9 else math.nan


def plainly(vectors, categories):
    """Both scores and the matrix from explicit means, zero vectors dropped."""
    names = np.array(categories, dtype=object)
    used = vectors.any(axis=1)
    means = {
        name: vectors[used & (names == name)].mean(axis=0) if (used & (names == name)).any() else np.full(3, np.nan)
        for name in CATEGORIES
    }
    above, below, far, close = (means[name] for name in FOUR)
    four = (cosine(above, far) + cosine(below, close) - cosine(above, close) - cosine(below, far)) / 4
    signed = vectors * np.where(np.isin(names, ["below", "close"]), -1, 1)[:, None]
    halves = [signed[used & np.isin(names, pair)] for pair in (FOUR[:2], FOUR[2:])]
    pooled = cosine(halves[0].mean(axis=0), halves[1].mean(axis=0)) if all(map(len, halves)) else math.nan
    return four, pooled, [[cosine(means[a], means[b]) for b in CATEGORIES] for a in CATEGORIES]


@given(problems)
def test_scores_follow_the_definitions(problem):
    vectors, categories = problem
    result = vd_ei(vectors, categories)
    four, pooled, matrix = plainly(vectors, categories)
    assert result["vd_ei"] == pytest.approx(four, abs=1e-9, nan_ok=True)
    assert result["vd_ei_pooled"] == pytest.approx(pooled, abs=1e-6, nan_ok=True)
    np.testing.assert_allclose(result["similarity"], matrix, atol=1e-9)
    for key, low, high in (("vd_ei", "low", "high"), ("vd_ei_pooled", "vd_ei_pooled_low", "vd_ei_pooled_high")):
        assert math.isnan(result[key]) == (key in result["reasons"])
        if not math.isnan(result[low]):
            assert -1 <= result[low] <= result[key] <= result[high] <= 1
        else:
            assert low in result["reasons"]
    assert result["n_zero"] == sum(not vector.any() for vector in vectors)


@given(problems, st.randoms(use_true_random=False), st.floats(1e-100, 1e100))
def test_order_rotation_and_a_common_scale_do_not_matter(problem, random, scale):
    vectors, categories = problem
    expected = vd_ei(vectors, categories)
    order = random.sample(range(len(vectors)), len(vectors))
    rotation = ortho_group.rvs(3, random_state=random.randrange(1000))
    for changed, names in (
        (vectors[order], [categories[i] for i in order]),
        (vectors @ rotation, categories),
        (vectors * scale, categories),
    ):
        result = vd_ei(changed, names)
        for key in KEYS:
            assert result[key] == pytest.approx(expected[key], abs=1e-6, nan_ok=True)


@given(problems)
def test_naming_far_close_and_close_far_negates_both(problem):
    vectors, categories = problem
    swapped = [{"far": "close", "close": "far"}.get(name, name) for name in categories]
    one, other = vd_ei(vectors, categories), vd_ei(vectors, swapped)
    for key in KEYS:
        assert one[key] == pytest.approx(-other[key], abs=1e-9, nan_ok=True)


def test_single_lengths_matter_because_means_are_raw():
    vectors = np.array([[1.0, 0], [0, 1.0], [-1, 0], [1, 0], [-1, 0]])
    names = ["above", "above", "below", "far", "close"]
    assert vd_ei(vectors, names)["vd_ei"] == pytest.approx((1 + 1 / math.sqrt(2)) / 2)
    longer = vectors * [[9], [1], [1], [1], [1]]
    assert vd_ei(longer, names)["vd_ei"] > vd_ei(vectors, names)["vd_ei"] + 0.1


# cos(above, far), (below, close), (above, close), (below, far), (above, below), (far, close)
@pytest.mark.parametrize("cosines", [(0.4, 0.45, -0.42, -0.38, -0.98, -0.9), (0.1, 0.12, -0.1, -0.15, -0.99, -0.82)])
def test_equal_norm_relation_of_the_two_variants(cosines):
    af, bc, ac, bf, ab, fc = cosines
    gram = np.array([[1, ab, af, ac], [ab, 1, bf, bc], [af, bf, 1, fc], [ac, bc, fc, 1]])
    vectors = np.linalg.cholesky(gram + 1e-12 * np.eye(4))
    result = vd_ei(vectors, FOUR)
    four = (af + bc - ac - bf) / 4
    assert result["vd_ei"] == pytest.approx(four, abs=1e-9)
    assert result["vd_ei_pooled"] == pytest.approx(four / math.sqrt((1 - ab) / 2 * (1 - fc) / 2), abs=1e-9)


def test_entangled_separate_and_reversed():
    up, far = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    for direction, expected in ((up, 1), (far, 0), (-up, -1)):
        result = vd_ei([up, -up, direction, -direction], FOUR)
        assert (result["vd_ei"], result["vd_ei_pooled"]) == (expected, expected)


def test_what_is_missing_is_nan_and_the_rest_is_given():
    vectors = np.array([[1.0, 0.2], [-1, 0], [0.5, 1], [-1, -1]])
    result = vd_ei(vectors[[0, 2, 3]], ["above", "far", "close"])
    assert math.isnan(result["vd_ei"]) and result["reasons"]["vd_ei"] == "no vectors of below"
    assert result["vd_ei_pooled"] == pytest.approx(cosine(vectors[0], vectors[2] - vectors[3]))
    assert result["similarity"][4][5] == pytest.approx(cosine(vectors[2], vectors[3]))
    assert all(math.isnan(value) for value in result["similarity"][3])
    only_vertical = vd_ei(vectors[:2], ["above", "below"])
    assert math.isnan(only_vertical["vd_ei_pooled"]) and not math.isnan(only_vertical["similarity"][2][3])
    assert "far, close" in only_vertical["reasons"]["vd_ei_pooled"]


def test_means_that_cancel_have_no_direction():
    result = vd_ei([[1, 0], [-1, 0], [0, 1], [1, 0], [-1, 0]], ["above", "above", "below", "far", "close"])
    assert math.isnan(result["vd_ei"]) and result["reasons"]["vd_ei"] == "the mean of above is zero"
    assert result["vd_ei_pooled"] == 0
    equal = vd_ei([[0.1, 0.3], [0.1, 0.3], [1, 0], [-1, 0]], FOUR)
    assert math.isnan(equal["vd_ei_pooled"]) and equal["reasons"]["vd_ei_pooled"] == "a pooled mean is zero"


# ---------------------------------------------------------------- intervals


def corrected_by_hand(vectors, categories, groups):
    """(6, 6) mean inner product over pairs of vectors of different groups, times the number of pairs."""
    products = np.zeros((6, 6))
    for a in range(6):
        for b in range(6):
            rows, columns = np.flatnonzero(categories == a), np.flatnonzero(categories == b)
            pairs = [vectors[i] @ vectors[j] for i in rows for j in columns if groups[i] != groups[j]]
            if len(rows) and len(columns):
                products[a, b] = np.mean(pairs) * len(rows) * len(columns) if pairs else np.nan
    return products


def test_corrected_products_average_over_pairs_of_different_groups():
    rng = np.random.default_rng(0)
    vectors, categories = rng.normal(size=(40, 5)), rng.integers(1, 6, 40)
    groups = np.unique(rng.integers(0, 9, 40), return_inverse=True)[1]
    whole, without = corrected_products(vectors, categories, groups)
    np.testing.assert_allclose(whole, corrected_by_hand(vectors, categories, groups), atol=1e-10)
    for group, products in enumerate(without):
        kept = groups != group
        by_hand = corrected_by_hand(vectors[kept], categories[kept], groups[kept])
        np.testing.assert_allclose(products, by_hand, atol=1e-10)


def entangled(rng, n, dimension, entanglement, noise, group_count=None):
    """n vectors a category around +-up and +-far, whose cosine is ``entanglement``; noise partly common to a group."""
    up, far = np.eye(dimension)[0], np.eye(dimension)[1]
    far = entanglement * up + math.sqrt(1 - entanglement**2) * far
    vectors = np.repeat([up, -up, far, -far], n, axis=0)
    vectors += noise * rng.normal(size=vectors.shape) / math.sqrt(dimension)
    groups = None
    if group_count:
        groups = rng.integers(0, group_count, 4 * n)
        vectors += 0.6 * noise * rng.normal(size=(group_count, dimension))[groups] / math.sqrt(dimension)
    return vectors, np.repeat(FOUR, n).tolist(), groups


@pytest.mark.parametrize(
    "n, dimension, entanglement, noise, group_count",
    [
        (30, 32, 0.5, 2, None),
        (30, 64, 0.5, 4, None),
        (10, 32, 0.3, 1, None),
        (50, 64, 0.9, 2, None),
        (50, 64, 0.0, 3, None),
        (40, 32, 0.4, 2, 30),
        (40, 32, 0.4, 2, 10),
    ],
)
def test_intervals_cover_the_truth(n, dimension, entanglement, noise, group_count):
    """Both scores of the true means are ``entanglement``."""
    rng = np.random.default_rng(0)
    covered = np.zeros(2)
    for _ in range(200):
        vectors, categories, groups = entangled(rng, n, dimension, entanglement, noise, group_count)
        result = vd_ei(vectors, categories, groups=groups)
        for number, (key, prefix) in enumerate((("vd_ei", ""), ("vd_ei_pooled", "vd_ei_pooled_"))):
            low, high = result[f"{prefix}low"], result[f"{prefix}high"]
            assert low <= result[key] <= high
            covered[number] += low <= entanglement <= high
    assert (covered >= 180).all(), covered


def test_correction_removes_the_pull_towards_zero():
    rng = np.random.default_rng(1)
    sets = [vd_ei(*entangled(rng, 40, 128, 0.6, 4)[:2]) for _ in range(60)]
    assert np.mean([result["vd_ei"] for result in sets]) < 0.5
    for key in ("vd_ei_corrected", "vd_ei_pooled_corrected"):
        assert np.mean([result[key] for result in sets]) == pytest.approx(0.6, abs=0.03)


def test_groups_decide_the_width_and_few_are_flagged():
    rng = np.random.default_rng(2)
    vectors, categories, _ = entangled(rng, 25, 16, 0.5, 1)
    once = vd_ei(vectors, categories)
    often = vd_ei(np.repeat(vectors, 4, axis=0), np.repeat(categories, 4), groups=np.repeat(np.arange(100), 4))
    assert (often["low"], often["high"]) == pytest.approx((once["low"], once["high"]), abs=1e-9)
    assert (once["interval"], often["interval"], often["n_groups"]) == ("jackknife", "cluster_jackknife", 100)
    few = vd_ei(vectors, categories, groups=np.arange(100) % 5)
    assert few["interval"] == "cluster_jackknife_few_groups"


def test_one_vector_per_category_has_scores_but_no_interval():
    result = vd_ei([[1, 0], [-1, 0], [1, 1], [-1, -1]], FOUR)
    assert result["vd_ei"] == pytest.approx(math.sqrt(0.5)) and math.isnan(result["low"])
    assert result["interval"] == "none" and "fewer than three groups" in result["reasons"]["low"]


def test_means_that_cannot_be_told_from_noise_leave_the_interval_open():
    vectors = np.random.default_rng(5).normal(size=(16, 200))
    result = vd_ei(vectors, FOUR * 4)
    assert (result["low"], result["high"], result["interval"]) == (-1, 1, "undetermined")
    assert abs(result["vd_ei"]) < 0.3 and math.isnan(result["vd_ei_corrected"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [[1, 0], [1]], "references": ["far"] * 2}, "predictions: item 1 has 1 numbers; expected 2"),
        ({"predictions": [[np.nan, 1]], "references": ["far"]}, "predictions: item 0 holds NaN"),
        ({"predictions": [[1, 0]], "references": ["up"]}, "references: item 0 is 'up'"),
        ({"predictions": [[1, 0]], "references": ["far", "close"]}, "one per reference"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        vd_ei(**arguments)


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return VdEi(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_gives_what_the_function_gives(module):
    vectors, categories, _ = entangled(np.random.default_rng(3), 5, 6, 0.5, 1)
    categories[:3] = ["left", "right", "under"]
    for options in ({}, {"groups": (np.arange(20) % 7).tolist()}, {"confidence": 0.5}):
        for given_vectors in (vectors, vectors.tolist()):
            result = module.compute(predictions=given_vectors, references=categories, **options)
            np.testing.assert_equal(result, vd_ei(vectors, categories, **options))


def test_module_without_items(module, recwarn):
    result = module.compute(predictions=[], references=[])
    assert math.isnan(result["vd_ei"]) and math.isnan(result["vd_ei_pooled"]) and result["n"] == 0
    assert np.isnan(result["similarity"]).shape == (6, 6)
    assert not recwarn


def test_readme_examples(module):
    path = ROOT / "metrics/vd_ei/README.md"
    readme = doctest.testfile(str(path), module_relative=False, globs={"vd_ei": module})
    assert readme.attempted == 7 and not readme.failed


def test_four_term_takes_stacks_of_matrices():
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(3, 6, 9))
    stacked = four_term(vectors @ vectors.transpose(0, 2, 1))
    assert stacked == pytest.approx([vd_ei(each, CATEGORIES)["vd_ei"] for each in vectors])
