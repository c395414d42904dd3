"""Answer parsing: what commits to a value, and what never may."""

import math
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metrics._shared.choice_answers import gold_letter, score_choices
from metrics._shared.choices import parse_choice
from metrics._shared.motion_answers import parse_motion, score_motions
from metrics._shared.numbers import parse_number

STATUSES = {"ok", "empty", "refused", "malformed", "ambiguous"}

NUMBERS = {
    "1.9": 1.9,
    "-1.9": -1.9,
    "\u22121.9 m": -1.9,
    "+2": 2.0,
    ".9": 0.9,
    "-.5 m": -0.5,
    "2.": 2.0,
    "1,200": 1200.0,
    "1,234,567.5 m": 1234567.5,
    "1\u202f234\u202f567.5 m": 1234567.5,
    "1'200 m": 1200.0,
    "1e3": 1000.0,
    "1.2e-3 m": 0.0012,
    "about 1.2 x 10^3 mm": 1200.0,
    "\uff11\uff0e\uff19": 1.9,
    "~1.9m": 1.9,
    "**1.9** meters": 1.9,
    "$1.9\\,\\text{m}$": 1.9,
    "is...1.9": 1.9,
    "5 m\u00b2": 5.0,
    "two": 2.0,
    "twenty-one": 21.0,
    "About three meters.": 3.0,
    "It is twenty meters away": 20.0,
    "minus two": -2.0,
    "The answer is two.": 2.0,
    "There are twelve chairs": 12.0,
    "The two objects are five meters apart": 5.0,
    "The two objects are 5 m apart": 5.0,
    "The answer is 1.9.": 1.9,
    "Answer: 1.9 m. The sofa is 3 m away.": 1.9,
    "The answer is 3 m. No, the answer is 1.9 m.": 1.9,
    "I cannot see it well, but the answer is 2.0": 2.0,
    "<think>3.2 or 1.3?</think>\n1.9": 1.9,
    "<think>3.2 or 1.3?</think><answer> 1.9 m </answer> Done, 5.": 1.9,
    "The first is 3, so <answer>1.9": 1.9,
    "So 3 - 1 is \\boxed{1.9}": 1.9,
    "3.0 - 1.1 = 1.9 m": 1.9,
    "The sofa is at 3.2 m.\nThe chair is at 1.3 m.\n\n1.9 m": 1.9,
    "1.9 m (190 cm)": 1.9,
    "1.9 m (about 6.2 feet)": 1.9,
    "1.9 +/- 0.1 m": 1.9,
    "1.9 \u00b1 0.1": 1.9,
    "2 meters (object 50)": 2.0,
    "The distance between object 1 and object 2 is 1.9 meters.": 1.9,
    "Frame-4 shows it 1.9 m away": 1.9,
}

NO_NUMBER = {
    "": "empty",
    " \n": "empty",
    "nan": "empty",
    "<answer></answer>": "empty",
    "<think>1.9</think>": "empty",
    "<think>it is 1.9, I thi": "malformed",
    "far away": "malformed",
    "the red one is closer": "malformed",
    "two chairs are far": "malformed",
    "3D, the 2nd object, Frame-4, version 1.2.3": "malformed",
    "1e999": "malformed",
    "inf": "malformed",
    "I cannot determine the distance from these 2 images.": "refused",
    "Sorry, 2 images are not enough.": "refused",
    "The answer cannot be determined, maybe 2": "refused",
    "As an AI, I see 2 chairs": "refused",
    "No idea": "refused",
    "I'm not sure": "refused",
    "red 1.5 ... blue 2.0": "ambiguous",
    "1,2": "ambiguous",
    "1.5-2.0 m": "ambiguous",
    "between 1 and 2 m": "ambiguous",
    "two to three meters": "ambiguous",
    "between two and three meters": "ambiguous",
    "1.9 m (about 3 feet)": "ambiguous",
    "The answer is two or three": "ambiguous",
    "two meters, perhaps four meters": "ambiguous",
    "1.5cm-2.0cm": "ambiguous",
    "x = 3.0, y = 1.1": "ambiguous",
    "It is 2 meters, or perhaps 3 meters": "ambiguous",
}

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


@pytest.mark.parametrize("text, value", NUMBERS.items())
def test_numbers_that_are_stated(text, value):
    assert parse_number(text) == (value, "ok")


@pytest.mark.parametrize("text, status", NO_NUMBER.items())
def test_texts_without_one_number(text, status):
    assert parse_number(text) == (None, status)


