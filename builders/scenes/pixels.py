"""Intrinsics for pictures of another size than they were measured at."""

from builders.scenes.scene import Array


def rescaled(intrinsics: Array, measured: tuple[int, int], actual: tuple[int, int]) -> Array:
    """(3, 3) intrinsics at another size; pixel centres are at integers, so edges scale, not centres.

    Args:
        measured, actual: (width, height).

    Example:
        >>> import numpy as np
        >>> rescaled(np.array([[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]]), (640, 480), (320, 240))[0].tolist()
        [250.0, 0.0, 159.5]
    """
    result = intrinsics.copy()
    for axis in (0, 1):
        scale = actual[axis] / measured[axis]
        result[axis] *= scale
        result[axis, 2] = (intrinsics[axis, 2] + 0.5) * scale - 0.5
    return result
