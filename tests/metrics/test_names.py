"""Answers that name an object: what commits to one name, and what never may."""

import pytest

from metrics._shared.names import parse_name, plain_name
from metrics.name_accuracy._core import name_accuracy

# answer, what it is read as where "office chair" is gold and "bed" and "lamp" are further names of the question
READ = [
    ("Office chair", "office chair"),
    ("  the OFFICE-CHAIR. ", "office chair"),
    ("**An office chair**", "office chair"),
    ("office_chair", "office chair"),
    ("<think>the bed?</think><answer>office chair</answer>", "office chair"),
    ('{"answer": "office chair"}', "office chair"),
    ("office chair (blue point)", "office chair"),
    ("It is the office chair.", "office chair"),
    ("The answer is the office chair.", "office chair"),
    ("Answer: office chair", "office chair"),
    ("The office chair is closer to the lamp.", "office chair"),
    ("The office chair (green point) lies farther from the lamp than the bed.", "office chair"),
    ("The object closest to the lamp is the office chair", "office chair"),
    ("The nearest one: office chair", "office chair"),
    ("Between the two, the office chair is closer to the lamp.", "office chair"),
    ("I would say office chair", "office chair"),
    ("The bed is closer, not the office chair.", "bed"),
    ("chair", "chair"),
    ("piano", "piano"),
    ("swivel office chair", "swivel office chair"),
    ("bed frame", "bed frame"),
    ("The bed frame is closer.", "bed frame"),
    ("a red velvet armchair", "red velvet armchair"),
]
UNREAD = [
    ("", "empty"),
    ("none", "empty"),
    (None, "empty"),
    ("I cannot tell.", "refused"),
    ("It is not possible to determine which is closer.", "refused"),
    ("bed or office chair", "ambiguous"),
    ("office chair and bed", "ambiguous"),
    ("office chair, bed", "ambiguous"),
    ("office chair / bed", "ambiguous"),
    ("office chair or piano", "ambiguous"),
    ("office chair, piano", "ambiguous"),
    ("The office chair is closer. The bed is closer.", "ambiguous"),
    ("I see an office chair beside the bed in the picture", "ambiguous"),
    ("The answer is the bed or the office chair", "ambiguous"),
    ("not the office chair", "malformed"),
    ("The office chair is not closer", "malformed"),
    ("They are equally far away", "malformed"),
    ("Closer", "malformed"),
    ("<think>office chair", "malformed"),
]


@pytest.mark.parametrize("answer, name", READ)
def test_names_are_read(answer, name):
    assert parse_name(answer, ["office chair", "bed", "lamp"]) == (name, "ok")
    result = name_accuracy([answer], ["Office chair"], candidates=[["bed", "lamp"]])
    assert result["accuracy"] == (name == "office chair")


@pytest.mark.parametrize("answer, status", UNREAD)
def test_what_names_no_single_object_scores_0(answer, status):
    assert parse_name(answer, ["office chair", "bed", "lamp"]) == (None, status)
    result = name_accuracy([answer], ["office chair"], candidates=[["bed", "lamp"]])
    assert (result["accuracy"], result["n_unparsed"]) == (0, 1)


@pytest.mark.parametrize("answer", [text for text, status in UNREAD if status == "ambiguous"])
def test_two_names_score_0_though_only_gold_is_known(answer):
    assert name_accuracy([answer], ["office chair"])["accuracy"] in (0, 1 if "beside" in answer else 0)


def test_a_gold_with_and_or_a_comma_is_one_name():
    for gold in ("washer and dryer", "lamp, floor", "tv/monitor"):
        assert name_accuracy([f"The {gold}."], [gold])["accuracy"] == 1


def test_every_label_is_itself_and_no_other():
    labels = ["chair", "office chair", "coffee table", "table", "trash can", "bed", "is", "near wall shelf"]
    for gold in labels:
        hits = [name_accuracy([f"The {text.title()}."], [gold], candidates=[labels])["accuracy"] for text in labels]
        assert hits == [float(text == gold) for text in labels]


def test_names_are_compared_plainly():
    assert plain_name("The Trash  can.") == plain_name("trash-can") != plain_name("trash cans")
    with pytest.raises(ValueError, match="item 1 is '', no name"):
        name_accuracy(["bed", "bed"], ["bed", ""])
