"""Primitive solids, tessellated finely enough that counting visible vertices measures visible surface.

Every function returns ``Geometry``: vertices (V, 3) in metres and faces (F, 3) wound outwards. ``at`` is the centre of
the bottom of the solid, +Z up, unless said otherwise.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from builders.scenes.scene import Array, Index

Geometry = tuple[Array, Index]
Point = tuple[float, float, float]

CELL = 0.055
"""Longest side of a grid cell, metres; its diagonal stays below 0.08 m."""
_ORIGIN: Point = (0.0, 0.0, 0.0)


def spaced(low: float, high: float, cell: float = CELL) -> Array:
    """(K,) even steps from low to high, none longer than ``cell``."""
    return np.linspace(low, high, max(1, math.ceil((high - low) / cell - 1e-9)) + 1)


def lattice(xs: Array, ys: Array, zs: Array) -> Geometry:
    """The surface of the grid xs x ys x zs: a closed box whose faces share vertices."""
    counts = (len(xs), len(ys), len(zs))
    i, j, k = np.indices(counts)
    surface = (i == 0) | (i == counts[0] - 1) | (j == 0) | (j == counts[1] - 1) | (k == 0) | (k == counts[2] - 1)
    ids = np.full(counts, -1)
    ids[surface] = np.arange(int(surface.sum()))
    vertices = np.stack([xs[i[surface]], ys[j[surface]], zs[k[surface]]], axis=1)
    sides = [ids[-1], ids[0].T, ids[:, -1].T, ids[:, 0], ids[:, :, -1], ids[:, :, 0].T]
    return vertices, np.concatenate([grid_faces(side) for side in sides])


def grid_faces(ids: Index) -> Index:
    """(2 (a-1)(b-1), 3) triangles over an (a, b) grid of vertex ids, facing axis a x axis b."""
    return _halved(ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]).reshape(-1, 3)


def _halved(a: Index, b: Index, c: Index, d: Index) -> Index:
    """(2, ..., 3) triangles abc and acd of quads abcd, whose corners are arrays of one shape (...)."""
    faces = np.empty((2, *a.shape, 3), dtype=a.dtype)
    faces[..., 0] = a
    faces[0, ..., 1], faces[1, ..., 1] = b, c
    faces[0, ..., 2], faces[1, ..., 2] = c, d
    return faces


def box(size: Point, at: Point = _ORIGIN, cell: float = CELL) -> Geometry:
    """A box of full edge lengths ``size``."""
    (w, d, h), (x, y, z) = size, at
    return lattice(spaced(x - w / 2, x + w / 2, cell), spaced(y - d / 2, y + d / 2, cell), spaced(z, z + h, cell))


def rounded_box(size: Point, at: Point = _ORIGIN, radius: float = 0.02, steps: int = 2) -> Geometry:
    """A box with edges and corners rounded to ``radius``, ``steps`` facets per eighth of a turn."""
    half = np.array(size) / 2
    radius = min(radius, float(half.min()) * 0.999)
    arc = radius * np.tan(np.linspace(0, np.pi / 4, steps + 1)[1:])
    nodes = []
    for reach in half - radius:
        inner = spaced(-reach, reach)
        nodes.append(np.concatenate([-reach - arc[::-1], inner, reach + arc]))
    vertices, faces = lattice(*nodes)
    core = np.clip(vertices, radius - half, half - radius)
    outward = vertices - core
    vertices = core + radius * outward / np.linalg.norm(outward, axis=1, keepdims=True)
    return vertices + np.array(at) + [0, 0, half[2]], faces


def tapered_box(bottom: tuple[float, float], top: tuple[float, float], height: float, at: Point = _ORIGIN) -> Geometry:
    """A frustum with rectangular ends of (width, depth) ``bottom`` and ``top``."""
    widest = (max(bottom[0], top[0]), max(bottom[1], top[1]))
    vertices, faces = box((widest[0], widest[1], height))
    share = vertices[:, 2:] / height
    scale = (np.array(bottom) * (1 - share) + np.array(top) * share) / np.array(widest)
    return np.column_stack([vertices[:, :2] * scale, vertices[:, 2]]) + np.array(at), faces


def cushion(size: Point, at: Point = _ORIGIN) -> Geometry:
    """A pillow: thick in the middle, thin at the seam, with slightly drawn-in sides."""
    w, d, h = size
    u, v = spaced(-1, 1, 1.7 * CELL / w), spaced(-1, 1, 1.7 * CELL / d)
    vertices, faces = lattice(u, v, np.array([-1.0, 1.0]))
    a, b, side = vertices.T
    thick = 0.08 + 0.92 * np.sqrt((1 - np.abs(a) ** 3) * (1 - np.abs(b) ** 3))
    x = a * (1 - 0.08 * (1 - b**2) * np.abs(a)) * w / 2
    y = b * (1 - 0.08 * (1 - a**2) * np.abs(b)) * d / 2
    return np.stack([x, y, side * thick * h / 2], axis=1) + np.array(at) + [0, 0, h / 2], faces


def lathe(profile: Sequence[tuple[float, float]], at: Point = _ORIGIN, cell: float = CELL, least: int = 12) -> Geometry:
    """The solid turned about Z from (radius, height) points, listed so that the outside lies to their right.

    An outer wall is listed bottom to top. Rings at sharp turns are doubled, so that smooth shading keeps the edge.
    """
    points = [np.array(profile[0], dtype=float)]
    for before, corner in itertools.pairwise(profile):
        start, end = np.array(before, dtype=float), np.array(corner, dtype=float)
        points.extend(
            start + (end - start) * t for t in spaced(0, 1, cell / max(float(np.hypot(*(end - start))), 1e-6))[1:]
        )
    rings = np.array(points)
    turn = np.diff(rings, axis=0)
    angles = np.unwrap(np.arctan2(turn[:, 1], turn[:, 0]))
    sharp = np.flatnonzero(np.abs(np.diff(angles)) > 0.7) + 1
    order = np.sort(np.concatenate([np.arange(len(rings)), sharp]))
    rings = rings[order]
    segments = 4 * math.ceil(np.clip(2 * np.pi * rings[:, 0].max() / cell, least, 96) / 4)
    around = np.arange(segments) * 2 * np.pi / segments
    vertices = np.stack(
        [rings[:, :1] * np.cos(around), rings[:, :1] * np.sin(around), np.repeat(rings[:, 1:], segments, axis=1)],
        axis=2,
    ).reshape(-1, 3)
    ids = np.arange(len(vertices)).reshape(len(rings), segments)
    ids[rings[:, 0] < 1e-9] = ids[rings[:, 0] < 1e-9, :1]
    doubled = order[:-1] == order[1:]
    rings_below, beside = np.flatnonzero(~doubled), np.roll(ids, -1, axis=1)
    halves = _halved(ids[rings_below], beside[rings_below], beside[rings_below + 1], ids[rings_below + 1])
    quads = np.moveaxis(halves, 0, 1).reshape(-1, 3)  # ring by ring
    proper = (quads[:, 0] != quads[:, 1]) & (quads[:, 1] != quads[:, 2]) & (quads[:, 0] != quads[:, 2])
    used, faces = np.unique(quads[proper], return_inverse=True)
    return vertices[used] + np.array(at), faces.reshape(-1, 3)


def cylinder(
    radius: float, height: float, at: Point = _ORIGIN, top_radius: float | None = None, least: int = 12
) -> Geometry:
    """A cylinder, or a cone's frustum when ``top_radius`` differs."""
    top = radius if top_radius is None else top_radius
    return lathe([(0, 0), (radius, 0), (top, height), (0, height)], at, least=least)


