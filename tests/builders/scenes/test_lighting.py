"""Rooms are lit alike whatever their size, and the sun comes in through the window."""

import numpy as np
import pytest

from builders.scenes.procedural.lighting import LAMPS_BY_DAY, POWER_PER_AREA, floor_area, light_powers, sun_direction
from builders.scenes.procedural.room import Light, Room

L_SHAPE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [2.0, 2.0], [2.0, 5.0], [0.0, 5.0]])
WINDOW = Light((0.0, 1.0, 1.5), (1.0, 0.0, 0.0), (1.2, 1.0), 30.0)
CEILING = Light((1.0, 1.0, 2.4), (0.0, 0.0, -1.0), (0.5, 0.5), 12.0)


def test_floor_area_of_an_l_shape() -> None:
    assert floor_area(_room()) == pytest.approx(4 * 2 + 2 * 3)


def test_every_room_gets_the_same_power_per_floor_area() -> None:
    for lights in ((WINDOW, CEILING), (CEILING,), (WINDOW, WINDOW)):
        assert sum(light_powers(_room(*lights))) / 14 == pytest.approx(POWER_PER_AREA)
    assert light_powers(_room()) == ()


def test_lamps_are_dimmed_beside_windows_alone() -> None:
    window, lamp = light_powers(_room(WINDOW, CEILING))
    assert lamp / window == pytest.approx(LAMPS_BY_DAY * 12 / 30)
    first, second = light_powers(_room(CEILING, CEILING))
    assert first == second


def test_sun_comes_in_through_the_strongest_window_and_down() -> None:
    weaker = Light((4.0, 1.0, 1.5), (-1.0, 0.0, 0.0), (1.0, 1.0), 5.0)
    sun = sun_direction(_room(CEILING, weaker, WINDOW))
    assert sun is not None and np.linalg.norm(sun) == pytest.approx(1.0)
    assert sun[0] > 0.3 and sun[2] < -0.3


def test_no_sun_without_windows() -> None:
    assert sun_direction(_room(CEILING)) is None


def _room(*lights: Light) -> Room:
    return Room("l", L_SHAPE, 2.5, (), (), lights, ())
