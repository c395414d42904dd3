"""Building a catalogue kind and finding a spot for it: at a wall, beside another piece, on top of one."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.furniture import CATALOGUE
from builders.scenes.procedural.furniture.model import Model
from builders.scenes.procedural.outline import Wall
from builders.scenes.procedural.plan import Placed, Plan, placed

LIFT = 0.001
"""Gap below things that stand on things, metres: coplanar faces would render as black patches."""


def size_of(model: Model) -> tuple[float, float, float]:
    """Width, depth and height."""
    low, high = model.bounds
    w, d, h = (high - low).tolist()
    return w, d, h


def build(kind: str, rng: Generator) -> Model:
    """A new specimen of a catalogue kind."""
    return CATALOGUE[kind].build(rng)


def against(kind: str, model: Model, wall: Wall, along: float, gap: float = 0.025) -> Placed:
    """The model with its back to a wall, ``gap`` in front of it."""
    return placed(kind, model, np.append(wall.at(along, gap - model.bounds[0][1]), 0.0), wall.yaw)


def some_wall(rng: Generator, plan: Plan, width: float) -> tuple[Wall, float] | None:
    """A random wall with a stretch of ``width``, longer walls more often, and a place on it; corners are favoured."""
    walls = [wall for wall in plan.walls if wall.length > width + 0.08]
    if not walls:
        return None
    lengths = np.array([wall.length for wall in walls])
    wall = walls[int(rng.choice(len(walls), p=lengths / lengths.sum()))]
    reach = (width / 2 + 0.03, wall.length - width / 2 - 0.03)
    along = float(rng.choice(reach)) if rng.random() < 0.35 else float(rng.uniform(*reach))
    return wall, along


def stand(plan: Plan, rng: Generator, kind: str, tries: int = 25, model: Model | None = None) -> Placed | None:
    """A piece with its back to any wall where it fits."""
    model = model or build(kind, rng)
    front = CATALOGUE[kind].front
    for _ in range(tries):
        spot = some_wall(rng, plan, size_of(model)[0])
        if spot is None:
            return None
        thing = against(kind, model, *spot)
        if plan.room_for(thing, front=front) and plan.stays_walkable(thing):
            return plan.add(thing, front)
    return None


def beside(kind: str, model: Model, base: Placed, x: float, y: float, yaw: float = 0.0, z: float = 0.0) -> Placed:
    """The model at (x, y) of the base's own frame, turned by ``yaw`` relative to it."""
    return placed(kind, model, np.append(base.world(x, y), z), base.yaw + yaw)


def try_add(plan: Plan, thing: Placed, besides: tuple[Placed, ...] = (), front: float = 0.0) -> bool:
    """Adds the thing if it fits and the room stays walkable."""
    if plan.room_for(thing, besides, front=front) and plan.stays_walkable(thing):
        plan.add(thing, front)
        return True
    return False
