"""A picture of two objects from pictures of each alone, and from light to 8 bit.

The corridor stands still while the objects move, so a scene of 16 x 16 cells is made of 33 renders: the empty
corridor, the far object at 16 places, the near object at 16 places. Light adds: what an object changes in the picture
(its shadow, the skylight it takes) is the difference to the empty corridor, and the differences of two objects that do
not touch each other's light add up. All pictures here are linear RGB, (H, W, 3) float32.
"""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builders.tunnel.layout import Placement, TunnelObject, TunnelScene, TunnelSettings, meets, outline, rays_through
from builders.tunnel.look import TunnelLook, toward_sun

Picture = NDArray[np.float32]

_FINE = 8
"""Rays per pixel and direction when a silhouette is measured."""


def coverage(item: TunnelObject, center: NDArray[np.float64], settings: TunnelSettings, filter_width: float) -> Picture:
    """(H, W) share of each pixel that shows the object, under the renderer's Blackman-Harris filter.

    Measured with 8 x 8 rays per pixel around the object's outline.
    """
    reach = math.ceil(filter_width / 2)
    x1, y1, x2, y2 = outline(item, center, settings)
    last = settings.resolution - 1
    (left, right), (top, bottom) = (
        (max(math.floor(low) - reach, 0), min(math.ceil(high) + reach, last)) for low, high in ((x1, x2), (y1, y2)))
    inside = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    columns, rows = ((np.arange(low - reach, high + reach + 1)[:, None] + inside).ravel()
                     for low, high in ((left, right), (top, bottom)))
    fine = meets(item, center, rays_through(columns, rows, settings)).astype(np.float32)
    across, down = (_filter(pixels, np.arange(low, high + 1), filter_width)
                    for pixels, low, high in ((columns, left, right), (rows, top, bottom)))
    share = np.zeros((settings.resolution,) * 2, np.float32)
    share[top : bottom + 1, left : right + 1] = down @ fine @ across.T
    return share


def _filter(points: NDArray[np.float64], pixels: NDArray[np.int_], width: float) -> NDArray[np.float32]:
    """(P, N) weight of each point in each pixel; rows add up to 1."""
    apart = (points - pixels[:, None]) / width
    weights = np.where(np.abs(apart) < 0.5, _blackman_harris(apart + 0.5), 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _blackman_harris(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The window on [0, 1]."""
    turn = 2 * math.pi * x
    return 0.35875 - 0.48829 * np.cos(turn) + 0.14128 * np.cos(2 * turn) - 0.01168 * np.cos(3 * turn)


def compose(empty: Picture, far: Picture, near: Picture, far_cover: Picture, near_cover: Picture) -> Picture:
    """The corridor with both objects, from the corridor empty, with the far and with the near one alone.

    Where the near object covers a pixel it is as it was alone; elsewhere the picture is empty + (far - empty) +
    (near - empty), except that the near object's shadow on the wall does not fall on the far object before that wall.
    """
    seen = (1 - near_cover)[..., None]
    shadow = np.where(near_cover[..., None] > 0, 0, near - empty)
    return np.maximum(near + seen * (far - empty) - far_cover[..., None] * shadow, 0)


def share_light(scene: TunnelScene, placement: Placement, look: TunnelLook) -> bool:
    """Whether one object may take light from the other, so that what they change in the picture does not simply add.

    True when one may stand in the other's sunlight (the angle between the line that joins them and the line to the sun
    is less than that of both their radii and half the sun), or when they are within the reach of ambient occlusion.
    """
    between = placement.near_center - placement.far_center
    distance = float(np.linalg.norm(between))
    radii = sum(item.size * (math.sqrt(3) if item.shape == "cube" else 1) for item in (scene.far, scene.near))
    angle = math.acos(min(1.0, abs(float(between @ toward_sun(scene, look))) / distance))
    shaded = angle < math.asin(min(1.0, radii / distance)) + math.radians(look.sun_size) / 2
    return shaded or distance - radii < look.ambient_distance


def develop(picture: Picture, exposure: float = 0.0) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB, through Khronos' PBR Neutral tone curve, which keeps colours true below the highlights.

    Source: Khronos, "PBR Neutral Tone Mapping Specification".
    """
    start, desaturation = 0.8 - 0.04, 0.15
    color = picture * np.float32(2**exposure)
    low = color.min(axis=-1, keepdims=True)
    color = color - np.where(low < 0.08, low - 6.25 * low * low, 0.04)
    peak = color.max(axis=-1, keepdims=True)
    room = 1 - start
    squeezed = 1 - room * room / (np.maximum(peak, start) + room - start)
    white = 1 - 1 / (desaturation * (peak - squeezed) + 1)
    bright = color * (squeezed / np.maximum(peak, start)) * (1 - white) + squeezed * white
    color = np.clip(np.where(peak < start, color, bright), 0, 1)
    coded = np.where(color <= 0.0031308, 12.92 * color, 1.055 * color ** (1 / 2.4) - 0.055)
    return np.rint(255 * coded).astype(np.uint8)


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """PNG; level 1 is three times faster than the default and hardly larger."""
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)
        return file.getvalue()
