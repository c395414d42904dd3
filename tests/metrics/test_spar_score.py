"""SPAR score: levels and averages against a plain loop, released quirks, other answer forms, intervals, bad input."""

import math
import re
import statistics
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from builders.spar.tasks import TASKS
from metrics._shared.image_boxes import image_box_ious
from metrics._shared.motion_answers import parse_motion
from metrics._shared.orders import ordered_pairs
from metrics._shared.yes_no import parse_yes_no
from metrics.choice_accuracy._core import choice_accuracy
from metrics.mra._core import mra
from metrics.spar_score import _forms
from metrics.spar_score._averages import mean_of_task_means
from metrics.spar_score._core import spar_score
from metrics.spar_score._tasks import BENCH_FORMATS, BENCH_TASKS, LEVELS, OTHER_FORMS, TASK_NAMES, format_of
from metrics.view_change._core import view_change

GOLD_MOTION = "move_right:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_left:90"
GOLDS = {"mra": "2.0", "choice_accuracy": "B", "view_change": GOLD_MOTION}
ANSWERS = ["2.0", "red 1.5 ... blue 2.0", "-1.9", "two", "", "B", "(B)", "Both", "The answer is B", "I cannot tell"]
ANSWERS += [None, GOLD_MOTION, GOLD_MOTION.replace(":", ": "), "move_right:2.4", "1.9 m"]
COMPATS = [None, "spar", "lmms-eval", "vlmevalkit"]


def all_tasks(answers):
    """Every answer to a question of every task."""
    rows = [(answer, GOLDS[task.metric], name) for name, task in BENCH_TASKS.items() for answer in answers]
    return [list(column) for column in zip(*rows)]


# ---------------------------------------------------------------- the table


def test_table_agrees_with_the_task_registry():
    for name, task in TASKS.items():
        if not task.bench_format:
            assert name not in BENCH_TASKS
            continue
        ours = BENCH_TASKS[name]
        metric = "view_change" if name == "view_change_infer" else task.metric(task.bench_format)
        assert (ours.name, ours.short, ours.level, ours.metric) == (name, task.short, task.level, metric)
        assert (ours.views, BENCH_FORMATS[ours.metric]) == (task.views, task.bench_format)


def test_the_other_forms_are_those_of_the_registry():
    assert set(TASKS) <= set(TASK_NAMES)
    scalar = {"distance", "area", "count"}
    for task in TASKS.values():
        for form in set(task.formats) - {"sentence", task.bench_format}:
            ours = OTHER_FORMS[task.name, form]
            expected = "mra" if ours in scalar else "choice_accuracy" if ours in ("choice", "yes_no") else ours
            assert task.metric(form) == expected, (task.name, form)


def test_table_is_the_published_one():
    assert [sum(task.level == level for task in BENCH_TASKS.values()) for level in LEVELS] == [8, 3, 9]
    metrics = [task.metric for task in BENCH_TASKS.values()]
    assert [metrics.count(name) for name in ("mra", "choice_accuracy", "view_change")] == [8, 11, 1]
    assert len(TASK_NAMES) == 35 and all((name.endswith("_mv")) == (t.views == 3) for name, t in BENCH_TASKS.items())
    assert not any(format_of(task) == form for task, form in OTHER_FORMS if task in BENCH_TASKS)


# ---------------------------------------------------------------- levels and averages


