"""Rugs, a fireplace, a coat rack, candles."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, model
from builders.scenes.procedural.furniture.shapes import (
    box,
    cylinder,
    ellipsoid,
    joined,
    lathe,
    rounded_box,
    tube,
    turned,
)


def rug(rng: Generator) -> Model:
    """A rectangular carpet with a border, 8 mm thick."""
    w, d = float(rng.uniform(1.6, 2.4)), float(rng.uniform(1.1, 1.7))
    name, color = (
        ("cream", "#d8cdb6")
        if rng.random() < 0.3
        else ("deep", str(rng.choice(["#7a3b35", "#39516b", "#55684f", "#6b5a6e"])))
    )
    pattern = "stripes" if rng.random() < 0.35 else "carpet"
    return model(
        (box((w, d, 0.006)), m.patterned(f"rug edge {name} {color}", "carpet", "#4b4038", "#6b5c50", 0.05, 0.95)),
        (
            box((w - 0.14, d - 0.14, 0.003), (0, 0, 0.005)),
            m.patterned(f"rug {pattern} {color}", pattern, color, "#c9b48f", 0.16, 0.95),
        ),
    )


def round_rug(rng: Generator) -> Model:
    """A round carpet."""
    color = str(rng.choice(["#b9a27c", "#8a4b3d", "#44617a", "#6f7d63"]))
    return model(
        (
            cylinder(float(rng.uniform(0.7, 1.0)), 0.008, least=48),
            m.patterned(f"rug round {color}", "carpet", color, "#d9cbb0", 0.1, 0.95),
        )
    )


def coat_rack(rng: Generator) -> Model:
    """A standing coat rack with a coat and a hat-less hook ring."""
    frame, h = m.wood(rng), float(rng.uniform(1.65, 1.8))
    feet = joined(*(turned(tube([(0, 0, 0.06), (0.25, 0, 0.015)], 0.015), "z", 90 * k) for k in range(4)))
    hooks = joined(
        *(
            turned(tube([(0, 0, h - 0.14), (0.12, 0, h - 0.1), (0.15, 0, h - 0.02)], 0.011), "z", 60 * k)
            for k in range(6)
        )
    )
    coat = lathe([(0, 0), (0.17, 0), (0.14, 0.35), (0.1, 0.68), (0.03, 0.78), (0, 0.78)])
    vertices = coat[0] * [0.75, 1, 1] + [0.15, 0, h - 0.86]
    return model(
        (feet, frame, True),
        (cylinder(0.02, h - 0.02, (0, 0, 0.02)), frame, True),
        (hooks, frame, True),
        ((vertices, coat[1]), m.fabric(rng), True),
    )


def fireplace(rng: Generator) -> Model:
    """A mantelpiece around a dark firebox with logs and a glow."""
    stone = (
        m.patterned("mantel", "stone", "#d2ccc0", "#a9a296", 0.25, 0.7)
        if rng.random() < 0.5
        else m.lacquer(rng, "white", "grey")
    )
    pieces: list[Piece] = [(box((0.25, 0.3, 1.0), (s * 0.475, 0, 0)), stone) for s in (-1, 1)]
    pieces += [
        (box((0.72, 0.298, 0.302), (0, -0.002, 0.7)), stone),
        (box((1.36, 0.38, 0.06), (0, 0.02, 0.998)), stone),
        (box((0.72, 0.02, 0.71), (0, -0.14, 0)), m.plain("soot", "#171513", 0.95)),
        (box((0.72, 0.29, 0.02), (0, 0, 0)), m.plain("soot", "#171513", 0.95)),
    ]
    pieces += [
        (turned(tube([(-0.2, y, 0.06), (0.2, y, 0.06)], 0.045), "z", a), m.wood(rng, dark=True), True)
        for y, a in ((-0.03, 8), (0.06, -6))
    ]
    pieces.append((ellipsoid((0.3, 0.1, 0.14), (0, 0.01, 0.08)), m.glowing("embers", "#ff8a3c"), True))
    return model(*pieces)


def candle(rng: Generator) -> Model:
    """A pillar candle on a saucer."""
    r, h = float(rng.uniform(0.03, 0.045)), float(rng.uniform(0.08, 0.18))
    return model(
        (lathe([(0, 0), (r * 1.3, 0), (r * 1.8, 0.012), (0, 0.008)]), m.glaze(rng), True),
        (cylinder(r, h, (0, 0, 0.007)), m.plain("wax", "#ece2c6", 0.5), True),
        (rounded_box((0.006, 0.006, 0.015), (0, 0, h + 0.005), 0.002, 1), m.RUBBER),
    )
