"""Finds objects in pictures of the tunnel by colour alone, as a reader of the published pictures does."""

import numpy as np
from matplotlib.colors import rgb_to_hsv
from numpy.typing import NDArray
from scipy import ndimage

from builders.tunnel.layout import TunnelObject, TunnelScene

HUES = {"red": 0, "yellow": 1 / 6, "green": 1 / 3, "cyan": 1 / 2, "blue": 2 / 3, "magenta": 5 / 6}

LOOKS = (("red", "cube"), ("green", "sphere"), ("blue", "sphere"), ("yellow", "cube"), ("cyan", "cube"),
         ("magenta", "sphere"), ("black", "sphere"), ("red", "sphere"))


def scene_of(n: int, sun: float = 4.9) -> TunnelScene:
    """The n-th of four scenes, which together show every colour."""
    (far_color, far_shape), (near_color, near_shape) = LOOKS[2 * n : 2 * n + 2]
    return TunnelScene(f"scene {n}", TunnelObject(far_color, far_shape, 0.25, 0.3),
                       TunnelObject(near_color, near_shape, 0.13, 0.8), sun, n)


def found_center(pixels: NDArray[np.uint8], color: str) -> tuple[float, float]:
    """(u, v) of the middle of the bounding box of the largest patch of a colour, pixels."""
    values = pixels / 255
    if color == "black":
        mask = values.max(axis=-1) < 0.16
    else:
        hue, saturation, value = np.moveaxis(rgb_to_hsv(values), -1, 0)
        mask = (np.abs((hue - HUES[color] + 0.5) % 1 - 0.5) < 1 / 12) & (saturation > 0.6) & (value > 0.1)
    patches, count = ndimage.label(mask)
    assert count, f"nothing {color} in the picture"
    largest = 1 + int(np.argmax(np.bincount(patches.ravel())[1:]))
    rows, columns = ndimage.find_objects(patches)[largest - 1]
    return (columns.start + columns.stop - 1) / 2, (rows.start + rows.stop - 1) / 2


def middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
