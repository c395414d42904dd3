"""Tables people sit at: a laid dining table with its chairs, a desk with its office chair and screen."""

import numpy as np
from numpy.random import Generator

from builders.scenes.procedural.arrange import LIFT, against, beside, build, size_of, some_wall, try_add
from builders.scenes.procedural.plan import Placed, Plan, placed

Seat = tuple[float, float, float]
"""x, y, turn of a chair in the table's frame; it looks along (-sin turn, cos turn)."""


def dining_group(plan: Plan, rng: Generator) -> bool:
    """A table in free floor, equal chairs pushed under it by some centimetres, places laid, a lamp above."""
    kind = "round dining table" if plan.room_type == "studio" or rng.random() < 0.3 else "dining table"
    x0, y0, x1, y1 = plan.outline.bounds
    for attempt in range(60):
        if attempt % 15 == 0:
            model, chair = build(kind, rng), build("chair", rng)
            width, depth, _ = size_of(model)
        yaw = plan.walls[int(rng.integers(len(plan.walls)))].yaw
        table = placed(kind, model, np.array([rng.uniform(x0, x1), rng.uniform(y0, y1), 0.0]), yaw)
        out = size_of(chair)[1] / 2 - float(rng.uniform(0.0, 0.12))
        seats = _seats(rng, kind, width, depth, out)
        chairs = [beside("chair", chair, table, x, y, turn + float(rng.uniform(-0.06, 0.06))) for x, y, turn in seats]
        fits = plan.room_for(table) and all(plan.room_for(one) for one in chairs)
        if not fits or not plan.stays_walkable(table, *chairs):
            continue
        for thing in (table, *chairs):
            plan.add(thing)
        if rng.random() < 0.7:
            _lay(plan, rng, table, chairs, seats, out)
        lamp = build("pendant lamp", rng)
        top = np.array([*table.at[:2], plan.height - lamp.bounds[1][2] - LIFT])
        hanging = placed("pendant lamp", lamp, top, yaw)
        if rng.random() < 0.8 and hanging.z[0] > 1.45 and plan.room_for(hanging):
            plan.add(hanging)
        return True
    return False


def _seats(rng: Generator, kind: str, width: float, depth: float, out: float) -> list[Seat]:
    """Chairs around a table, their middles ``out`` metres outside its edge."""
    if kind == "round dining table":
        turns = np.arange(int(rng.choice([2, 3, 4]))) * 2 * np.pi
        reach = width / 2 + out
        return [(reach * float(np.sin(a)), -reach * float(np.cos(a)), float(a)) for a in turns / len(turns) + 0.3]
    count = max(2, int((width - 0.2) // 0.6))
    along = (np.arange(count) - (count - 1) / 2) * (width - 0.25) / count
    seats = [(float(x), side * (depth / 2 + out), 0.0 if side < 0 else np.pi) for side in (-1, 1) for x in along]
    if rng.random() < 0.4:
        seats += [(side * (width / 2 + out), 0.0, side * np.pi / 2) for side in (-1, 1)]
    return seats


def _lay(plan: Plan, rng: Generator, table: Placed, chairs: list[Placed], seats: list[Seat], out: float) -> None:
    """Equal plates, sometimes with equal cups, before up to four of the seats."""
    look, cups = int(rng.integers(2**31)), rng.random() < 0.6
    for x, y, turn in seats[: int(rng.integers(2, len(seats) + 1))][:4]:
        inward = np.array([-np.sin(turn), np.cos(turn)])
        right = np.array([inward[1], -inward[0]])
        edge = np.array([x, y]) + inward * out
        for kind, spot in (("plate", edge + inward * 0.17), ("cup", edge + inward * 0.22 + right * 0.19)):
            if kind == "plate" or cups:
                model = build(kind, np.random.default_rng(look))
                thing = beside(kind, model, table, float(spot[0]), float(spot[1]), turn + 0.6, table.z[1] + LIFT)
                try_add(plan, thing, (table, *chairs))


def desk_group(plan: Plan, rng: Generator) -> bool:
    """A desk at a wall with an office chair before it, monitor (or laptop) and keyboard on it."""
    model, chair = build("desk", rng), build("office chair", rng)
    (_, depth, _), (_, chair_depth, _) = size_of(model), size_of(chair)
    for _ in range(30):
        spot = some_wall(rng, plan, size_of(model)[0])
        if spot is None:
            return False
        desk = against("desk", model, *spot)
        away = depth / 2 + chair_depth / 2 + float(rng.uniform(0.02, 0.2))
        seat = beside(
            "office chair", chair, desk, float(rng.uniform(-0.12, 0.12)), away, np.pi + float(rng.uniform(-0.5, 0.5))
        )
        if not (plan.room_for(desk) and plan.room_for(seat) and plan.stays_walkable(desk, seat)):
            continue
        plan.add(desk)
        plan.add(seat)
        x, top = float(rng.uniform(-0.15, 0.15)), desk.z[1] + LIFT
        if rng.random() < 0.75:
            try_add(
                plan,
                beside(
                    "monitor", build("monitor", rng), desk, x, -depth / 2 + 0.16, float(rng.uniform(-0.1, 0.1)), top
                ),
                (desk,),
            )
            try_add(
                plan,
                beside(
                    "keyboard", build("keyboard", rng), desk, x, depth / 2 - 0.16, float(rng.uniform(-0.05, 0.05)), top
                ),
                (desk,),
            )
        else:
            try_add(
                plan, beside("laptop", build("laptop", rng), desk, x, 0.05, float(rng.uniform(-0.1, 0.1)), top), (desk,)
            )
        return True
    return False