@pytest.mark.parametrize("compat", COMPATS)
def test_scores_are_those_of_the_single_metrics_averaged(compat):
    predictions, references, tasks = all_tasks(ANSWERS)
    result = spar_score(predictions, references, tasks, compat=compat)
    expected = {}
    for name, task in BENCH_TASKS.items():
        golds = [GOLDS[task.metric]] * len(ANSWERS)
        if task.metric == "mra":
            single = mra(ANSWERS, golds, compat=compat, unit="m", multi_view=task.views == 3)
        else:
            single = {"choice_accuracy": choice_accuracy, "view_change": view_change}[task.metric](
                ANSWERS, golds, compat=compat
            )
        expected[name] = 100 * single[task.metric if task.metric != "choice_accuracy" else "accuracy"]
        assert result["unparsed"][name] == single["n_unparsed"] and result["counts"][name] == len(ANSWERS)
    assert result["tasks"] == pytest.approx(expected)
    assert result["average"] == pytest.approx(statistics.mean(expected.values()))
    for level in LEVELS:
        names = [name for name, task in BENCH_TASKS.items() if task.level == level]
        if compat in ("spar", "lmms-eval") and level == "medium":
            names.remove("view_change_infer")
        assert result[level] == pytest.approx(statistics.mean(expected[name] for name in names))
    assert result["complete"] and not result["missing"] and not result["reasons"]
    assert result["n"] == 20 * len(ANSWERS) and result["n_unparsed"] == sum(result["unparsed"].values())


def test_medium_of_spar_averages_two_tasks():
    """Row InternVL2.5-26B of table 4 has 50.11 for two tasks, where the three tasks give 35.75."""
    tasks = ["position_matching"] * 2 + ["camera_motion_infer"] * 2 + ["view_change_infer"]
    answers, golds = ["B", "A", "B", "B", "move_up:9"], ["B"] * 4 + [GOLD_MOTION]
    assert spar_score(answers, golds, tasks)["medium"] == pytest.approx(50)
    assert spar_score(answers, golds, tasks, compat="vlmevalkit")["medium"] == pytest.approx(50)
    assert spar_score(answers, golds, tasks, compat="spar")["medium"] == pytest.approx(75)
    alone = spar_score([GOLD_MOTION], [GOLD_MOTION], ["view_change_infer"], compat="lmms-eval")
    assert math.isnan(alone["medium"]) and "position_matching" in alone["reasons"]["medium"]
    assert alone["average"] == pytest.approx(100)


def test_an_empty_choice_is_right_for_spar_alone():
    scores = {compat: spar_score([""], ["A"], ["position_matching"], compat=compat)["average"] for compat in COMPATS}
    assert scores == {None: 0, "spar": 100, "lmms-eval": 100, "vlmevalkit": 0}


def test_spar_reads_the_first_number_of_one_view_and_the_last_of_several():
    text, tasks = "red 1.5 ... blue 2.0", ["depth_prediction_oc", "depth_prediction_oc_mv"]
    result = spar_score([text] * 2, ["2.0"] * 2, tasks, compat="spar")
    assert list(result["tasks"].values()) == pytest.approx([60, 100])


def test_metres_are_asked_for():
    assert spar_score(["190 cm", "90 degrees"], ["1.9", "90"], ["depth_prediction_oc"] * 2)["low"] == 50


def test_tasks_count_alike_in_the_average_and_items_in_the_weighted_one():
    tasks = ["position_matching"] * 9 + ["camera_motion_infer"]
    result = spar_score(["A"] * 10, ["A"] * 9 + ["B"], tasks)
    assert (result["average"], result["weighted_average"]) == (50, 90)
    assert len(result["missing"]) == 18 and not result["complete"]


def test_nothing_at_all_is_nan_with_a_reason(recwarn):
    result = spar_score([], [], [])
    keys = ("average", *LEVELS, "weighted_average")
    assert all(math.isnan(result[key]) and result["reasons"][key] for key in keys)
    assert (result["n"], result["tasks"], result["other"], len(result["missing"])) == (0, {}, {}, 20)
    assert not recwarn


