"""Volume of the intersection of two oriented boxes, exact up to rounding, for many pairs at once.

The boundary of A and B together is what of A's faces lies in B and what of B's faces lies in A. Each face is clipped by
the six half-spaces of the other box (Sutherland and Hodgman), and the volume follows by the divergence theorem as a sum
of signed tetrahedra. Upright, tilted, contained and touching boxes all go this one way.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._boxes import Boxes

_TOLERANCE = 1e-12
"""Of lengths, relative to the size of the pair. A's faces are clipped with it added and B's with it taken away, so that
of two coinciding faces exactly one is kept."""

_CHUNK = 2048

# Corners of the six faces in units of half the extents, counter-clockwise seen from outside (right-handed axes).
_FACES = np.array(
    [
        [[1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1]],
        [[-1, -1, -1], [-1, -1, 1], [-1, 1, 1], [-1, 1, -1]],
        [[-1, 1, -1], [-1, 1, 1], [1, 1, 1], [1, 1, -1]],
        [[-1, -1, -1], [1, -1, -1], [1, -1, 1], [-1, -1, 1]],
        [[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]],
        [[-1, -1, -1], [-1, 1, -1], [1, 1, -1], [1, -1, -1]],
    ],
    dtype=np.float64,
)


def _clip(polygons: NDArray[Any], normals: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float64]:
    """Cut convex polygons down to ``x . normal <= offset``.

    Args:
        polygons: (M, V, 3) corners in order; repeated corners are padding.
        normals, offsets: (M, 3) and (M,).

    Returns:
        (M, V + 1, 3); an empty polygon has all its corners in one place.
    """
    m, v, _ = polygons.shape
    height = np.einsum("mvk,mk->mv", polygons, normals) - offsets[:, None]
    following, height_following = np.roll(polygons, -1, axis=1), np.roll(height, -1, axis=1)
    inside = height <= 0
    crossing = inside != (height_following <= 0)
    share = height / np.where(crossing, height - height_following, 1.0)
    cuts = polygons + share[..., None] * (following - polygons)
    corners = np.stack([polygons, cuts], axis=2).reshape(m, 2 * v, 3)
    kept = np.stack([inside, crossing], axis=2).reshape(m, 2 * v)
    order = np.argsort(~kept, axis=1, kind="stable")[:, : v + 1]
    filled = np.arange(v + 1) < kept.sum(axis=1)[:, None]
    order = np.where(filled, order, order[:, :1])
    return np.take_along_axis(corners, order[..., None], axis=1)


def _faces_inside(ours: Boxes, other: Boxes, slack: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,) signed volume between the origin and what of our faces lies in the other box widened by ``slack`` (M,)."""
    m = len(ours.centers)
    corners = np.einsum("fck,mk,mkd->mfcd", _FACES, ours.extents / 2, ours.axes) + ours.centers[:, None, None]
    polygons = corners.reshape(m * 6, 4, 3)
    for axis in range(3):
        for sign in (1.0, -1.0):
            normals = sign * other.axes[:, axis]
            offsets = np.einsum("mk,mk->m", normals, other.centers) + other.extents[:, axis] / 2 + slack
            polygons = _clip(polygons, np.repeat(normals, 6, axis=0), np.repeat(offsets, 6))
    crosses = np.cross(polygons, np.roll(polygons, -1, axis=1)).sum(axis=1)
    return (np.einsum("mk,mk->m", polygons[:, 0], crosses) / 6).reshape(m, 6).sum(axis=1)


def _apart(a: Boxes, b: Boxes, slack: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(M,) whether a face normal of either box separates the two; touching counts as apart."""
    between = b.centers - a.centers
    apart = np.zeros(len(between), dtype=bool)
    for axes in (a.axes, b.axes):
        distance = np.abs(np.einsum("mik,mk->mi", axes, between))
        reach = sum(
            np.einsum("mij,mj->mi", np.abs(np.einsum("mik,mjk->mij", axes, box.axes)), box.extents / 2)
            for box in (a, b)
        )
        apart |= (distance >= reach - slack[:, None]).any(axis=1)
    return apart


def intersection_volumes(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """(N,) common volume of the boxes a[i] and b[i], in cubic metres.

    >>> from ._boxes import read_boxes
    >>> a, b = (read_boxes([box], "boxes")[0] for box in ([0, 0, 0, 2, 2, 2], [1, 1, 1, 2, 2, 2]))
    >>> intersection_volumes(a, b).round(12)
    array([1.])
    """
    volumes = np.zeros(len(a.centers))
    for start in range(0, len(volumes), _CHUNK):
        part = slice(start, start + _CHUNK)
        ours, theirs = Boxes(*(column[part] for column in a)), Boxes(*(column[part] for column in b))
        # The smaller box at the origin: the sums then lose no digits to a position far away or to a huge partner.
        origin = np.where((ours.volumes <= theirs.volumes)[:, None], ours.centers, theirs.centers)
        ours, theirs = (box._replace(centers=box.centers - origin) for box in (ours, theirs))
        slack = _TOLERANCE * np.maximum(ours.extents.max(axis=1), theirs.extents.max(axis=1))
        total = _faces_inside(ours, theirs, slack) + _faces_inside(theirs, ours, -slack)
        total = np.clip(total, 0.0, np.minimum(ours.volumes, theirs.volumes))
        volumes[part] = np.where(_apart(ours, theirs, slack), 0.0, total)
    return volumes
