"""Answers that are lists: of numbers, corners, a point and a depth, or names in order."""

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics._shared.camera_positions import TOLERANCES, camera_scores, parse_camera_position
from metrics._shared.names import parse_name
from metrics._shared.number_lists import parse_numbers
from metrics._shared.yes_no import parse_yes_no
from metrics.box_overlap._core import box_overlap
from metrics.camera_position._core import camera_position
from metrics.mra._core import mra
from metrics.number_list._core import number_list
from metrics.order_accuracy._core import order_accuracy


@pytest.mark.parametrize(
    "text",
    [
        "120, 60, 75",
        "(120,60,75)",
        "120 60 75",
        "120 x 60 x 75",
        "120x60x75 cm",
        "120cm*60cm*75cm",
        "1.2 m, 60 cm and 750 mm",
        "1.2, 0.6, 0.75 m",
        "Length: 120, width: 60, height: 75.",
        "length=120 width=60 height=75",
        "In image 2 it measures 120, 60, 75",
        "The 3D box measures 120, 60, 75",
        "120, 60, 75\n120, 60, 75",
        "L is 119 to 121.\n120, 60, 75",
        "Of 3 chairs the first has 130; the answer is 120, 60, 75",
        "<think>1, 2</think> \\boxed{120, 60, 75}",
        '{"answer": [120, 60, 75]}',
        "I cannot measure it exactly, but my best guess is 120, 60, 75",
    ],
)
def test_three_numbers_are_read(text):
    assert parse_numbers(text, 3, "cm") == ((120.0, 60.0, 75.0), "ok")


@pytest.mark.parametrize(
    "text, status",
    [
        ("", "empty"),
        (None, "empty"),
        ("I cannot tell; perhaps 120, 60, 75", "refused"),
        ("not sure", "refused"),
        ("120, 60", "malformed"),
        ("120, 60, 75, 80", "malformed"),
        ("540000 cm3", "malformed"),
        ("120, 60, 75 degrees", "malformed"),
        ("120, 60, 75 or 110, 60, 70", "ambiguous"),
        ("<think>120, 60, 75", "malformed"),
    ],
)
def test_another_count_is_no_answer(text, status):
    assert parse_numbers(text, 3, "cm") == (None, status)
    assert number_list([text], ["120, 60, 75"], unit="cm")["mra"] == 0


numbers = st.lists(st.integers(1, 400), min_size=3, max_size=3)


@given(numbers, numbers)
def test_a_list_scores_the_mean_of_its_numbers(given_numbers, gold):
    texts = [", ".join(map(str, values)) for values in (given_numbers, gold)]
    assert number_list(texts[:1], texts[1:], unit="cm")["mra"] == pytest.approx(mra(given_numbers, gold)["mra"])
    assert number_list(texts[1:], texts[1:])["mra"] == 1


def test_units_must_be_known():
    with pytest.raises(ValueError, match="'stones' is not a unit"):
        number_list(["1, 2"], ["1, 2"], unit="stones")
    with pytest.raises(ValueError, match="item 0 is 'tall', not a list of numbers"):
        number_list(["1, 2"], ["tall"])


# ---------------------------------------------------------------- a camera in an image


@pytest.mark.parametrize(
    "text",
    [
        "(514, 95), 4.8",
        "Image Coor: (514, 95), Depth: 4.8 meters",
        "514, 95, 4.8",
        "u=514, v=95, depth=4.8m",
        "(514, 95, 4.8)",
        "Depth 480 cm, at [514, 95]",
        "In image 1: (514, 95), 4.8 m",
    ],
)
def test_camera_positions_are_read(text):
    assert parse_camera_position(text) == ((514.0, 95.0, 4.8), "ok")


@pytest.mark.parametrize("text, status", [("(514, 95)", "malformed"), ("(1, 2), 3 or (4, 5), 6", "ambiguous")])
def test_half_a_camera_position_is_none(text, status):
    assert parse_camera_position(text) == (None, status)


