"""How the tunnel looks: light, materials and sampling, free of any renderer; all of it goes into the manifest.

The daylight is that of the published pictures: Blender's physical sky, background strength 0.15, the sun's compass
direction drawn by the scene. A closed corridor under a sky is black, so three things are arranged, each of them so that
light says nothing about depth and next to nothing about height:

* Walls hide what is behind them but cast no shadow: sun and sky reach every place of the corridor alike, at every
  depth. Only the two objects cast shadows, soft ones, on the wall beside them.
* The lower half of the world mirrors the sky, as still water would: floor and ceiling receive the same skylight.
* The sun is hazed over: it adds little to the skylight, with soft shadows. It brightens the floor, one side wall and
  the upper faces of objects, which is the one cue to where up is; nothing in it differs with depth.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from builders.randomness import generator
from builders.tunnel.layout import TunnelScene

Color = tuple[float, float, float]
"""Linear RGB."""

OBJECT_COLORS: dict[str, Color] = {
    "red": (0.72, 0.015, 0.012),
    "green": (0.018, 0.36, 0.03),
    "blue": (0.018, 0.06, 0.66),
    "yellow": (0.85, 0.60, 0.008),
    "cyan": (0.012, 0.52, 0.58),
    "magenta": (0.62, 0.018, 0.42),
    "black": (0.010, 0.010, 0.011),
}
"""Base colours; saturated, because questions name the objects by them."""


@dataclass(frozen=True)
class TunnelLook:
    """Every parameter of a picture that is not geometry. "Open": the paper does not print the value."""

    samples: int = 16
    """Paths per pixel (open)."""
    bounces: int = 2
    """Indirect bounces: one for reflections, one for the skylight at what is reflected (open)."""
    denoise: bool = True
    """OpenImageDenoise; without it, equal seeds give equal bytes (open)."""
    denoiser_quality: str = "HIGH"
    """FAST, BALANCED or HIGH (open)."""
    denoiser_prefilter: str = "ACCURATE"
    """How the albedo and normal guides are cleaned: NONE, FAST or ACCURATE (open)."""
    sky_strength: float = 0.15
    """Of the background (appendix C.1)."""
    haze: float = 3.0
    """Aerosol density of the sky, 1 for clear air: brightens the zenith, so that floor and ceiling do not fall dark
    (open)."""
    ozone: float = 0.0
    """Ozone density of the sky, 1 for clear air; it would tint floor and ceiling blue (open)."""
    sun_elevation: float = 50.0
    """Degrees above the horizon (open)."""
    sun_size: float = 14.0
    """Apparent diameter of the sun behind its haze, degrees; large for soft shadows (open)."""
    sun_strength: float = 0.6
    """Irradiance of the sun, W/m2. Blender's clear sky would give about 20 at background strength 0.15; the rest stays
    in the haze, so that the four walls keep alike (open)."""
    sun_color: Color = (1.0, 0.84, 0.64)
    """Linear RGB (open)."""
    ambient_distance: float = 1.2
    """Metres within which walls and objects take skylight from each other. Less than the gap between the objects in
    depth, so that neither darkens the other (open)."""
    exposure: float = 0.15
    """Stops (open)."""
    filter_width: float = 1.5
    """Blackman-Harris pixel filter, pixels (open)."""
    behind: float = 1.5
    """Metres the corridor goes on behind the camera (open)."""
    seed: int = 0
    """Added to a scene's own sampling seed: other noise in the same picture."""

    def __post_init__(self) -> None:
        for name, low, high in (("samples", 1, 2**16), ("bounces", 0, 64), ("sky_strength", 0, 1e3), ("haze", 0, 10),
                                ("ozone", 0, 10), ("sun_elevation", 0, 90), ("sun_size", 0, 90),
                                ("sun_strength", 0, 1e3), ("ambient_distance", 0.01, 1e3), ("exposure", -32, 32),
                                ("filter_width", 0.01, 10), ("behind", 0.02, 1e3)):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name}={getattr(self, name)}: expected {low} to {high}")
        for name, known in (("denoiser_quality", ("FAST", "BALANCED", "HIGH")),
                            ("denoiser_prefilter", ("NONE", "FAST", "ACCURATE"))):
            if getattr(self, name) not in known:
                raise InputError(f"{name}={getattr(self, name)}: expected one of {', '.join(known)}")


DEFAULT_LOOK = TunnelLook()


@dataclass(frozen=True)
class Wall:
    """What all four sides and the end are covered with."""

    pattern: str
    """``bricks``, ``panels`` or ``tiles``."""
    color: Color
    seam: Color
    length: float
    """Of one piece, metres along the corridor."""
    height: float
    """Of one piece, metres around the corridor; divides the width of a side."""
    gap: float
    """Width of a seam, metres."""
    offset: float
    """Shift of every other row, as a share of the length."""
    contrast: float
    """Largest relative difference in brightness between pieces and their mean."""
    shift: tuple[float, float]
    """Of the texture's noise, so that no two scenes have the same stains."""


_PATTERNS = ("bricks", "panels", "tiles")

_TINTS: dict[str, tuple[Color, ...]] = {
    "bricks": ((0.50, 0.43, 0.36), (0.46, 0.45, 0.44), (0.55, 0.50, 0.43)),
    "panels": ((0.47, 0.46, 0.44), (0.52, 0.50, 0.46), (0.44, 0.45, 0.47)),
    "tiles": ((0.55, 0.55, 0.52), (0.50, 0.52, 0.54), (0.56, 0.52, 0.47)),
}
"""Pale and nearly grey: every object colour, black and yellow included, stands out against them."""


def draw_wall(scene: TunnelScene, width: float) -> Wall:
    """The covering of a scene, from its seed. ``width`` is that of a side, metres."""
    rng = generator("tunnel wall", scene.seed)
    pattern = str(rng.choice(_PATTERNS))
    red, green, blue = _TINTS[pattern][rng.integers(3)]
    light = rng.uniform(0.92, 1.08)
    shift = tuple(rng.uniform(0, 100, 2).tolist())
    color = (light * red, light * green, light * blue)
    if pattern == "bricks":
        rows = int(rng.integers(14, 19))
        return Wall(pattern, color, (0.20, 0.19, 0.18), rng.uniform(2.6, 3.4) * width / rows, width / rows, 0.010, 0.5,
                    0.20, shift)
    if pattern == "panels":
        rows = int(rng.integers(2, 4))
        return Wall(pattern, color, (0.12, 0.12, 0.12), rng.uniform(0.9, 1.5), width / rows, 0.012, 0.0, 0.07, shift)
    rows = int(rng.integers(6, 9))
    return Wall(pattern, color, (0.17, 0.17, 0.17), width / rows, width / rows, 0.010, 0.0, 0.10, shift)


def toward_sun(scene: TunnelScene, look: TunnelLook) -> NDArray[np.float64]:
    """(3,) unit vector in the tunnel frame. The corridor runs north, so that the published sun stands at its left."""
    up = math.radians(look.sun_elevation)
    return np.array([math.sin(scene.sun_rotation) * math.cos(up), math.sin(up),
                     math.cos(scene.sun_rotation) * math.cos(up)])