def test_numbers_that_are_numbers_already():
    assert parse_number(1.9) == (1.9, "ok") and parse_number(2) == (2.0, "ok")
    assert parse_number(None).status == parse_number(float("nan")).status == "empty"
    assert parse_number(float("inf")).status == parse_number(10**400).status == "malformed"


@pytest.mark.parametrize(
    "text, unit, value",
    [
        ("190 cm", "m", 1.9),
        ("1900 millimetres", "m", 1.9),
        ("6 feet", "m", 1.8288),
        ("1.9", "m", 1.9),
        ("1.9 m", "cm", 190.0),
        ("1.9 m (190 cm)", "cm", 190.0),
        ("90 degrees", "deg", 90.0),
        ("2 square meters", "m2", 2.0),
        ("90 degrees", "m", None),
        ("turn 90 degrees and walk 2 m", "m", 2.0),
    ],
)
def test_units_are_converted_within_a_dimension(text, unit, value):
    assert parse_number(text, unit=unit).value == value


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

STRICT_LENGTHS = {
    '{"answer": 2.5, "confidence": 0.9}': 2.5,
    '{"confidence": 0.9, "answer": 250, "unit": "cm"}': 2.5,
    "two point five meters": 2.5,
    "minus 2": -2.0,
    "minus two point five": -2.5,
    "\u2013 2 m": -2.0,
    "\u20142": -2.0,
    "5 ft 3 in": 1.6002,
    "6 ft 2 in.": 1.8796,
    "250\u5398\u7c73": 2.5,
    "\u5927\u7ea62.5\u7c73": 2.5,
    "1.9 yards": 1.73736,
    "2 miles": 3218.688,
    "The answer is 2.5, as object 1 is near": 2.5,
    "Answer: 2.5 (image 1)": 2.5,
    "Based on the image 1 and image 2, the distance is 2.4": 2.4,
    "Based on images 1 and 2, the distance is 2.4": 2.4,
    "The camera 2 m away": 2.0,
    "about 1.9 m, or 6.2 ft": 1.9,
    "1.9 metres / 6.2 feet": 1.9,
    "1.9\nConfidence: 80%": 1.9,
    "one and a half meters": 1.5,
    "twenty-five cm": 0.25,
    "thirty cm": 0.3,
    "half a meter": 0.5,
    "Sorry for the earlier mistake. The distance is 1.9 m": 1.9,
    "I cannot determine exactly, but my best estimate is 1.9 meters.": 1.9,
    "It is more than 1 m, about 1.9 m": 1.9,
    '"1.9"': 1.9,
}

NO_LENGTH = {
    "10^2": "malformed",
    "2\u00b2": "malformed",
    "120 pixels": "malformed",
    "50 %": "malformed",
    '98"': "malformed",
    "3 steps": "malformed",
    "at least 5 m": "malformed",
    "at least five meters": "malformed",
    "> 5 m": "malformed",
    "less than 2 meters": "malformed",
    "The answer is one hundred": "malformed",
    "two and a half to three meters": "ambiguous",
    "twenty to thirty cm": "ambiguous",
    "1.9 m, or 3 ft": "ambiguous",
    "My best estimate cannot be determined from 2 images": "refused",
}


@pytest.mark.parametrize("text, expected", STRICT_LETTERS.items())
def test_letters_are_told_from_names_directions_and_second_thoughts(text, expected):
    assert parse_choice(text) == expected


def test_named_things_may_be_options():
    cameras = ["Camera A", "Camera B"]
    assert parse_choice("Camera B", cameras) == parse_choice("Camera B is closer", cameras) == ("B", "ok")


@pytest.mark.parametrize("text, value", STRICT_LENGTHS.items())
def test_lengths_that_are_stated(text, value):
    assert parse_number(text, unit="m") == (value, "ok")


@pytest.mark.parametrize("text, status", NO_LENGTH.items())
def test_texts_without_one_length(text, status):
    assert parse_number(text, unit="m") == (None, status)


def test_an_unknown_unit_is_named():
    with pytest.raises(ValueError, match=r"unit: expected one of m, .*, got 'furlong'"):
        parse_number("2", unit="furlong")


def test_options_may_be_an_array():
    assert parse_choice("left", np.array(["right", "left"])) == ("B", "ok")
    assert gold_letter("left", np.array(["right", "left"])) == "B"
    assert score_choices(["left"], ["B"], options=[np.array(["right", "left"])])[0].tolist() == [1.0]
    with pytest.raises(ValueError, match="nor the text of one of"):
        score_choices(["left"], ["up"], options=[np.array(["right", "left"])])


