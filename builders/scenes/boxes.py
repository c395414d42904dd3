"""Boxes for sources that ship vertices but no boxes, and what lies in a box."""

import numpy as np
import shapely
from numpy.typing import NDArray

from builders.scenes.scene import Array, OrientedBox


def gravity_aligned_box(points: Array) -> OrientedBox:
    """The minimum-area rectangle of the points in XY, with their minimum and maximum in Z.

    Args:
        points: (N, 3) metres, +Z up.

    Returns:
        A box whose axes rows are the longer horizontal edge, the shorter one, and up (right-handed).

    Raises:
        ValueError: the points span no volume (fewer than three of them, a line, a flat sheet).

    Example:
        >>> box = gravity_aligned_box(np.array([[0, 0, 0], [4, 0, 0], [4, 2, 0], [0, 2, 1.0]]))
        >>> box.center.tolist(), box.extents.tolist()
        ([2.0, 1.0, 0.5], [4.0, 2.0, 1.0])
    """
    if len(points) < 3:
        raise ValueError(f"a box needs three points, got {len(points)}")
    # a line through all the points has their envelope, and is one geometry instead of thousands
    rectangle = shapely.oriented_envelope(shapely.linestrings(points[:, :2]))
    if rectangle.geom_type != "Polygon":
        raise ValueError("the points lie on one line when seen from above")
    ring = np.array(rectangle.exterior.coords)[:3]
    edges = np.diff(ring, axis=0)
    lengths = np.linalg.norm(edges, axis=1)
    along = edges[lengths.argmax()] / lengths.max()
    low, high = points[:, 2].min(), points[:, 2].max()
    center = np.append(np.array(rectangle.exterior.coords)[:4].mean(axis=0), (low + high) / 2)
    axes = np.array([[*along, 0.0], [-along[1], along[0], 0.0], [0.0, 0.0, 1.0]])
    return OrientedBox(center, axes, np.array([lengths.max(), lengths.min(), high - low]))


def axis_aligned_box(points: Array) -> OrientedBox:
    """The box along the world's axes that just holds the points (N, 3), at least one; flat ones get a millimetre.

    Example:
        >>> box = axis_aligned_box(np.array([[0, 0, 1], [4, 2, 1.0]]))
        >>> box.center.tolist(), box.extents.tolist()
        ([2.0, 1.0, 1.0], [4.0, 2.0, 0.001])
    """
    low, high = points.min(axis=0), points.max(axis=0)
    return OrientedBox((low + high) / 2, np.eye(3), np.maximum(high - low, 0.001))


def inside(box: OrientedBox, points: Array, margin: float = 0.0) -> NDArray[np.bool_]:
    """(N,) whether points (N, 3) lie in a box, or at most ``margin`` metres beside or above it.

    With a margin, the lowest ``margin`` metres of the box (of flat ones, a quarter) do not count either: there is what
    it stands on, measured a little too high.

    Example:
        >>> box = OrientedBox((0, 0, 0), np.eye(3), (2, 2, 2))
        >>> inside(box, np.array([[0, 0, 1.01], [1.01, 0, 0], [0, 0, -0.99], [0, 0, -0.97]]), 0.02).tolist()
        [True, True, False, True]
    """
    held = (np.abs((points - box.center) @ box.axes.T) <= box.extents / 2 + margin).all(axis=1)
    if margin:
        height = np.abs(box.axes[:, 2]) @ box.extents
        held &= points[:, 2] >= box.center[2] - height / 2 + min(margin, height / 4)
    return held