def ellipsoid(size: Point, at: Point = _ORIGIN, rings: int = 10) -> Geometry:
    """An ellipsoid of full axis lengths ``size`` standing on ``at``."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, max(rings, math.ceil(np.pi * max(size) / 2 / CELL)) + 1)
    profile = [(max(float(np.cos(a)), 0.0) * 0.5, float(np.sin(a)) * 0.5) for a in angles]
    profile[0], profile[-1] = (0.0, -0.5), (0.0, 0.5)
    vertices, faces = lathe(profile, cell=min(CELL / max(size), 0.4))
    return (vertices + np.array([0, 0, 0.5])) * np.array(size) + np.array(at), faces


def tube(path: Sequence[Point], radius: float, sides: int = 8) -> Geometry:
    """A round bar of ``radius`` along a polyline, with flat ends."""
    corners = np.array(path, dtype=float)
    pieces = [corners[:1]]
    for start, end in itertools.pairwise(corners):
        t = spaced(0, 1, CELL / max(float(np.linalg.norm(end - start)), 1e-6))[1:, None]
        pieces.append(start + (end - start) * t)
    centers = np.concatenate(pieces)
    tangents = np.gradient(centers, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    helper = np.eye(3)[np.abs(tangents).max(axis=0).argmin()]
    first = np.cross(tangents, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangents, first)
    around = np.arange(sides) * 2 * np.pi / sides
    rings = centers[:, None] + radius * (
        np.cos(around)[:, None] * first[:, None] + np.sin(around)[:, None] * second[:, None]
    )
    vertices = np.concatenate([rings.reshape(-1, 3), centers[[0, -1]]])
    ids = np.arange(len(centers) * sides).reshape(len(centers), sides)
    ids = np.column_stack([ids, ids[:, 0]])
    walls = grid_faces(ids.T)
    start_cap = np.stack([ids[0, 1:], ids[0, :-1], np.full(sides, len(vertices) - 2)], axis=1)
    end_cap = np.stack([ids[-1, :-1], ids[-1, 1:], np.full(sides, len(vertices) - 1)], axis=1)
    return vertices, np.concatenate([walls, start_cap, end_cap])


def turned(geometry: Geometry, axis: str, degrees: float, about: Point = _ORIGIN) -> Geometry:
    """Rotated about the line through ``about`` along ``x``, ``y`` or ``z``."""
    vertices, faces = geometry
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }[axis]
    return (vertices - np.array(about)) @ np.array(matrix).T + np.array(about), faces


def moved(geometry: Geometry, by: Point) -> Geometry:
    """Shifted by ``by``."""
    return geometry[0] + np.array(by), geometry[1]


def joined(*geometries: Geometry) -> Geometry:
    """Several solids as one list of triangles."""
    offsets = np.cumsum([0] + [len(v) for v, _ in geometries[:-1]])
    return (
        np.concatenate([v for v, _ in geometries]),
        np.concatenate([f + offset for (_, f), offset in zip(geometries, offsets)]),
    )
