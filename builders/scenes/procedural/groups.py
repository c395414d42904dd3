"""Furniture that belongs together: a seating corner, a bed with its nightstands, a laid table, a workplace.

Every function tries a number of spots in a plan, adds what fits and returns whether the main piece found a place.
"""

import numpy as np
from numpy.random import Generator
from shapely.geometry import LineString

from builders.scenes.procedural.arrange import LIFT, against, beside, build, size_of, some_wall, try_add
from builders.scenes.procedural.outline import Wall
from builders.scenes.procedural.plan import Placed, Plan, placed


def seating_group(plan: Plan, rng: Generator) -> bool:
    """A sofa with a coffee table before it, a television opposite where the room allows, armchairs, pillows."""
    model, table, stand_model = build("sofa", rng), build("coffee table", rng), build("tv stand", rng)
    (width, depth, _), (_, table_depth, _) = size_of(model), size_of(table)
    for attempt in range(40):
        spot = some_wall(rng, plan, width)
        if spot is None:
            return False
        wall, along = spot
        opposite = _across(plan, wall, along)
        gap = 0.03
        if opposite is not None and opposite[2] > 4.3:
            gap = float(rng.uniform(0.03, opposite[2] - 3.4)) if rng.random() < 0.6 else 0.03
        sofa = against("sofa", model, wall, along, gap)
        low = beside("coffee table", table, sofa, float(rng.uniform(-0.1, 0.1)), depth / 2 + 0.36 + table_depth / 2)
        fits = plan.room_for(sofa, front=0.5) and plan.room_for(low) and plan.stays_walkable(sofa, low)
        if not fits:
            continue
        screen = against("tv stand", stand_model, *opposite[:2]) if opposite else None
        watch = (
            screen is not None
            and plan.room_for(screen, front=0.6)
            and screen.footprint.distance(low.footprint) > 0.5
            and plan.stays_walkable(sofa, low, screen)
        )
        if not watch and attempt < 28:
            continue
        plan.add(sofa)
        plan.add(low)
        if watch and screen is not None:
            plan.add(screen, 0.6)
            television = build("tv", rng)
            plan.add(placed("tv", television, np.array([*screen.world(0, -0.02), screen.z[1] + LIFT]), screen.yaw))
        _sofa_pillows(plan, rng, sofa)
        _armchairs(plan, rng, low)
        for side in rng.permutation([-1, 1]):
            if rng.random() < 0.6:
                small = build("side table", rng)
                x = side * (width / 2 + size_of(small)[0] / 2 + 0.06)
                try_add(plan, beside("side table", small, sofa, x, -depth / 2 + size_of(small)[1] / 2))
        return True
    return False


def _across(plan: Plan, wall: Wall, along: float) -> tuple[Wall, float, float] | None:
    """The wall that faces a spot on a wall: (wall, metres along it, distance), if the two are about parallel."""
    ray = LineString([wall.at(along, 0.01), wall.at(along, 20.0)])
    best = None
    for other in plan.walls:
        hit = ray.intersection(LineString([other.start, other.at(other.length)]))
        if other is wall or hit.is_empty or float(other.inward @ wall.inward) > -0.95:
            continue
        point = np.array(hit.centroid.coords[0])
        far = float((point - wall.at(along)) @ wall.inward)
        if best is None or far < best[2]:
            best = (other, float((point - other.start) @ other.direction), far)
    return best if best is not None and 2.6 < best[2] < 6.0 else None


def _sofa_pillows(plan: Plan, rng: Generator, sofa: Placed) -> None:
    surface = sofa.model.surfaces[0]
    ends = [surface.x[0] + 0.22, surface.x[1] - 0.22, float(rng.uniform(-0.1, 0.1))]
    for x in ends[: int(rng.integers(0, 4))]:
        model = build("sofa pillow", rng)
        thing = beside(
            "sofa pillow",
            model,
            sofa,
            x,
            surface.y[0] + size_of(model)[1] / 2 - 0.02,
            float(rng.uniform(-0.12, 0.12)),
            surface.z + LIFT,
        )
        try_add(plan, thing, (sofa,))


def _armchairs(plan: Plan, rng: Generator, low: Placed) -> None:
    """Up to two equal armchairs at the ends of the coffee table, turned towards it."""
    model = build("armchair", rng)
    reach = size_of(low.model)[0] / 2 + 0.35 + size_of(model)[1] / 2
    for side in (-1, 1)[: int(rng.integers(0, 3))]:
        turn = side * float(rng.uniform(1.2, 1.75))
        try_add(plan, beside("armchair", model, low, side * reach, 0.15, turn))


def bed_group(plan: Plan, rng: Generator, kind: str = "bed") -> bool:
    """A bed with its head to a wall, equal nightstands with equal lamps, pillows at its head."""
    model = build(kind, rng)
    width, depth, _ = size_of(model)
    for _ in range(40):
        spot = some_wall(rng, plan, width)
        if spot is None:
            return False
        bed = against(kind, model, *spot)
        if not (plan.room_for(bed) and plan.stays_walkable(bed)):
            continue
        plan.add(bed)
        look = int(rng.integers(2**31))
        lamps = rng.random() < 0.7
        for side in (-1, 1):
            table = build("nightstand", np.random.default_rng(look))
            x = side * (width / 2 + size_of(table)[0] / 2 + 0.05)
            thing = beside("nightstand", table, bed, x, -depth / 2 + size_of(table)[1] / 2 + 0.01)
            if try_add(plan, thing) and lamps:
                lamp = build("table lamp", np.random.default_rng(look + 1))
                try_add(
                    plan,
                    beside("table lamp", lamp, thing, 0.0, -0.02, 0.0, thing.z[1] - _overhang(thing) + LIFT),
                    (thing,),
                )
        surface = bed.model.surfaces[0]
        count = 2 if width > 1.3 else 1
        case = int(rng.integers(2**31))
        for n in range(count):
            pillow = build("sleeping pillow", np.random.default_rng(case))
            x = (n - (count - 1) / 2) * min(0.72, width / 2)
            at = beside(
                "sleeping pillow",
                pillow,
                bed,
                x,
                surface.y[0] + 0.25,
                float(rng.uniform(-0.06, 0.06)),
                surface.z + LIFT,
            )
            try_add(plan, at, (bed,))
        if rng.random() < 0.35:
            bench = build("bench", rng)
            try_add(plan, beside("bench", bench, bed, 0.0, depth / 2 + size_of(bench)[1] / 2 + 0.06, np.pi))
        return True
    return False


def _overhang(thing: Placed) -> float:
    """How far the thing reaches above its highest surface, metres."""
    return thing.z[1] - thing.at[2] - max(surface.z for surface in thing.model.surfaces)
