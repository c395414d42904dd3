"""What hangs flat on a wall."""

from numpy.random import Generator

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.model import Model, model
from builders.scenes.procedural.furniture.shapes import box, cylinder, joined, lathe, moved, turned


def picture(rng: Generator) -> Model:
    """A framed picture with a mount."""
    w, h = float(rng.uniform(0.35, 0.85)), float(rng.uniform(0.35, 0.7))
    frame = m.wood(rng) if rng.random() < 0.6 else m.metal(rng, "black", "brass")
    sky, ground = (
        str(rng.choice(["#7fa6c2", "#d9a86c", "#c4bfae", "#4f6d7a", "#b3574a"])),
        str(rng.choice(["#3f5f45", "#6a4a3a", "#22384f", "#caa24a"])),
    )
    bars = joined(
        *(box((w, 0.025, 0.03), (0, 0, z)) for z in (0, h - 0.03)),
        *(box((0.03, 0.024, h - 0.058), (s * (w / 2 - 0.0155), 0, 0.029)) for s in (-1, 1)),
    )
    return model(
        (bars, frame),
        (box((w - 0.05, 0.01, h - 0.05), (0, -0.004, 0.025)), m.PAPER),
        (
            box((w * 0.72, 0.006, h * 0.72), (0, 0.0, h * 0.14)),
            m.patterned(f"picture {sky} {ground}", "picture", sky, ground, 0.3),
        ),
    )


def mirror(rng: Generator) -> Model:
    """A round or upright rectangular mirror in a frame."""
    frame = m.wood(rng) if rng.random() < 0.5 else m.metal(rng, "black", "brass")
    if rng.random() < 0.5:
        r = float(rng.uniform(0.25, 0.38))
        rim = turned(
            lathe([(r - 0.025, 0), (r, 0), (r, 0.025), (r - 0.025, 0.025), (r - 0.025, 0)], least=36), "x", -90
        )
        glass = turned(cylinder(r - 0.02, 0.012, least=36), "x", -90)
        return model((moved(rim, (0, 0, r)), frame, True), (moved(glass, (0, 0.002, r)), m.MIRROR))
    w, h = float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.7, 1.0))
    bars = joined(
        *(box((w, 0.03, 0.03), (0, 0, z)) for z in (0, h - 0.03)),
        *(box((0.03, 0.028, h - 0.058), (s * (w / 2 - 0.0155), 0, 0.029)) for s in (-1, 1)),
    )
    return model((bars, frame), (box((w - 0.05, 0.012, h - 0.05), (0, -0.004, 0.025)), m.MIRROR))


def clock(rng: Generator) -> Model:
    """A round wall clock with marks and two hands."""
    r, rim = float(rng.uniform(0.13, 0.2)), m.metal(rng, "black", "brass", "chrome")
    ring = turned(lathe([(r - 0.015, 0), (r, 0), (r, 0.035), (r - 0.015, 0.035), (r - 0.015, 0)], least=32), "x", -90)
    face = turned(cylinder(r - 0.01, 0.02, least=32), "x", -90)
    hands = [
        turned(box((0.012, 0.004, length), (0, 0.023, -0.02)), "y", float(rng.uniform(0, 360)))
        for length in (r * 0.55 + 0.02, r * 0.8 + 0.02)
    ]
    hands[1] = moved(hands[1], (0, 0.005, 0))
    marks = [turned(box((0.012, 0.004, 0.025), (0, 0.0205, r * 0.74)), "y", 30 * k) for k in range(12)]
    raised = [(moved(g, (0, 0, r)), look) for g, look in ((ring, rim), (face, m.plain("dial", "#efece3", 0.5)))]
    return model(*((g, look, True) for g, look in raised), *((moved(g, (0, 0, r)), m.RUBBER) for g in (*hands, *marks)))


def whiteboard(rng: Generator) -> Model:
    """White panel in a metal frame, with a pen tray and notes."""
    w, h = float(rng.uniform(1.0, 1.4)), float(rng.uniform(0.7, 0.9))
    frame = m.metal(rng, "steel")
    bars = joined(
        *(box((w, 0.02, 0.022), (0, 0, z)) for z in (0, h - 0.022)),
        *(box((0.022, 0.018, h - 0.042), (s * (w / 2 - 0.0115), 0, 0.021)) for s in (-1, 1)),
    )
    strokes = [
        (
            box(
                (float(rng.uniform(0.15, 0.4)), 0.002, 0.012),
                (float(rng.uniform(-0.25, 0.2)) * w, 0.0055, h * (0.35 + 0.1 * k)),
            ),
            m.plastic(rng, "blue", "red", "black", "green"),
        )
        for k in range(5)
    ]
    return model(
        (bars, frame),
        (box((w - 0.03, 0.01, h - 0.03), (0, 0, 0.015)), m.plain("enamel board", "#f1f2f1", 0.2)),
        (box((w * 0.4, 0.06, 0.012), (0, 0.035, -0.004)), frame),
        *strokes,
    )


def bulletin_board(rng: Generator) -> Model:
    """Cork board with pinned notes."""
    w, h = float(rng.uniform(0.6, 0.9)), float(rng.uniform(0.45, 0.6))
    frame = m.wood(rng)
    bars = joined(
        *(box((w, 0.022, 0.025), (0, 0, z)) for z in (0, h - 0.025)),
        *(box((0.025, 0.02, h - 0.048), (s * (w / 2 - 0.013), 0, 0.024)) for s in (-1, 1)),
    )
    notes = [
        (
            turned(
                box((0.09, 0.002, 0.1), ((k - 1.5) * w * 0.21, 0.006, h * float(rng.uniform(0.15, 0.6)))),
                "y",
                float(rng.uniform(-4, 4)),
            ),
            m.plain(f"note {color}", color),
        )
        for k, color in enumerate(("#f0e27a", "#9fd0e6", "#f3f0e8", "#f2a7a0"))
    ]
    return model(
        (bars, frame),
        (box((w - 0.03, 0.01, h - 0.03), (0, 0, 0.015)), m.patterned("cork", "carpet", "#b68a57", "#8f6638", 0.02)),
        *notes,
    )
