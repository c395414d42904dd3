"""The camera path: a person walks a smooth round through the free floor, phone at eye height, looking around."""

import numpy as np
import shapely
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import Polygon

from builders.scenes.procedural.gaze import camera_axes, plan_gaze
from builders.scenes.procedural.plan import Plan
from builders.scenes.procedural.room import RoomObject
from builders.scenes.scene import Array, Frame

WIDTH, HEIGHT = 640, 480
FEWEST, MOST_FRAMES = 48, 60
STEP = 0.16
"""Metres walked between two frames where the number of frames allows it."""
LONGEST_STEP = 0.23
"""Longer tours visit fewer places, so that neighbouring frames overlap."""
LEAST_SHOWN = 0.85
"""Share of objects that must be whole in some frame."""
GRID = 0.12
"""Spacing of the path finder's grid, metres."""


def walk(rng: Generator, plan: Plan, objects: tuple[RoomObject, ...]) -> tuple[Frame, ...]:
    """48 to 60 frames along a round tour; empty when the room cannot be walked or shown well."""
    free = plan.walkable().buffer(-0.01)
    if free.is_empty:
        return ()
    free = max(getattr(free, "geoms", [free]), key=lambda piece: piece.area)
    tour: Array | None = None
    for stops in range(int(rng.integers(4, 7)), 1, -1):
        tour = _tour(rng, free, stops)
        if tour is None or _length(tour) < MOST_FRAMES * LONGEST_STEP:
            break
    if tour is None:
        return ()
    length = _length(tour)
    count = int(np.clip(round(length / STEP), FEWEST, MOST_FRAMES))
    spots = _resampled(tour, count)
    phase = np.linspace(0, length / 0.7 * 2 * np.pi, count)
    heights = np.clip(float(rng.uniform(1.5, 1.66)) + 0.015 * np.sin(phase) + 0.02 * np.sin(phase / 7.3 + 1), 1.45, 1.7)
    centers = np.column_stack([spots, heights])
    focal = (WIDTH / 2) / np.tan(np.radians(float(rng.uniform(70, 75)) / 2))
    intrinsics = np.array([[focal, 0, (WIDTH - 1) / 2], [0, focal, (HEIGHT - 1) / 2], [0, 0, 1]])
    yaw, pitch, share = plan_gaze(centers, objects, plan.outline, intrinsics, (WIDTH, HEIGHT))
    if share < LEAST_SHOWN:
        return ()
    frames = []
    for n, (center, heading, tilt) in enumerate(zip(centers, yaw, pitch)):
        pose = np.eye(4)
        pose[:3, :3] = camera_axes(heading, tilt)
        pose[:3, 3] = center
        frames.append(Frame(f"{n:06d}", WIDTH, HEIGHT, intrinsics, pose))
    return tuple(frames)


def _tour(rng: Generator, free: Polygon, count: int) -> Array | None:
    """(N, 2) a smooth closed path through ``count`` far-apart places of the free floor, inside it everywhere."""
    x0, y0, x1, y1 = free.bounds
    xs, ys = np.arange(x0 + GRID / 2, x1, GRID), np.arange(y0 + GRID / 2, y1, GRID)
    grid = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1)
    inside = shapely.contains_xy(free, grid[..., 0], grid[..., 1])
    nodes = grid[inside]
    if len(nodes) < 12:
        return None
    ids = np.full(inside.shape, -1)
    ids[inside] = np.arange(len(nodes))
    margin = shapely.distance(shapely.points(nodes), free.exterior)
    pairs = [(ids[:-1], ids[1:]), (ids[:, :-1], ids[:, 1:]), (ids[:-1, :-1], ids[1:, 1:]), (ids[1:, :-1], ids[:-1, 1:])]
    links = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in pairs])
    links = links[(links >= 0).all(axis=1)]
    cost = np.linalg.norm(nodes[links[:, 0]] - nodes[links[:, 1]], axis=1) * (
        1 + 0.1 / (0.1 + margin[links].mean(axis=1))
    )
    graph = coo_matrix((cost, (links[:, 0], links[:, 1])), shape=(len(nodes), len(nodes))).tocsr()
    distance, before = dijkstra(graph, directed=False, return_predecessors=True)
    reachable = np.flatnonzero(np.isfinite(distance).sum(axis=0) > 0.9 * len(nodes))
    if len(reachable) < 12:
        return None
    stops = [int(reachable[int(rng.integers(len(reachable)))])]
    stops[0] = int(reachable[distance[stops[0], reachable].argmax()])
    for _ in range(count - 1):
        nearest = distance[stops][:, reachable].min(axis=0)
        stops.append(int(reachable[nearest.argmax()]))
    middle = nodes[stops].mean(axis=0)
    stops.sort(key=lambda stop: float(np.arctan2(*(nodes[stop] - middle)[::-1])))
    route: list[int] = []
    for start, end in zip(stops, stops[1:] + stops[:1]):
        leg = [end]
        while leg[-1] != start:
            leg.append(int(before[start, leg[-1]]))
        route.extend(leg[:0:-1])
    path = nodes[route + route[:1]]
    dense = _resampled(path, max(80, int(_length(path) / 0.05)))
    smooth = gaussian_filter1d(dense[:-1], 7, axis=0, mode="wrap")
    for _ in range(3):
        outside = ~shapely.contains_xy(free, smooth)
        nearest = shapely.line_interpolate_point(
            free.exterior, shapely.line_locate_point(free.exterior, shapely.points(smooth))
        )
        smooth = np.where(outside[:, None], shapely.get_coordinates(nearest), smooth)
        smooth = gaussian_filter1d(smooth, 1.5, axis=0, mode="wrap")
    outside = ~shapely.contains_xy(free, smooth)
    nearest = shapely.line_interpolate_point(
        free.exterior, shapely.line_locate_point(free.exterior, shapely.points(smooth))
    )
    return np.where(outside[:, None], shapely.get_coordinates(nearest), smooth)


def _length(path: Array) -> float:
    """Metres along a polyline (N, 2)."""
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def _resampled(path: Array, count: int) -> Array:
    """(count, 2) points at even steps along a polyline."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, path[:, axis]) for axis in range(2)], axis=1)
