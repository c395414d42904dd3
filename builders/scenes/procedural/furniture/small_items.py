"""Things one can carry, mostly on the floor: boxes, bags, toys, an instrument."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, model
from builders.scenes.procedural.furniture.shapes import (
    Geometry,
    box,
    cushion,
    cylinder,
    ellipsoid,
    grid_faces,
    joined,
    lathe,
    moved,
    rounded_box,
    tube,
    turned,
)


def cardboard_box(rng: Generator) -> Model:
    """A closed carton with tape, or an open one with flaps."""
    w, d, h = (float(rng.uniform(*r)) for r in ((0.32, 0.5), (0.28, 0.4), (0.22, 0.36)))
    look, dark = m.plain("cardboard", "#b58a5a", 0.9), m.plain("cardboard inside", "#8f6b43", 0.95)
    if rng.random() < 0.5:
        return model(
            (box((w, d, h)), look), (box((w + 0.002, 0.05, h - 0.04), (0, 0, 0.041)), m.plain("tape", "#cdb27f", 0.4))
        )
    walls = [box((w, 0.008, h), (0, s * (d / 2 - 0.004), 0)) for s in (-1, 1)]
    walls += [box((0.008, d - 0.014, h - 0.002), (s * (w / 2 - 0.005), 0, 0.001)) for s in (-1, 1)]
    flaps = [
        turned(
            box((w - 0.01, 0.006, 0.13), (0, s * (d / 2 - 0.004), h - 0.002)),
            "x",
            -s * 125,
            (0, s * (d / 2 - 0.004), h - 0.002),
        )
        for s in (-1, 1)
    ]
    return model(
        (joined(*walls), look), (joined(*flaps), look), (box((w - 0.014, d - 0.014, 0.008), (0, 0, 0.002)), dark)
    )


def basket(rng: Generator) -> Model:
    """A wicker basket with a rim and two handles."""
    r, h = float(rng.uniform(0.17, 0.23)), float(rng.uniform(0.26, 0.38))
    look = m.patterned("wicker", "fabric", "#b08a57", "#7f5f38", 0.03, 0.9)
    body = lathe([(0, 0), (r * 0.82, 0), (r, h), (r - 0.015, h), (r * 0.8, 0.015), (0, 0.015)], least=24)
    rim = [(r * np.cos(a), r * np.sin(a), h) for a in np.linspace(0, 2 * np.pi, 25)]
    handles = [
        tube(
            [(s * r, -0.07, h), (s * (r + 0.02), -0.05, h + 0.07), (s * (r + 0.02), 0.05, h + 0.07), (s * r, 0.07, h)],
            0.01,
        )
        for s in (-1, 1)
    ]
    return model((body, look, True), (tube(rim, 0.014), look, True), (joined(*handles), look, True))


def trash_can(rng: Generator) -> Model:
    """A bin: open bucket or pedal bin with a dome."""
    look, r = (
        m.metal(rng, "steel", "black", "white") if rng.random() < 0.5 else m.plastic(rng),
        float(rng.uniform(0.12, 0.16)),
    )
    if rng.random() < 0.5:
        h = 0.3
        return model(
            (
                lathe(
                    [
                        (0, 0),
                        (r * 0.8, 0),
                        (r, h),
                        (r + 0.008, h),
                        (r + 0.008, h + 0.012),
                        (r - 0.01, h + 0.012),
                        (r * 0.8 - 0.008, 0.01),
                        (0, 0.01),
                    ],
                    least=24,
                ),
                look,
                True,
            )
        )
    h = 0.42
    return model(
        (cylinder(r, h, (0, 0, 0.015), least=24), look, True),
        (cylinder(r * 1.02, 0.016, least=24), m.RUBBER, True),
        (
            lathe(
                [(0, h + 0.014), (r * 1.02, h + 0.014), (r * 1.02, h + 0.035), (r * 0.6, h + 0.075), (0, h + 0.09)],
                least=24,
            ),
            m.metal(rng, "black", "chrome"),
            True,
        ),
        (box((0.07, 0.06, 0.015), (0, r + 0.015, 0.012)), m.RUBBER),
    )


def backpack(rng: Generator) -> Model:
    """A standing rucksack: body, front pocket, lid flap, shoulder straps, loop."""
    look, dark = m.fabric(rng), m.plain("strap", "#26272a", 0.9)
    straps = [
        tube([(s * 0.08, -0.09, 0.4), (s * 0.09, -0.15, 0.34), (s * 0.1, -0.155, 0.2), (s * 0.11, -0.1, 0.06)], 0.014)
        for s in (-1, 1)
    ]
    return model(
        (rounded_box((0.3, 0.19, 0.44), (0, 0, 0), 0.07, 3), look, True),
        (rounded_box((0.23, 0.09, 0.21), (0, 0.105, 0.03), 0.035), look, True),
        (rounded_box((0.27, 0.15, 0.09), (0, 0.04, 0.345), 0.04), dark, True),
        (joined(*straps), dark, True),
        (
            tube([(-0.03, -0.05, 0.43), (-0.02, -0.05, 0.475), (0.02, -0.05, 0.475), (0.03, -0.05, 0.43)], 0.008),
            dark,
            True,
        ),
        (box((0.17, 0.006, 0.01), (0, 0.149, 0.17)), dark),
    )


def ball(rng: Generator) -> Model:
    """A play ball with a band."""
    r = float(rng.uniform(0.1, 0.14))
    band = lathe(
        [(r * 0.985, r * 0.78), (r * 1.0, r * 0.89), (r * 1.012, r), (r * 1.0, r * 1.11), (r * 0.985, r * 1.22)],
        least=32,
    )
    return model(
        (ellipsoid((2 * r, 2 * r, 2 * r), rings=16), m.plastic(rng, "red", "blue", "green", "orange", "yellow"), True),
        (band, m.plastic(rng, "white"), True),
    )


def suitcase(rng: Generator) -> Model:
    """An upright trolley case: ribs, wheels, pull-out handle."""
    shell, dark = m.plastic(rng, "red", "blue", "black", "green", "grey"), m.RUBBER
    w, d, h = float(rng.uniform(0.38, 0.46)), float(rng.uniform(0.22, 0.27)), float(rng.uniform(0.52, 0.64))
    pieces: list[Piece] = [(rounded_box((w, d, h), (0, 0, 0.045), 0.05), shell, True)]
    pieces += [(box((0.02, d + 0.008, h - 0.14), (x * w / 5, 0, 0.115)), shell) for x in (-1.5, -0.5, 0.5, 1.5)]
    wheel = turned(cylinder(0.025, 0.025, (0, 0, -0.0125)), "y", 90)
    pieces += [
        (moved(wheel, (sx * (w / 2 - 0.06), sy * (d / 2 - 0.06), 0.025)), dark, True)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    top = h + 0.04
    pieces.append(
        (
            tube(
                [(-0.09, -d / 4, top), (-0.09, -d / 4, top + 0.3), (0.09, -d / 4, top + 0.3), (0.09, -d / 4, top)], 0.01
            ),
            m.metal(rng, "steel"),
            True,
        )
    )
    return model(*pieces)


def guitar(rng: Generator) -> Model:
    """An acoustic guitar on a low stand, leaning back."""
    top, dark = m.wood(rng, dark=False), m.wood(rng, dark=True)
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    width = 0.135 - 0.05 * np.cos(2 * turns) - 0.025 * np.sin(turns)
    outline = np.stack([width * np.cos(turns) * 1.25, np.zeros(48), 0.24 * np.sin(turns)], axis=1)
    shrink = (0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0)
    depth = (-0.045, -0.045, -0.045, -0.045, -0.045, 0.0, 0.045, 0.045, 0.045, 0.045, 0.045)
    rings = np.concatenate([outline * s + [0, d, 0.34] for s, d in zip(shrink, depth)])
    ids = np.arange(len(rings)).reshape(len(shrink), 48)
    body: Geometry = (rings, grid_faces(np.column_stack([ids, ids[:, 0]])))
    hole = moved(turned(cylinder(0.045, 0.004, least=20), "x", -90), (0, 0.0435, 0.4))
    front = [
        (body, top),
        (hole, m.RUBBER),
        (box((0.05, 0.025, 0.5), (0, 0.035, 0.52)), dark),
        (_peg_head(), dark),
        (box((0.14, 0.012, 0.02), (0, 0.05, 0.26)), dark),
    ]
    legs = [tube([(0, -0.14, 0.07), (s * 0.16, -0.05, 0.012), (s * 0.1, 0.1, 0.1)], 0.01) for s in (-1, 1)]
    legs.append(tube([(0, -0.14, 0.07), (0, -0.3, 0.012)], 0.01))
    return model(
        *((turned(g, "x", 9, (0, 0, 0.1)), look) for g, look in front), (joined(*legs), m.metal(rng, "black"), True)
    )


def _peg_head() -> Geometry:
    """The guitar's peg head."""
    return joined(
        box((0.075, 0.018, 0.15), (0, 0.03, 1.015)),
        *(box((0.11, 0.008, 0.014), (0, 0.028, 1.04 + 0.04 * k)) for k in range(3)),
    )


