"""Answers that are one number: what commits to a value, in which unit, and what never may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared.numbers import parse_number

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


@pytest.mark.parametrize("text, value", STRICT_LENGTHS.items())
def test_lengths_that_are_stated(text, value):
    assert parse_number(text, unit="m") == (value, "ok")


@pytest.mark.parametrize("text, status", NO_LENGTH.items())
def test_texts_without_one_length(text, status):
    assert parse_number(text, unit="m") == (None, status)


def test_an_unknown_unit_is_named():
    with pytest.raises(ValueError, match=r"unit: expected one of m, .*, got 'furlong'"):
        parse_number("2", unit="furlong")


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
