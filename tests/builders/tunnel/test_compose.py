"""The arithmetic between renders and pictures."""

from dataclasses import replace

import numpy as np
import pytest

from builders.tunnel.compose import compose, coverage, develop, share_light
from builders.tunnel.layout import TunnelSettings, object_mask, place
from builders.tunnel.look import TunnelLook, toward_sun
from tests.builders.tunnel.segment import scene_of

SETTINGS = TunnelSettings(resolution=128)


@pytest.mark.parametrize("n", range(2))
def test_coverage_keeps_the_area_and_the_place_of_a_silhouette(n: int) -> None:
    scene = scene_of(n)
    center = place(scene, (3, 9), SETTINGS).far_center
    share = coverage(scene.far, center, SETTINGS, 3.0)  # so wide that a ray's weights in all pixels add up to 1
    fine = object_mask(scene.far, center, replace(SETTINGS, resolution=8 * 128))
    assert share.sum() == pytest.approx(fine.sum() / 64, rel=0.01)
    for axis in (0, 1):
        places = np.arange(128)
        expected = (fine.sum(axis=1 - axis) @ ((np.arange(1024) + 0.5) / 8 - 0.5)) / fine.sum()
        assert (share.sum(axis=1 - axis) @ places) / share.sum() == pytest.approx(expected, abs=0.01)
    sharp = coverage(scene.far, center, SETTINGS, 1.0)
    assert (sharp[object_mask(scene.far, center, SETTINGS)] > 0.5).mean() > 0.95
    assert (sharp > 0.5)[~object_mask(scene.far, center, SETTINGS)].mean() < 0.01


def test_layers_are_put_together_as_light_adds() -> None:
    """One row of pixels: bare wall, far shadow, near shadow, both shadows, near object, far object in near shadow."""
    empty = np.full((1, 6, 3), 0.5, np.float32)
    far, near = empty.copy(), empty.copy()
    far[0, [1, 3]], near[0, [2, 3]] = 0.4, 0.3
    near[0, 4], far[0, 5], near[0, 5] = 0.9, 0.7, 0.3
    far_cover = np.array([[0, 0, 0, 0, 0, 1]], np.float32)
    near_cover = np.array([[0, 0, 0, 0, 1, 0]], np.float32)
    made = compose(empty, far, near, far_cover, near_cover)[0, :, 0]
    assert made == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.9, 0.7])


def test_the_near_object_hides_the_far_one_and_edges_mix() -> None:
    empty, far = np.full((1, 2, 3), 0.5, np.float32), np.full((1, 2, 3), 0.1, np.float32)
    near = np.array([[[0.8] * 3, [0.65] * 3]], np.float32)  # covered wholly, and by half: (0.8 + 0.5) / 2
    made = compose(empty, far, near, np.ones((1, 2), np.float32), np.array([[1, 0.5]], np.float32))[0, :, 0]
    assert made == pytest.approx([0.8, (0.8 + 0.1) / 2])


def test_development_follows_the_neutral_curve() -> None:
    greys = np.repeat(np.array([0, 0.04, 0.18, 0.5, 0.76, 1, 4, 1000], np.float32)[None, :, None], 3, axis=-1)
    made = develop(greys)[0, :, 0]
    assert made[0] == 0 and made[-1] == 255 and (np.diff(made.astype(int)) > 0).all()
    assert made[2] == round(255 * (1.055 * 0.14 ** (1 / 2.4) - 0.055))  # 0.18 less the 0.04 of a surface's sheen
    assert np.array_equal(develop(greys / 2, exposure=1), develop(greys))


def test_objects_share_light_only_near_each_other_or_the_line_to_the_sun() -> None:
    scene, look = scene_of(0), TunnelLook()
    placement = place(scene, (0, 8), SETTINGS)
    assert not share_light(scene, placement, look)
    sun = toward_sun(scene, look)
    for side in (-1.5, 1.5):
        lined_up = replace(placement, near_center=placement.far_center + side * sun)
        assert share_light(scene, lined_up, look)
    beside = replace(placement, near_center=placement.far_center + (0, 1.5, 0))
    assert share_light(scene, beside, look) and not share_light(scene, beside, replace(look, ambient_distance=0.5))
