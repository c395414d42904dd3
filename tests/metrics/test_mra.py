"""Mean relative accuracy: exact thresholds, the published worked examples, and the `evaluate` module around them."""

import doctest
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metrics
from metrics._shared import number_answers, relative_accuracy
from metrics.mra import _core
from metrics.mra._core import mra, mra_scores
from metrics.mra.mra import MRA

ROOT = Path(__file__).resolve().parents[2]

# answer, views, gold -> score of SPAR, score of VLMEvalKit, ours (None: not part of the published table)
WORKED_EXAMPLES = [
    ("2.0", "single", 2.0, 1.0, 1.0, 1.0),
    ("1.9", "single", 2.0, 1.0, 1.0, 1.0),
    ("2.2", "single", 2.0, 0.9, 0.9, 0.9),
    ("About 1.5 m", "single", 2.0, 0.6, 0.6, 0.6),
    ("3.0", "single", 2.0, 0.1, 0.1, 0.1),
    ("2.1", "single", 1.5, 0.2, 0.2, 0.3),
    ("0.6", "single", 0.8, 0.5, 0.5, 0.6),
    ("red 1.5 ... blue 2.0", "single", 2.0, 0.6, 1.0, 0.0),
    ("red 1.5 ... blue 2.0", "multi", 2.0, 1.0, 1.0, 0.0),
    ("-1.9", "single", 2.0, 1.0, 0.0, 0.0),
    ("two", "single", 2.0, 0.0, 1.0, 1.0),
    ("no idea", "single", 2.0, 0.0, 0.0, 0.0),
    ("two", "multi", 2.0, 0.0, 1.0, 1.0),
    ("no idea", "multi", 2.0, 0.0, 0.0, 0.0),
    ("0.3", "single", 0.0, 0.5, 0.5, 0.5),
    ("2 meters (object 50)", "multi", 2.0, 0.0, 0.0, 1.0),
    ("1,200", "single", 1.2, 0.7, 0.0, 0.0),
    (".9", "single", 0.9, 0.0, 1.0, 1.0),
    ("2 m in Frame-4", "multi", 4.0, 1.0, 0.0, 0.1),
    ("", "single", 2.0, 0.0, 0.0, 0.0),
]


def oracle(prediction: str, gold: str) -> Fraction:
    """The definition, threshold by threshold, in rational numbers."""
    p, g = Fraction(prediction), Fraction(gold)
    error = abs(p - g) / (abs(g) or 1)
    return Fraction(sum(error <= 1 - Fraction(50 + 5 * k, 100) for k in range(10)), 10)


@pytest.mark.parametrize("text, views, gold, spar, vlmevalkit, ours", WORKED_EXAMPLES)
def test_worked_examples(text, views, gold, spar, vlmevalkit, ours):
    multi_view = views == "multi"
    for compat in ("spar", "lmms-eval"):
        assert mra([text], [gold], compat=compat, multi_view=multi_view)["mra"] == pytest.approx(spar)
    assert mra([text], [gold], compat="vlmevalkit", multi_view=multi_view)["mra"] == pytest.approx(vlmevalkit)
    assert mra([text], [gold])["mra"] == pytest.approx(ours)


def test_spar_stands_minus_one_in_for_a_multi_view_text_but_not_for_none():
    result = mra(["no idea", None], [-1.0, -1.0], compat="spar", multi_view=True, return_items=True)
    assert [item["score"] for item in result["items"]] == [1.0, 0.0] and result["n_unparsed"] == 2


decimals = st.builds(lambda n, places: f"{n / 10**places:.{places}f}", st.integers(-5000, 5000), st.integers(0, 4))


@given(decimals, decimals, decimals)
def test_score_never_rises_with_the_error(prediction, other, gold):
    near, far = sorted((float(prediction), float(other)), key=lambda p: abs(Fraction(repr(p)) - Fraction(gold)))
    scores = mra_scores([near, far], [float(gold)] * 2)
    assert 1 >= scores[0] >= scores[1] >= 0


@given(decimals, decimals)
def test_scores_follow_the_definition_exactly(prediction, gold):
    assert mra_scores([float(prediction)], [float(gold)])[0] == float(oracle(prediction, gold))


@given(st.integers(1, 10**6), st.integers(0, 10), st.sampled_from([-1, 1]), st.integers(-1, 1), st.integers(0, 9))
def test_errors_on_a_threshold_are_hits_and_just_beyond_are_not(gold, step, side, beyond, places):
    """Golds with up to 6 digits and predictions whose error lies on, 1e-13 inside or 1e-13 outside a threshold."""
    g = Fraction(gold, 10**places)
    p = g * (1 + side * (Fraction(step, 20) + Fraction(beyond, 10**13)))
    prediction, reference = float(p), float(g)
    assert mra_scores([prediction], [reference])[0] == float(oracle(repr(prediction), repr(reference)))


def test_one_decimal_pairs_agree_with_the_oracle_where_floats_do_not():
    tenths = np.arange(1, 41)
    p, g = (axis.ravel() for axis in np.meshgrid(tenths, tenths))
    exact = np.array([float(oracle(f"{a}/10", f"{b}/10")) for a, b in zip(p, g)])
    assert np.array_equal(mra_scores(p / 10, g / 10), exact)
    released = relative_accuracy.float_scores(p / 10, g / 10)
    assert ((exact - released) > -1e-9).all() and ((exact - released) > 0.05).sum() > 20


