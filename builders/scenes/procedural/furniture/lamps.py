"""Lamps that stand, hang and stick to the ceiling."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, model
from builders.scenes.procedural.furniture.shapes import (
    Geometry,
    cylinder,
    ellipsoid,
    joined,
    lathe,
    moved,
    tube,
    turned,
)


def _shade(low: float, high: float, height: float, z: float) -> Geometry:
    """A lamp shade: an open frustum with a wall of 4 mm."""
    return lathe([(low, z), (high, z + height), (high - 0.004, z + height), (low - 0.004, z), (low, z)], least=20)


def floor_lamp(rng: Generator) -> Model:
    """Foot, pole, shade with a bulb."""
    frame, h = m.metal(rng, "black", "brass", "steel"), float(rng.uniform(1.45, 1.65))
    low = float(rng.uniform(0.17, 0.23))
    return model(
        (cylinder(0.14, 0.02, least=24), frame, True),
        (cylinder(0.011, h - 0.1, (0, 0, 0.018)), frame, True),
        (_shade(low, low * 0.7, 0.26, h - 0.26), m.SHADE, True),
        (ellipsoid((0.07, 0.07, 0.1), (0, 0, h - 0.19)), m.SHADE, True),
    )


def arc_lamp(rng: Generator) -> Model:
    """A reading lamp: pole with a bent arm and a cone-shaped head."""
    frame, h = m.metal(rng), float(rng.uniform(1.3, 1.5))
    arm = tube(
        [(-0.16, 0, 0.018), (-0.16, 0, h - 0.1), (-0.12, 0, h), (-0.02, 0, h + 0.03), (0.1, 0, h), (0.16, 0, h - 0.06)],
        0.011,
    )
    return model(
        (cylinder(0.13, 0.022, (-0.16, 0, 0), least=24), frame, True),
        (arm, frame, True),
        (
            lathe(
                [
                    (0, h - 0.075),
                    (0.024, h - 0.075),
                    (0.096, h - 0.2),
                    (0.1, h - 0.2),
                    (0.03, h - 0.06),
                    (0, h - 0.055),
                ],
                (0.16, 0, 0),
            ),
            frame,
            True,
        ),
        (ellipsoid((0.07, 0.07, 0.09), (0.16, 0, h - 0.19)), m.SHADE, True),
    )


def table_lamp(rng: Generator) -> Model:
    """A turned ceramic foot or a wooden stem under a shade."""
    r, h = float(rng.uniform(0.06, 0.09)), float(rng.uniform(0.42, 0.52))
    if rng.random() < 0.6:
        foot = lathe(
            [(0, 0), (r * 0.6, 0), (r, 0.07), (r * 0.95, 0.13), (0.02, 0.22), (0.012, h - 0.12), (0, h - 0.12)]
        )
    else:
        foot = joined(cylinder(r, 0.02), cylinder(0.012, h - 0.13, (0, 0, 0.015)))
    return model(
        (foot, m.glaze(rng) if rng.random() < 0.6 else m.wood(rng), True),
        (_shade(0.14, 0.1, 0.2, h - 0.2), m.SHADE, True),
    )


def desk_lamp(rng: Generator) -> Model:
    """A jointed task lamp."""
    frame = m.metal(rng)
    head = turned(lathe([(0.072, 0.002), (0.075, 0), (0.025, 0.1), (0, 0.105)]), "x", 25)
    inner = turned(lathe([(0, 0.09), (0.022, 0.085), (0.072, 0.002)]), "x", 25)
    at = (0.0, 0.17, 0.36)
    return model(
        (cylinder(0.085, 0.02, (0, -0.05, 0), least=20), frame, True),
        (tube([(0, -0.05, 0.015), (0, -0.12, 0.25), (0, 0.13, 0.46)], 0.008), frame, True),
        (moved(head, at), frame, True),
        (moved(inner, at), frame, True),
        (ellipsoid((0.05, 0.05, 0.06), (0, 0.16, 0.375)), m.SHADE, True),
    )


def ceiling_lamp(rng: Generator) -> Model:
    """A flush dome; its origin is at its lowest point."""
    r = float(rng.uniform(0.17, 0.26))
    return model(
        (lathe([(0, 0), (r * 0.5, 0.012), (r * 0.85, 0.045), (r, 0.09), (0, 0.09)], least=24), m.SHADE, True),
        (cylinder(r * 1.04, 0.03, (0, 0, 0.089), least=24), m.metal(rng), True),
    )


def pendant_lamp(rng: Generator) -> Model:
    """A shade on a cord below a ceiling rose, 0.9 m in all."""
    frame = m.metal(rng, "black", "brass", "white", "steel")
    r = float(rng.uniform(0.16, 0.24))
    bell = lathe([(r - 0.006, 0), (r, 0), (r * 0.8, 0.12), (r * 0.25, 0.2), (0.03, 0.24), (0, 0.24)], least=24)
    inner = lathe([(0, 0.225), (0.025, 0.225), (r * 0.24, 0.19), (r * 0.78, 0.112), (r - 0.006, 0.0)], least=24)
    return model(
        (bell, frame, True),
        (inner, m.plain("lamp inside", "#efe6d2", 0.5), True),
        (ellipsoid((0.09, 0.09, 0.11), (0, 0, 0.05)), m.SHADE, True),
        (cylinder(0.006, 0.66, (0, 0, 0.235)), m.RUBBER, True),
        (cylinder(0.06, 0.03, (0, 0, 0.87), least=16), frame, True),
    )
