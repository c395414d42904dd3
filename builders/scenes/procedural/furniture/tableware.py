"""Small things for tables and shelves: crockery, vases, bottles, books."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, model
from builders.scenes.procedural.furniture.shapes import (
    box,
    ellipsoid,
    joined,
    lathe,
    tube,
    turned,
)


def vase(rng: Generator) -> Model:
    """A turned vase, often with flowers."""
    r, h = float(rng.uniform(0.05, 0.085)), float(rng.uniform(0.2, 0.32))
    neck, belly = r * float(rng.uniform(0.4, 0.7)), float(rng.uniform(0.3, 0.55))
    shapes = [
        (0, 0),
        (r * 0.6, 0),
        (r * 0.95, h * belly * 0.6),
        (r, h * belly),
        (r * 0.8, h * 0.75),
        (neck, h * 0.9),
        (neck * 1.25, h),
        (neck * 1.1, h),
        (neck * 0.8, h * 0.9),
        (0, h * 0.88),
    ]
    pieces: list[Piece] = [(lathe(shapes, cell=0.03, least=20), m.glaze(rng), True)]
    if rng.random() < 0.5:
        petal = m.plain("petal " + (color := str(rng.choice(["#d9525e", "#e7c24b", "#efeadf", "#a06ab0"]))), color)
        for k in range(6):
            x, y = 0.1 * np.cos(k * 2.4) * (0.4 + k / 8), 0.1 * np.sin(k * 2.4) * (0.4 + k / 8)
            top = h + float(rng.uniform(0.12, 0.24))
            pieces += [
                (tube([(0, 0, h * 0.9), (x, y, top)], 0.003, 5), m.plain("stem green", "#4d7440"), True),
                (ellipsoid((0.055, 0.055, 0.045), (x, y, top - 0.01), 6), petal, True),
            ]
    return model(*pieces)


def bowl(rng: Generator) -> Model:
    """An open bowl, sometimes with fruit."""
    r, h = float(rng.uniform(0.1, 0.15)), float(rng.uniform(0.06, 0.085))
    pieces: list[Piece] = [
        (
            lathe(
                [
                    (0, 0),
                    (r * 0.45, 0),
                    (r * 0.85, h * 0.5),
                    (r, h),
                    (r * 0.96, h),
                    (r * 0.8, h * 0.52),
                    (r * 0.4, 0.01),
                    (0, 0.01),
                ],
                least=24,
            ),
            m.glaze(rng),
            True,
        )
    ]
    if rng.random() < 0.6:
        fruit = m.plain("fruit " + (color := str(rng.choice(["#c9352c", "#e08a25", "#8fae3a", "#e3c53a"]))), color, 0.4)
        pieces += [
            (ellipsoid((0.07, 0.07, 0.068), (0.043 * np.cos(a), 0.043 * np.sin(a), 0.012 + lift), 8), fruit, True)
            for a, lift in ((0.3, 0.0), (2.4, 0.0), (4.5, 0.0), (1.4, 0.045))
        ]
    return model(*pieces)


def cup(rng: Generator) -> Model:
    """A mug with a handle."""
    r, h = float(rng.uniform(0.036, 0.044)), float(rng.uniform(0.08, 0.1))
    body = lathe([(0, 0), (r, 0), (r, h), (r - 0.004, h), (r - 0.004, 0.008), (0, 0.008)], cell=0.03, least=20)
    handle = tube(
        [
            (r - 0.002, 0, h * 0.78),
            (r + 0.022, 0, h * 0.74),
            (r + 0.028, 0, h * 0.5),
            (r + 0.02, 0, h * 0.27),
            (r - 0.002, 0, h * 0.22),
        ],
        0.005,
    )
    return model((joined(body, handle), m.glaze(rng), True))


def plate(rng: Generator) -> Model:
    """A dinner plate."""
    r = float(rng.uniform(0.11, 0.135))
    return model(
        (
            lathe([(0, 0), (r * 0.6, 0), (r, 0.02), (r, 0.024), (r * 0.62, 0.008), (0, 0.008)], least=28),
            m.glaze(rng),
            True,
        )
    )


def bottle(rng: Generator) -> Model:
    """A wine or water bottle with a label."""
    r, h = float(rng.uniform(0.034, 0.042)), float(rng.uniform(0.25, 0.32))
    look = m.plain("bottle " + (color := str(rng.choice(["#1f3b2a", "#3b2415", "#5d8fa3", "#7d1f28"]))), color, 0.15)
    label = lathe([(r + 0.001, h * 0.18), (r + 0.001, h * 0.45)], cell=0.03, least=20)
    return model(
        (
            lathe([(0, 0), (r, 0), (r, h * 0.58), (r * 0.4, h * 0.74), (r * 0.36, h), (0, h)], cell=0.03, least=20),
            look,
            True,
        ),
        (label, m.PAPER, True),
    )


def book_stack(rng: Generator) -> Model:
    """Two to five books lying on one another: covers around a paper block."""
    pieces: list[Piece] = []
    z = 0.0
    for k in range(int(rng.integers(2, 6))):
        w, d, h = (
            float(rng.uniform(0.2, 0.25)) - 0.008 * k,
            float(rng.uniform(0.14, 0.18)) - 0.006 * k,
            float(rng.uniform(0.02, 0.04)),
        )
        book = [
            box((w, d, 0.004), (0, 0, z)),
            box((w, d, 0.004), (0, 0, z + h - 0.004)),
            box((w - 0.001, 0.004, h - 0.006), (0, -d / 2 + 0.0025, z + 0.003)),
        ]
        angle = float(rng.uniform(-9, 9))
        pieces += [
            (turned(joined(*book), "z", angle), m.book_cover(rng)),
            (turned(box((w - 0.012, d - 0.008, h - 0.006), (0, 0, z + 0.003)), "z", angle), m.PAPER),
        ]
        z += h + 0.0008
    return model(*pieces)
