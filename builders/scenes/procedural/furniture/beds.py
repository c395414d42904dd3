"""Beds and what lies on them."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, Surface, model
from builders.scenes.procedural.furniture.seating import four_legs
from builders.scenes.procedural.furniture.shapes import box, cushion, rounded_box, tube, turned


def _bed(rng: Generator, width: float) -> Model:
    """Frame with headboard (-Y end), mattress and a blanket over its foot part; +Y is the foot end."""
    frame = m.wood(rng) if rng.random() < 0.6 else m.fabric(rng)
    length, board, top = float(rng.uniform(1.98, 2.08)), float(rng.uniform(0.95, 1.2)), 0.5
    half, cover = length / 2, m.cloth(rng)
    head = -half - 0.05
    pieces: list[Piece] = [
        (four_legs(width, length, 0.14, 0.06, 0.02), m.wood(rng)),
        (box((width, length, 0.15), (0, 0, 0.138)), frame),
        (rounded_box((width + 0.04, 0.07, board), (0, head, 0), 0.025), frame, True),
        (
            rounded_box((width - 0.04, length - 0.06, top - 0.27), (0, -0.01, 0.27), 0.05),
            m.plain("sheet", "#e9e6de", 0.95),
            True,
        ),
    ]
    reach = float(rng.uniform(0.55, 0.72)) * length
    drop = float(rng.uniform(0.16, 0.26))
    pieces += [
        (rounded_box((width + 0.03, reach, 0.045), (0, half - reach / 2 + 0.02, top - 0.014), 0.02), cover, True)
    ]
    for side in (-1, 1):
        pieces.append(
            (
                rounded_box(
                    (0.03, reach - 0.02, drop),
                    (side * (width / 2 + 0.012), half - reach / 2 + 0.012, top - drop + 0.01),
                    0.012,
                ),
                cover,
                True,
            )
        )
    pieces.append((rounded_box((width - 0.01, 0.028, drop), (0, half + 0.016, top - drop + 0.008), 0.012), cover, True))
    if rng.random() < 0.4:
        pieces.append(
            (rounded_box((width + 0.05, 0.45, 0.02), (0, half - 0.45, top + 0.022), 0.009), m.fabric(rng), True)
        )
    free = Surface((-width / 2 + 0.04, width / 2 - 0.04), (-half + 0.04, half - reach - 0.01), top, 1.0)
    return model(*pieces, surfaces=(free,))


def bed(rng: Generator) -> Model:
    return _bed(rng, float(rng.choice([1.4, 1.6, 1.6, 1.8])))


def single_bed(rng: Generator) -> Model:
    return _bed(rng, float(rng.choice([0.9, 1.0, 1.2])))


def pillow(rng: Generator) -> Model:
    """A sleeping pillow lying flat."""
    size = (float(rng.uniform(0.55, 0.68)), float(rng.uniform(0.36, 0.42)), 0.15)
    return model((cushion(size), m.plain("pillow case", "#f0ede6", 0.95) if rng.random() < 0.5 else m.cloth(rng), True))


def throw_pillow(rng: Generator) -> Model:
    """A square sofa pillow leaning backwards."""
    side = float(rng.uniform(0.38, 0.46))
    vertices, faces = turned(cushion((side, side, 0.16)), "x", 68)
    return model(((vertices - [0, 0, vertices[:, 2].min()], faces), m.cloth(rng), True))


def crib(rng: Generator) -> Model:
    """A slatted cot with a mattress."""
    frame = m.wood(rng, dark=False)
    w, d, h = 1.24, 0.66, 0.9
    pieces: list[Piece] = [
        (box((0.04, 0.04, h), (sx * (w / 2 - 0.02), sy * (d / 2 - 0.02), 0)), frame) for sx in (-1, 1) for sy in (-1, 1)
    ]
    for z in (0.28, h - 0.07):
        pieces += [(box((w - 0.07, 0.03, 0.05), (0, side * (d / 2 - 0.02), z)), frame) for side in (-1, 1)]
        pieces += [(box((0.03, d - 0.07, 0.05), (side * (w / 2 - 0.02), 0, z)), frame) for side in (-1, 1)]
    pieces += [
        (
            tube([(x * w / 16, side * (d / 2 - 0.02), 0.32), (x * w / 16, side * (d / 2 - 0.02), h - 0.06)], 0.009),
            frame,
            True,
        )
        for x in range(-7, 8)
        for side in (-1, 1)
    ]
    pieces += [
        (
            tube([(side * (w / 2 - 0.02), y * d / 8, 0.32), (side * (w / 2 - 0.02), y * d / 8, h - 0.06)], 0.009),
            frame,
            True,
        )
        for y in range(-3, 4)
        for side in (-1, 1)
    ]
    pieces.append((rounded_box((w - 0.09, d - 0.09, 0.12), (0, 0, 0.3), 0.03), m.plain("sheet", "#e9e6de", 0.95), True))
    return model(*pieces)
