"""Kitchen units."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, Surface, model
from builders.scenes.procedural.furniture.shapes import box, cylinder, joined, rounded_box, tube
from builders.scenes.procedural.furniture.storage import fronts


def refrigerator(rng: Generator) -> Model:
    """Fridge-freezer: two doors with bar handles."""
    shell, bar = m.metal(rng, "steel", "white", "black"), m.metal(rng, "chrome", "black")
    w, d, h = 0.6, 0.6, float(rng.uniform(1.7, 1.9))
    split = h * float(rng.uniform(0.35, 0.6))
    pieces: list[Piece] = [(box((w, d, h - 0.04), (0, 0, 0.04)), shell), (box((w - 0.06, d - 0.08, 0.045)), m.RUBBER)]
    for low, high, z in ((0.06, split, split - 0.32), (split + 0.01, h, split + 0.06)):
        pieces += [
            (rounded_box((w - 0.004, 0.06, high - low - 0.006), (0, d / 2 + 0.031, low), 0.015), shell, True),
            (
                tube(
                    [
                        (-w / 2 + 0.06, d / 2 + 0.055, z),
                        (-w / 2 + 0.06, d / 2 + 0.095, z + 0.02),
                        (-w / 2 + 0.06, d / 2 + 0.095, z + 0.24),
                        (-w / 2 + 0.06, d / 2 + 0.055, z + 0.26),
                    ],
                    0.011,
                ),
                bar,
                True,
            ),
        ]
    return model(*pieces)


def kitchen_counter(rng: Generator) -> Model:
    """Base units with doors, a worktop, a tap and a sink basin's rim."""
    front, stone = m.lacquer(rng), m.patterned("worktop", "stone", "#8b8782", "#5f5c59", 0.2, 0.3)
    chrome, columns = m.metal(rng, "chrome", "steel"), int(rng.choice([3, 4]))
    w, d, h = columns * 0.5, 0.58, 0.9
    x = float(rng.choice([-1, 1])) * w / 4
    pieces: list[Piece] = [
        (box((w, d - 0.02, h - 0.14), (0, -0.01, 0.1)), front),
        (box((w - 0.02, d - 0.1, 0.102), (0, -0.03, 0)), m.RUBBER),
        (box((w + 0.02, d + 0.03, 0.042), (0, 0.01, h - 0.042)), stone),
    ]
    pieces += fronts(w, d - 0.04, 0.1, h - 0.042, columns, 1, front, chrome, True)
    pieces += [
        (
            joined(
                *(box((0.5, 0.015, 0.01), (x, side * 0.19, h - 0.004)) for side in (-1, 1)),
                *(box((0.015, 0.365, 0.01), (x + side * 0.2425, 0, h - 0.004)) for side in (-1, 1)),
            ),
            chrome,
        ),
        (box((0.466, 0.362, 0.004), (x, 0, h - 0.001)), m.plain("sink", "#5d6163", 0.3)),
        (
            tube(
                [
                    (x, -0.23, h - 0.002),
                    (x, -0.23, h + 0.2),
                    (x, -0.19, h + 0.26),
                    (x, -0.11, h + 0.26),
                    (x, -0.08, h + 0.2),
                ],
                0.013,
            ),
            chrome,
            True,
        ),
        (cylinder(0.025, 0.03, (x, -0.23, h - 0.001)), chrome, True),
    ]
    free = (-w / 2 + 0.03, x - 0.28) if x > 0 else (x + 0.28, w / 2 - 0.03)
    return model(*pieces, surfaces=(Surface(free, (-d / 2 + 0.03, d / 2 - 0.03), h),))
