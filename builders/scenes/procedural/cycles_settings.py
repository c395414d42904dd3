"""Everything that decides how a Cycles picture looks, apart from the room: part of a dataset's specification."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CyclesSettings:
    """Light in Blender's units; defaults give a sunny room with soft shadows in a bit over a second at 640 x 480."""

    samples: int = 2
    """Paths per pixel."""
    bounces: int = 1
    """Indirect bounces; what later ones would add comes from ``ambient``."""
    denoiser_quality: str = "FAST"
    """OpenImageDenoise quality: FAST, BALANCED or HIGH."""
    denoiser_prefilter: str = "ACCURATE"
    """How the albedo and normal guides are cleaned: NONE keeps most texture, FAST, ACCURATE."""
    view_transform: str = "Khronos PBR Neutral"
    """Keeps colours true and rolls off highlights; ``Standard`` would clip them."""
    look: str = "None"
    exposure: float = 0.1
    """Stops."""
    indirect_clamp: float = 1.0
    """Largest radiance of one indirect path; tames the coloured blotches that few samples leave on walls."""
    ambient: float = 0.9
    """Radiance that stands for all later bounces, where the surroundings are open."""
    ambient_distance: float = 1.2
    """Metres within which surroundings darken the ambient light."""
    sun: float = 6.0
    """Irradiance of the sun through the windows, W/m2; 0 for none."""
    sun_angle: float = 2.0
    """Apparent diameter of the sun, degrees; larger gives softer edges."""
    window_spread: float = 125.0
    """Angle of the cone of daylight from a window, degrees; 180 would burn out the ceiling beside it."""
    sky: float = 0.9
    """Brightness of the sky seen through a window."""
    pixel_filter_width: float = 1.3
    """Blackman-Harris filter width, pixels."""
    seed: int = 0
    """Cycles' sampling seed; fixed, so that pictures repeat."""


DEFAULT_SETTINGS = CyclesSettings()
