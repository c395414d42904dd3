"""Floor outlines: rectangles and what real flats make of them. Metres, counter-clockwise, centred on the origin."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from builders.scenes.scene import Array

SIDES = {"living": (4.3, 6.8), "bedroom": (3.8, 5.6), "office": (3.7, 5.8), "dining": (4.2, 6.5), "studio": (4.8, 7.0)}
"""Shortest and longest side of the enclosing rectangle by room type, metres."""


@dataclass(frozen=True, eq=False)
class Wall:
    """One edge of the outline: local x runs along it, local y into the room."""

    index: int
    start: Array
    """(2,) metres."""
    direction: Array
    """(2,) unit, counter-clockwise along the outline."""
    length: float

    @property
    def inward(self) -> Array:
        """(2,) unit normal pointing into the room."""
        return np.array([-self.direction[1], self.direction[0]])

    @property
    def yaw(self) -> float:
        """Angle of ``direction`` about +Z, radians: objects with their back to the wall have this yaw."""
        return float(np.arctan2(self.direction[1], self.direction[0]))

    def at(self, along: float, away: float = 0.0) -> Array:
        """(2,) the point ``along`` the wall and ``away`` from it into the room."""
        return self.start + self.direction * along + self.inward * away


def walls_of(polygon: Array) -> list[Wall]:
    """The edges of a counter-clockwise outline (P, 2)."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    lengths = np.linalg.norm(edges, axis=1)
    return [Wall(n, polygon[n], edges[n] / lengths[n], float(lengths[n])) for n in range(len(polygon))]


def make_outline(rng: Generator, room_type: str) -> Array:
    """(P, 2) an outline: rectangle, L, T, cut corner, bay or trapezoid."""
    low, high = SIDES[room_type]
    w = float(rng.uniform(low, high))
    d = float(rng.uniform(max(3.2, low - 0.5), min(w, high)))
    shape = str(rng.choice(["rectangle", "l", "t", "cut", "bay", "trapezoid"], p=[0.3, 0.22, 0.1, 0.14, 0.12, 0.12]))
    if shape == "l":
        a, b = w * float(rng.uniform(0.3, 0.42)), d * float(rng.uniform(0.3, 0.42))
        points = [(0, 0), (w, 0), (w, d - b), (w - a, d - b), (w - a, d), (0, d)]
    elif shape == "t":
        a, b, depth = (
            w * float(rng.uniform(0.16, 0.24)),
            w * float(rng.uniform(0.16, 0.24)),
            d * float(rng.uniform(0.25, 0.38)),
        )
        points = [(a, 0), (w - b, 0), (w - b, depth), (w, depth), (w, d), (0, d), (0, depth), (a, depth)]
    elif shape == "cut":
        a = float(rng.uniform(0.8, 1.4))
        points = [(0, 0), (w, 0), (w, d - a), (w - a, d), (0, d)]
    elif shape == "bay":
        a, out = w * float(rng.uniform(0.2, 0.3)), float(rng.uniform(0.5, 0.8))
        points = [
            (0, 0),
            (w, 0),
            (w, d),
            (w - a, d),
            (w - a - out * 0.7, d + out),
            (a + out * 0.7, d + out),
            (a, d),
            (0, d),
        ]
    elif shape == "trapezoid":
        lean = float(rng.uniform(0.4, 0.9))
        points = [(0, 0), (w, 0), (w - lean, d), (0, d)]
    else:
        points = [(0, 0), (w, 0), (w, d), (0, d)]
    polygon = np.array(points, dtype=float)
    polygon -= (polygon.min(axis=0) + polygon.max(axis=0)) / 2
    quarter = int(rng.integers(4))
    for _ in range(quarter):
        polygon = np.stack([-polygon[:, 1], polygon[:, 0]], axis=1)
    if rng.random() < 0.5:
        polygon = (polygon * [-1, 1])[::-1].copy()
    return polygon
