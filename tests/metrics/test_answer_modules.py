"""What the modules that score answers share: each loads alone, reads texts and numbers, and its card is true."""

import doctest
import math
import re
from pathlib import Path

import evaluate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from metrics.box_overlap._core import box_overlap
from metrics.box_overlap.box_overlap import BoxOverlap
from metrics.camera_position._core import camera_position
from metrics.camera_position.camera_position import CameraPosition
from metrics.choice_accuracy._core import choice_accuracy
from metrics.choice_accuracy.choice_accuracy import ChoiceAccuracy
from metrics.mra._core import mra
from metrics.mra.mra import MRA
from metrics.name_accuracy._core import name_accuracy
from metrics.name_accuracy.name_accuracy import NameAccuracy
from metrics.number_list._core import number_list
from metrics.number_list.number_list import NumberList
from metrics.order_accuracy._core import order_accuracy
from metrics.order_accuracy.order_accuracy import OrderAccuracy
from metrics.phrase_match._core import phrase_match
from metrics.phrase_match.phrase_match import PhraseMatch
from metrics.spar_score._core import spar_score
from metrics.spar_score.spar_score import SparScore
from metrics.view_change._core import view_change
from metrics.view_change.view_change import ViewChange

METRICS = Path(__file__).resolve().parents[2] / "metrics"

# module, key of its score, two answers of which the second is unread, golds and further columns, the score
MOTION = "move_right:1.2,rotate_left:90"
SAMPLES = {
    "mra": (MRA, "mra", ["2", "far"], {"references": [2.0, 2.0]}, 0.5),
    "choice_accuracy": (ChoiceAccuracy, "accuracy", ["B", "far"], {"references": ["B", "A"]}, 0.5),
    "view_change": (ViewChange, "view_change", [MOTION, "far"], {"references": [MOTION, MOTION]}, 0.5),
    "spar_score": (
        SparScore,
        "average",
        ["2", "far"],
        {"references": ["2.0", "B"], "tasks": ["depth_prediction_oc", "position_matching"]},
        50.0,
    ),
    "number_list": (NumberList, "mra", ["5, 4, 3", "far"], {"references": ["5, 4, 3"] * 2}, 0.5),
    "name_accuracy": (NameAccuracy, "accuracy", ["The lamp.", "they lie far apart"], {"references": ["lamp"] * 2}, 0.5),
    "order_accuracy": (OrderAccuracy, "accuracy", ["bed, lamp", "far"], {"references": ["bed, lamp"] * 2}, 0.5),
    "camera_position": (CameraPosition, "camera_position", ["(5, 4), 3", "far"], {"references": ["(5,4),3"] * 2}, 0.5),
    "phrase_match": (PhraseMatch, "exact_match", ["The lamp.", "?"], {"references": ["the lamp"] * 2}, 0.5),
    "box_overlap": (BoxOverlap, "mean_iou", ["(1, 2, 3, 4)", "far"], {"references": ["(1, 2, 3, 4)"] * 2}, 0.5),
}
OWN = {"number_list", "name_accuracy", "order_accuracy", "camera_position", "box_overlap",
       "phrase_match"}
"""Scores that no released evaluator has: no ``compat``."""
COMPATS = [None, "spar", "lmms-eval", "vlmevalkit"]

each_module = pytest.mark.parametrize("name", SAMPLES)


@pytest.fixture
def module(name, tmp_path):
    return SAMPLES[name][0](cache_dir=str(tmp_path))


@each_module
def test_script_imports_every_sibling_on_a_line_of_its_own(name):
    """`evaluate` copies only the files that the script itself names."""
    script = (METRICS / name / f"{name}.py").read_text()
    siblings = {path.stem for path in (METRICS / name).glob("_*.py")} - {"__init__"}
    assert set(re.findall(r"^from \.(\w+) import [^(\n]+$", script, re.M)) == siblings
    for path in (METRICS / name).glob("*.py"):
        assert not re.search(r"^\s*(from|import) (metrics|builders|recipes)\b", path.read_text(), re.M), path


@each_module
def test_card_has_front_matter_and_its_blocks_run(name, module, monkeypatch):
    text = (METRICS / name / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and {"evaluate", "metric"} <= set(front["tags"])
    monkeypatch.setattr("evaluate.load", lambda path: module)
    scope = {"nan": math.nan}
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) >= 3 and text.count("```python") == len(blocks)
    for number, block in enumerate(blocks):
        if ">>>" not in block:
            exec(block, scope)
            continue
        examples = doctest.DocTestParser().get_doctest(block, scope, f"{name}/README.md, block {number}", None, 0)
        examples.globs = scope  # each block goes on where the one before it ended
        failed, attempted = doctest.DocTestRunner().run(examples, clear_globs=False)
        assert attempted and not failed


@each_module
def test_examples_of_the_module_run(name, module, monkeypatch):
    monkeypatch.setattr("evaluate.load", lambda path: module)
    scope = {"evaluate": evaluate}
    examples = doctest.DocTestParser().get_doctest(module.inputs_description, scope, name, None, 0)
    assert examples.examples and not doctest.DocTestRunner().run(examples).failed


