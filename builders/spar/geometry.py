"""Pinhole arithmetic shared by all tasks. Pixel centres are at integers (see ``builders.scenes.scene``)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.scenes.scene import Array, Frame, OrientedBox


def camera_coordinates(points: Array, frame: Frame) -> Array:
    """(..., 3) world metres to (..., 3) camera metres (x right, y down, z forward)."""
    return (points - frame.center) @ frame.world_from_camera[:3, :3]


def project(points_camera: Array, intrinsics: Array) -> Array:
    """(..., 3) camera metres to (..., 2) pixels; only meaningful where z > 0."""
    homogeneous = points_camera @ intrinsics.T
    return homogeneous[..., :2] / homogeneous[..., 2:]


def pixel_rays(u: NDArray[Any], v: NDArray[Any], frame: Frame) -> NDArray[np.float32]:
    """(..., 6) rays through pixel positions u, v, which broadcast to (...): the camera's centre, and a direction of
    camera depth 1 in the world, so that a ray's length parameter is its depth."""
    (fx, skew, cx), (_, fy, cy), _ = frame.intrinsics.tolist()
    per_x, per_y = 1 / fx, 1 / fy
    camera_from_pixel = np.array(
        [[per_x, -skew * per_x * per_y, (skew * cy * per_y - cx) * per_x], [0, per_y, -cy * per_y], [0, 0, 1]]
    )
    right, down, forward = (frame.world_from_camera[:3, :3] @ camera_from_pixel).T
    rays = np.empty((*np.broadcast_shapes(u.shape, v.shape), 6), dtype=np.float32)
    for axis in range(3):  # numpy is slow along an axis of three
        rays[..., axis] = frame.center[axis]
        np.add(u * right[axis], v * down[axis] + forward[axis], out=rays[..., 3 + axis])
    return rays


def points_to_px1000(pixels: Array, width: int, height: int) -> NDArray[np.int64]:
    """Pixel positions on the 0-1000 scale of SPAR-7M: round((x + 0.5) / width * 1000), clipped.

    Example:
        >>> points_to_px1000(np.array([319.5, -0.5]), 640, 480).tolist()
        [500, 0]
    """
    return np.minimum(np.maximum(np.rint((pixels + 0.5) / (width, height) * 1000), 0), 1000).astype(np.int64)


def box_to_px1000(box: Array, width: int, height: int) -> NDArray[np.int64]:
    """(4,) box edges x1, y1, x2, y2 in pixels to the 0-1000 scale."""
    return points_to_px1000(np.asarray(box, dtype=float).reshape(2, 2), width, height).reshape(4)


def iou(a: Array, b: Array) -> Array:
    """(...) intersection over union of boxes (..., 4) x1, y1, x2, y2; 0 where both are empty.

    Example:
        >>> float(iou(np.array([0, 0, 4, 4]), np.array([2, 0, 6, 4]))) == 8 / 24
        True
    """
    shared = _shared_area(a, b)
    total = _area(a[..., 2:] - a[..., :2]) + _area(b[..., 2:] - b[..., :2]) - shared
    return shared / np.where(total > 0, total, 1)


def covered_share(a: Array, b: Array) -> Array:
    """(...) intersection of boxes (..., 4) / area of ``a``, which is not empty.

    Example:
        >>> float(covered_share(np.array([0, 0, 4, 4]), np.array([2, 0, 9, 9])))
        0.5
    """
    return _shared_area(a, b) / _area(a[..., 2:] - a[..., :2])


def _shared_area(a: Array, b: Array) -> Array:
    return _area(np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0))


def _area(sides: Array) -> Array:
    """(...) of rectangles with sides (..., 2)."""
    return sides[..., 0] * sides[..., 1]


def center_distance(a: OrientedBox, b: OrientedBox) -> float:
    """Metres between two box centres."""
    return math.dist(a.center.tolist(), b.center.tolist())


def looking_at(eye: Array, target: Array) -> Array:
    """(4, 4) pose of an observer at ``eye`` who faces ``target`` with their head upright (SPAR, appendix 7.5, equations
    7 and 8). Not defined straight up or down.

    Example:
        >>> looking_at(np.zeros(3), np.array([0, 2.0, 0]))[:3, :3].tolist() == [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
        True
    """
    gaze = target - eye
    x, y, z = (gaze / math.sqrt(gaze @ gaze)).tolist()
    level = math.hypot(x, y)
    right, down = (y / level, -x / level, 0.0), (x * z / level, y * z / level, -level)
    return np.array([*zip(right, down, (x, y, z), eye.tolist()), (0, 0, 0, 1)])