def teddy_bear(rng: Generator) -> Model:
    """A sitting toy bear."""
    fur = m.patterned(
        "fur " + (color := str(rng.choice(["#a9794a", "#7a5233", "#d2b48c", "#8c8c8c"]))),
        "carpet",
        color,
        "#c9a06c",
        0.02,
        0.95,
    )
    blobs = [
        ((0.2, 0.17, 0.22), (0, 0, 0)),
        ((0.17, 0.16, 0.16), (0, 0.01, 0.19)),
        ((0.065, 0.04, 0.065), (-0.065, 0, 0.315)),
        ((0.065, 0.04, 0.065), (0.065, 0, 0.315)),
        ((0.075, 0.17, 0.075), (-0.075, 0.11, 0)),
        ((0.075, 0.17, 0.075), (0.075, 0.11, 0)),
        ((0.065, 0.08, 0.14), (-0.115, 0.03, 0.08)),
        ((0.065, 0.08, 0.14), (0.115, 0.03, 0.08)),
    ]
    return model(
        (joined(*(ellipsoid(size, at) for size, at in blobs)), fur, True),
        (ellipsoid((0.075, 0.06, 0.055), (0, 0.075, 0.225)), m.plain("muzzle", "#e6d6b8", 0.9), True),
        (
            joined(
                ellipsoid((0.022, 0.02, 0.018), (0, 0.103, 0.255)),
                *(ellipsoid((0.016, 0.016, 0.016), (s * 0.035, 0.078, 0.285)) for s in (-1, 1)),
            ),
            m.RUBBER,
            True,
        ),
    )


