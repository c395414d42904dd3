"""What fills a room after its groups of furniture: along walls, on the floor, on walls, overhead, on surfaces."""

import numpy as np
from numpy.random import Generator
from shapely.geometry import Polygon

from builders.scenes.procedural.arrange import LIFT, build, size_of, some_wall, stand, try_add
from builders.scenes.procedural.furniture import CATALOGUE, label_of
from builders.scenes.procedural.furniture.model import Surface
from builders.scenes.procedural.plan import Placed, Plan, placed

IN_THE_OPEN = ("armchair", "ottoman", "stool", "bean bag", "floor cushion", "ball")
"""Kinds that may stand away from the walls."""
TURNED = ("armchair", "ball", "cardboard box", "bean bag", "ottoman", "guitar", "shoes")
"""Kinds that need not stand square to the wall."""
FORWARD = {"bed": 1.0, "single bed": 1.0, "desk": 0.9}
"""How far in front of its anchor's middle a rug lies, metres."""
FACING = ("monitor", "keyboard", "laptop", "printer", "speaker", "microwave", "teddy bear")
"""Small things with a front, which looks where their support's front looks."""


def _choices(plan: Plan, placement: str) -> list[str]:
    """Kinds of a placement that occur in this type of room and are not yet at their limit."""
    return [
        kind
        for kind, spec in CATALOGUE.items()
        if spec.placement == placement and plan.room_type in spec.rooms.split() and plan.count(kind) < spec.limit
    ]


def _draw(rng: Generator, kinds: list[str]) -> str:
    weights = np.array([CATALOGUE[kind].weight for kind in kinds])
    return kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]


def fill_walls(plan: Plan, rng: Generator) -> None:
    """Storage and other pieces with their back to a wall, until walls or luck run out."""
    budget = int(rng.integers(2, 5)) + int(plan.outline.area > 20)
    for _ in range(budget * 2):
        kinds = _choices(plan, "wall")
        if not kinds or budget == 0:
            return
        if stand(plan, rng, _draw(rng, kinds), tries=14):
            budget -= 1


def fill_floor(plan: Plan, rng: Generator) -> None:
    """Plants, lamps, bags, balls: near walls mostly, some in the open."""
    budget = int(rng.integers(3, 8))
    for _ in range(budget * 3):
        kinds = _choices(plan, "free")
        if not kinds or budget == 0:
            return
        kind = _draw(rng, kinds)
        if _loose(plan, rng, kind):
            budget -= 1


def _loose(plan: Plan, rng: Generator, kind: str) -> bool:
    """One thing on the floor, its back roughly to the nearest wall."""
    model = build(kind, rng)
    w, d, _ = size_of(model)
    for _ in range(12):
        spot = some_wall(rng, plan, w + 0.1)
        if spot is None:
            return False
        wall, along = spot
        turn = float(rng.uniform(-0.6, 0.6)) if kind in TURNED else float(rng.uniform(-0.15, 0.15))
        back = d / 2 + 0.04 + abs(np.sin(turn)) * w / 2
        if rng.random() < 0.4 and kind in IN_THE_OPEN:
            back += float(rng.uniform(0.1, 1.2))
        thing = placed(kind, model, np.append(wall.at(along, back), 0.0), wall.yaw + turn)
        if try_add(plan, thing, front=CATALOGUE[kind].front):
            return True
    return False


def fill_rugs(plan: Plan, rng: Generator) -> None:
    """A rug below the coffee table, at the foot of the bed, before a desk."""
    anchors = plan.of("coffee table", "bed", "single bed", "dining table", "round dining table", "desk")
    for anchor in anchors[:1] + anchors[2:3]:
        if rng.random() < 0.35:
            continue
        kind = _draw(rng, ["rug", "rug", "round rug"]) if not plan.of("rug") else "round rug"
        for _ in range(8):
            model = build(kind, rng)
            shift = (
                float(rng.uniform(-0.2, 0.2)),
                float(rng.uniform(-0.1, 0.4)) + FORWARD.get(anchor.kind, 0.0),
            )
            thing = placed(kind, model, np.append(anchor.world(*shift), LIFT), anchor.yaw)
            apart = all(not thing.footprint.intersects(other.footprint) for other in plan.of("rug", "round rug"))
            if apart and plan.outline.buffer(-0.06).covers(thing.footprint):
                plan.add(thing)
                break


