"""Things to sit on."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, Surface, model
from builders.scenes.procedural.furniture.shapes import (
    Geometry,
    box,
    cylinder,
    ellipsoid,
    joined,
    moved,
    rounded_box,
    tapered_box,
    tube,
    turned,
)


def four_legs(width: float, depth: float, height: float, thick: float, inset: float = 0.0) -> Geometry:
    """Legs tapering downwards at the corners of a width x depth rectangle."""
    x, y = width / 2 - inset - thick / 2, depth / 2 - inset - thick / 2
    return joined(
        *(
            tapered_box((thick * 0.6, thick * 0.6), (thick, thick), height, (sx * x, sy * y, 0))
            for sx in (-1, 1)
            for sy in (-1, 1)
        )
    )


def _upholstered(rng: Generator, seats: int, seat_width: float) -> Model:
    """Sofa or armchair: feet, base, arms, back, one seat and one back cushion per place."""
    cover = m.leather(rng) if rng.random() < 0.25 else m.fabric(rng)
    foot = m.wood(rng)
    arm = float(rng.uniform(0.12, 0.2))
    inner = seats * seat_width
    width, depth = inner + 2 * arm, float(rng.uniform(0.82, 0.92))
    leg, base_top, seat_top = 0.11, 0.28, 0.44
    back_top, arm_top = float(rng.uniform(0.78, 0.9)), float(rng.uniform(0.55, 0.64))
    back_thick, front = 0.2, depth / 2
    pieces: list[Piece] = [
        (four_legs(width, depth, leg + 0.002, 0.05, 0.06), foot),
        (rounded_box((width - 0.02, depth - 0.03, base_top - leg), (0, 0, leg), 0.02), cover, True),
        (
            rounded_box(
                (inner + 0.03, back_thick, back_top - leg - 0.02), (0, -front + back_thick / 2, leg + 0.01), 0.06
            ),
            cover,
            True,
        ),
    ]
    for side in (-1, 1):
        pieces.append(
            (
                rounded_box((arm, depth, arm_top - leg - 0.004), (side * (width - arm) / 2, 0, leg + 0.004), 0.045),
                cover,
                True,
            )
        )
    for seat in range(seats):
        x = (seat - (seats - 1) / 2) * seat_width
        pieces.append(
            (
                rounded_box(
                    (seat_width - 0.006, depth - back_thick + 0.01, seat_top - base_top + 0.02),
                    (x, back_thick / 2 + 0.01, base_top - 0.02),
                    0.04,
                ),
                cover,
                True,
            )
        )
        rest = rounded_box(
            (seat_width - 0.012, 0.15, back_top - seat_top - 0.03), (x, -front + back_thick + 0.05, seat_top), 0.05
        )
        pieces.append((turned(rest, "x", 8, (0, -front + back_thick, seat_top)), cover, True))
    free = Surface((-inner / 2 + 0.03, inner / 2 - 0.03), (-front + back_thick + 0.14, front - 0.05), seat_top, 0.8)
    return model(*pieces, surfaces=(free,))


def sofa(rng: Generator) -> Model:
    return _upholstered(rng, int(rng.choice([2, 3, 3])), float(rng.uniform(0.58, 0.7)))


def armchair(rng: Generator) -> Model:
    return _upholstered(rng, 1, float(rng.uniform(0.54, 0.62)))


def chair(rng: Generator) -> Model:
    """A dining chair: four legs, seat (bare or padded), slatted or ladder or solid back leaning slightly."""
    frame = m.wood_or_lacquer(rng)
    w, d, seat, top = float(rng.uniform(0.4, 0.46)), float(rng.uniform(0.4, 0.45)), 0.45, float(rng.uniform(0.84, 0.98))
    x, back = w / 2 - 0.02, -d / 2 + 0.02
    pieces: list[Piece] = [
        (four_legs(w, d, seat - 0.024, 0.038), frame),
        (rounded_box((w, d, 0.026), (0, 0, seat - 0.026), 0.01), frame),
        (box((w - 0.08, 0.02, 0.05), (0, d / 2 - 0.022, seat - 0.075)), frame),
    ]
    posts = [box((0.03, 0.024, top - seat), (side * x * 0.93, back, seat - 0.002)) for side in (-1, 1)]
    style = int(rng.integers(3))
    if style == 0:
        rails = [rounded_box((w - 0.02, 0.02, 0.07), (0, back + 0.001, top - 0.075), 0.008)]
        rails += [
            box((0.022, 0.012, top - seat - 0.06), (k * (w - 0.1) / 5, back, seat - 0.002)) for k in (-2, -1, 0, 1, 2)
        ]
    elif style == 1:
        rails = [
            rounded_box((w - 0.03, 0.016, 0.06), (0, back + 0.001, seat + share * (top - seat)), 0.007)
            for share in (0.25, 0.52, 0.79)
        ]
    else:
        rails = [
            rounded_box((w - 0.02, 0.03, (top - seat) * 0.62), (0, back + 0.004, seat + (top - seat) * 0.36), 0.014)
        ]
    pieces.append((turned(joined(*posts, *rails), "x", 7, (0, back, seat)), frame))
    if rng.random() < 0.45:
        pieces.append((rounded_box((w - 0.03, d - 0.05, 0.035), (0, 0.012, seat - 0.004), 0.016), m.fabric(rng), True))
    return model(*pieces)


def office_chair(rng: Generator) -> Model:
    """Five-star base with castors, gas lift, padded seat, armrests and back."""
    cover, frame = (m.leather(rng) if rng.random() < 0.3 else m.fabric(rng)), m.plastic(rng, "black", "grey")
    steel, seat = m.metal(rng, "steel", "black", "chrome"), float(rng.uniform(0.44, 0.49))
    pieces: list[Piece] = [
        (cylinder(0.028, seat - 0.12, (0, 0, 0.08)), steel, True),
        (cylinder(0.045, 0.06, (0, 0, 0.07)), steel, True),
    ]
    for arm in range(5):
        spoke = turned(tapered_box((0.045, 0.29), (0.03, 0.28), 0.03, (0, 0.145, 0.065)), "z", 72 * arm + 90)
        wheel = turned(turned(cylinder(0.03, 0.04, (0, 0, -0.02)), "y", 90), "z", 0)
        wheel = turned(moved(wheel, (0, 0.27, 0.031)), "z", 72 * arm + 90)
        pieces += [(spoke, steel), (wheel, m.RUBBER, True)]
    back = rounded_box((0.44, 0.07, float(rng.uniform(0.45, 0.6))), (0, -0.235, seat + 0.13), 0.034, 3)
    spine = tube([(0, -0.05, seat - 0.06), (0, -0.27, seat - 0.04), (0, -0.295, seat + 0.3)], 0.018)
    pieces += [
        (rounded_box((0.48, 0.46, 0.08), (0, 0, seat - 0.05), 0.035, 3), cover, True),
        (box((0.2, 0.24, 0.03), (0, 0, seat - 0.075)), frame),
        (turned(back, "x", 6, (0, -0.24, seat)), cover, True),
        (spine, frame, True),
    ]
    if rng.random() < 0.7:
        for side in (-1, 1):
            pieces += [
                (
                    tube(
                        [
                            (side * 0.2, 0, seat - 0.045),
                            (side * 0.275, 0, seat - 0.04),
                            (side * 0.275, 0, seat + 0.185),
                        ],
                        0.014,
                    ),
                    frame,
                    True,
                ),
                (rounded_box((0.06, 0.25, 0.03), (side * 0.275, 0.02, seat + 0.18), 0.013), frame, True),
            ]
    return model(*pieces)


def stool(rng: Generator) -> Model:
    """Round seat on three or four splayed legs, with a foot ring."""
    frame, count, height = m.wood_or_lacquer(rng), int(rng.choice([3, 4])), float(rng.uniform(0.44, 0.66))
    radius = float(rng.uniform(0.15, 0.18))
    legs = joined(
        *(
            turned(tube([(radius * 1.05, 0, 0.0), (radius * 0.6, 0, height - 0.02)], 0.016), "z", 360 * k / count + 45)
            for k in range(count)
        )
    )
    legs[0][:, 2] = legs[0][:, 2].clip(0)
    bar = radius * 0.92 * float(np.sin(np.pi / count))
    rung = tube([(-bar, 0, height * 0.3), (bar, 0, height * 0.3)], 0.009)
    away = radius * 0.92 * float(np.cos(np.pi / count))
    ring = joined(*(turned(moved(rung, (0, away, 0)), "z", 360 * (k + 0.5) / count - 45) for k in range(count)))
    seat = m.fabric(rng) if rng.random() < 0.3 else frame
    return model((legs, frame, True), (ring, frame, True), (cylinder(radius, 0.04, (0, 0, height - 0.04)), seat, True))


def bench(rng: Generator) -> Model:
    """A plank on two trestle ends with a stretcher, sometimes with a pad."""
    frame, w, d = m.wood(rng), float(rng.uniform(1.0, 1.4)), float(rng.uniform(0.34, 0.4))
    pieces: list[Piece] = [(box((w, d, 0.04), (0, 0, 0.41)), frame), (box((w - 0.3, 0.03, 0.07), (0, 0, 0.16)), frame)]
    for side in (-1, 1):
        pieces.append((box((0.045, d - 0.06, 0.412), (side * (w / 2 - 0.14), 0, 0)), frame))
    top = 0.45
    if rng.random() < 0.5:
        pieces.append((rounded_box((w - 0.03, d - 0.03, 0.045), (0, 0, 0.446), 0.02), m.fabric(rng), True))
        top = 0.491
    return model(*pieces, surfaces=(Surface((-w / 2 + 0.05, w / 2 - 0.05), (-d / 2 + 0.05, d / 2 - 0.05), top),))


def ottoman(rng: Generator) -> Model:
    """A padded cube or drum on short feet."""
    cover = m.leather(rng) if rng.random() < 0.3 else m.cloth(rng)
    size = float(rng.uniform(0.45, 0.6))
    body = (
        rounded_box((size, size * 0.8, 0.34), (0, 0, 0.06), 0.04)
        if rng.random() < 0.6
        else cylinder(size / 2, 0.34, (0, 0, 0.06), least=24)
    )
    return model((four_legs(size * 0.75, size * 0.62, 0.08, 0.045), m.wood(rng)), (body, cover, True))


def bean_bag(rng: Generator) -> Model:
    """A sagging sack, higher at the back."""
    vertices, faces = ellipsoid((0.85, 0.85, 0.7), rings=14)
    share = vertices[:, 2] / 0.7
    vertices = vertices.copy()
    vertices[:, 2] = 0.7 * share**1.15 * (0.78 - 0.3 * vertices[:, 1] / 0.85)
    vertices[:, :2] *= 1 + 0.12 * (1 - share[:, None])
    return model(((vertices, faces), m.leather(rng) if rng.random() < 0.3 else m.fabric(rng), True))
