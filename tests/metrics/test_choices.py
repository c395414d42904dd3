"""Answers that are one letter: what commits to an option, by letter or by its text, and what never may."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared.choice_answers import gold_letter, score_choices
from metrics._shared.choices import parse_choice

LETTERS = {
    "B": "B",
    " b ": "B",
    "(B)": "B",
    "[B].": "B",
    "**B**": "B",
    "\uff08B\uff09": "B",
    "Option B": "B",
    "option (c)": "C",
    "B. left, above": "B",
    "b) left": "B",
    "B left, above": "B",
    "B - left": "B",
    "A. The red chair is closer": "A",
    "Answer: B": "B",
    "ANSWER:b": "B",
    "The correct option is (C)": "C",
    "The answer is B because A is wrong": "B",
    "The answer is A. Wait, the answer is B.": "B",
    "The correct answer is **B. left, above**.": "B",
    "Answer: B\nExplanation: A is too far.": "B",
    "I'd go with option (D).": "D",
    "B is correct": "B",
    "Option A is not correct, so B": "B",
    "Actually, C": "C",
    "<think>A</think>B": "B",
    "<think>A</think><answer>B. left</answer>": "B",
    "\\boxed{\\text{B}}": "B",
    "A. left\nB. right\n\nB": "B",
    "B\n\nThe chair is left of A.": "B",
    "I'm not sure, B": "B",
}

NO_LETTER = {
    "": "empty",
    "None": "empty",
    "<answer> </answer>": "empty",
    "<think>A": "malformed",
    "Both": "malformed",
    "AB": "malformed",
    "G": "malformed",
    "The answer is a chair": "malformed",
    "The answer is not B": "malformed",
    "Neither A nor B": "malformed",
    "I cannot determine which of A and B it is.": "refused",
    "The answer is unknown": "refused",
    "Unknown": "refused",
    "A or B": "ambiguous",
    "B, C": "ambiguous",
    "A, B and C": "ambiguous",
    "B. No wait, C": "ambiguous",
    "The answer is A or B": "ambiguous",
    "Answer: A, B": "ambiguous",
    "A and B are both possible": "ambiguous",
    "A. left\nB. right": "ambiguous",
    "A\nB": "ambiguous",
    "(A) left, (B) right": "ambiguous",
}

OPTIONS = ["left, above", "right, below", "left", "right"]

OPTION_TEXTS = {
    "left, above": ("A", "ok"),
    "Left, Above.": ("A", "ok"),
    "It is to the left": ("C", "ok"),
    "not left but right": ("D", "ok"),
    "The object is right, below the chair": ("B", "ok"),
    "B. right, below": ("B", "ok"),
    "B. left, above": (None, "ambiguous"),
    "left or right": (None, "ambiguous"),
    "E": (None, "malformed"),
    "Answer: E": (None, "malformed"),
    "I cannot tell left from right": (None, "refused"),
}

STRICT_LETTERS = {
    # "right" is a direction
    "Object B is right of object A.": (None, "malformed"),
    "Point A is to the left and point B is right.": (None, "malformed"),
    "From the images, point B is right of point A, so the matching box is (D).": ("D", "ok"),
    "Point A is right of B. So: D": ("D", "ok"),
    "A is right behind B. D": ("D", "ok"),
    # JSON
    '{"answer": "B", "explanation": "A is left of the camera"}': ("B", "ok"),
    '{"reasoning": "Object A is left", "answer": "B"}': ("B", "ok"),
    '{"thought": "A or C?", "Answer":"D"}': ("D", "ok"),
    '```json\n{"thought": "A",\n "answer": "D"}\n```': ("D", "ok"),
    '{"answer": null, "thought": "A"}': (None, "empty"),
    '{"answer": "B"} Wait, actually C.': (None, "ambiguous"),
    "{'thought': 'A is left', 'answer': 'B'}": ("B", "ok"),
    # taken back or hedged
    "The answer is B. Wait, actually C.": (None, "ambiguous"),
    "I choose A, no, C": (None, "ambiguous"),
    "Initially the answer seems to be A. However, option C is the one.": (None, "ambiguous"),
    "The answer is A. However, option C is wrong.": ("A", "ok"),
    "The answer is B, possibly C": (None, "ambiguous"),
    "B, possibly C": (None, "ambiguous"),
    "B\nWait, actually C.": (None, "ambiguous"),
    "The answer is B, or A": (None, "ambiguous"),
    "The answer is D, and A is wrong": ("D", "ok"),
    "The answer is B. Wait, is object A closer? It is not.": ("B", "ok"),
    "Perhaps C at first sight.\nB": ("B", "ok"),
    "B. Perhaps the view A is hidden": ("B", "ok"),
    "The answer is B although it could be C": (None, "ambiguous"),
    "The answer is B rather than C": ("B", "ok"),
    "- [ ] A\n- [x] B": ("B", "ok"),
    "- [x] B\n- [ ] C": ("B", "ok"),
    "- [x] A\n- [x] B": (None, "ambiguous"),
    "Answer:\nThe object is D-shaped": (None, "malformed"),
    # the letter of a thing
    "Point A": (None, "malformed"),
    "in image A.": (None, "malformed"),
    "Camera B is closer": (None, "malformed"),
    "Plan B": (None, "malformed"),
    "Object C": (None, "malformed"),
    "A is closer to the camera than B.": (None, "ambiguous"),
    "B is farther": ("B", "ok"),
    "I cannot be sure, my best guess is B": ("B", "ok"),
    # Chinese
    "\u7b54\u6848\u662fB": ("B", "ok"),
    "\u9009B": ("B", "ok"),
    "\u6b63\u786e\u7b54\u6848\u662fC\u3002": ("C", "ok"),
    "\u9009\u9879B\u6b63\u786e": ("B", "ok"),
    "\u9009\u9879B\u6b63\u786e\uff0c\u9009\u9879A\u9519\u8bef": ("B", "ok"),
    "\u4e0d\u9009A": (None, "malformed"),
    "\u9009A\u8fd8\u662fB": (None, "ambiguous"),
}


@pytest.mark.parametrize("text, letter", LETTERS.items())
def test_letters_that_are_stated(text, letter):
    assert parse_choice(text) == (letter, "ok")


@pytest.mark.parametrize("text, status", NO_LETTER.items())
def test_texts_without_one_letter(text, status):
    assert parse_choice(text) == (None, status)


@pytest.mark.parametrize("text, expected", OPTION_TEXTS.items())
def test_option_texts_stand_for_their_letters(text, expected):
    assert parse_choice(text, OPTIONS) == expected


def test_option_text_wins_over_words_that_look_like_refusals_or_letters():
    assert parse_choice("no", ["Yes", "No"]).value == "B"
    assert parse_choice("No idea", ["Yes", "No"]).status == "refused"
    assert parse_choice("Unknown", ["Left", "Unknown"]).value == "B"
    assert parse_choice("A chair", ["a sofa", "a chair"]).value == "B"
    assert parse_choice("It is 2.5 m", ["2", "2.5"]).value == "B"
    assert parse_choice("right", ["A. left", "B. right"]).value == "B"
    assert parse_choice("left", ["left", "left"]).status == "ambiguous"


@pytest.mark.parametrize("text, expected", STRICT_LETTERS.items())
def test_letters_are_told_from_names_directions_and_second_thoughts(text, expected):
    assert parse_choice(text) == expected


def test_named_things_may_be_options():
    cameras = ["Camera A", "Camera B"]
    assert parse_choice("Camera B", cameras) == parse_choice("Camera B is closer", cameras) == ("B", "ok")


def test_options_may_be_an_array():
    assert parse_choice("left", np.array(["right", "left"])) == ("B", "ok")
    assert gold_letter("left", np.array(["right", "left"])) == "B"
    assert score_choices(["left"], ["B"], options=[np.array(["right", "left"])])[0].tolist() == [1.0]
    with pytest.raises(ValueError, match="nor the text of one of"):
        score_choices(["left"], ["up"], options=[np.array(["right", "left"])])


@given(
    st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}. left", "Answer: {}", "The correct option is ({})."])
)
def test_every_letter_reads_alike(letter, frame):
    assert parse_choice(frame.format(letter)) == (letter, "ok")
