"""Cycles pictures of the tunnel: objects where the layout says, light that says nothing about depth, repeatable."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from builders.tunnel.compose import share_light
from builders.tunnel.layout import TunnelSettings, place, visible_fractions
from builders.tunnel.look import TunnelLook
from builders.tunnel.render import TunnelRenderer
from tests.builders.tunnel.segment import found_center, middle, scene_of

pytest.importorskip("bpy", reason="Cycles needs bpy (extra 'render')")
pytestmark = pytest.mark.render

SMALL = TunnelSettings(resolution=128)
NOISY = TunnelLook(samples=1, denoise=False)


@pytest.mark.parametrize("n", range(4))
def test_objects_are_found_by_their_colour_where_the_layout_puts_them(n: int) -> None:
    settings = replace(SMALL, resolution=192)
    scene, cell = scene_of(n), ((2, 13), (15, 4), (9, 7), (12, 1))[n]
    composing = n < 2  # the others rendered in full, a third of the work
    pixels = TunnelRenderer(settings, TunnelLook(samples=2), composing=composing).pixels(scene, cell)
    placement = place(scene, cell, settings)
    assert found_center(pixels, scene.far.color) == pytest.approx(middle(placement.far_box), abs=1.5)
    assert found_center(pixels, scene.near.color) == pytest.approx(middle(placement.near_box), abs=1.5)


def test_without_denoiser_bytes_depend_on_scene_and_cell_alone(tmp_path: Path) -> None:
    first, other = TunnelRenderer(SMALL, NOISY, cache=tmp_path), TunnelRenderer(SMALL, NOISY)
    data = first.render(scene_of(0), (3, 13))
    other.render(scene_of(1), (3, 13))
    other.render(scene_of(0), (3, 2))
    assert other.render(scene_of(0), (3, 13)) == data
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (128, 128))


def test_renders_are_taken_up_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = TunnelRenderer(SMALL, NOISY, cache=tmp_path).render(scene_of(0), (3, 13))
    assert len(list(tmp_path.iterdir())) == 3
    again = TunnelRenderer(SMALL, NOISY, cache=tmp_path)
    monkeypatch.setattr(again, "_rendered", None)
    assert again.render(scene_of(0), (3, 13)) == data


def test_with_denoiser_pictures_repeat_within_two_levels() -> None:
    look = TunnelLook(samples=2)
    first, again = (TunnelRenderer(SMALL, look).pixels(scene_of(2), (3, 13)).astype(int) for _ in range(2))
    assert np.abs(first - again).max() <= 2


@pytest.mark.parametrize(("cell", "sizes", "partly"), [
    ((3, 13), (0.25, 0.13), False), ((4, 4), (0.25, 0.13), False), ((6, 6), (0.15, 0.3), True)])
def test_a_composed_picture_is_the_rendered_one(cell: tuple[int, int], sizes: tuple[float, float],
                                                partly: bool) -> None:
    """Apart, on the same side, and with the far object partly hidden."""
    scene = scene_of(0)
    scene = replace(scene, far=replace(scene.far, size=sizes[0]), near=replace(scene.near, size=sizes[1]))
    assert (0.1 < visible_fractions(scene, cell, SMALL)[0] < 0.9) == partly
    renderer = TunnelRenderer(SMALL, TunnelLook(samples=4, denoise=False))
    composed, rendered = (make(scene, cell).astype(float) for make in (renderer.composed, renderer.rendered))
    assert 10 * np.log10(255**2 / np.mean((composed - rendered) ** 2)) > 40


def test_cells_in_each_others_light_are_rendered_in_full() -> None:
    scene, cell, look = scene_of(0, sun=1.27 * np.pi), (14, 6), replace(NOISY, sun_elevation=30)
    assert share_light(scene, place(scene, cell, SMALL), look)
    renderer = TunnelRenderer(SMALL, look)
    in_full = renderer.rendered(scene, cell)
    assert np.array_equal(renderer.pixels(scene, cell), in_full)
    assert np.array_equal(TunnelRenderer(SMALL, look, composing=False).pixels(scene, cell), in_full)


def test_light_says_nothing_about_depth_and_little_about_height() -> None:
    """Floor and ceiling are as bright beside the near object as beside the far one, and nearly as each other."""
    pixels = TunnelRenderer(SMALL, TunnelLook(samples=8)).rendered(scene_of(0), (0, 8))
    for turned in (pixels, pixels[::-1]):
        near, far = (_floor(turned, depth) for depth in (SMALL.depth_near, SMALL.depth_far))
        assert near == pytest.approx(far, rel=0.15)
    assert _floor(pixels, 3) == pytest.approx(_floor(pixels[::-1], 3), rel=0.3)


def _floor(pixels: NDArray[np.uint8], depth: float) -> float:
    """Mean grey of the floor around the middle, within 0.5 m of a depth."""
    low, high = (round(SMALL.middle + SMALL.focal / z) for z in (depth + 0.5, depth - 0.5))
    half = round(0.4 * SMALL.focal / (depth + 0.5))
    return float(pixels[low:high, 64 - half : 64 + half].mean())
