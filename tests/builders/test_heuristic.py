"""The vertical-position rule, against its definition in words and its symmetries."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders.heuristic import exact_gap, tag, vertical_gap

heights = st.floats(0, 480)


@given(heights, heights)
def test_turning_the_picture_upside_down_swaps_consistent_and_counter(near, far):
    gap = vertical_gap((0, near, 5, near), (0, far, 5, far), 480)
    flipped = vertical_gap((0, 480 - near, 5, 480 - near), (0, 480 - far, 5, 480 - far), 480)
    assert np.isclose(gap, -flipped, atol=1e-12)
    swapped = {"consistent": "counter", "counter": "consistent", "ambiguous": "ambiguous"}
    if abs(abs(gap) - 0.05) > 1e-9:
        assert tag(flipped) == swapped[tag(gap)]


def test_the_farther_object_higher_in_the_image_is_the_rule():
    near, far = (100, 300, 200, 460), (300, 100, 340, 140)  # centres at y = 380 and 120 of 480
    assert vertical_gap(near, far, 480) == 260 / 480
    assert tag(260 / 480) == "consistent" and tag(-260 / 480) == "counter"


def test_the_dead_zone_is_open_and_a_tie_is_always_ambiguous():
    assert tag(0.0499) == tag(-0.0499) == "ambiguous" and tag(0.05) == "consistent" and tag(-0.05) == "counter"
    assert tag(1e-9, min_gap=0) == "consistent" and tag(0, min_gap=0) == "ambiguous"


def test_at_exactly_five_percent_a_pair_is_decided_where_rounding_would_decide_wrongly():
    """Boxes with one decimal, 5 % of the height apart: two ways to compute that in floating point go wrong for some."""
    by_shares = by_quotient = 0
    for height in (300, 480, 968):
        band = height * 10 // 20  # tenths of a pixel
        for top in range(1, 1000, 7):
            near, far = (0, (top + band) / 10, 5, (top + band + 300) / 10), (0, top / 10, 5, (top + 300) / 10)
            centers = [(box[1] + box[3]) / 2 for box in (near, far)]
            by_shares += centers[0] / height - centers[1] / height < 0.05
            by_quotient += vertical_gap(near, far, height) < 0.05
            assert tag(exact_gap(near, far, height)) == "consistent"
            assert tag(exact_gap(far, near, height)) == "counter"
            closer = (0, far[1], 5, (top + 301) / 10)  # its centre is a twentieth of a pixel lower
            assert tag(exact_gap(near, closer, height)) == "ambiguous"
    assert by_shares > 50 and by_quotient > 50


@given(st.integers(1, 2000), *(st.integers(-4000, 8000) for _ in range(4)))
def test_the_exact_rule_is_that_of_whole_numbers(height, near_top, near_bottom, far_top, far_bottom):
    """In quarters of a pixel: twice the centres, times 20, against the height."""
    near, far = (0, near_top / 4, 1, near_bottom / 4), (0, far_top / 4, 1, far_bottom / 4)
    rise = near_top + near_bottom - far_top - far_bottom  # eighths of a pixel
    expected = "ambiguous" if 20 * abs(rise) < 8 * height else "consistent" if rise > 0 else "counter"
    assert tag(exact_gap(near, far, height)) == expected
