"""The pictures of a Matterport3D house and where they were taken: ``undistorted_camera_parameters/SCAN.conf``.

Lines of commands; an ``intrinsics_matrix`` holds for the ``scan`` lines below it, each of which names a depth map, a
picture and the 16 numbers, row by row, of its camera-to-world matrix. Conventions, and what becomes of them here:

* a camera looks along -z with y up (as in OpenGL): y and z of its axes are negated;
* pictures have their origin at the BOTTOM left, y up: cy is counted from the top;
* the corner of a picture is its origin, so pixel centres are at .5: half a pixel less, both ways.

Source: the data organisation notes of the Matterport repository, and the projections of its RGBD package.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from builders.errors import SceneError
from builders.scenes.image_files import Size
from builders.scenes.scan_files import count
from builders.scenes.scene import Array, Frame

ADVICE = "unzip or download it from Matterport3D again"

_PICTURE = re.compile(r"([0-9a-f]{32})_i(\d_\d)\.jpg", re.ASCII)
_OPENCV_AXES = np.diag([1.0, -1.0, -1.0, 1.0])
_OFF_CENTRE = 0.2
"""Share of the width or height by which an optical axis may miss the middle of a picture."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A ``scan`` line."""

    line: int
    name: str
    """Of the picture, without ending: PANORAMA_iCAMERA_YAW."""
    intrinsics: Array
    """(9,) as the file has them, row by row."""
    camera_to_world: Array
    """(4, 4) as the file has it."""

    @property
    def color(self) -> str:
        """The picture's file."""
        return f"{self.name}.jpg"

    @property
    def depth(self) -> str:
        """The depth map's file."""
        return depth_file(self.name)


def depth_file(frame_id: str) -> str:
    """The name of the depth map that belongs to a picture.

    Example:
        >>> depth_file("00ebbf3782c64d74aaf7dd39cd561175_i1_3")
        '00ebbf3782c64d74aaf7dd39cd561175_d1_3.png'
    """
    return f"{frame_id.replace('_i', '_d')}.png"


def panorama(frame_id: str) -> str:
    """The viewpoint that a picture was taken at, as connectivity graphs and RxR call it."""
    return frame_id.partition("_")[0]


def read_shots(path: Path) -> list[Shot]:
    """The ``scan`` lines of a camera file, as many as it announces; no pictures are looked for."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; {ADVICE}") from None
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: cannot be read ({error}); {ADVICE}") from error
    announced, intrinsics, shots = None, None, []
    for number, line in enumerate(lines, 1):
        command, *words = line.split() or [""]
        try:
            if command == "n_images":
                announced = int(words[0])
            elif command == "intrinsics_matrix":
                intrinsics = _numbers(words, 9)
            elif command == "scan":
                if intrinsics is None:
                    raise ValueError("a scan before any intrinsics_matrix")
                shots.append(Shot(number, _name(words), intrinsics, _numbers(words[2:], 16).reshape(4, 4)))
        except (IndexError, ValueError) as error:
            raise SceneError(f"{path}, line {number}: {error}; {ADVICE}") from error
    if announced is not None and announced != len(shots):
        raise SceneError(f"{path}: announces {announced} images, has {len(shots)} scan lines; {ADVICE}")
    if len({shot.name for shot in shots}) != len(shots):
        raise SceneError(f"{path}: a picture has two scan lines; {ADVICE}")
    return shots


def frames_of(
    path: Path, shots: Iterable[Shot], size: Size, pictures: Collection[str], depths: Collection[str],
    dropped: dict[str, int],
) -> tuple[Frame, ...]:
    """The frames with a pose and a picture, in the order of the file.

    Args:
        path: of the camera file, for messages.
        size: (width, height) of every picture and of every depth map.
        pictures, depths: names of the files there are.
    """
    frames = []
    for shot in shots:
        if shot.color not in pictures:
            count(dropped, "frames_without_picture")
        elif not np.isfinite(shot.camera_to_world).all():
            count(dropped, "frames_without_pose")
        else:
            try:
                intrinsics = opencv_intrinsics(shot.intrinsics, size)
                frames.append(Frame(shot.name, *size, intrinsics, shot.camera_to_world @ _OPENCV_AXES,
                                    intrinsics if shot.depth in depths else None))
            except ValueError as error:
                raise SceneError(f"{path}, line {shot.line}: {error}; {ADVICE}") from error
    if not frames:
        raise SceneError(f"{path}: none of its images has a finite pose and a picture; {ADVICE}")
    return tuple(frames)


def opencv_intrinsics(numbers: Array, size: Size) -> Array:
    """(3, 3) intrinsics with the origin at the centre of the top left pixel, of (9,) with it at the bottom left corner.

    Raises:
        ValueError: the optical axis is far from the middle of the picture.

    Example:
        >>> opencv_intrinsics(np.array([1075.0, 0, 629.5, 0, 1075.5, 522.5, 0, 0, 1]), (1280, 1024))[:2, 2].tolist()
        [629.0, 501.0]
    """
    width, height = size
    cx, cy = numbers[2], numbers[5]
    if abs(cx / width - 0.5) > _OFF_CENTRE or abs(cy / height - 0.5) > _OFF_CENTRE:
        raise ValueError(f"the optical axis meets the picture at ({cx:g}, {cy:g}), far from the middle of "
                         f"{width}x{height} pixels: the pictures have been resized")
    result = numbers.reshape(3, 3).copy()
    result[:2, 2] = cx - 0.5, height - cy - 0.5
    return result


def _name(words: list[str]) -> str:
    found = _PICTURE.fullmatch(words[1])
    if found is None or words[0] != f"{found[1]}_d{found[2]}.png":
        raise ValueError(f"expected the names PANORAMA_dN_N.png and PANORAMA_iN_N.jpg, found {' '.join(words[:2])!r}")
    return words[1].removesuffix(".jpg")


def _numbers(words: list[str], expected: int) -> Array:
    values = np.array([float(word) for word in words])
    if len(values) != expected:
        raise ValueError(f"expected {expected} numbers, found {len(values)}")
    return values
