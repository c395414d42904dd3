"""Palettes of surface looks; colours are written as sRGB hex and stored as linear RGB."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.room import Material

Color = tuple[float, float, float]

WOODS = {
    "oak": ("#c49a6c", "#a67c4e"),
    "walnut": ("#6f4a31", "#4c3020"),
    "pine": ("#dcb884", "#c79c62"),
    "beech": ("#d2a679", "#ba8a5c"),
    "teak": ("#9a6a3f", "#7a4f2b"),
    "ebony": ("#3a2e28", "#241b17"),
    "cherry": ("#94512f", "#71391f"),
    "whitewash": ("#e4ded2", "#d0c7b6"),
}
LACQUERS = {
    "white": "#ece9e2",
    "grey": "#8d9196",
    "charcoal": "#3b3e42",
    "sage": "#9caf97",
    "navy": "#2c3e57",
    "mustard": "#cf9f3a",
    "teal": "#2f7778",
    "rose": "#c98d87",
}
FABRICS = {
    "linen": "#cfc3ae",
    "grey": "#85888b",
    "anthracite": "#45484c",
    "navy": "#33486b",
    "forest": "#3f6149",
    "mustard": "#c7922f",
    "rust": "#a9532f",
    "teal": "#2e7273",
    "burgundy": "#74303a",
    "sand": "#b99f7c",
    "sky": "#8fb0c9",
    "cream": "#e8e0cf",
    "plum": "#66496b",
}
METALS = {"steel": "#a9adb0", "black": "#26272a", "brass": "#b3924f", "chrome": "#c9cccf", "white": "#e3e3e1"}
GLAZES = {
    "white": "#eceae4",
    "blue": "#3d659c",
    "green": "#5f8d72",
    "terracotta": "#b5653f",
    "black": "#2f3032",
    "yellow": "#ddb24a",
    "red": "#a93b34",
    "turquoise": "#4c9ea2",
    "cream": "#e2d5b8",
}
PLASTICS = {
    "black": "#232427",
    "white": "#e6e6e3",
    "red": "#b8342c",
    "blue": "#2c64a8",
    "green": "#3d8b50",
    "orange": "#d8742a",
    "grey": "#7d8085",
    "yellow": "#e0b72e",
}
BOOKS = ("#8c2f2b", "#2d4a6f", "#d9cfb6", "#3d6448", "#c58a2c", "#4d3a57", "#27292c", "#a8553a", "#5f8c97")


def linear(hex_color: str) -> Color:
    """Linear RGB, 0 to 1, of an sRGB colour such as ``#c49a6c``."""
    srgb = np.array([int(hex_color[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    r, g, b = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(r), float(g), float(b)


def shade(color: Color, factor: float) -> Color:
    """The colour made darker (below 1) or lighter (above 1), clipped to 0.9."""
    r, g, b = (min(channel * factor, 0.9) for channel in color)
    return r, g, b


def _pick(rng: Generator, palette: dict[str, str]) -> tuple[str, Color]:
    name = str(rng.choice(list(palette)))
    return name, linear(palette[name])


def wood(rng: Generator, dark: bool | None = None) -> Material:
    """Any wood, or only dark or only light ones."""
    names = [name for name in WOODS if dark is None or (name in ("walnut", "ebony", "cherry", "teak")) == dark]
    name = str(rng.choice(names))
    base, grain = (linear(c) for c in WOODS[name])
    return Material(f"wood {name}", "wood", base, grain, scale=0.25, roughness=0.5)


def lacquer(rng: Generator, *names: str) -> Material:
    """Smooth paint; one of ``names`` when given."""
    name, color = _pick(rng, {n: LACQUERS[n] for n in names} if names else LACQUERS)
    return Material(f"lacquer {name}", "plain", color, shade(color, 0.8), roughness=0.4)


def wood_or_lacquer(rng: Generator) -> Material:
    """What cabinets are made of: mostly wood, sometimes painted."""
    return wood(rng) if rng.random() < 0.7 else lacquer(rng)


def fabric(rng: Generator) -> Material:
    """Woven upholstery."""
    name, color = _pick(rng, FABRICS)
    return Material(f"fabric {name}", "fabric", color, shade(color, 0.75), scale=0.02, roughness=0.95)


def striped(rng: Generator) -> Material:
    """Striped cloth."""
    name, color = _pick(rng, FABRICS)
    return Material(f"stripes {name}", "stripes", color, linear("#e8e0cf"), scale=0.12, roughness=0.95)


def cloth(rng: Generator) -> Material:
    """Plain or striped cloth."""
    return striped(rng) if rng.random() < 0.3 else fabric(rng)


def leather(rng: Generator) -> Material:
    name, color = _pick(rng, {"cognac": "#8a4f2b", "brown": "#573724", "black": "#2b2a2a", "cream": "#cdbfa5"})
    return Material(f"leather {name}", "leather", color, shade(color, 0.7), scale=0.05, roughness=0.45)


def metal(rng: Generator, *names: str) -> Material:
    """Brushed metal; one of ``names`` when given."""
    name, color = _pick(rng, {n: METALS[n] for n in names} if names else METALS)
    return Material(f"metal {name}", "metal", color, shade(color, 0.85), roughness=0.3)


def glaze(rng: Generator) -> Material:
    """Glazed ceramic."""
    name, color = _pick(rng, GLAZES)
    return Material(f"glaze {name}", "plain", color, shade(color, 0.8), roughness=0.25)


def plastic(rng: Generator, *names: str) -> Material:
    """Moulded plastic; one of ``names`` when given."""
    name, color = _pick(rng, {n: PLASTICS[n] for n in names} if names else PLASTICS)
    return Material(f"plastic {name}", "plain", color, shade(color, 0.8), roughness=0.45)


def plain(name: str, hex_color: str, roughness: float = 0.6) -> Material:
    """One flat colour."""
    color = linear(hex_color)
    return Material(name, "plain", color, shade(color, 0.8), roughness=roughness)


def patterned(
    name: str, pattern: str, hex_color: str, hex_accent: str, scale: float, roughness: float = 0.8
) -> Material:
    """A named pattern with two colours."""
    return Material(name, pattern, linear(hex_color), linear(hex_accent), scale, roughness)


def glowing(name: str, hex_color: str) -> Material:
    """A lamp shade or a lit screen."""
    return Material(name, "emissive", linear(hex_color), linear(hex_color))


def book_cover(rng: Generator) -> Material:
    """One of a few cover colours."""
    n = int(rng.integers(len(BOOKS)))
    return plain(f"book {n}", BOOKS[n], 0.7)


PAPER = plain("paper", "#e9e3d3", 0.9)
SCREEN_OFF = plain("screen off", "#0d0f12", 0.15)
GLASS = Material("glass", "glass", linear("#cfe3ea"), linear("#eef6f8"), roughness=0.05)
MIRROR = Material("mirror", "mirror", linear("#aab6bb"), linear("#d7e0e3"), roughness=0.02)
SOIL = plain("soil", "#3a2a1f", 0.95)
RUBBER = plain("rubber", "#1d1d1f", 0.8)
SHADE = glowing("lamp shade", "#ffe7bd")
