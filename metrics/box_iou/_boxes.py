"""3D boxes as they are given: flat numbers or mappings in, arrays of centre, axes and extents out.

A box is centre (3,), axes (3, 3) with unit rows, and extents (3,), the full lengths along the axes; metres. An upright
box may give a yaw instead of axes: radians about +Z, counter-clockwise seen from above, 0 along X.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ORTHONORMAL = 1e-3
"""How far axes may be from orthonormal (as files in single precision are); they are then made exactly so."""


class Boxes(NamedTuple):
    """N boxes."""

    centers: NDArray[np.float64]
    """(N, 3)"""
    axes: NDArray[np.float64]
    """(N, 3, 3), rows of unit length, right-handed."""
    extents: NDArray[np.float64]
    """(N, 3), all positive."""

    @property
    def volumes(self) -> NDArray[np.float64]:
        """(N,)"""
        return self.extents.prod(axis=1)


class NoBox(ValueError):
    """Numbers in the form of a box that describe none: not finite, axes not orthonormal, or without volume."""


def yaw_axes(yaw: float) -> NDArray[np.float64]:
    """(3, 3) axes of an upright box turned by ``yaw`` radians about +Z."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def as_numbers(box: Any) -> list[float] | None:
    """A box as flat numbers, which an Arrow column holds: centre, axes, extents (15); 6 and 7 numbers stay as they are.

    >>> as_numbers({"center": [0, 0, 0], "extents": [1, 2, 3], "yaw": 0.5})
    [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.5]
    """
    if box is None:
        return None
    if isinstance(box, Mapping):
        if unknown := box.keys() - {"center", "extents", "axes", "yaw"}:
            raise ValueError(f"a box has center, extents and axes or yaw; got {sorted(map(str, unknown))}")
        if box.get("axes") is not None:
            parts: Sequence[ArrayLike] = (box["center"], box["axes"], box["extents"])
        else:
            parts = (box["center"], box["extents"], box.get("yaw") or 0.0)
        return [float(value) for part in parts for value in np.asarray(part, dtype=np.float64).reshape(-1)]
    return [float(value) for value in np.asarray(box, dtype=np.float64).reshape(-1)]


def _box(numbers: list[float]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    values = np.array(numbers)
    if len(values) not in (6, 7, 15):
        raise ValueError(f"expected 6 numbers (centre, extents), 7 (and yaw) or 15 (centre, axes, extents), "
                         f"got {len(values)}")
    if not np.isfinite(values).all():
        raise NoBox(f"expected finite numbers, got {numbers}")
    if len(values) == 15:
        center, axes, extents = values[:3], values[3:12].reshape(3, 3), values[12:]
        if np.abs(axes @ axes.T - np.eye(3)).max() > _ORTHONORMAL:
            raise NoBox(f"axes are not orthogonal rows of unit length: {axes.tolist()}")
        left, _, right = np.linalg.svd(axes)
        axes = left @ right
        axes[2] *= np.sign(np.linalg.det(axes))  # a box is its own mirror image: right-handed axes describe it too
    else:
        center, axes, extents = values[:3], yaw_axes(values[6] if len(values) == 7 else 0.0), values[3:6]
    if (extents <= 0).any():
        raise NoBox(f"extents must be positive, got {extents.tolist()}: a box without volume overlaps nothing")
    return center, axes, extents


def read_boxes(given: Sequence[Any], name: str, *, lenient: bool = False) -> tuple[Boxes, NDArray[np.bool_]]:
    """The boxes there are, and which of the N items have one.

    Args:
        given: (N,) boxes in any form, or None.
        name: of the argument, for messages.
        lenient: pass over boxes that are not finite, not orthonormal or without volume, as if there were none.

    Raises:
        ValueError: a box of another shape and, unless ``lenient``, one that is not finite, with axes that are not
            orthonormal, or without volume; names the item.
    """
    found = []
    present = np.zeros(len(given), dtype=bool)
    for i, box in enumerate(given):
        try:
            numbers = as_numbers(box)
            if numbers is not None:
                found.append(_box(numbers))
                present[i] = True
        except (KeyError, TypeError, ValueError) as error:
            if lenient and isinstance(error, NoBox):
                continue
            raise ValueError(f"{name}: item {i}: {error}") from None
    columns = [np.array([row[k] for row in found]).reshape(-1, *shape) for k, shape in enumerate([(3,), (3, 3), (3,)])]
    return Boxes(*columns), present