def folded_towel(rng: Generator) -> Model:
    """A soft folded blanket."""
    return model(
        (rounded_box((0.34, 0.26, 0.045), (0, 0, 0), 0.02), m.cloth(rng), True),
        (rounded_box((0.335, 0.255, 0.045), (0, 0, 0.044), 0.02), m.cloth(rng), True),
    )


def shoes(rng: Generator) -> Model:
    """A pair of shoes side by side, toes to +Y."""
    look, sole = m.leather(rng), m.RUBBER
    pieces: list[Piece] = []
    for s in (-1, 1):
        pieces += [
            (ellipsoid((0.1, 0.29, 0.035), (s * 0.065, 0, 0)), sole, True),
            (ellipsoid((0.09, 0.265, 0.11), (s * 0.065, 0.002, 0.008)), look, True),
            (
                lathe(
                    [(0, 0.015), (0.042, 0.015), (0.041, 0.115), (0.034, 0.115), (0.03, 0.06), (0, 0.055)],
                    (s * 0.065, -0.085, 0),
                ),
                look,
                True,
            ),
        ]
    return model(*pieces)


def floor_cushion(rng: Generator) -> Model:
    """A thick seat cushion for the floor."""
    return model((cushion((0.6, 0.6, 0.2)), m.cloth(rng), True))