def test_items_stay_in_the_order_given():
    tasks = ["view_change_infer", "depth_prediction_oc", "nav", "position_matching"]
    result = spar_score([GOLD_MOTION, "1.9", "left", "?"], [GOLD_MOTION, "2", "right", "B"], tasks, return_items=True)
    assert [item["task"] for item in result["items"]] == [*tasks[:2], "nav_video", tasks[3]]
    assert [item["status"] for item in result["items"]] == ["ok", "ok", "unscored", "malformed"]
    assert [item["score"] for item in result["items"]] == pytest.approx([1, 1, math.nan, 0], nan_ok=True)
    assert result["items"][0]["value"]["rotate_right"] == -90 and result["unscored"] == {"nav_video_sentence": 1}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"tasks": ["depth"]}, "item 0 is 'depth'; there are: depth_prediction_oc,"),
        ({"tasks": []}, "tasks: expected one per reference"),
        ({"predictions": []}, "predictions: expected one per reference"),
        ({"formats": ["fil"]}, "formats: item 0 is 'fil'"),
        ({"formats": []}, "formats: expected one per reference"),
        ({"references": ["left"]}, "item 0 is 'left'.*depth_prediction_oc, fill"),
        ({"references": [None]}, "item 0 is None"),
        ({"references": [float("nan")]}, "item 0 is nan"),
        ({"groups": []}, "groups: expected one per"),
        ({"groups": [None]}, "item 0 has no group"),
        ({"compat": "vlmeval"}, "'spar', 'lmms-eval' or 'vlmevalkit'"),
    ],
)
def test_bad_input_is_named(arguments, message):
    given_arguments = {"predictions": ["2"], "references": ["2"], "tasks": ["depth_prediction_oc"]} | arguments
    with pytest.raises(ValueError, match=message):
        spar_score(**given_arguments)


# ---------------------------------------------------------------- the other answer forms

# task, format, gold, answer -> score in percent, status, what stands beside the score
FORM_CASES = [
    ("position_matching", "fill", "100,100,300,300", "[100, 100, 300, 300]", 100, "ok", {"accuracy_at_50": 100}),
    ("position_matching", "fill", "100,100,300,300", "x1: 200, y1: 100, x2: 400, y2: 300", 100 / 3, "ok", None),
    ("position_matching", "fill", "100,100,300,300", "(400,400),(500,500)", 0, "ok", {"accuracy_at_50": 0}),
    ("position_matching", "fill", "100,100,300,300", "300,300,100,100", 0, "malformed", {"accuracy_at_50": 0}),
    ("position_matching", "fill", "100,100,300,300", "100,100,300", 0, "malformed", None),
    ("position_matching", "fill", "100,100,300,300", "1,2,3,4 or 5,6,7,8", 0, "ambiguous", None),
    ("camera_motion_infer", "fill", "(500,400),2.0", "(503, 404), 2.2", 95, "ok", {"point_error": 5, "point": 100}),
    ("camera_motion_infer", "fill", "Image Coor: (500, 400), Depth: 2.0 meters", "(500,400), 2", 100, "ok", None),
    ("camera_motion_infer", "fill", "(500,400),2.0", "I cannot tell", 0, "refused", {"point_error": math.nan}),
    ("obj_spatial_relation_oo", "judge", "Yes", "Yes, it is left of it.", 100, "ok", None),
    ("obj_spatial_relation_oo", "judge", "No", "<think>Yes?</think>no.", 100, "ok", None),
    ("obj_spatial_relation_oo_mv", "judge", "No", "The answer is no", 100, "ok", None),
    ("obj_spatial_relation_oo_mv", "judge", "No", "Yes", 0, "ok", None),
    ("obj_spatial_relation_oo", "judge", "Yes", "Yes or no", 0, "ambiguous", None),
    ("obj_spatial_relation_oo", "judge", "Yes", "A", 0, "malformed", None),
    ("obj_spatial_relation_oo", "judge", "No", "No idea", 0, "refused", None),
    ("appearance_order", "fill", "bed, table, lamp", "1. Bed; 2. Table; 3. Lamp", 100, "ok", {"pair_accuracy": 100}),
    ("appearance_order", "fill", "chair,table,lamp", "lamp, table, chair", 0, "ok", {"pair_accuracy": 0}),
    ("appearance_order", "fill", "chair,table,lamp", "First the chair then the lamp and the table", 0, "ok", None),
    ("appearance_order", "fill", "table,coffee table", "coffee table, table", 0, "ok", {"pair_accuracy": 0}),
    ("appearance_order", "fill", "chair,table,lamp", "chair, table", 0, "malformed", {"pair_accuracy": 0}),
    ("appearance_order", "fill", "chair,table,lamp", "chair, sofa, table, lamp", 0, "malformed", None),
    ("appearance_order", "fill", "chair,table", "chair, table, chair", 0, "ambiguous", None),
    ("obj_frame_locate", "sentence", "Frame-3, Frame-7", "7, 3", 100, "ok", None),
    ("obj_frame_locate", "sentence", "[3, 7]", "Frames 3, 8 and 9.", 40, "ok", None),
    ("obj_frame_locate", "sentence", "3, 7", "3-7", 0, "ambiguous", None),
    ("obj_frame_locate", "sentence", "3, 7", "in no frame", 0, "malformed", None),
    ("spatial_volume_infer", "fill", "50, 40, 30", "50 x 40 x 30 cm", 100, "ok", None),
    ("spatial_volume_infer", "fill", "50,40,30", "0.5 x 0.4 x 0.3 m", 100, "ok", None),
    ("spatial_volume_infer", "fill", "50,40,30", "length: 50cm, width: 20cm, height: 60cm", 110 / 3, "ok", None),
    ("spatial_volume_infer", "fill", "50,40,30", "60000 cm3", 0, "malformed", None),
    ("room_size", "fill", "20.0", "20 square meters", 100, "ok", None),
    ("obj_count", "fill", "4", "There are four chairs", 100, "ok", None),
    ("distance_prediction_oo_video", "fill", "1.9", "190 cm", 100, "ok", None),
    ("depth_prediction_oc", "select", "B", "(B)", 100, "ok", None),
    ("distance_infer_center_oo", "fill", "Office chair", "The office chair is closer.", 100, "ok", None),
    ("distance_infer_center_oc_mv", "fill", "bed", "lamp", 0, "ok", None),
    ("distance_infer_center_oo_video", "fill", "bed", "bed or lamp", 0, "ambiguous", None),
]