@each_module
@pytest.mark.parametrize("compat", COMPATS)
def test_numbers_texts_and_none_are_taken_in_any_order(name, module, compat):
    if compat and name in OWN:
        with pytest.raises(TypeError, match="compat"):
            module.compute(predictions=["2"], references=["2"], compat=compat)
        return
    settings = {} if name in OWN else {"compat": compat}
    _, key, predictions, columns, _ = SAMPLES[name]
    answers = [*predictions, 2.0, 2, None]
    for order in (range(5), range(4, -1, -1), (2, 0, 4, 1, 3)):
        rows = {column: [[*values, *[values[0]] * 3][i] for i in order] for column, values in columns.items()}
        result = module.compute(predictions=[answers[i] for i in order], return_items=True, **settings, **rows)
        scores = {i: item["score"] for i, item in zip(order, result["items"])}
        number = 1 if name in ("mra", "spar_score") else 0
        if (name, compat) == ("view_change", "vlmevalkit"):
            number = 0.6  # no parts: a camera that does not move; three parts of the gold are 0
        assert (scores[0], scores[2], scores[3], scores[4]) == (1, number, number, 0)
        assert result["items"][list(order).index(4)]["status"] == "empty"
    assert math.isnan(module.compute(predictions=[], **settings, **{column: [] for column in columns})[key])


@each_module
def test_batches_are_gathered(name, module):
    _, key, predictions, columns, expected = SAMPLES[name]
    for i in range(2):
        batch = {column: values[i : i + 1] for column, values in columns.items()}
        module.add_batch(predictions=predictions[i : i + 1], **batch)
    assert module.compute()[key] == expected


TEXTS = st.lists(
    st.sampled_from(["2.0", "B", "(A)", "", "I cannot tell", "1.5 m", MOTION, "move right 1 m", "A or B", "two"])
    | st.sampled_from(["1, 2, 3", "(1, 2, 3, 4)", "(9, 9), 2 m", "the bed", "lamp, bed", "bed or lamp", "Yes", "no."])
    | st.text(max_size=20)
    | st.none(),
    min_size=1,
    max_size=8,
)
FUNCTIONS = {
    "mra": (mra, "mra", "2.0"),
    "accuracy": (choice_accuracy, "accuracy", "B"),
    "view_change": (view_change, "view_change", MOTION),
    "yes_no": (choice_accuracy, "accuracy", "No"),
    "number_list": (number_list, "mra", "1, 2, 4"),
    "names": (name_accuracy, "accuracy", "bed"),
    "order": (order_accuracy, "accuracy", "bed, lamp"),
    "phrases": (phrase_match, "exact_match", "the bed"),
    "camera_position": (camera_position, "camera_position", "(5, 4), 3"),
    "box_overlap": (box_overlap, "mean_iou", "(1, 2, 3, 5)"),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@given(TEXTS, st.sampled_from(COMPATS), st.randoms())
def test_scores_are_bounded_and_do_not_depend_on_the_order(function, answers, compat, random):
    compute, key, gold = FUNCTIONS[function]
    shuffled = random.sample(answers, len(answers))
    compat = None if compute.__name__ in OWN else compat
    settings = {} if compat is None else {"compat": compat}
    one, other = (compute(rows, [gold] * len(rows), return_items=True, **settings) for rows in (answers, shuffled))
    assert one[key] == pytest.approx(other[key]) and one["n_unparsed"] == other["n_unparsed"]
    assert 0 <= one["low"] <= one[key] + 1e-12 and one[key] - 1e-12 <= one["high"] <= 1
    assert all(0 <= item["score"] <= 1 and (item["value"] is None) == (item["status"] != "ok") for item in one["items"])
    if compat is None:
        assert all(item["score"] == 0 for item in one["items"] if item["status"] != "ok")


@given(TEXTS, st.sampled_from(COMPATS), st.booleans(), st.randoms())
def test_spar_score_is_bounded_and_does_not_depend_on_the_order(answers, compat, grouped, random):
    golds = {"depth_prediction_oc_mv": "2.0", "position_matching": "B", "view_change_infer": MOTION}
    rows = [(answer, *random.choice(list(golds.items())), i % 3) for i, answer in enumerate(answers)]
    results = []
    for given_rows in (rows, random.sample(rows, len(rows))):
        predictions, tasks, references, groups = map(list, zip(*given_rows))
        results.append(spar_score(predictions, references, tasks, groups=groups if grouped else None, compat=compat))
    one, other = results
    for key in ("average", "low", "medium", "high", "weighted_average"):
        assert one[key] == pytest.approx(other[key], nan_ok=True)
        if math.isnan(one[key]):
            assert key in one["reasons"] and math.isnan(one["intervals"][key]["low"])
        else:
            low, high = (one["intervals"][key][bound] for bound in ("low", "high"))
            assert 0 <= low <= one[key] + 1e-9 and one[key] - 1e-9 <= high <= 100
    assert one["tasks"] == pytest.approx(other["tasks"])
