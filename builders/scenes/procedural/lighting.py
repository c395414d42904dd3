"""What both renderers derive from a room's lights: how bright they are together, and where the sun stands.

Rooms differ in size and number of windows; a photographer would set the exposure for each. Here the lights of a room
are scaled together so that every room receives the same power per square metre of floor.
"""

import numpy as np

from builders.scenes.procedural.room import Light, Room
from builders.scenes.scene import Array

POWER_PER_AREA = 5.5
"""Watts of the room's lights, as Blender counts them, per square metre of floor."""
LAMPS_BY_DAY = 0.5
"""Share of a lamp's power that it keeps where daylight comes in, so that it does not burn out what is under it."""
SKY_COLOR = (0.62, 0.79, 0.95)
"""Linear RGB of the sky through a window."""


def floor_area(room: Room) -> float:
    """Square metres inside the room's outline (shoelace formula)."""
    x, y = room.polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def is_window(light: Light) -> bool:
    """Whether a light is daylight through an upright opening."""
    return min(light.size) > 0 and abs(light.direction[2]) < 0.5


def light_powers(room: Room) -> tuple[float, ...]:
    """Watts of each of the room's lights, scaled together to ``POWER_PER_AREA``; beside windows, lamps are dimmed."""
    dimmed = LAMPS_BY_DAY if any(map(is_window, room.lights)) else 1.0
    powers = [light.power * (1.0 if is_window(light) else dimmed) for light in room.lights]
    total = sum(powers)
    gain = POWER_PER_AREA * floor_area(room) / total if total > 0 else 1.0
    return tuple(gain * power for power in powers)


def sun_direction(room: Room) -> Array | None:
    """(3,) unit, where sunlight travels: slanting in through the strongest window; ``None`` without windows."""
    windows = [light for light in room.lights if is_window(light)]
    if not windows:
        return None
    inward = np.array(max(windows, key=lambda light: light.power).direction) * (1.0, 1.0, 0.0)
    inward /= np.linalg.norm(inward)
    sideways = np.array([-inward[1], inward[0], 0.0])
    slanting = inward + 0.55 * sideways + np.array([0.0, 0.0, -0.95])
    return slanting / np.linalg.norm(slanting)
