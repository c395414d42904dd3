"""Where the doors and windows of a room go, and what hangs and stands at its windows."""

import numpy as np
from numpy.random import Generator
from shapely.geometry import Point, Polygon

from builders.scenes.procedural.furniture import openings as builders
from builders.scenes.procedural.outline import Wall
from builders.scenes.procedural.plan import Plan, placed
from builders.scenes.procedural.shell import THICKNESS, Opening

SIDE = 0.12
"""Wall left between an opening and a corner or another opening, metres (casings are 0.08 wide)."""


def _spot(rng: Generator, wall: Wall, width: float, taken: list[Opening], side: float) -> float | None:
    """The middle of a free stretch of wall for an opening, metres along it."""
    if wall.length < width + 2 * side:
        return None
    for _ in range(12):
        middle = float(rng.uniform(width / 2 + side, wall.length - width / 2 - side))
        if all(
            abs(middle - sum(hole.along) / 2) > (width + hole.along[1] - hole.along[0]) / 2 + 0.45
            for hole in taken
            if hole.wall == wall.index
        ):
            return middle
    return None


def place_openings(plan: Plan, rng: Generator) -> list[Opening]:
    """One or two doors and one to three windows; adds them, their doorsteps and the cleared floor to the plan."""
    holes: list[Opening] = []
    door_look, window_look = (int(n) for n in rng.integers(2**31, size=2))
    doors = 2 if plan.outline.area > 18 and rng.random() < 0.45 else 1
    for _ in range(doors):
        width, height = float(rng.uniform(0.82, 0.95)), float(rng.uniform(2.0, 2.1))
        for index in rng.permutation(len(plan.walls)):
            wall = plan.walls[index]
            middle = _spot(rng, wall, width, holes, 0.25)
            doorway = middle is not None and _doorway(wall, middle, width)
            if (
                middle is None
                or not doorway
                or not plan.outline.buffer(1e-6).covers(doorway)
                or any(z.intersects(doorway) for z in plan.clear)
            ):
                continue
            holes.append(Opening(wall.index, (middle - width / 2, middle + width / 2), (0.0, height)))
            plan.add(
                placed(
                    "door",
                    builders.door(np.random.default_rng(door_look), width, height, THICKNESS),
                    np.append(wall.at(middle), 0.0),
                    wall.yaw,
                )
            )
            plan.clear.append(doorway)
            plan.doorsteps.append(Point(wall.at(middle, 0.5)))
            break
    wanted = int(rng.choice([1, 2, 2, 3]))
    bay = [wall for wall in plan.walls if len(plan.walls) == 8 and abs(abs(np.cos(2 * wall.yaw)) - 1) > 0.05]
    order = [plan.walls[i] for i in rng.permutation(len(plan.walls))]
    for wall in sorted(order, key=lambda w: w not in bay):
        if wanted == 0:
            break
        low = float(rng.uniform(0.82, 0.95))
        width, high = (
            float(rng.uniform(0.8, min(1.9, max(0.81, wall.length - 0.5)))),
            min(low + float(rng.uniform(1.15, 1.35)), plan.height - 0.2),
        )
        middle = _spot(rng, wall, width, holes, SIDE + 0.05)
        if middle is None:
            continue
        wanted -= 1
        holes.append(Opening(wall.index, (middle - width / 2, middle + width / 2), (low, high)))
        plan.add(
            placed(
                "window",
                builders.window(np.random.default_rng(window_look), width, high - low, THICKNESS),
                np.append(wall.at(middle), low),
                wall.yaw,
            )
        )
    return holes


def _doorway(wall: Wall, middle: float, width: float) -> Polygon:
    """The floor in front of a door that stays free: 10 cm wider than the door, 0.9 m deep."""
    half = width / 2 + 0.1
    return Polygon(
        [
            wall.at(middle - half, 0.001),
            wall.at(middle + half, 0.001),
            wall.at(middle + half, 0.9),
            wall.at(middle - half, 0.9),
        ]
    )


def dress_windows(plan: Plan, rng: Generator, holes: list[Opening]) -> None:
    """Radiators below some windows; in some rooms curtains of one cloth beside most."""
    look, chance = int(rng.integers(2**31)), float(rng.choice([0.0, 0.8, 0.9]))
    for hole in (hole for hole in holes if hole.z[0] > 0):
        wall, middle, width = plan.walls[hole.wall], sum(hole.along) / 2, hole.along[1] - hole.along[0]
        if rng.random() < 0.65:
            radiator = builders.radiator(rng, min(width, float(rng.uniform(0.7, 1.2))))
            thing = placed("radiator", radiator, np.append(wall.at(middle, 0.09), 0.0), wall.yaw)
            if plan.room_for(thing) and plan.stays_walkable(thing):
                plan.add(thing)
        if rng.random() < chance:
            panel = float(rng.uniform(0.28, 0.42))
            bottom = 0.03 if rng.random() < 0.7 else hole.z[0] - 0.12
            top = min(hole.z[1] + 0.16, plan.height - 0.06)
            for side in (-1, 1):
                curtain = builders.curtain(np.random.default_rng(look), panel, top - bottom)
                at = np.append(wall.at(middle + side * (width / 2 + 0.14 + panel / 2), 0.085), bottom)
                thing = placed("curtain", curtain, at, wall.yaw)
                if plan.room_for(thing) and plan.stays_walkable(thing):
                    plan.add(thing)
