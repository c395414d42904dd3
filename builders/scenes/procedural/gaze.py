"""Where the walker looks: slowly changing headings that together show nearly every object, several whole at a time.

A beam search over (heading, tilt) maximises the objects shown whole, each further sighting of an object counting less.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from shapely.geometry import Polygon

from builders.scenes.procedural.room import RoomObject
from builders.scenes.scene import Array, Index

Flags = NDArray[np.bool_]

EVERY = 2
"""Frames between two stations of the search; the frames between are interpolated."""
HEADINGS = 20
TILTS = np.radians([-5.0, -11.0, -17.0, -24.0])
"""Camera pitch, downwards negative."""
HISTORIES = 3
"""Histories kept per state of the beam search."""
CROWD, TURNING = 0.2, 0.05
"""Worth of every whole object in view (up to five), cost of one step of heading or tilt."""
_WORTH = np.array([1.4, 0.6, 0.35, 0.15, 0.05, 0.02, 0.0])
"""Worth of the first, second, ... sighting of one object."""
SEE_THROUGH = (
    "dining table",
    "desk",
    "chair",
    "office chair",
    "rug",
    "floor lamp",
    "coffee table",
    "side table",
    "stool",
    "crib",
    "coat rack",
    "curtain",
    "potted plant",
    "ceiling lamp",
    "console table",
)


def camera_axes(heading: float, tilt: float) -> Array:
    """(3, 3) camera axes as columns (right, down, forward) in the world; radians, tilt upwards positive."""
    (ch, sh), (ct, st) = ((np.cos(a), np.sin(a)) for a in (heading, tilt))
    right, forward = np.array([sh, -ch, 0.0]), np.array([ct * ch, ct * sh, st])
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def plan_gaze(
    centers: Array, objects: tuple[RoomObject, ...], outline: Polygon, intrinsics: Array, size: tuple[int, int]
) -> tuple[Array, Array, float]:
    """Heading (F,) and tilt (F,) per frame, radians, for camera centres (F, 3); share of objects shown whole."""
    stations = np.arange(0, len(centers), EVERY)
    seen = in_sight(centers[stations], objects, outline)
    whole = _shown_whole(centers[stations], objects, intrinsics, size) & seen[:, None, :]
    path = _beam(whole)
    share = float(whole[np.arange(len(stations)), path].any(axis=0).mean())
    heading = np.unwrap(path // len(TILTS) * 2 * np.pi / HEADINGS)
    frames = np.arange(len(centers))
    smooth = [
        gaussian_filter1d(np.interp(frames, stations, angle), 2.5, mode="nearest")
        for angle in (heading, TILTS[path % len(TILTS)])
    ]
    return smooth[0], smooth[1], share


def _shown_whole(centers: Array, objects: tuple[RoomObject, ...], intrinsics: Array, size: tuple[int, int]) -> Flags:
    """(F, S, O) bool per heading x tilt state: all box corners inside the picture; six of eight for big objects."""
    needed = np.where([o.box.extents.max() > 1.2 for o in objects], 6, 8)
    corners = np.stack([o.box.corners() for o in objects]).astype(np.float32)
    rays = corners[None] - centers[:, None, None].astype(np.float32)
    fx, fy, half_w, half_h = intrinsics[0, 0], intrinsics[1, 1], size[0] / 2 - 4, size[1] / 2 - 4
    shown = np.zeros((len(centers), HEADINGS, len(TILTS), len(objects)), dtype=bool)
    for h, heading in enumerate(np.arange(HEADINGS) * 2 * np.pi / HEADINGS):
        ahead = rays[..., 0] * np.float32(np.cos(heading)) + rays[..., 1] * np.float32(np.sin(heading))
        right = rays[..., 0] * np.float32(np.sin(heading)) - rays[..., 1] * np.float32(np.cos(heading))
        for t, tilt in enumerate(TILTS):
            c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
            depth = c * ahead + s * rays[..., 2]
            down = s * ahead - c * rays[..., 2]
            shown[:, h, t] = (
                (depth > 0.3) & (np.abs(right) * fx < half_w * depth) & (np.abs(down) * fy < half_h * depth)
            ).sum(axis=2) >= needed
    return shown.reshape(len(centers), -1, len(objects))


def in_sight(centers: Array, objects: tuple[RoomObject, ...], outline: Polygon) -> Flags:
    """(F, O) bool: nothing solid between the camera and a point just before the object's middle."""
    middles = np.stack([o.box.center for o in objects])
    ray = middles[None] - centers[:, None]
    far = np.linalg.norm(ray, axis=2, keepdims=True)
    ends = centers[:, None] + ray * np.maximum(far - 0.2, 0.05) / far
    lines = shapely.linestrings(
        np.stack([np.broadcast_to(centers[:, None, :2], ends[..., :2].shape), ends[..., :2]], axis=2).reshape(-1, 2, 2)
    )
    shapely.prepare(outline)
    sight = (
        shapely.covers(outline, lines).reshape(far.shape[:2])
        if outline.convex_hull.area > outline.area * 1.001
        else np.ones(far.shape[:2], bool)
    )
    for n, blocker in enumerate(objects):
        if blocker.label in SEE_THROUGH or np.prod(blocker.box.extents) < 0.05:
            continue
        start = (centers - blocker.box.center) @ blocker.box.axes.T
        way = (ends - centers[:, None]) @ blocker.box.axes.T
        way = np.where(np.abs(way) < 1e-9, 1e-9, way)
        half = blocker.box.extents * 0.45
        near, off = (-half - start[:, None]) / way, (half - start[:, None]) / way
        enter, leave = np.minimum(near, off).max(axis=2), np.maximum(near, off).min(axis=2)
        blocked = (enter < leave) & (leave > 0) & (enter < 1)
        blocked[:, n] = False
        sight &= ~blocked
    return sight


def _beam(whole: Flags) -> Index:
    """(K,) states of a turn that shows objects whole, (K, S, O) bool, at most one heading and one tilt step at a time.

    A beam search that keeps the best few histories of every state.
    """
    stations, states, _count = whole.shape
    moves = np.array([(dh, dt) for dh in (-1, 0, 1) for dt in (-1, 0, 1)])
    state = np.arange(states)
    times = whole[0].astype(np.int64)
    value = _WORTH[0] * times.sum(axis=1) + CROWD * np.minimum(times.sum(axis=1), 5)
    history: list[tuple[Index, Index]] = [(state, np.zeros(states, dtype=np.int64))]
    for station in range(1, stations):
        tilt = (state % len(TILTS))[:, None] + moves[:, 1]
        heading = ((state // len(TILTS))[:, None] + moves[:, 0]) % HEADINGS
        parent, move = np.nonzero((tilt >= 0) & (tilt < len(TILTS)))
        after = heading[parent, move] * len(TILTS) + tilt[parent, move]
        shown = whole[station, after]
        gain = (_WORTH[np.minimum(times, len(_WORTH) - 1)][parent] * shown).sum(axis=1) + CROWD * np.minimum(
            shown.sum(axis=1), 5
        )
        total = value[parent] + gain - TURNING * np.abs(moves[move]).sum(axis=1)
        order = np.lexsort((-total, after))
        rank = np.arange(len(order)) - np.searchsorted(after[order], after[order])
        kept = order[rank < HISTORIES]
        times = times[parent[kept]] + shown[kept]
        state, value = after[kept], total[kept]
        history.append((state, parent[kept]))
    at = int(value.argmax())
    path = []
    for state, parent in history[::-1]:
        path.append(int(state[at]))
        at = int(parent[at])
    return np.array(path[::-1])
