"""Kitchen and laundry machines."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Surface, model
from builders.scenes.procedural.furniture.shapes import box, cylinder, lathe, moved, rounded_box, tube, turned


def microwave(rng: Generator) -> Model:
    """A microwave oven: dark door, bar handle, control strip."""
    shell = m.metal(rng, "steel", "white", "black")
    return model(
        (rounded_box((0.48, 0.35, 0.27), (0, 0, 0.012), 0.012, 1), shell),
        (box((0.42, 0.3, 0.014)), m.RUBBER),
        (box((0.33, 0.012, 0.21), (-0.055, 0.174, 0.04)), m.SCREEN_OFF),
        (
            tube([(0.125, 0.178, 0.07), (0.125, 0.205, 0.08), (0.125, 0.205, 0.22), (0.125, 0.178, 0.23)], 0.008),
            m.metal(rng, "chrome"),
            True,
        ),
        (box((0.08, 0.006, 0.035), (0.185, 0.174, 0.215)), m.glowing("display", "#7fb3c9")),
        *((cylinder_facing(0.016, 0.02, (0.185, 0.174, z)), m.metal(rng, "chrome"), True) for z in (0.09, 0.15)),
    )


def cylinder_facing(radius: float, length: float, at: tuple[float, float, float]) -> tuple:
    """A short cylinder pointing to +Y from ``at``."""
    vertices, faces = turned(cylinder(radius, length), "x", -90)
    return vertices + at, faces


def kettle(rng: Generator) -> Model:
    """An electric kettle: tapered body, lid knob, spout, handle."""
    body = m.metal(rng, "steel", "chrome", "black", "white")
    handle = tube([(-0.06, 0, 0.2), (-0.125, 0, 0.2), (-0.14, 0, 0.15), (-0.125, 0, 0.07), (-0.07, 0, 0.05)], 0.011)
    spout = tube([(0.06, 0, 0.14), (0.115, 0, 0.2)], 0.016)
    return model(
        (lathe([(0, 0), (0.085, 0), (0.085, 0.02), (0.06, 0.2), (0.03, 0.22), (0, 0.22)]), body, True),
        (handle, m.RUBBER, True),
        (spout, body, True),
        (cylinder(0.014, 0.03, (0, 0, 0.215)), m.RUBBER, True),
    )


def washing_machine(rng: Generator) -> Model:
    """A front loader: round glass door in a white body with a control panel."""
    white = m.plain("enamel", "#e4e5e4", 0.3)
    ring = turned(lathe([(0, 0.0), (0.2, 0.0), (0.2, 0.03), (0.15, 0.04), (0.15, 0.02), (0, 0.02)]), "x", -90)
    lens = turned(lathe([(0, 0), (0.148, 0), (0.1, 0.05), (0, 0.06)]), "x", -90)
    return model(
        (rounded_box((0.6, 0.56, 0.84), (0, 0, 0.01), 0.012, 1), white),
        (box((0.5, 0.5, 0.02)), m.RUBBER),
        (moved(ring, (0, 0.272, 0.42)), m.metal(rng, "chrome", "black"), True),
        (moved(lens, (0, 0.275, 0.42)), m.SCREEN_OFF, True),
        (box((0.18, 0.008, 0.08), (-0.18, 0.278, 0.74)), m.plain("panel", "#cfd1d1", 0.4)),
        (cylinder_facing(0.03, 0.02, (0.08, 0.279, 0.78)), m.metal(rng, "chrome"), True),
        surfaces=(Surface((-0.27, 0.27), (-0.25, 0.25), 0.85),),
    )
