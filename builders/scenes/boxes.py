"""Boxes for sources that ship vertices but no boxes."""

import numpy as np
import shapely

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
