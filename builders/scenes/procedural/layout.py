"""A furnished room from a seed: outline, openings, groups of furniture, then what fills walls, floor and surfaces.

Everything is drawn from one generator made from (seed, scene id), in a fixed order: the same room in every process.
"""

import hashlib
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from builders.errors import SceneError
from builders.scenes.procedural.arrange import stand
from builders.scenes.procedural.fill import fill_ceiling, fill_floor, fill_rugs, fill_surfaces, fill_walls, hang
from builders.scenes.procedural.furniture import CATALOGUE, label_of
from builders.scenes.procedural.groups import bed_group, seating_group
from builders.scenes.procedural.openings import dress_windows, place_openings
from builders.scenes.procedural.outline import SIDES, make_outline
from builders.scenes.procedural.plan import Placed, Plan
from builders.scenes.procedural.room import Light, Material, Part, Room, RoomObject
from builders.scenes.procedural.shell import Opening, make_shell, oriented
from builders.scenes.procedural.table_groups import desk_group, dining_group
from builders.scenes.procedural.walk import walk

MOST = 40
"""Instances in a room at most, doors and windows included."""
LEAST = 15
ATTEMPTS = 30
"""Outlines tried before giving up; in practice the first or second is furnished."""


def room_generator(scene_id: str, seed: int) -> Generator:
    """The one generator of a room, from a hash that is the same in every process."""
    digest = hashlib.sha256(f"procedural room|{seed}|{scene_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def build_room(scene_id: str, seed: int) -> Room:
    """The room of a scene id.

    Raises ``SceneError`` when no attempt gave a furnished, walkable room (not seen in practice).
    """
    rng = room_generator(scene_id, seed)
    room_type = str(rng.choice(list(SIDES)))
    for _ in range(ATTEMPTS):
        plan, openings = _furnish(rng, room_type)
        if not LEAST <= len(plan.things) <= MOST or not plan.of("door") or not plan.of("window"):
            continue
        shell = make_shell(rng, plan.polygon, plan.walls, plan.height, openings, room_type)
        objects = _objects(plan.things)
        shell, objects = _unique_materials(shell, objects)
        frames = walk(rng, plan, objects)
        if frames:
            return Room(scene_id, plan.polygon, plan.height, shell, objects, _lights(rng, plan, openings), frames)
    raise SceneError(f"{scene_id} (seed {seed}): no furnished room in {ATTEMPTS} attempts")


def _furnish(rng: Generator, room_type: str) -> tuple[Plan, list[Opening]]:
    """A plan with all its things."""
    plan = Plan(make_outline(rng, room_type), float(rng.uniform(2.4, 3.0)), room_type)
    openings = place_openings(plan, rng)
    dress_windows(plan, rng, openings)
    if room_type == "living":
        seating_group(plan, rng)
        if rng.random() < 0.2:
            desk_group(plan, rng)
    elif room_type == "bedroom":
        bed_group(plan, rng, "bed") or bed_group(plan, rng, "single bed")
        if rng.random() < 0.3:
            bed_group(plan, rng, "single bed")
        if rng.random() < 0.7:
            stand(plan, rng, "wardrobe")
        if rng.random() < 0.45:
            desk_group(plan, rng)
    elif room_type == "office":
        for _ in range(int(rng.integers(1, 4))):
            desk_group(plan, rng)
        if rng.random() < 0.25:
            seating_group(plan, rng)
    elif room_type == "dining":
        if rng.random() < 0.75:
            stand(plan, rng, "kitchen counter")
            stand(plan, rng, "refrigerator")
        dining_group(plan, rng)
    else:
        bed_group(plan, rng, "bed" if rng.random() < 0.4 else "single bed")
        seating_group(plan, rng) if rng.random() < 0.7 else desk_group(plan, rng)
        dining_group(plan, rng)
    fill_walls(plan, rng)
    fill_floor(plan, rng)
    fill_rugs(plan, rng)
    fill_ceiling(plan, rng)
    hang(plan, rng)
    fill_surfaces(plan, rng, int(rng.integers(26, MOST + 1)))
    return plan, openings


def _objects(things: list[Placed]) -> tuple[RoomObject, ...]:
    """Numbered per label: ``chair_0``, ``chair_1``."""
    counts: dict[str, int] = {}
    objects = []
    for thing in things:
        label = label_of(thing.kind) if thing.kind in CATALOGUE else thing.kind
        number = counts[label] = counts.get(label, -1) + 1
        parts = [((part.vertices, part.faces), part.material, part.smooth) for part in thing.model.parts]
        objects.append(oriented(f"{label.replace(' ', '_')}_{number}", label, parts, thing.yaw, thing.at))
    return tuple(objects)


def _unique_materials(*groups: tuple[RoomObject, ...]) -> tuple[tuple[RoomObject, ...], ...]:
    """Equal looks share one material name within the room; different looks of one name are numbered."""
    names: dict[Material, Material] = {}
    used: dict[str, int] = {}

    def named(material: Material) -> Material:
        if material not in names:
            number = used[material.name] = used.get(material.name, 0) + 1
            names[material] = material if number == 1 else replace(material, name=f"{material.name} {number}")
        return names[material]

    return tuple(
        tuple(
            RoomObject(
                o.object_id,
                o.label,
                o.box,
                tuple(Part(p.vertices, p.faces, named(p.material), p.smooth) for p in o.parts),
            )
            for o in group
        )
        for group in groups
    )


def _lights(rng: Generator, plan: Plan, openings: list[Opening]) -> tuple[Light, ...]:
    """Daylight through every window, and the lamps."""
    lights = []
    day = (1.0, float(rng.uniform(0.93, 1.0)), float(rng.uniform(0.85, 1.0)))
    for hole in (hole for hole in openings if hole.z[0] > 0):
        wall = plan.walls[hole.wall]
        x, y = wall.at(sum(hole.along) / 2, 0.12)
        w, h = hole.along[1] - hole.along[0], hole.z[1] - hole.z[0]
        nx, ny = wall.inward
        lights.append(
            Light((float(x), float(y), sum(hole.z) / 2), (float(nx), float(ny), 0.0), (w, h), 22.0 * w * h, day)
        )
    for thing in plan.things:
        label = label_of(thing.kind) if thing.kind in CATALOGUE else thing.kind
        x, y = float(thing.at[0]), float(thing.at[1])
        if label == "ceiling lamp":
            lights.append(Light((x, y, thing.z[0] - 0.02), (0.0, 0.0, -1.0), (0.4, 0.4), 18.0, (1.0, 0.94, 0.86)))
        elif label in ("table lamp", "floor lamp"):
            lights.append(Light((x, y, thing.z[1] + 0.03), (0.0, 0.0, 1.0), (0.0, 0.0), 3.0, (1.0, 0.88, 0.7)))
    return tuple(lights)
