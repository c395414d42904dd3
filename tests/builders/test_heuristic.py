"""The vertical-position rule, against its definition in words and its symmetries."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders.heuristic import tag, vertical_gap

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
