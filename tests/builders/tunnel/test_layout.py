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
            for item, depth in ((scene.far, SETTINGS.depth_far), (scene.near, SETTINGS.depth_near)):
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


def heights(item: TunnelObject, depth: float) -> np.ndarray:
    """(16,) pixels above the horizon of the middle of the object's outline, from angles and corners."""
    turns = np.radians(22.5 * np.arange(ANGLES))
    reach = np.maximum(np.abs(np.sin(turns)), np.abs(np.cos(turns)))
    y = np.sin(turns) / reach * (1 - item.size - SETTINGS.margin)
    if item.shape == "sphere":  # grazed at asin(r / distance) from the line to its centre, seen from the side
        half = np.arcsin(item.size / np.hypot(y, depth))
        slopes = np.stack([np.tan(np.arctan2(y, depth) + side * half) for side in (-1, 1)])
    else:
        slopes = np.stack([(y + a * item.size) / (depth + b * item.size) for a in (-1, 1) for b in (-1, 1)])
    return 256 / math.tan(math.pi / 6) * (slopes.min(axis=0) + slopes.max(axis=0)) / 2


def test_heights_never_nearly_tie_and_a_cell_has_one_class_in_all_scenes():
    """In each of 400 scenes the four ties are exact and all other gaps above 5 of 512 pixels, of the same sign."""
    classes = set()
    for scene in (draw_scene(f"n{n}", SETTINGS, ("heights", 0)) for n in range(400)):
        gaps = heights(scene.far, SETTINGS.depth_far)[:, None] - heights(scene.near, SETTINGS.depth_near)
        tied = np.abs(gaps) < 1e-9
        assert np.argwhere(tied).tolist() == [[0, 0], [0, 8], [8, 0], [8, 8]]
        assert np.abs(gaps[~tied]).min() > 5
        expected = np.where(tied, "ambiguous", np.where(gaps > 0, "consistent", "counter"))
        tags = [place(scene, (far, near), SETTINGS).heuristic for far in range(ANGLES) for near in range(ANGLES)]
        assert tags == expected.ravel().tolist()
        classes.add(tuple(tags))
    (only,) = classes
    assert [only.count(tag) for tag in ("consistent", "counter", "ambiguous")] == [126, 126, 4]


def test_the_farther_object_looks_larger_in_17_of_20_scenes():
    """1.2 a > b for factors a, b of 1 to 1.5: all of the square but 0.0375 of its 0.25."""
    drawn = [draw_scene(f"n{n}", SETTINGS, ("apparent size", 0)) for n in range(400)]
    larger = np.mean([scene.far.size / SETTINGS.depth_far > scene.near.size / SETTINGS.depth_near for scene in drawn])
    assert larger == pytest.approx(0.85, abs=4 * math.sqrt(0.85 * 0.15 / len(drawn)))


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