@pytest.mark.parametrize("task, form, gold, answer, score, status, beside", FORM_CASES)
def test_other_forms(task, form, gold, answer, score, status, beside):
    result = spar_score([answer], [gold], [task], formats=[form], return_items=True)
    figures = result["other"][f"{task}_{form}"]
    assert figures["score"] == pytest.approx(score) and figures["n"] == 1
    assert result["items"][0]["status"] == status and figures["n_unparsed"] == (status != "ok")
    assert {key: figures[key] for key in beside or {}} == pytest.approx(beside or {}, nan_ok=True)
    assert figures["low"] <= figures["score"] <= figures["high"]
    assert math.isnan(result["average"]) and result["n"] == 0


def test_other_forms_never_enter_the_average():
    tasks, formats = ["position_matching"] * 3 + ["obj_frame_locate"], [None, "fill", "sentence", None]
    golds = ["B", "500,500,600,600", "here", "3"]
    result = spar_score(["B", "0,0,9,9", "it is there", "9"], golds, tasks, formats=formats)
    assert result["average"] == result["medium"] == 100 and result["n"] == 1
    assert {name: figures["score"] for name, figures in result["other"].items()} == {
        **{"position_matching_fill": 0, "obj_frame_locate_sentence": 0}
    }
    assert result["unscored"] == {"position_matching_sentence": 1}


@pytest.mark.parametrize(
    "task, form, gold",
    [
        ("position_matching", "fill", "1,2,3"),
        ("position_matching", "fill", "5,5,1,1"),
        ("camera_motion_infer", "fill", "(1,2)"),
        ("obj_spatial_relation_oo", "judge", "maybe"),
        ("appearance_order", "fill", "chair, chair"),
        ("obj_frame_locate", "sentence", "none"),
        ("spatial_volume_infer", "fill", "50"),
    ],
)
def test_golds_of_another_form_are_errors(task, form, gold):
    with pytest.raises(ValueError, match=rf"references: item 1 is '{re.escape(gold)}', .*{task}, {form}"):
        spar_score(["2", "1"], ["2", gold], ["depth_prediction_oc", task], formats=[None, form])


