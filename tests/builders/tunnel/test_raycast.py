"""The plain renderer puts objects where the layout says, and repeats."""

import io
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from builders.tunnel.layout import ANGLES, TunnelSettings, object_mask, place, visible_fractions
from builders.tunnel.raycast import RaycastRenderer
from tests.builders.tunnel.segment import found_center, middle, scene_of

SETTINGS = TunnelSettings(resolution=256)


@pytest.mark.parametrize("n", range(4))
def test_objects_are_found_by_their_colour_where_the_layout_puts_them(n: int) -> None:
    scene, renderer = scene_of(n), RaycastRenderer(SETTINGS)
    for k in range(ANGLES):
        cell = (k, (7 * k + 5 + n) % ANGLES)
        placement, pixels = place(scene, cell, SETTINGS), renderer.pixels(scene, cell)
        if visible_fractions(scene, cell, SETTINGS)[0] == 1:
            assert found_center(pixels, scene.far.color) == pytest.approx(middle(placement.far_box), abs=1.5)
        assert found_center(pixels, scene.near.color) == pytest.approx(middle(placement.near_box), abs=1.5)


def test_the_nearer_object_is_drawn_over_the_farther() -> None:
    """At the end of the size sweep where the near object is the larger one."""
    scene, renderer = scene_of(0), RaycastRenderer(SETTINGS)
    scene = replace(scene, far=replace(scene.far, size=0.1), near=replace(scene.near, size=0.3))
    for k in (0, 3, 13):
        assert visible_fractions(scene, (k, k), SETTINGS)[0] < 0.6
        placement, pixels = place(scene, (k, k), SETTINGS), renderer.pixels(scene, (k, k))
        assert found_center(pixels, scene.near.color) == pytest.approx(middle(placement.near_box), abs=1)
        both = (object_mask(scene.far, placement.far_center, SETTINGS)
                & object_mask(scene.near, placement.near_center, SETTINGS))
        assert (pixels[both, 1] > pixels[both, 0]).all()  # green, not red


def test_pictures_repeat_bit_for_bit_as_png() -> None:
    first, other = RaycastRenderer(SETTINGS), RaycastRenderer(SETTINGS)
    other.render(scene_of(2), (1, 2))
    data = first.render(scene_of(1), (3, 13))
    assert data == other.render(scene_of(1), (3, 13))
    with Image.open(io.BytesIO(RaycastRenderer().render(scene_of(1), (3, 13)))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (512, 512))  # as published


def test_turning_the_scene_over_turns_the_objects_over() -> None:
    """Up and down are alike: mirrored positions give mirrored silhouettes."""
    scene, renderer = scene_of(3), RaycastRenderer(SETTINGS)
    above, below = (renderer.pixels(scene, cell) for cell in ((3, 6), (13, 10)))
    assert np.array_equal(above.max(axis=-1) < 40, (below.max(axis=-1) < 40)[::-1])


def test_a_picture_takes_a_tenth_of_a_second() -> None:
    scene, renderer = scene_of(0), RaycastRenderer()
    renderer.render(scene, (0, 0))
    start = time.process_time()
    for k in range(5):
        renderer.render(scene, (k, 3))
    assert (time.process_time() - start) / 5 < 0.15  # 0.06 s; the margin is for slow machines
