"""Whatever a model writes, a parser ends soon, raises nothing and gives no value where there is none."""

import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metrics._shared.choices import parse_choice
from metrics._shared.motion_answers import parse_motion
from metrics._shared.numbers import parse_number

STATUSES = {"ok", "empty", "refused", "malformed", "ambiguous"}

FRAGMENTS = ["A", "(B)", "C.", "answer is ", "<answer>", "</answer>", "<think>", "</think>", "\\boxed{", "}", "left"]
FRAGMENTS += ["1.5", "-2", "1,200", " m", "e9", "10^999", "two", "\u00b2", "=", "-", "\n", " "]
FRAGMENTS += ["cannot tell ", "not ", " or "]
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
    assert parsed.value is None or parsed.value in list("ABCDEF")[: len(options or "ABCDEF")]


@pytest.mark.parametrize(
    "filler",
    [" ", "\n", "(", "A ", "1 = ", "<answer>", "answer ", "not the ", "square ", "9", "left ", "{", '{"a":', "wait "]
    + ["no, ", "- [x] ", "two point ", "five ", "object 1 and ", "more than ", "move_right:1 or ", "perhaps the "]
    + ["5 ft 3 ", "best ", "\u9009\u9879", "A. ", "twenty "],
)
def test_no_long_answer_hangs_a_parser(filler):
    start = time.process_time()  # a busy machine is no fault of a pattern
    text = f"The answer is{filler * 10_000}B"
    parse_choice(text, ["left", "right"])
    parse_number(text, unit="m")
    parse_motion(text)
    assert time.process_time() - start < 10  # a fraction of a second; a pattern that backtracks never ends


@given(st.sampled_from(["I cannot determine", "Unable to tell", "I don't know", "Not enough information"]), noise)
def test_a_refusal_with_no_marked_answer_is_never_a_value(refusal, rest):
    rest = rest.replace("answer", "").replace("boxed", "").replace("think", "")
    text = f"{refusal} {' '.join(rest.split())}"
    assert parse_number(text).value is None