edges = st.lists(st.integers(0, 20), min_size=2, max_size=2, unique=True).map(sorted)
boxes = st.tuples(edges, edges).map(lambda sides: (sides[0][0], sides[1][0], sides[0][1], sides[1][1]))


@given(boxes, boxes)
def test_box_iou_counts_pixels(box, other):
    """Whole-numbered boxes as masks of unit squares."""
    masks = np.zeros((2, 20, 20), dtype=bool)
    for mask, (x1, y1, x2, y2) in zip(masks, (box, other)):
        mask[y1:y2, x1:x2] = True
    assert image_box_ious([box], [other])[0] == pytest.approx(masks.all(axis=0).sum() / masks.any(axis=0).sum())


@given(st.permutations("abcdefg"))
def test_ordered_pairs_agree_with_kendalls_tau(order):
    tau = stats.kendalltau(range(7), [order.index(item) for item in "abcdefg"]).statistic
    assert 2 * ordered_pairs(order, "abcdefg") - 1 == pytest.approx(tau)


FORM_GOLDS = {"box_overlap": "1,1,2,2", "order_accuracy": "a,b", "name_accuracy": "bed"}


@given(st.text(max_size=40), st.sampled_from(sorted(_forms.FORMS)))
def test_readers_of_the_forms_never_raise(text, form):
    gold = FORM_GOLDS.get(form, "1,2,3")
    scores, read, _ = _forms.score_form(form, [text], [gold])
    assert 0 <= scores[0] <= 1 and (read[0].value is None) == (read[0].status != "ok")
    assert read[0].status == "ok" or scores[0] == 0


@pytest.mark.parametrize("filler", ["yes ", "1 ", "1,", "a, b, ", "- ", "1 to ", "\"' _", "move_up:1 ", "two to "])
def test_long_answers_are_read_in_linear_time(filler):
    start = time.perf_counter()
    for form in _forms.FORMS:
        _forms.score_form(form, [f"The answer is {filler * 20_000}"], [FORM_GOLDS.get(form, "1,2,3")])
    parse_yes_no(f"The answer is {filler * 20_000}")
    parse_motion(f"The answer is {filler * 20_000}")
    assert time.perf_counter() - start < 5  # 0.5 s on an idle core; minutes if a pattern backtracks


# ---------------------------------------------------------------- intervals


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_of_task_means_cover_the_truth(grouped):
    """Three tasks of different size and difficulty; with scenes that shift all their items by the same amount."""
    rng = np.random.default_rng(5)
    sizes, rates, covered, runs = (60, 30, 15), (0.3, 0.6, 0.8), 0, 200
    tasks = np.repeat(np.arange(3), sizes).tolist()
    for _ in range(runs):
        scenes = rng.integers(0, 25, len(tasks))
        shift = rng.choice([-0.15, 0.15], 25)[scenes] if grouped else 0.0
        scores = (rng.random(len(tasks)) < np.repeat(rates, sizes) + shift).astype(float)
        groups = scenes.tolist() if grouped else None
        value, interval = mean_of_task_means(scores, tasks, groups, resamples=400)
        assert interval.low <= value <= interval.high
        covered += interval.low <= np.mean(rates) <= interval.high
    assert covered / runs >= 0.9


def test_methods_of_the_intervals():
    scores, tasks = np.array([1.0, 0, 1, 1, 0, 1, 0] * 9), ["a", "b", "c"] * 21
    methods = {
        "stratified_student": None,
        "cluster_bootstrap": [i // 2 for i in range(63)],
        "cluster_student_few_groups": [i // 10 for i in range(63)],
        "cluster_wilson_bound_few_groups": [0] * 63,
    }
    for method, groups in methods.items():
        value, interval = mean_of_task_means(scores, tasks, groups)
        assert interval.method == method and interval.low <= value <= interval.high
    assert mean_of_task_means(np.ones(6), ["a", "b"] * 3, None)[1].method == "wilson_bound"
    one_each = mean_of_task_means(np.ones(5), list("abcde"), None)[1]
    assert one_each.low < 0.7 and one_each.high == 1