def test_score_is_unchanged_by_sign_and_scale():
    p, g = np.array([1.4, 2.1, 0.8]), np.array([2.0, 1.5, 0.8])
    assert np.array_equal(mra_scores(p, g), mra_scores(-p, -g))
    assert np.array_equal(mra_scores(p, g), mra_scores(100 * p, 100 * g))


def test_extreme_numbers_score_without_warnings(recwarn):
    scores = mra_scores([np.inf, np.nan, 1e308, -1e308, 5e-324, 0.0, 0.0], [1.0, 1.0, 1e-308, 1e308, 5e-324, 0.0, 2.0])
    assert scores.tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert not recwarn


def test_units_are_converted_only_on_request():
    assert mra(["190 cm"], [1.9])["mra"] == 0
    assert mra(["190 cm", "1.9", "19 dm"], [1.9] * 3, unit="m")["mra"] == 1
    assert mra(["190 cm", "45 degrees"], [1.9, 45.0], unit=["m", "deg"])["mra"] == 1


def test_groups_widen_the_interval_and_few_are_flagged():
    predictions, references = ["2.0", "no idea"] * 60, [2.0] * 120
    free = mra(predictions, references)
    pairs = mra(predictions, references, groups=[f"scene{i // 40}" for i in range(120)])
    assert free["interval"] == "wilson" and pairs["interval"].endswith("few_groups") and pairs["n_groups"] == 3
    assert pairs["high"] - pairs["low"] > free["high"] - free["low"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [1.0], "references": [None]}, "references: item 0 is None"),
        ({"predictions": [1.0], "references": [float("nan")]}, "references: item 0 is nan"),
        ({"predictions": [1.0], "references": [1.0, 2.0]}, "one per reference"),
        ({"predictions": [1.0], "references": [1.0], "compat": "other"}, "'spar', 'lmms-eval' or 'vlmevalkit'"),
        ({"predictions": [1.0], "references": [1.0], "groups": []}, "one group per item"),
        ({"predictions": [1.0], "references": [1.0], "unit": ["m", "m"]}, "unit: expected one value"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        mra(**arguments)


def test_a_hundred_thousand_errors_on_a_threshold_all_count_as_within_it():
    golds = np.random.default_rng(0).integers(1, 10_000, 100_000) / 20
    assert mra(golds * 1.25, golds)["mra"] == pytest.approx(0.6)


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return MRA(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_gives_what_the_function_gives(module):
    texts, golds = [text for text, *_ in WORKED_EXAMPLES], [row[2] for row in WORKED_EXAMPLES]
    views = [row[1] == "multi" for row in WORKED_EXAMPLES]
    for options in ({}, {"compat": "spar", "multi_view": views}, {"compat": "vlmevalkit"}, {"groups": golds}):
        expected = mra(texts, golds, return_items=True, **options)
        assert module.compute(predictions=texts, references=golds, return_items=True, **options) == expected


def test_module_takes_numbers_texts_and_none_in_any_order(module):
    result = module.compute(
        predictions=[None, 1.9, "1.9 m", np.float32(1.9), 2, float("nan")], references=[2.0] * 6, return_items=True
    )
    assert [item["score"] for item in result["items"]] == [0, 1, 1, 1, 1, 0]
    assert (result["n"], result["n_unparsed"]) == (6, 2)
    assert module.compute(predictions=np.array([2.1]), references=np.array([1.5]))["mra"] == 0.3
    assert module.compute(predictions=["2.0"], references=["2.0"])["mra"] == 1  # golds as published: text
    for compat in ("spar", "vlmevalkit"):
        assert module.compute(predictions=[None, 2.0], references=[2.0, 2.0], compat=compat)["mra"] == 0.5


def test_module_gathers_batches(module):
    module.add(prediction=None, reference=2.0)
    module.add_batch(predictions=["2.0", "3.0"], references=[2.0, 2.0])
    assert module.compute()["mra"] == pytest.approx(1.1 / 3)


def test_module_without_items(module, recwarn):
    result = module.compute(predictions=[], references=[])
    assert all(math.isnan(result.pop(name)) for name in ("mra", "low", "high"))
    assert result == {"n": 0, "n_unparsed": 0, "interval": "none", "n_groups": 0, "reason": "no items"}
    assert not recwarn


def test_unknown_metric_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no metric named 'nra'.*choice_accuracy, .*mra, "):
        metrics.load("nra")


@pytest.mark.parametrize("source", [_core, number_answers, relative_accuracy], ids=lambda source: source.__name__)
def test_docstring_examples(source):
    result = doctest.testmod(source)
    assert result.attempted and not result.failed


def test_readme_table_is_true():
    rows = [line.strip("|").split("|") for line in (ROOT / "metrics/mra/README.md").read_text().splitlines()]
    rows = [[cell.strip() for cell in row] for row in rows if len(row) == 6 and row[0].strip().startswith("`")]
    assert len(rows) == 11
    for text, views, gold, ours, spar, vlmevalkit in rows:
        for compat, stated in ((None, ours), ("spar", spar), ("vlmevalkit", vlmevalkit)):
            result = mra([text.strip("`")], [float(gold)], compat=compat, multi_view=views == "multi")
            assert result["mra"] == pytest.approx(float(stated.split()[0])), (text, compat)
