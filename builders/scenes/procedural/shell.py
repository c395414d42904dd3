"""Floor, ceiling and walls of a room, with holes in the walls where doors and windows go."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator
from shapely.geometry import Polygon

from builders.scenes.procedural.furniture import materials as m
from builders.scenes.procedural.furniture.shapes import Geometry, box, grid_faces, joined, moved, spaced
from builders.scenes.procedural.outline import Wall
from builders.scenes.procedural.room import Material, Part, RoomObject
from builders.scenes.scene import Array, OrientedBox

THICKNESS = 0.14
"""Of walls, metres; also the depth of door and window reveals."""
CELL = 0.34
"""Longest side of a grid cell of the shell, metres; its diagonal stays below 0.5 m."""


@dataclass(frozen=True)
class Opening:
    """A rectangular hole in a wall, metres along the wall and above the floor."""

    wall: int
    along: tuple[float, float]
    z: tuple[float, float]


def oriented(
    object_id: str, label: str, parts: Sequence[tuple[Geometry, Material, bool]], yaw: float, at: Array
) -> RoomObject:
    """The object of local parts turned by ``yaw`` (radians, about Z) and shifted to ``at`` (3,), with its tight box."""
    c, s = np.cos(yaw), np.sin(yaw)
    axes = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
    every = np.concatenate([vertices for (vertices, _), _, _ in parts])
    low, high = every.min(axis=0), every.max(axis=0)
    bounds = OrientedBox((low + high) / 2 @ axes + at, axes, high - low)
    return RoomObject(
        object_id, label, bounds, tuple(Part(v @ axes + at, f, look, smooth) for (v, f), look, smooth in parts)
    )


def _sheet(wall: Wall, height: float, holes: Sequence[Opening]) -> Geometry:
    """Both faces of a wall and the reveals of its holes; local x along, y into the room, inner face at y = 0."""
    cuts_x = sorted({0.0, wall.length, *(x for hole in holes for x in hole.along)})
    cuts_z = sorted({0.0, height, *(z for hole in holes for z in hole.z)})
    xs, zs = _refined(cuts_x), _refined(cuts_z)
    x_mid, z_mid = (xs[:-1] + xs[1:]) / 2, (zs[:-1] + zs[1:]) / 2
    solid = np.ones((len(zs) - 1, len(xs) - 1), dtype=bool)
    for hole in holes:
        inside_x = (x_mid > hole.along[0]) & (x_mid < hole.along[1])
        inside_z = (z_mid > hole.z[0]) & (z_mid < hole.z[1])
        solid &= ~(inside_z[:, None] & inside_x[None])
    z_grid, x_grid = np.meshgrid(zs, xs, indexing="ij")
    inner = np.stack([x_grid.ravel(), np.zeros(x_grid.size), z_grid.ravel()], axis=1)
    faces = grid_faces(np.arange(x_grid.size).reshape(x_grid.shape))[np.tile(solid.ravel(), 2)]
    pieces: list[Geometry] = [(inner, faces), (inner - [0, THICKNESS, 0], faces[:, ::-1])]
    for hole in holes:
        (a, b), (low, high) = hole.along, hole.z
        pieces += [
            _patch((a, -THICKNESS, low), (0, THICKNESS, 0), (0, 0, high - low)),
            _patch((b, -THICKNESS, low), (0, 0, high - low), (0, THICKNESS, 0)),
            _patch((a, -THICKNESS, high), (0, THICKNESS, 0), (b - a, 0, 0)),
        ]
        if low > 0:
            pieces.append(_patch((a, -THICKNESS, low), (b - a, 0, 0), (0, THICKNESS, 0)))
    return joined(*pieces)


def _refined(cuts: Sequence[float]) -> Array:
    """The cuts with even steps between them, none longer than CELL."""
    return np.concatenate([[cuts[0]], *(spaced(a, b, CELL)[1:] for a, b in itertools.pairwise(cuts))])


def _patch(origin: Sequence[float], u: Sequence[float], v: Sequence[float]) -> Geometry:
    """A grid over the parallelogram origin, u, v facing u x v."""
    a, b = (spaced(0, 1, CELL / float(np.linalg.norm(side))) for side in (u, v))
    vertices = np.array(origin) + a[:, None, None] * np.array(u) + b[None, :, None] * np.array(v)
    return vertices.reshape(-1, 3), grid_faces(np.arange(len(a) * len(b)).reshape(len(a), len(b)))


def _plate(polygon: Array, z: float, up: bool) -> Geometry:
    """The outline, grown under the walls, as a sheet at height z.

    Grid lines run through every corner of the outline, so each cell's piece of it is convex.
    """
    grown = Polygon(polygon).buffer(THICKNESS, join_style="mitre")
    corners = np.array(grown.exterior.coords)
    xs, ys = (_refined(sorted({round(float(c), 9) for c in corners[:, axis]})) for axis in (0, 1))
    cells = shapely.box(
        *(grid.ravel() for grid in np.meshgrid(xs[:-1], ys[:-1])),
        *(grid.ravel() for grid in np.meshgrid(xs[1:], ys[1:])),
    )
    vertices, faces = [], []
    count = 0
    for piece in shapely.intersection(cells, grown):
        if piece.area < 1e-8:
            continue
        ring = np.array(shapely.geometry.polygon.orient(piece).exterior.coords)[:-1]
        vertices.append(np.column_stack([ring, np.full(len(ring), z)]))
        fan = np.stack(
            [np.zeros(len(ring) - 2, dtype=np.int64), np.arange(1, len(ring) - 1), np.arange(2, len(ring))], axis=1
        )
        faces.append((fan if up else fan[:, ::-1]) + count)
        count += len(ring)
    return np.concatenate(vertices), np.concatenate(faces)


def make_shell(
    rng: Generator, polygon: Array, walls: Sequence[Wall], height: float, openings: Sequence[Opening], room_type: str
) -> tuple[RoomObject, ...]:
    """Floor, ceiling and one object per wall, with skirting boards."""
    floors = [
        m.patterned("floor oak", "planks", "#b58a5c", "#93693f", 0.16, 0.45),
        m.patterned("floor walnut", "planks", "#7d5638", "#5f3f28", 0.14, 0.45),
        m.patterned("floor ash", "planks", "#cdb793", "#b39b75", 0.18, 0.5),
        m.patterned("floor grey", "planks", "#9a938a", "#7f786f", 0.18, 0.5),
    ]
    floors.append(
        m.patterned("floor tiles", "tiles", "#c9c3b8", "#a09a90", 0.4, 0.3)
        if room_type == "dining"
        else m.patterned("floor carpet", "carpet", "#a39a8c", "#8d8477", 0.05, 0.95)
    )
    floor = floors[int(rng.integers(len(floors)))]
    tone = str(rng.choice(["#e9e4d8", "#dfe3e2", "#d9d2c3", "#cfd8d2", "#e6d9cb", "#c9d3dc", "#ded6dd"]))
    paint = m.patterned("wall paint", "plaster", tone, "#cfc8ba", 0.4, 0.95)
    accent = paint
    if rng.random() < 0.4:
        accent = m.patterned(
            "accent wall",
            "plaster",
            str(rng.choice(["#8fa3a0", "#b98d74", "#7f8fa6", "#a5a07c", "#b7a3a8"])),
            "#9a9484",
            0.4,
            0.95,
        )
    accented = int(rng.integers(len(walls)))
    white, trim = m.patterned("ceiling paint", "plaster", "#f1efe9", "#e6e3dc", 0.5, 0.95), m.lacquer(rng, "white")
    ground = joined(_plate(polygon, 0.0, True), _plate(polygon, -0.05, False))
    cover = joined(_plate(polygon, height, False), _plate(polygon, height + 0.05, True))
    origin = np.zeros(3)
    shell = [
        oriented("floor", "floor", [(ground, floor, False)], 0.0, origin),
        oriented("ceiling", "ceiling", [(cover, white, False)], 0.0, origin),
    ]
    for wall in walls:
        holes = [hole for hole in openings if hole.wall == wall.index]
        doors = sorted(hole.along for hole in holes if hole.z[0] == 0.0)
        ends = [0.014, *(x for a, b in doors for x in (a - 0.06, b + 0.06)), wall.length - 0.014]
        boards = [
            moved(box((b - a, 0.012, 0.08), (0, 0.007, 0.001)), ((a + b) / 2, 0, 0))
            for a, b in zip(ends[::2], ends[1::2])
            if b - a > 0.02
        ]
        look = accent if wall.index == accented else paint
        parts = [(_sheet(wall, height, holes), look, False)] + ([(joined(*boards), trim, False)] if boards else [])
        shell.append(oriented(f"wall_{wall.index}", "wall", parts, wall.yaw, np.append(wall.start, 0.0)))
    return tuple(shell)