def fill_ceiling(plan: Plan, rng: Generator) -> None:
    """Flush lamps over the open floor; one is enough where a pendant hangs."""
    model = build("ceiling lamp", rng)
    center = (
        plan.outline.representative_point()
        if not plan.outline.contains(plan.outline.centroid)
        else plan.outline.centroid
    )
    spots = [(center.x, center.y)]
    if plan.outline.area > 22 and rng.random() < 0.5:
        x0, y0, x1, y1 = plan.outline.bounds
        along = np.array([x1 - x0, 0.0]) if x1 - x0 > y1 - y0 else np.array([0.0, y1 - y0])
        spots = [(center.x + s * along[0], center.y + s * along[1]) for s in (-0.22, 0.22)]
    for x, y in spots:
        thing = placed("ceiling lamp", model, np.array([x, y, plan.height - size_of(model)[2] - LIFT]), 0.0)
        if plan.outline.buffer(-0.35).covers(thing.footprint) and plan.room_for(thing, gap=0.3):
            plan.add(thing)


def hang(plan: Plan, rng: Generator) -> None:
    """Pictures, mirrors, clocks, shelves: on free wall, at eye height, above low furniture."""
    budget = int(rng.integers(2, 6))
    for _ in range(budget * 4):
        kinds = _choices(plan, "hung")
        if not kinds or budget == 0:
            return
        kind = _draw(rng, kinds)
        model = build(kind, rng)
        w, _d, h = size_of(model)
        spot = some_wall(rng, plan, w + 0.2)
        if spot is None:
            continue
        wall, along = spot
        z = float(rng.uniform(*CATALOGUE[kind].heights)) - model.bounds[0][2]
        z = min(z, plan.height - h - 0.12)
        thing = placed(kind, model, np.append(wall.at(along, 0.004 - model.bounds[0][1]), z), wall.yaw)
        low, high = model.bounds
        before = Polygon(
            [thing.world(x, y) for x, y in ((low[0], low[1]), (high[0], low[1]), (high[0], 0.45), (low[0], 0.45))]
        )
        seen = not any(
            other.footprint.intersects(before) and other.z[1] > thing.z[0] and other.z[0] < thing.z[1]
            for other in plan.things
        )
        if seen and plan.room_for(thing, gap=0.06) and plan.stays_walkable(thing):
            plan.add(thing)
            budget -= 1


def fill_surfaces(plan: Plan, rng: Generator, most: int) -> None:
    """Small things on tables, shelves and cabinets, up to ``most`` things in the room."""
    budget = min(int(rng.integers(5, 14)), most - len(plan.things))
    for _ in range(max(budget, 0) * 4):
        if budget <= 0:
            return
        kinds = [kind for kind in _choices(plan, "surface") if _supports(plan, kind)]
        if not kinds:
            return
        kind = _draw(rng, kinds)
        bases = _supports(plan, kind)
        if _rest(plan, rng, kind, bases[int(rng.integers(len(bases)))]):
            budget -= 1


def _supports(plan: Plan, kind: str) -> list[Placed]:
    wanted = CATALOGUE[kind].on.split(",")
    return [
        thing
        for thing in plan.things
        if thing.kind in CATALOGUE and thing.model.surfaces and label_of(thing.kind) in wanted
    ]


def _rest(plan: Plan, rng: Generator, kind: str, base: Placed) -> bool:
    """The thing upright on one of the base's surfaces, wholly within it."""
    model = build(kind, rng)
    w, d, h = size_of(model)
    for _ in range(8):
        surface: Surface = base.model.surfaces[int(rng.integers(len(base.model.surfaces)))]
        turn = float(rng.uniform(-0.2, 0.2)) if kind in FACING or d > 0.12 else float(rng.uniform(-np.pi, np.pi))
        half_x = (abs(np.cos(turn)) * w + abs(np.sin(turn)) * d) / 2
        half_y = (abs(np.sin(turn)) * w + abs(np.cos(turn)) * d) / 2
        if h > surface.headroom or 2 * half_x > surface.x[1] - surface.x[0] or 2 * half_y > surface.y[1] - surface.y[0]:
            continue
        x = float(rng.uniform(surface.x[0] + half_x, surface.x[1] - half_x))
        y = float(rng.uniform(surface.y[0] + half_y, surface.y[1] - half_y))
        thing = placed(kind, model, np.array([*base.world(x, y), base.at[2] + surface.z + LIFT]), base.yaw + turn)
        if plan.room_for(thing, (base,)):
            plan.add(thing)
            return True
    return False
