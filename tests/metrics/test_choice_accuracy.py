"""Choice accuracy: the published worked examples, golds and options, and the `evaluate` module around them."""

import doctest
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared import choice_answers
from metrics._shared.intervals import wilson
from metrics.choice_accuracy import _core
from metrics.choice_accuracy._core import choice_accuracy, gold_letter
from metrics.choice_accuracy.choice_accuracy import ChoiceAccuracy

ROOT = Path(__file__).resolve().parents[2]

# answer, gold -> score of SPAR, score of VLMEvalKit, ours
WORKED_EXAMPLES = [
    ("B", "B", 1, 1, 1),
    ("b", "B", 1, 1, 1),
    ("B. left, above", "B", 1, 1, 1),
    ("The answer is B", "B", 0, 1, 1),
    ("(B)", "B", 0, 1, 1),
    (" B", "B", 0, 1, 1),
    ("Actually, C", "A", 1, 0, 0),
    ("", "A", 1, 0, 0),
    ("", "D", 1, 0, 0),
    ("Both", "B", 1, 0, 0),
    ("Answer: A", "A", 1, 1, 1),
    ("<think>..</think>B", "B", 0, 1, 1),
]


@pytest.mark.parametrize("text, gold, spar, vlmevalkit, ours", WORKED_EXAMPLES)
def test_worked_examples(text, gold, spar, vlmevalkit, ours):
    for compat in ("spar", "lmms-eval"):
        assert choice_accuracy([text], [gold], compat=compat)["accuracy"] == spar
    assert choice_accuracy([text], [gold], compat="vlmevalkit")["accuracy"] == vlmevalkit
    assert choice_accuracy([text], [gold])["accuracy"] == ours


@pytest.mark.parametrize(
    "text, letter",
    [
        ("<answer>Both</answer>", "B"),
        ("it must be C </think>", "C"),
        ("Option A: left\nOption B: right\nC", "C"),
        ("- **(d)**", None),
        ("**(d)**", "D"),
        ("b) left", "B"),
        ("A is wrong, B is right", None),
        ("the answer is b then", "B"),
        ("\u6211\u9009b\u3002", "B"),
        ("A\nno letter here\nnor here", "A"),
        ("B\n" + "nothing\n" * 8, "B"),
        ("no letter at all", None),
    ],
)
def test_rule_based_matcher_of_vlmevalkit(text, letter):
    assert choice_answers.vlmevalkit_letter(text) == letter


def test_vlmevalkit_counts_two_unreadable_sides_as_equal():
    assert choice_accuracy(["no letter"], ["yes"], compat="vlmevalkit")["accuracy"] == 1


@given(st.text(max_size=80))
def test_released_matchers_never_raise(text):
    assert choice_answers.vlmevalkit_letter(text) in {None, *"ABCDEFGHIJ"}
    assert choice_answers.spar_hit(text, "A") in (True, False)


@pytest.mark.parametrize("reference", ["B", "b", "(B)", " B. ", "[b]"])
def test_golds_as_published(reference):
    assert gold_letter(reference) == "B"


def test_golds_may_be_option_texts():
    assert gold_letter("Left", ["right", "left"]) == "B"
    assert (
        choice_accuracy(["It is on the left", "A"], ["left", "right"], options=[["right", "left"]] * 2)["accuracy"] == 1
    )


@pytest.mark.parametrize(
    "reference, options", [("left", None), ("C", ["a", "b"]), ("same", ["same", "same"]), ("", None)]
)
def test_golds_that_are_no_letter_are_errors(reference, options):
    with pytest.raises(ValueError, match="neither an option letter nor"):
        gold_letter(reference, options)


def test_options_may_be_missing_for_some_items():
    result = choice_accuracy(["left", "left", "C"], ["B", "B", "A"], options=[["right", "left"], None, ["x", "y"]])
    assert result["accuracy"] == pytest.approx(1 / 3) and result["n_unparsed"] == 2


def test_letters_reach_as_far_as_the_golds():
    assert choice_accuracy(["The answer is H", "H."], ["H", "A"])["accuracy"] == 0.5


def test_nothing_read_is_never_a_hit():
    silent = [
        "",
        " ",
        None,
        "None",
        "nan",
        "I cannot determine the answer.",
        "Sorry, I can't help",
        "?",
        "<answer></answer>",
    ]
    for gold in "ABCD":
        result = choice_accuracy(silent, [gold] * len(silent))
        assert result["accuracy"] == 0 and result["n_unparsed"] == len(silent)


