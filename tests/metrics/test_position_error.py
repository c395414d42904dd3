"""Position error: the published text form, counts of what is missing or made up, bins, clustered intervals."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.position_error._core import EDGES, position_error
from metrics.position_error._positions import as_text, read_positions
from metrics.position_error.position_error import PositionError

ROOT = Path(__file__).resolve().parents[2]

coordinates = st.floats(-20, 20).map(lambda value: round(value, 2))
layouts = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(coordinates, coordinates), min_size=1)


def random_rooms(seed, samples, objects=4, spread=1.0):
    """Golds up to 12 m away, and predictions off by a sample's own offset and noise."""
    rng = np.random.default_rng(seed)
    golds, answers = [], []
    for _ in range(samples):
        places = rng.uniform(-8.5, 8.5, (objects, 2))
        moved = places + rng.normal(0, spread, 2) + rng.normal(0, spread / 2, (objects, 2))
        golds.append({f"o{k}": tuple(place) for k, place in enumerate(places)})
        answers.append({f"o{k}": tuple(place) for k, place in enumerate(moved)})
    return answers, golds


@pytest.mark.parametrize(
    "text",
    [
        "Object1 :(0.4,1.2). Object2 :(-1.0,3.5).",
        "object 1: (0.4, 1.2)\nobject 2: (-1.0, 3.5)",
        "<think>Object1 :(9,9)</think>Object1 = [0.4; 1.2], Object2 = [\u22121.0; 3.5]",
        "I place them: <answer>**Object1** :(0.4 m, 1.2 m) and Object2 (-1, 3.5)</answer>",
        '{"Object1": [0.4, 1.2], "Object2": [-1.0, 3.5]}',
        '{"Object1": {"x": 0.4, "y": 1.2}, "Object2": {"x": -1.0, "y": 3.5}}',
        '<think>no</think>```json\n{"Object1": {"x": 0.4, "y": 1.2}, "Object2": {"x": -1.0, "y": 3.5}}\n```',
        "Object 1 is at (0.4, 1.2). The Object2 is located at (-1.0, 3.5).",
        "Object1: x=0.4, y=1.2; Object2: x = -1.0 m, y = 3.5 m",
        "Object1: (0.4 meters, 1.2 meters), Object2: (-1.0 metres; 3.5 metre)",
        "Object1: x=0.4 meters, y=1.2 meters; Object2: x=-1 m and y=3.5 m",
        '[{"name": "Object1", "x": 0.4, "y": 1.2}, {"name": "Object2", "x": -1.0, "y": 3.5}]',
    ],
)
def test_published_and_common_texts_are_read(text):
    assert read_positions(text).places == {"object1": (0.4, 1.2), "object2": (-1.0, 3.5)}


def test_reasoning_without_an_end_is_unparsed():
    result = position_error(["<think>Object1 :(1,2)", "a (1,1) a (2,2)"], [{"Object1": (1, 2)}, {"a": (1, 1)}])
    assert (result["n"], result["n_unparsed"], result["n_conflicting"]) == (0, 1, 1)


def test_names_of_the_reference_are_found_in_a_sentence():
    text = "I think that the red chair stands at about (1, 2) and then the lamp: (3, 4)"
    result = position_error([text], [{"red chair": (1, 2), "lamp": (3, 4)}])
    assert (result["ape"], result["n"], result["n_extra"]) == (0, 2, 0)


@given(layouts)
def test_every_form_says_the_same(layout):
    listed = [{"name": name, "x": x, "y": y} for name, (x, y) in layout.items()]
    text = " ".join(f"{name} :({x},{y})." for name, (x, y) in layout.items())
    for form in (layout, listed, text, as_text(layout), as_text(listed)):
        assert read_positions(form).places == layout


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text):
    assert all(math.isfinite(x + y) for x, y in read_positions(text).places.values())


def test_an_object_in_two_places_has_none():
    result = position_error(["a (1,1) a (1,1) b (1,1) b (2,2)"], [{"a": (1, 1), "b": (1, 1)}])
    assert (result["ape"], result["n"], result["n_missing"], result["n_conflicting"]) == (0, 1, 1, 1)


def test_missing_extra_and_unread_are_counted_and_charged_on_request():
    golds = [{"a": (3, 4), "b": (0, 1)}, {"a": (0, 2)}, {"a": (0, 3)}]
    answers = [{"a": (0, 0), "z": (1, 1), "y": (2, 2)}, "no idea", None]
    result = position_error(answers, golds)
    counts = {key: result[key] for key in ("n", "n_samples", "n_missing", "n_extra", "n_unparsed")}
    assert counts == {"n": 1, "n_samples": 3, "n_missing": 3, "n_extra": 2, "n_unparsed": 2}
    assert result["ape"] == 5
    charged = position_error(answers, golds, missing_error=1.0)
    assert (charged["ape"], charged["n"], charged["n_missing"]) == (2.0, 4, 3)


def test_scores_agree_with_a_loop():
    answers, golds = random_rooms(0, 60)
    result = position_error(answers, golds)
    errors = [math.dist(answer[name], gold[name]) for answer, gold in zip(answers, golds) for name in gold]
    distances = [math.hypot(*place) for gold in golds for place in gold.values()]
    assert result["ape"] == pytest.approx(sum(errors) / len(errors))
    assert (result["p50"], result["p90"]) == pytest.approx(np.percentile(errors, [50, 90]).tolist())
    for row, low, high in zip(result["bins"], (0, *EDGES), (*EDGES, math.inf)):
        inside = [error for error, far in zip(errors, distances) if low <= far < high]
        assert row["n"] == len(inside)
        if inside:
            assert row["ape"] == pytest.approx(sum(inside) / len(inside))
    pooled = sum(row["n"] * row["ape"] for row in result["bins"] if row["n"]) / result["n"]
    assert pooled == pytest.approx(result["ape"])