@pytest.mark.parametrize(
    "text, right",
    [
        ("move_right:1.2 or 1.5", None),
        ("move_right:1.2-1.5 m", None),
        ("move_right: 1.2 m to 1.5 m", None),
        ("move_right: 2, move_left: 0.2 or 0.4", None),
        ("move_right: between 1.2 and 1.5", None),
        ("move_right: ~1.2", 1.2),
        ("move_right: about 1.2 m", 1.2),
        ("movement right: 1.2", 1.2),
    ],
)
def test_a_motion_part_is_one_number(text, right):
    read = parse_motion(f"{text}, move_up:0.4, rotation_left: 90").value
    assert (read.right, read.up, read.rotate_right) == (right, 0.4, -90.0)


def test_a_motion_of_undecided_parts_alone_is_ambiguous():
    assert parse_motion("move_right:1.2 or 1.5") == (None, "ambiguous")
    assert score_motions(["move_right:1.2 or 1.5, move_up:0.4"], ["move_right:1.2,move_up:0.4"])[0] == [0.8]


finite = st.floats(allow_nan=False, allow_infinity=False)
frames = st.sampled_from(["{}", "{} m", "The answer is {}.", "<think>7 or 8</think>{}", "<answer>{}</answer>", "({})"])


@given(finite, frames)
def test_printed_floats_read_back_equal(value, frame):
    assert parse_number(frame.format(repr(value))) == (value, "ok")


@given(st.integers(-(10**12), 10**12), frames)
def test_thousands_separators_do_not_change_a_number(value, frame):
    assert parse_number(frame.format(f"{value:,}")) == (float(value), "ok")


@given(st.floats(0.01, 1e4), st.sampled_from(["{:.1f}", "{:.3e}", "{:,.2f}", "{:g}"]), frames)
def test_formatted_floats_read_as_printed(value, number_format, frame):
    printed = number_format.format(value)
    assert parse_number(frame.format(printed)).value == float(printed.replace(",", ""))


@given(
    st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}. left", "Answer: {}", "The correct option is ({})."])
)
def test_every_letter_reads_alike(letter, frame):
    assert parse_choice(frame.format(letter)) == (letter, "ok")


FRAGMENTS = ["A", "(B)", "C.", "answer is ", "<answer>", "</answer>", "<think>", "</think>", "1.5", "-2", "1,200", " m"]
FRAGMENTS += [
    "\\boxed{",
    "}",
    "cannot tell ",
    "not ",
    " or ",
    "\n",
    " ",
    "e9",
    "10^999",
    "two",
    "left",
    "\u00b2",
    "=",
    "-",
]
noise = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))


@settings(max_examples=400)
@given(noise)
@example("9" * 5000)
@example("1" + ",000" * 5000)
@example("1 x 10^99999999999")
def test_number_parser_never_raises_and_values_are_finite(text):
    for unit in (None, "m"):
        parsed = parse_number(text, unit)
        assert parsed.status in STATUSES
        assert (parsed.value is not None) == (parsed.status == "ok")
        assert parsed.value is None or math.isfinite(parsed.value)


@settings(max_examples=400)
@given(noise, st.none() | st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_choice_parser_never_raises_and_stays_within_the_options(text, options):
    parsed = parse_choice(text, options)
    assert parsed.status in STATUSES
    assert (parsed.value is not None) == (parsed.status == "ok")
    assert parsed.value is None or parsed.value in "ABCDEF"[: len(options or "ABCDEF")]


@pytest.mark.parametrize(
    "filler",
    [" ", "\n", "(", "A ", "1 = ", "<answer>", "answer ", "not the ", "square ", "9", "left "]
    + [
        "{",
        '{"a":',
        "wait ",
        "no, ",
        "- [x] ",
        "two point ",
        "five ",
        "object 1 and ",
        "more than ",
        "move_right:1 or ",
    ]
    + ["perhaps the ", "5 ft 3 ", "best ", "\u9009\u9879", "A. ", "twenty "],
)
def test_no_long_answer_hangs_a_parser(filler):
    start = time.perf_counter()
    text = f"The answer is{filler * 10_000}B"
    parse_choice(text, ["left", "right"])
    parse_number(text, unit="m")
    parse_motion(text)
    assert time.perf_counter() - start < 30  # a fraction of a second; a pattern that backtracks never ends


@given(st.sampled_from(["I cannot determine", "Unable to tell", "I don't know", "Not enough information"]), noise)
def test_a_refusal_with_no_marked_answer_is_never_a_value(refusal, rest):
    rest = rest.replace("answer", "").replace("boxed", "").replace("think", "")
    text = f"{refusal} {' '.join(rest.split())}"
    number = parse_number(text)
    assert number.value is None