def test_interval_is_wilson_for_free_items_and_clustered_for_groups():
    predictions, references = ["A"] * 120, ["A", "A", "B"] * 40
    free = choice_accuracy(predictions, references)
    assert (free["low"], free["high"], free["interval"]) == (*wilson(80, 120), "wilson")
    groups = [reference if i < 60 else i for i, reference in enumerate(references)]
    grouped = choice_accuracy(predictions, references, groups=groups)
    assert grouped["interval"] == "cluster_bootstrap" and grouped["n_groups"] == 62
    assert grouped["low"] < free["low"] < free["accuracy"] < free["high"] < grouped["high"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"predictions": ["A"], "references": ["A", "B"]}, "one per reference"),
        ({"predictions": ["A"], "references": ["A"], "options": []}, "one list .or None. per item"),
        ({"predictions": ["A"], "references": ["A"], "groups": [None]}, "item 0 has no group"),
        ({"predictions": ["A"], "references": ["A"], "compat": "lmms"}, "'spar', 'lmms-eval' or 'vlmevalkit'"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        choice_accuracy(**arguments)


# ---------------------------------------------------------------- the evaluate module


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return ChoiceAccuracy(cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_module_gives_what_the_function_gives(module):
    texts, golds = [row[0] for row in WORKED_EXAMPLES], [row[1] for row in WORKED_EXAMPLES]
    for options in ({}, {"compat": "spar"}, {"compat": "vlmevalkit"}, {"groups": golds}):
        expected = choice_accuracy(texts, golds, return_items=True, **options)
        assert module.compute(predictions=texts, references=golds, return_items=True, **options) == expected


@pytest.mark.parametrize("compat", [None, "spar", "vlmevalkit"])
def test_module_counts_none_as_unread(module, compat):
    result = module.compute(predictions=[None, "B", None], references=["A", "B", "C"], compat=compat)
    assert result["accuracy"] == pytest.approx(1 / 3) and result["n_unparsed"] == 2
    if compat:  # the text "None" starts with N and holds no letter from A to F
        assert module.compute(predictions=[None, None], references=["N", "-"], compat=compat)["accuracy"] == 0


def test_module_without_items(module, recwarn):
    result = module.compute(predictions=[], references=[])
    assert all(math.isnan(result.pop(name)) for name in ("accuracy", "low", "high"))
    assert result == {"n": 0, "n_unparsed": 0, "interval": "none", "n_groups": 0, "reason": "no items"}
    assert not recwarn


@pytest.mark.parametrize("source", [_core, choice_answers], ids=lambda source: source.__name__)
def test_docstring_examples(source):
    result = doctest.testmod(source)
    assert result.attempted and not result.failed


def test_readme_table_is_true():
    rows = [
        line.strip("|").split("|") for line in (ROOT / "metrics/choice_accuracy/README.md").read_text().splitlines()
    ]
    rows = [[cell.strip() for cell in row] for row in rows if len(row) == 5 and row[0].startswith((" `", " (empty"))]
    assert len(rows) == 9
    for text, gold, ours, spar, vlmevalkit in rows:
        answer = "" if text == "(empty)" else text.split("`")[1]
        for compat, stated in ((None, ours), ("spar", spar), ("vlmevalkit", vlmevalkit)):
            result = choice_accuracy([answer], [gold.replace("any", "C")], compat=compat)
            assert result["accuracy"] == int(stated), (text, compat)


def test_yes_and_no_without_options_are_read_as_such():
    texts = ["Yes", "no.", "It is not possible to tell", "A", "yes or no", "<think>no</think> Yes, it is."]
    result = choice_accuracy(texts, ["Yes", "Yes", "No", "Yes", "No", "yes."], return_items=True)
    assert [item["score"] for item in result["items"]] == [1, 0, 0, 0, 0, 1]
    assert [item["status"] for item in result["items"]] == ["ok", "ok", "refused", "malformed", "ambiguous", "ok"]
    assert [item["value"] for item in result["items"]] == ["Yes", "No", None, None, None, "Yes"]


def test_yes_and_no_may_stand_beside_letters_and_be_options():
    mixed = choice_accuracy(["No", "(C)", "yes"], ["No", "C", "A"], options=[None, None, ["Yes", "No"]])
    assert mixed["accuracy"] == 1
    with pytest.raises(ValueError, match="item 0 is 'Maybe', neither an option letter"):
        choice_accuracy(["No"], ["Maybe"])
