"""Fisheye pictures (OpenCV's model of four coefficients) as a pinhole camera would have seen them."""

import numpy as np
from numpy.typing import NDArray

from builders.errors import SceneError
from builders.scenes.image_files import Size
from builders.scenes.scene import Array


def undistorted_intrinsics(intrinsics: Array, coefficients: Array, size: Size) -> Array:
    """(3, 3) of the pinhole picture of the same size: what is seen everywhere in it is in the fisheye picture, and the
    principal point is in the middle.

    Args:
        intrinsics: (3, 3) of the fisheye picture, pixel centres at integers.
        coefficients: (4,) k1 to k4.
    """
    import cv2

    result = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(
        intrinsics, coefficients, size, np.eye(3), balance=0.0)
    result[:2, 2] = (size[0] - 1) / 2, (size[1] - 1) / 2
    if not np.isfinite(result).all() or min(result[0, 0], result[1, 1]) <= 0:
        raise SceneError(f"fisheye camera: coefficients {coefficients.tolist()} give no pinhole camera")
    return result


def straightened(
    pixels: NDArray[np.uint8], intrinsics: Array, coefficients: Array, pinhole: Array
) -> NDArray[np.uint8]:
    """(H, W, 3) the picture that a camera with intrinsics ``pinhole`` would have taken, from a fisheye one."""
    import cv2

    height, width = pixels.shape[:2]
    maps = cv2.fisheye.initUndistortRectifyMap(
        intrinsics, coefficients, np.eye(3), pinhole, (width, height), cv2.CV_32FC1)
    return cv2.remap(pixels, *maps, interpolation=cv2.INTER_LINEAR)