@given(*[st.integers(0, 1000)] * 4, st.integers(1, 99), st.integers(1, 99))
def test_camera_score_is_the_mean_of_two_ladders(u, v, gold_u, gold_v, depth, gold_depth):
    result = camera_position([f"({u}, {v}), {depth / 10}"], [f"({gold_u}, {gold_v}), {gold_depth / 10}"])
    squared = (u - gold_u) ** 2 + (v - gold_v) ** 2
    error = abs(Fraction(depth, gold_depth) - 1)
    point = sum(squared <= (25 * k) ** 2 for k in range(1, 11))
    steps = sum(error <= 1 - Fraction(50 + 5 * k, 100) for k in range(10))
    assert result["camera_position"] == pytest.approx((point + steps) / 20)
    assert (result["point"], result["depth"]) == pytest.approx((point / 10, steps / 10))
    assert result["point_error"] == pytest.approx(squared**0.5)


def test_naming_the_middle_earns_what_the_card_says():
    rng = np.random.default_rng(0)
    golds = rng.integers(0, 1001, (20_000, 3))
    earned = camera_scores(np.full(golds.shape, 500), golds).point.mean()
    assert earned == pytest.approx(np.pi * np.mean(np.square(TOLERANCES)) / 1e6, abs=0.005)
    assert round(float(earned), 2) == 0.08


# ---------------------------------------------------------------- boxes


def test_half_an_overlap_reaches_the_threshold():
    result = box_overlap(["(0.1, 0.1, 0.3, 0.3)", "(0, 0, 1, 49)"], ["0.1,0.1,0.3,0.2", "(0, 0, 1, 100)"])
    assert result["acc@0.5"] == 0.5 and result["mean_iou"] == pytest.approx(0.495)
    for gold in ("(1, 2, 3)", "(5, 5, 5, 9)"):
        with pytest.raises(ValueError, match="references: item 0 is"):
            box_overlap(["1, 2, 3, 4"], [gold])


# ---------------------------------------------------------------- orders


@given(st.permutations(["chair", "coffee table", "table", "lamp"]))
def test_any_order_of_the_names_is_read_as_it_stands(order):
    gold = "chair, coffee table, table, lamp"
    for text in (", ".join(order), " -> ".join(order), "\n".join(f"{i}. {name}" for i, name in enumerate(order, 1))):
        result = order_accuracy([text.upper()], [gold], return_items=True)
        assert result["items"][0]["value"] == list(order)
        assert result["accuracy"] == (", ".join(order) == gold)
    reverse = order_accuracy([", ".join(order[::-1])], [gold])["pair_accuracy"]
    assert result["pair_accuracy"] + reverse == pytest.approx(1)


@pytest.mark.parametrize("text", ["office chair, lamp", "chair, floor lamp", "chair cushion, lamp"])
def test_a_name_within_another_name_is_another(text):
    assert order_accuracy([text], ["chair, lamp"], return_items=True)["items"][0]["status"] == "malformed"


# ---------------------------------------------------------------- yes or no


@pytest.mark.parametrize(
    "text, value, status",
    [
        ("Yes", "Yes", "ok"),
        ("no.", "No", "ok"),
        ("**No**, it is above it.", "No", "ok"),
        ("<think>yes</think> no", "No", "ok"),
        ("The answer is yes.", "Yes", "ok"),
        ("<answer>No</answer>", "No", "ok"),
        ("", None, "empty"),
        ("No idea", None, "refused"),
        ("I cannot tell", None, "refused"),
        ("yes or no", None, "ambiguous"),
        ("yes/no", None, "ambiguous"),
        ("B", None, "malformed"),
        ("to the left", None, "malformed"),
    ],
)
def test_yes_and_no(text, value, status):
    assert parse_yes_no(text) == (value, status)


FILLERS = ["1 ", "1,", "a, ", "( ", "(1, ", "image 1 ", "is near ", "the ", "the a ", "or ", "x 1"]


@pytest.mark.parametrize("filler", FILLERS)
def test_long_answers_are_read_in_linear_time(filler):
    text = f"The answer is {filler * 20_000}"
    start = time.perf_counter()
    parse_numbers(text, 3, "cm")
    parse_camera_position(text)
    parse_name(text, ["office chair", "bed"])
    parse_yes_no(text)
    assert time.perf_counter() - start < 5  # well under 1 s on an idle core; minutes if a pattern backtracks
