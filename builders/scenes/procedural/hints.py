"""A cheap hint of each pattern for the ray-cast renderer: how much of the accent colour shows at a point."""

import numpy as np
from numpy.typing import NDArray

from builders.scenes.procedural.room import Material

Floats = NDArray[np.float32]


HINTED = ("wood", "planks", "tiles", "stripes", "carpet", "books", "picture")
"""Patterns that have a hint; the others show their base colour alone."""


def pattern_hint(material: Material, solid: Floats, surface: Floats, piece: Floats) -> Floats:
    """(N,) share of ``material.accent`` in [0, 1] at points with the (N, 3), (N, 2) and (N,) texture coordinates.

    See ``texture_coordinates`` for these; raises ``ValueError`` for a pattern that is not among ``HINTED``.
    """
    size = np.float32(material.scale)
    if material.pattern == "wood":
        along, across, _ = solid.T
        return 0.25 + 0.25 * np.sin(90 * across + np.sin(5 * along)) * np.sin(37 * across)
    if material.pattern == "planks":
        u, v = surface.T
        row = np.floor(v / size)
        board = np.floor(u / (8 * size) + 0.37 * row)
        return np.where(v / size - row < 0.03, 1, 0.6 * _random(row + 57 * board))
    if material.pattern == "tiles":
        cell = surface / size
        return (np.abs(cell - np.floor(cell) - 0.5).max(axis=1) > 0.5 - 0.006 / size).astype(np.float32)
    if material.pattern == "stripes":
        return (np.sin(surface[:, 0] * (2 * np.pi / size)) > 0).astype(np.float32)
    if material.pattern == "carpet":
        cell = surface / size
        diamond = np.abs(cell - np.floor(cell) - 0.5).sum(axis=1)
        return np.where((np.abs(diamond - 0.38) < 0.065) | (diamond < 0.12), np.float32(0.8), np.float32(0))
    if material.pattern == "books":
        return _random(np.floor(surface[:, 0] / max(material.scale, 0.02)) + 977 * piece)
    if material.pattern == "picture":
        u, v = surface.T
        return np.where(v < 0.4 + 0.08 * np.sin(9 * u + 50 * len(material.name)), np.float32(1), np.float32(0))
    raise ValueError(f"no hint for pattern {material.pattern!r}; expected one of {HINTED}")


def _random(number: Floats) -> Floats:
    """(N,) values in [0, 1) that depend on ``number`` alone and look random."""
    return np.modf(np.abs(np.sin(number.astype(np.float64) * 12.9898) * 43758.5453))[0].astype(np.float32)