def test_bins_hold_their_lower_edge_and_are_named():
    result = position_error([{}], [{f"o{far}": (0, far) for far in (0, 0.99, 1, 2, 9.99, 10, 50)}])
    assert [(row["bin"], row["n_missing"]) for row in result["bins"]] == [
        ("0-1", 2), ("1-2", 1), ("2-3", 1), ("3-5", 0), ("5-7", 0), ("7-10", 1), (">10", 2)
    ]  # fmt: skip


@given(layouts, st.floats(0, 2 * math.pi), st.tuples(coordinates, coordinates))
def test_error_does_not_depend_on_the_frame(layout, angle, move):
    c, s = math.cos(angle), math.sin(angle)
    answer = {name: (x + 1.0, y - 0.5) for name, (x, y) in layout.items()}

    def seen(places):
        return {name: (c * x - s * y + move[0], s * x + c * y + move[1]) for name, (x, y) in places.items()}

    before, after = position_error([answer], [layout]), position_error([seen(answer)], [seen(layout)])
    assert before["ape"] == pytest.approx(math.hypot(1, 0.5)) == after["ape"]


def test_intervals_are_clustered_and_hold_the_estimate():
    answers, golds = random_rooms(1, 60)
    result = position_error(answers, golds)
    assert result["interval"] == "cluster_bootstrap" and result == position_error(answers, golds)
    for name, value in (("", "ape"), ("_p50", "p50"), ("_p90", "p90")):
        assert result[f"low{name}"] < result[value] < result[f"high{name}"]
    copied = position_error(answers * 5, golds * 5, groups=list(range(60)) * 5)
    assert (copied["low"], copied["high"]) == pytest.approx((result["low"], result["high"]))
    few = position_error(answers[:10], golds[:10])
    assert few["interval"] == "cluster_student_few_groups" and few["low"] < few["ape"] < few["high"]
    assert math.isnan(few["low_p50"])
    assert position_error(answers[:1], golds[:1])["interval"] == "none"


@pytest.mark.parametrize("samples", [8, 40])
def test_intervals_cover_the_truth(samples):
    """Truth: the mean over very many samples of the same kind. 200 sets, at least 90 % of the intervals hold it."""
    truth = position_error(*random_rooms(2, 20_000), resamples=2)["ape"]
    covered = 0
    for seed in range(200):
        result = position_error(*random_rooms(1000 + seed, samples), resamples=200)
        covered += result["low"] <= truth <= result["high"]
    assert covered >= 180


def test_nothing_placed_gives_nan_and_a_reason(recwarn):
    for answers, golds, reason in (([], [], "no samples"), ([None], [{"a": (0, 1)}], "no object")):
        result = position_error(answers, golds)
        assert math.isnan(result["ape"]) and math.isnan(result["low"]) and reason in result["reason"]
    assert not recwarn


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": [{}], "references": []}, "one per reference"),
        ({"predictions": [None], "references": [None]}, "item 0 names no object"),
        ({"predictions": [None], "references": ["a (0,1) a (0,2)"]}, "no single finite place for a"),
        ({"predictions": [None], "references": [{"a": (0, float("nan"))}]}, "no single finite place for a"),
        ({"predictions": [[{"label": "a"}]], "references": [{"a": (0, 1)}]}, "predictions: item 0"),
        ({"predictions": [None], "references": [{"a": (0, 1)}], "edges": (2, 1)}, "rising positive metres"),
        ({"predictions": [None], "references": [{"a": (0, 1)}], "missing_error": -1}, "missing_error"),
        ({"predictions": [None], "references": [{"a": (0, 1)}], "groups": [None]}, "item 0 has no group"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        position_error(**arguments)


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return PositionError(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_takes_every_form_in_any_order(module):
    place = {"a": (0.1, 0.7)}
    forms = [None, place, "a :(0.1,0.7)", [{"name": "A", "x": 0.1, "y": 0.7}], {"a": (None, 1)}]
    for answers in (forms, forms[::-1]):
        result = module.compute(predictions=answers, references=[place] * 5, return_items=True)
        direct = position_error(answers, [place] * 5, return_items=True)
        np.testing.assert_equal(result, direct)
        assert (result["ape"], result["n"], result["n_missing"]) == (0, 3, 2)
    module.add(prediction=place, reference=place)
    module.add_batch(predictions=[None], references=["a (0,0)"])
    assert module.compute()["n_samples"] == 2


def test_module_and_readme_examples(module, monkeypatch):
    monkeypatch.setattr("evaluate.load", lambda name: module)
    import evaluate

    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    examples = parser.get_doctest(module.inputs_description, {"evaluate": evaluate}, "position_error", None, 0)
    assert len(examples.examples) == 3 and not runner.run(examples).failed
    path = str(ROOT / "metrics/position_error/README.md")
    readme = doctest.testfile(path, module_relative=False, globs={"position_error": module})
    assert readme.attempted == 7 and not readme.failed
