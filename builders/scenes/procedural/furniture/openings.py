"""Doors, windows and what belongs to a window. Widths and heights are those of the hole in the wall.

Openings are built with local y = 0 on the wall's inner face, +Y into the room; they are not re-centred in y.
"""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece
from builders.scenes.procedural.furniture.shapes import (
    Geometry,
    box,
    ellipsoid,
    joined,
    lattice,
    rounded_box,
    spaced,
    tube,
)
from builders.scenes.procedural.room import Material, Part


def _fixed(*pieces: tuple[Geometry, Material] | tuple[Geometry, Material, bool]) -> Model:
    return Model(tuple(Part(*geometry, material, bool(smooth)) for geometry, material, *smooth in pieces))


def _casing(width: float, height: float, sides: int) -> Geometry:
    """Trim around the hole, 1 mm in front of the wall: left, right, top and (for windows) bottom."""
    bars = [box((0.07, 0.016, height + 0.02), (s * (width / 2 + 0.02), 0.0095, 0.001)) for s in (-1, 1)]
    bars.append(box((width + 0.13, 0.018, 0.07), (0, 0.0105, height - 0.005)))
    if sides == 4:
        bars.append(box((width + 0.16, 0.07, 0.03), (0, 0.0365, -0.03)))
    return joined(*bars)


def door(rng: Generator, width: float, height: float, thickness: float) -> Model:
    """Frame, leaf with two panels, handle; closed, flush with the inner third of the wall."""
    trim = m.lacquer(rng, "white") if rng.random() < 0.6 else m.wood(rng)
    leaf = trim if rng.random() < 0.5 else m.wood(rng)
    y = -0.03
    pieces: list[Piece] = [
        (_casing(width, height, 3), trim),
        (box((width - 0.05, 0.04, height - 0.035), (0, y - 0.02, 0.006)), leaf),
    ]
    for s in (-1, 1):
        pieces.append(
            (box((0.03, thickness - 0.01, height - 0.002), (s * (width / 2 - 0.0135), -thickness / 2, 0.001)), trim)
        )
    pieces.append((box((width - 0.055, thickness - 0.012, 0.03), (0, -thickness / 2, height - 0.0285)), trim))
    for low, high in ((0.15, 0.9), (1.05, height - 0.18)):
        w, h = width - 0.3, high - low
        ring = joined(
            *(box((w, 0.012, 0.03), (0, y + 0.004, z)) for z in (low, high - 0.03)),
            *(box((0.03, 0.011, h - 0.058), (s * (w / 2 - 0.0155), y + 0.004, low + 0.029)) for s in (-1, 1)),
        )
        pieces.append((ring, leaf))
    side = int(rng.choice([-1, 1]))
    x = side * (width / 2 - 0.09)
    brass = m.metal(rng, "brass", "steel", "black")
    pieces += [
        (tube([(x, y - 0.002, 1.03), (x, y + 0.05, 1.03), (x - side * 0.12, y + 0.05, 1.03)], 0.009), brass, True),
        (rounded_box((0.035, 0.008, 0.15), (x, y + 0.003, 0.95), 0.003, 1), brass),
    ]
    return _fixed(*pieces)


def window(rng: Generator, width: float, height: float, thickness: float) -> Model:
    """Casing with sill, frame, mullions and glass."""
    trim = m.lacquer(rng, "white") if rng.random() < 0.75 else m.wood(rng)
    y = -thickness * 0.55
    columns = 2 if width > 0.9 else 1
    bars = [box((0.05, 0.06, height - 0.002), (s * (width / 2 - 0.0235), y, 0.001)) for s in (-1, 1)]
    bars += [box((width - 0.09, 0.058, 0.05), (0, y, z)) for z in (-0.001, height - 0.049)]
    if columns == 2:
        bars.append(box((0.06, 0.056, height - 0.09), (0, y, 0.045)))
    if rng.random() < 0.5:
        bars.append(box((width - 0.09, 0.03, 0.03), (0, y, height * 0.66)))
    return _fixed(
        (_casing(width, height, 4), trim),
        (joined(*bars), trim),
        (box((width - 0.08, 0.006, height - 0.08), (0, y, 0.04)), m.GLASS),
    )


def curtain(rng: Generator, width: float, length: float) -> Model:
    """One pleated panel, ``width`` x ``length``, hanging down to 0 from a short rod with a bracket to the wall."""
    vertices, faces = lattice(spaced(-width / 2, width / 2, 0.02), np.array([-0.004, 0.004]), spaced(0, length, 0.07))
    vertices[:, 1] += 0.03 * np.sin(vertices[:, 0] * 2 * np.pi / 0.11) * (1 - 0.3 * vertices[:, 2] / length)
    steel, half = m.metal(rng, "black", "brass", "steel"), width / 2
    rod = tube([(-half - 0.01, 0, length), (half + 0.01, 0, length)], 0.011)
    knobs = [ellipsoid((0.035, 0.035, 0.035), (s * (half + 0.02), 0, length - 0.0175), 6) for s in (-1, 1)]
    bracket = tube([(0, 0, length), (0, -0.078, length), (0, -0.078, length - 0.04)], 0.006)
    return _fixed(((vertices, faces), m.cloth(rng), True), (joined(rod, *knobs, bracket), steel, True))


def radiator(rng: Generator, width: float) -> Model:
    """A column radiator with feet and a valve pipe, 0.5 m high."""
    white = m.metal(rng, "white")
    count = int(width / 0.06)
    columns = [rounded_box((0.045, 0.09, 0.5), ((k - (count - 1) / 2) * 0.06, 0, 0.1), 0.018, 1) for k in range(count)]
    rails = [tube([(-(count - 1) * 0.03, 0, z), ((count - 1) * 0.03, 0, z)], 0.02) for z in (0.16, 0.54)]
    feet = [box((0.03, 0.07, 0.13), (s * (count - 3) * 0.03, 0, 0)) for s in (-1, 1)]
    return _fixed(
        (joined(*columns), white, True),
        (joined(*rails), white, True),
        (joined(*feet), white),
        (
            tube([(count * 0.03 - 0.02, 0, 0.16), (count * 0.03 + 0.05, 0, 0.16), (count * 0.03 + 0.05, 0, 0)], 0.012),
            white,
            True,
        ),
    )
