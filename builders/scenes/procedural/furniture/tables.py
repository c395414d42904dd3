"""Tables and desks."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, Surface, model
from builders.scenes.procedural.furniture.seating import four_legs
from builders.scenes.procedural.furniture.shapes import box, cylinder, joined, lathe, rounded_box, tube


def _top(w: float, d: float, z: float, margin: float = 0.02) -> Surface:
    return Surface((-w / 2 + margin, w / 2 - margin), (-d / 2 + margin, d / 2 - margin), z)


def _legged(rng: Generator, w: float, d: float, height: float, leg: float) -> Model:
    """Rectangular top with apron on four tapered legs."""
    frame = m.wood_or_lacquer(rng)
    top = m.wood(rng) if frame.pattern == "plain" else frame
    apron = joined(
        box((w - 0.16, 0.02, 0.06), (0, d / 2 - 0.06, height - 0.088)),
        box((w - 0.16, 0.02, 0.06), (0, 0.06 - d / 2, height - 0.088)),
        box((0.02, d - 0.16, 0.06), (w / 2 - 0.06, 0, height - 0.088)),
        box((0.02, d - 0.16, 0.06), (0.06 - w / 2, 0, height - 0.088)),
    )
    return model(
        (four_legs(w, d, height - 0.028, leg, 0.03), frame),
        (apron, frame),
        (rounded_box((w, d, 0.03), (0, 0, height - 0.03), 0.006, 1), top),
        surfaces=(_top(w, d, height),),
    )


def _pedestal(rng: Generator, radius: float, height: float) -> Model:
    """Round top on a turned column with a round foot."""
    frame = m.wood(rng)
    column = lathe(
        [
            (0, 0),
            (radius * 0.55, 0),
            (radius * 0.55, 0.02),
            (0.06, 0.06),
            (0.045, height * 0.35),
            (0.06, height * 0.6),
            (0.045, height * 0.85),
            (0.12, height - 0.028),
            (0, height - 0.028),
        ]
    )
    top = cylinder(radius, 0.03, (0, 0, height - 0.03), least=32)
    half = radius * 0.7
    return model((column, frame, True), (top, frame, True), surfaces=(Surface((-half, half), (-half, half), height),))


def dining_table(rng: Generator) -> Model:
    return _legged(rng, float(rng.uniform(1.3, 1.9)), float(rng.uniform(0.8, 0.95)), 0.75, 0.065)


def round_dining_table(rng: Generator) -> Model:
    return _pedestal(rng, float(rng.uniform(0.48, 0.6)), 0.75)


def coffee_table(rng: Generator) -> Model:
    """Low table: legs with a lower shelf, a round one, or a slab frame."""
    style, w, d, h = (
        int(rng.integers(3)),
        float(rng.uniform(0.85, 1.15)),
        float(rng.uniform(0.48, 0.62)),
        float(rng.uniform(0.36, 0.44)),
    )
    if style == 0:
        return _legged(rng, w, d, h, 0.05)
    if style == 1:
        frame, r = m.metal(rng, "black", "brass"), float(rng.uniform(0.33, 0.42))
        legs = joined(
            *(
                tube([(sx * r * 0.75, sy * r * 0.75, 0), (sx * r * 0.55, sy * r * 0.55, h - 0.02)], 0.012)
                for sx in (-1, 1)
                for sy in (-1, 1)
            )
        )
        legs[0][:, 2] = legs[0][:, 2].clip(0)
        return model(
            (legs, frame, True),
            (cylinder(r, 0.028, (0, 0, h - 0.028), least=32), m.wood(rng), True),
            surfaces=(Surface((-r * 0.68, r * 0.68), (-r * 0.68, r * 0.68), h),),
        )
    wood = m.wood(rng)
    sides = joined(*(box((0.04, d - 0.004, h - 0.036), (side * (w / 2 - 0.022), 0, 0)) for side in (-1, 1)))
    return model(
        (sides, wood),
        (box((w, d, 0.038), (0, 0, h - 0.038)), wood),
        (box((w - 0.08, d - 0.04, 0.02), (0, 0, 0.12)), wood),
        surfaces=(_top(w, d, h),),
    )


def side_table(rng: Generator) -> Model:
    if rng.random() < 0.5:
        return _pedestal(rng, float(rng.uniform(0.2, 0.26)), float(rng.uniform(0.48, 0.58)))
    return _legged(
        rng, float(rng.uniform(0.4, 0.5)), float(rng.uniform(0.38, 0.48)), float(rng.uniform(0.48, 0.56)), 0.04
    )


def console_table(rng: Generator) -> Model:
    """Narrow table with a lower shelf."""
    frame, w, d, h = m.wood_or_lacquer(rng), float(rng.uniform(0.9, 1.2)), float(rng.uniform(0.3, 0.36)), 0.8
    return model(
        (four_legs(w, d, h - 0.03, 0.045, 0.01), frame),
        (box((w, d, 0.032), (0, 0, h - 0.032)), frame),
        (box((w - 0.05, d - 0.05, 0.02), (0, 0, 0.18)), frame),
        surfaces=(_top(w, d, h), Surface((-w / 2 + 0.08, w / 2 - 0.08), (-d / 2 + 0.04, d / 2 - 0.04), 0.2, 0.5)),
    )


def desk(rng: Generator) -> Model:
    """Work top on legs, with a drawer pedestal on one side or two steel frames."""
    w, d, h = float(rng.uniform(1.2, 1.6)), float(rng.uniform(0.65, 0.75)), 0.74
    top, frame = m.wood(rng), m.metal(rng, "black", "white", "steel")
    pieces: list[Piece] = [(rounded_box((w, d, 0.03), (0, 0, h - 0.03), 0.005, 1), top)]
    side = int(rng.choice([-1, 1]))
    drawers = rng.random() < 0.6
    for end in (-1, 1):
        if drawers and end == side:
            body, x = m.lacquer(rng, "white", "grey", "charcoal"), end * (w / 2 - 0.24)
            pieces.append((box((0.42, d - 0.1, h - 0.06), (x, -0.01, 0.032)), body))
            pieces.append((box((0.38, d - 0.14, 0.034), (x, -0.01, 0)), m.RUBBER))
            for row in range(3):
                z = 0.05 + row * 0.21
                pieces.append((box((0.39, 0.018, 0.195), (x, d / 2 - 0.058, z)), body))
                pieces.append((box((0.12, 0.016, 0.014), (x, d / 2 - 0.043, z + 0.14)), frame))
        else:
            x = end * (w / 2 - 0.07)
            for y in (-1, 1):
                pieces.append((box((0.04, 0.04, h - 0.028), (x, y * (d / 2 - 0.06), 0)), frame))
            pieces.append((box((0.036, d - 0.1, 0.036), (x, 0, 0.002)), frame))
    pieces.append((box((w - 0.16, 0.016, 0.3), (0, -d / 2 + 0.06, h - 0.34)), top))
    return model(*pieces, surfaces=(_top(w, d, h),))
