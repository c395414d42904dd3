"""Potted plants, large and small."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, model
from builders.scenes.procedural.furniture.shapes import (
    Geometry,
    box,
    joined,
    lathe,
    moved,
    tube,
    turned,
)


def _leaf(length: float, width: float, droop: float) -> Geometry:
    """A pointed leaf bending down along +X, two-sided, 2 mm thick."""
    vertices, faces = box((length, width, 0.002), (length / 2, 0, 0), 0.04)
    t = vertices[:, 0] / length
    vertices[:, 1] *= np.sin(np.pi * np.clip(t * 0.92 + 0.06, 0, 1)) ** 0.8
    vertices[:, 2] += length * (0.55 * t - droop * t**2) + 0.3 * np.abs(vertices[:, 1])
    return vertices, faces


def _leaves(rng: Generator, count: int, length: float, width: float, z: tuple[float, float]) -> Geometry:
    leaves = []
    for n in range(count):
        leaf = _leaf(length * float(rng.uniform(0.7, 1.1)), width, float(rng.uniform(0.5, 0.95)))
        leaf = turned(leaf, "y", -float(rng.uniform(0, 45)))
        leaf = turned(leaf, "z", 137.5 * n + float(rng.uniform(-15, 15)))
        leaves.append(moved(leaf, (0, 0, float(rng.uniform(*z)))))
    return joined(*leaves)


def _foliage(rng: Generator) -> m.Material:
    green = str(rng.choice(["#3f6b35", "#2f5a3c", "#55803f", "#4b7a52"]))
    return m.patterned(f"leaf {green}", "foliage", green, "#86a863", 0.05, 0.6)


def potted_plant(rng: Generator) -> Model:
    """A floor plant: pot with soil, stem and arching leaves, or a leafy ball on a trunk."""
    pot, r, h = m.glaze(rng), float(rng.uniform(0.14, 0.19)), float(rng.uniform(0.26, 0.34))
    vessel = lathe([(0, 0), (r * 0.72, 0), (r, h), (r - 0.015, h), (r - 0.025, h - 0.03)])
    soil = lathe([(r - 0.02, h - 0.03), (0, h - 0.03)])
    top = float(rng.uniform(0.55, 0.95))
    pieces: list[Piece] = [
        (vessel, pot, True),
        (soil, m.SOIL),
        (tube([(0, 0, h - 0.04), (0.02, 0.01, top)], 0.014), m.plain("stem", "#5c5236", 0.9), True),
    ]
    return model(*pieces, (_leaves(rng, 18, 0.42, 0.1, (h, top)), _foliage(rng)))


def small_plant(rng: Generator) -> Model:
    """A plant for tables and shelves: succulent rosette or bushy leaves in a small pot."""
    r, h = float(rng.uniform(0.05, 0.07)), float(rng.uniform(0.08, 0.11))
    pieces: list[Piece] = [
        (lathe([(0, 0), (r * 0.8, 0), (r, h), (r - 0.008, h), (r - 0.012, h - 0.015)]), m.glaze(rng), True),
        (lathe([(r - 0.01, h - 0.015), (0, h - 0.015)]), m.SOIL),
    ]
    return model(*pieces, (_leaves(rng, 14, float(rng.uniform(0.1, 0.15)), 0.035, (h - 0.01, h + 0.05)), _foliage(rng)))
