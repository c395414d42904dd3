"""The tunnel's geometry against formulas and rays of its own."""

import math

import numpy as np
import pytest

from builders.errors import InputError
from builders.tunnel.layout import (
    ANGLES,
    TunnelObject,
    TunnelSettings,
    center_of,
    direction,
    draw_scene,
    object_mask,
    outline,
    place,
    visible_fractions,
)

SETTINGS = TunnelSettings()
SCENES = [draw_scene(f"s{n}", SETTINGS, ("test", 0)) for n in range(6)]


def test_angles_go_round_from_the_right_by_the_top():
    """Position k lies at 22.5 k degrees, on the square: the larger coordinate is 1."""
    for k in range(ANGLES):
        x, y = direction(k)
        assert math.degrees(math.atan2(y, x)) % 360 == pytest.approx(22.5 * k)
        assert max(abs(x), abs(y)) == 1


def test_up_in_the_corridor_is_up_in_the_picture_and_theta_0_is_right():
    middle = SETTINGS.middle
    for k, across, down in ((0, 1, 0), (4, 0, -1), (8, -1, 0), (12, 0, 1)):
        x1, y1, x2, y2 = place(SCENES[0], (k, k), SETTINGS).near_box
        assert np.sign(round((x1 + x2) / 2 - middle, 6)) == across
        assert np.sign(round((y1 + y2) / 2 - middle, 6)) == down


def test_opposite_positions_are_exact_opposites():
    """Bit for bit, so that heights which are equal in the drawing tie in the numbers."""
    for k in range(ANGLES):
        assert direction((k + 8) % ANGLES) == tuple(-value for value in direction(k))
        assert direction(-k % ANGLES) == (direction(k)[0], -direction(k)[1])
    assert direction(0)[1] == direction(8)[1] == direction(4)[0] == direction(12)[0] == 0


@pytest.mark.parametrize("shape", ["cube", "sphere"])
@pytest.mark.parametrize("k", [0, 1, 2, 5, 12, 15])
def test_the_outline_bounds_the_rays_that_meet_the_object(shape: str, k: int):
    item = TunnelObject("red", shape, 0.25, 0.5)
    center = center_of(k, item.size, 3.0, SETTINGS)
    rows, columns = np.nonzero(object_mask(item, center, SETTINGS))
    x1, y1, x2, y2 = outline(item, center, SETTINGS)
    for found, exact in ((columns.min(), x1), (rows.min(), y1)):
        assert exact <= found <= exact + 2
    for found, exact in ((columns.max(), x2), (rows.max(), y2)):
        assert exact - 2 <= found <= exact


def test_a_sphere_on_the_axis_looks_as_large_as_the_tangent_says():
    """Half angle asin(r / z), so the outline lies at focal * tan(asin(r / z))."""
    item = TunnelObject("red", "sphere", 0.2, 0.5)
    x1, _, x2, _ = outline(item, np.array([0.0, 0.0, 4.0]), SETTINGS)
    assert (x2 - x1) / 2 == pytest.approx(SETTINGS.focal * math.tan(math.asin(0.2 / 4)))
    assert SETTINGS.focal * math.tan(math.radians(SETTINGS.field_of_view / 2)) == pytest.approx(256)


def test_objects_touch_neither_the_wall_nor_each_other():
    for scene in SCENES:
        for k in range(ANGLES):
            for item, depth in ((scene.far, 5.0), (scene.near, 3.0)):
                center = center_of(k, item.size, depth, SETTINGS)
                assert np.abs(center[:2]).max() + item.size == pytest.approx(1 - SETTINGS.margin)
                assert center[2] == depth


def test_only_the_farther_object_is_hidden_and_only_behind_the_nearer():
    for scene in SCENES[:2]:
        for cell in ((0, 8), (4, 12), (2, 10)):
            assert visible_fractions(scene, cell, SETTINGS) == (1.0, 1.0)
    large = draw_scene("s", SETTINGS, ("test", 1), sizes=(0.1, 0.3))
    assert visible_fractions(large, (2, 2), SETTINGS)[0] < 1


def test_sizes_are_those_of_the_paper_times_a_factor_up_to_1_5():
    factors = np.array([(s.far.size / 0.2, s.near.size / 0.1)
                        for s in (draw_scene(f"n{n}", SETTINGS, ("sizes", 0)) for n in range(200))])
    assert factors.min() >= 1 and factors.max() <= 1.5 and factors.mean() == pytest.approx(1.25, abs=0.03)


@pytest.mark.parametrize("changes, says", [
    ({"depth_near": 6.0}, "depth_near < depth_far"),
    ({"depth_far": math.nan}, "above 0"),
    ({"base_size_far": 0.8}, "does not fit"),
    ({"depth_near": 1.0}, "leave the image"),
    ({"depth_near": 4.9}, "could touch"),
])
def test_impossible_corridors_are_refused(changes: dict, says: str):
    with pytest.raises(InputError, match=says):
        TunnelSettings(**changes)
