"""Screens, computers, lamps' electric cousins and kitchen machines."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, Piece, model
from builders.scenes.procedural.furniture.shapes import box, lathe, moved, rounded_box, tube, turned


def _screen(width: float, height: float, lit: bool, z: float) -> list[Piece]:
    """A flat panel facing +Y: shell, bezel and picture area."""
    picture = m.glowing("screen lit", "#5f8fc4") if lit else m.SCREEN_OFF
    return [
        (rounded_box((width, 0.035, height), (0, 0, z), 0.012, 1), m.plain("screen shell", "#191a1c", 0.4)),
        (box((width - 0.03, 0.006, height - 0.035), (0, 0.0165, z + 0.02)), picture),
    ]


def tv(rng: Generator) -> Model:
    """A television on two feet."""
    w = float(rng.uniform(0.95, 1.3))
    feet = [
        (
            tube([(side * w * 0.32, -0.1, 0.008), (side * w * 0.32, 0, 0.075), (side * w * 0.32, 0.1, 0.008)], 0.008),
            m.plain("screen shell", "#191a1c", 0.4),
            True,
        )
        for side in (-1, 1)
    ]
    return model(*_screen(w, w * 0.58, rng.random() < 0.3, 0.06), *feet)


def wall_tv(rng: Generator) -> Model:
    """A television with its wall bracket."""
    w = float(rng.uniform(0.95, 1.3))
    return model(
        *_screen(w, w * 0.58, rng.random() < 0.3, 0.0), (box((0.3, 0.04, 0.25), (0, -0.035, w * 0.2)), m.RUBBER)
    )


def monitor(rng: Generator) -> Model:
    """A computer monitor: foot plate, neck, panel."""
    w = float(rng.uniform(0.5, 0.62))
    stand = m.metal(rng, "black", "steel")
    return model(
        *_screen(w, w * 0.6, rng.random() < 0.7, 0.13),
        (rounded_box((0.22, 0.18, 0.012), (0, -0.02, 0), 0.005, 1), stand),
        (box((0.05, 0.02, 0.26), (0, -0.026, 0.01)), stand),
    )


def laptop(rng: Generator) -> Model:
    """An open laptop: keyboard half and a leaning screen."""
    shell = m.metal(rng, "steel", "black", "white")
    w, d = 0.34, 0.235
    lid = rounded_box((w, 0.012, d), (0, 0, 0), 0.005, 1)
    glass = box((w - 0.024, 0.004, d - 0.03), (0, 0.0055, 0.018))
    hinge = (0.0, -d / 2, 0.016)
    leaning = [turned(moved(g, (0, -d / 2, 0.016)), "x", 16, hinge) for g in (lid, glass)]
    return model(
        (rounded_box((w, d, 0.018), (0, 0, 0), 0.006, 1), shell),
        (box((w - 0.05, 0.1, 0.003), (0, -0.03, 0.0165)), m.RUBBER),
        (box((0.1, 0.06, 0.002), (0, 0.072, 0.0168)), m.plain("touch pad", "#77797c", 0.4)),
        (leaning[0], shell),
        (leaning[1], m.glowing("screen lit", "#5f8fc4")),
    )


def keyboard(rng: Generator) -> Model:
    """A flat board with four rows of keys."""
    shell, cap = (
        (m.plastic(rng, "black"), m.plastic(rng, "grey"))
        if rng.random() < 0.6
        else (m.plastic(rng, "white"), m.plastic(rng, "grey"))
    )
    keys = [
        (box((0.024, 0.024, 0.008), (-0.189 + 0.027 * k, -0.042 + 0.028 * row, 0.015)), cap)
        for row in range(4)
        for k in range(15)
        if row or not 4 <= k <= 8
    ]
    return model(
        (rounded_box((0.43, 0.14, 0.017), (0, 0, 0), 0.006, 1), shell),
        *keys,
        (box((0.13, 0.024, 0.008), (-0.027, -0.042, 0.015)), cap),
    )


def printer(rng: Generator) -> Model:
    """A desktop printer with a paper tray and a sheet in the output."""
    shell = m.plastic(rng, "white", "grey", "black")
    return model(
        (rounded_box((0.44, 0.36, 0.18), (0, 0, 0.0), 0.02), shell, True),
        (rounded_box((0.4, 0.3, 0.05), (0, -0.02, 0.172), 0.015), shell, True),
        (box((0.32, 0.02, 0.06), (0, 0.173, 0.08)), m.RUBBER),
        (box((0.22, 0.2, 0.004), (0, 0.24, 0.085)), m.PAPER),
        (box((0.06, 0.04, 0.004), (0.15, 0.1, 0.221)), m.glowing("display", "#7fb3c9")),
    )


def speaker(rng: Generator) -> Model:
    """A bookshelf loudspeaker with two drivers."""
    body = m.wood_or_lacquer(rng)
    cones = [
        turned(lathe([(0, 0.002), (r * 0.4, 0.012), (r, 0.018), (r, 0), (0, 0)][::-1]), "x", -90)
        for r in (0.065, 0.028)
    ]
    return model(
        (rounded_box((0.19, 0.22, 0.32), (0, 0, 0), 0.008, 1), body),
        *((moved(c, (0, 0.109, z)), m.RUBBER, True) for c, z in zip(cones, (0.11, 0.24))),
    )
