"""Numbers that no room has: signs that a file is in other units, or of another frame, than its layout says."""

from collections.abc import Sequence

import numpy as np

from builders.errors import SceneError
from builders.scenes.scene import Array, Frame, Mesh, SceneObject

LARGEST = 150.0
"""Metres along an axis; the largest houses that are scanned measure about 60 m. A room in millimetres is 1,000 m."""
SMALLEST = 0.5
"""Metres along the longest axis."""
FARTHEST_CAMERA = 30.0
"""Metres from the mesh's bounding box, of the median camera."""

_MOST_STRETCH = 0.02
"""By which the shapes of pictures and of depth maps may differ: ScanNet's 1296x968 and 640x480 do by 0.004."""


def require_metres(where: str, mesh: Mesh, frames: tuple[Frame, ...]) -> None:
    """Raise ``SceneError`` for a mesh too large or too small for metres, or for cameras far away from it."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    size = float((high - low).max())
    if not SMALLEST <= size <= LARGEST:
        raise SceneError(f"{where}: the mesh measures {size:.4g} m; expected {SMALLEST} to {LARGEST:g} m. "
                         "It must be in metres")
    centers = np.array([frame.center for frame in frames])
    away = float(np.median(np.linalg.norm(centers - centers.clip(low, high), axis=1)))
    if away > FARTHEST_CAMERA:
        raise SceneError(f"{where}: half of the cameras are more than {away:.4g} m away from the mesh; "
                         "poses must be in metres, and in the frame of the mesh")


def require_rigid(where: str, matrix: Array) -> None:
    """Raise ``SceneError`` unless a (4, 4) matrix is a rotation and a shift."""
    turn = matrix[:3, :3]
    rigid = np.isfinite(matrix).all() and np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) and np.linalg.det(turn) > 0
    if not rigid or not np.allclose(matrix[3], (0, 0, 0, 1), atol=1e-6):
        raise SceneError(f"{where}: expected a rotation and a shift, found {np.round(matrix, 4).tolist()}")


def require_same_shape(where: str, depth: tuple[int, int], color: tuple[int, int]) -> None:
    """Raise ``SceneError`` if depth maps of this (width, height) cannot show what the pictures show."""
    if abs(depth[0] * color[1] / (depth[1] * color[0]) - 1) > _MOST_STRETCH:
        raise SceneError(f"{where}: depth maps have {depth[0]}x{depth[1]} pixels, pictures {color[0]}x{color[1]}: "
                         "another shape, so they cannot be of one camera; export the depth maps again")


def require_room_size(where: str, frames: Sequence[Frame], objects: Sequence[SceneObject]) -> None:
    """Raise ``SceneError`` for cameras and boxes, without a mesh, whose distances are no lengths in metres."""
    points = np.array([o.box.corners() for o in objects] + [np.tile(f.center, (8, 1)) for f in frames]).reshape(-1, 3)
    size = float(np.ptp(points, axis=0).max(initial=0.0)) if len(points) else SMALLEST
    if not SMALLEST <= size <= LARGEST:
        raise SceneError(f"{where}: cameras and boxes measure {size:.4g} m; expected {SMALLEST} to {LARGEST:g} m. "
                         "Are they in another unit?")
