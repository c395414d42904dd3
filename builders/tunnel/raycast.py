"""Pictures of the tunnel by ray casting in numpy: plain walls with lines, flat daylight, hard edges, no shadows.

The same geometry as the Cycles pictures in a tenth of a second, bit for bit repeatable: for tests, for trying out
settings, and for machines without Blender.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from builders.tunnel.compose import develop, encode
from builders.tunnel.layout import TunnelObject, TunnelScene, TunnelSettings, meets, place, rays_through
from builders.tunnel.look import DEFAULT_LOOK, OBJECT_COLORS, Color, draw_wall, toward_sun

Array = NDArray[np.float64]

_AMBIENT, _SUN = 0.75, 0.35
"""Light on a surface from everywhere, and from the sun on one that faces it."""


class RaycastRenderer:
    """Renders cells; the corridor is kept while the scene stays the same."""

    def __init__(self, settings: TunnelSettings | None = None) -> None:
        self.settings = settings or TunnelSettings()

    def render(self, scene: TunnelScene, cell: tuple[int, int]) -> bytes:
        """PNG of a cell (k_far, k_near)."""
        return encode(self.pixels(scene, cell))

    def pixels(self, scene: TunnelScene, cell: tuple[int, int]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 sRGB."""
        placement = place(scene, cell, self.settings)
        picture = _corridor(scene, self.settings).copy()
        for item, center in ((scene.far, placement.far_center), (scene.near, placement.near_center)):
            rays = _rays(self.settings)
            mask = meets(item, center, rays)
            picture[mask] = _shaded(OBJECT_COLORS[item.color], _normals(item, center, rays[mask]), scene)
        return develop(picture.astype(np.float32))


def _rays(settings: TunnelSettings) -> Array:
    """(H, W, 3) through each pixel's centre."""
    pixels = np.arange(settings.resolution)
    return rays_through(pixels, pixels, settings)


def _shaded(color: Color, normals: Array, scene: TunnelScene) -> Array:
    """Lambert's law, on (N, 3) normals."""
    facing = np.clip(normals @ toward_sun(scene, DEFAULT_LOOK), 0, None)
    return np.asarray(color) * (_AMBIENT + _SUN * facing)[..., None]


def _normals(item: TunnelObject, center: Array, rays: Array) -> Array:
    """(N, 3) unit normals where rays (N, 3) of the camera first meet an object that all of them hit."""
    if item.shape == "sphere":
        squared, along = (rays**2).sum(axis=1), rays @ center
        first = along - np.sqrt(np.maximum(along**2 - squared * (center @ center - item.size**2), 0))
        return (rays * (first / squared)[:, None] - center) / item.size
    with np.errstate(divide="ignore", invalid="ignore"):
        entry = np.where(rays == 0, -np.inf, (center - item.size * np.sign(rays)) / rays)
    axis = entry.argmax(axis=1)
    normals = np.zeros_like(rays)
    rows = np.arange(len(rays))
    normals[rows, axis] = -np.sign(rays[rows, axis])
    return normals


@lru_cache(maxsize=1)
def _corridor(scene: TunnelScene, settings: TunnelSettings) -> Array:
    """(H, W, 3) linear RGB of the empty corridor: the wall's colour, with its joints as lines."""
    wall, half = draw_wall(scene, settings.width), settings.width / 2
    rays = _rays(settings)
    reach = half / np.maximum(np.abs(rays[..., :2]).max(axis=-1), 1e-12)
    at_end = reach > settings.length
    points = rays * np.minimum(reach, settings.length)[..., None]
    sideways = ~at_end & (np.abs(rays[..., 0]) >= np.abs(rays[..., 1]))
    normals = np.zeros_like(rays)
    normals[..., 2] = np.where(at_end, -1.0, 0.0)
    normals[..., 0] = np.where(sideways, -np.sign(rays[..., 0]), 0)
    normals[..., 1] = np.where(~sideways & ~at_end, -np.sign(rays[..., 1]), 0)
    along = np.where(at_end, points[..., 0], points[..., 2])
    around = np.where(sideways | at_end, points[..., 1], points[..., 0]) + half
    pixel = points[..., 2] / settings.focal  # metres that a pixel spans, for lines that thin out with distance
    row = np.floor(around / wall.height + 1e-9)
    line = np.zeros(rays.shape[:2])
    shifted = along + row % 2 * wall.offset * wall.length
    depth = points[..., 2]
    for where, period, stretch in ((around, wall.height, 1.0), (shifted, wall.length, depth / half)):
        apart = np.abs(where / period - np.rint(where / period)) * period
        span = pixel * np.where(at_end, 1.0, stretch)
        width = np.maximum(wall.gap, span)
        line = np.maximum(line, (apart < width / 2) * np.minimum(wall.gap / width * 2, 1.0))
    color = np.array(wall.color) * (1 - line[..., None]) + np.array(wall.seam) * line[..., None]
    shaded = _shaded((1.0, 1.0, 1.0), normals, scene)
    return color * shaded
