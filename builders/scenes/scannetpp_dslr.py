"""ScanNet++, DSLR camera: the pictures and poses of one scene.

::

    dslr/nerfstudio/transforms_undistorted.json, dslr/resized_undistorted_images/    made by the ScanNet++ toolkit
    dslr/nerfstudio/transforms.json, dslr/resized_images/                            as downloaded, fisheye

The first pair is read where it is there; the second is undistorted on the fly, as the toolkit does it: by OpenCV's
fisheye model, with the focal length that leaves no empty border, and the principal point moved to the middle.

``transform_matrix`` is camera-to-world in nerfstudio's convention, made from that of the mesh by negating columns 1
and 2 (camera axes: y up, z back), swapping rows 0 and 1, and negating row 2. The intrinsics are COLMAP's, with pixel
centres at .5. Test frames are posed like the others and are read with them. There is no depth.
"""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from builders.errors import SceneError
from builders.scenes import image_files
from builders.scenes.fisheye import straightened, undistorted_intrinsics
from builders.scenes.image_files import Size
from builders.scenes.pixels import rescaled
from builders.scenes.scan_files import SceneFolders, count, read_json
from builders.scenes.scene import Array, Frame

_PAIRS = (
    ("dslr/nerfstudio/transforms_undistorted.json", "dslr/resized_undistorted_images"),
    ("dslr/nerfstudio/transforms.json", "dslr/resized_images"),
)

_ADVICE = "download it again"


@dataclass(frozen=True)
class _Lens:
    """Of all pictures of a scene."""

    size: Size
    intrinsics: Array
    """(3, 3) of the stored pictures, pixel centres at integers."""
    fisheye: Array | None
    """(4,) OpenCV's coefficients; None for a pinhole camera."""


class DslrFrames:
    """The DSLR frames of one scene."""

    def __init__(self, folders: SceneFolders, scene_id: str):
        self._folders, self._scene_id = folders, scene_id
        # the first whole pair; without one, what the scene lacks of a download is told
        self._transforms, self._images = next(
            (pair for pair in _PAIRS if self._file(pair[0]).is_file() and self._file(pair[1]).is_dir()), _PAIRS[-1])

    def missing(self) -> tuple[str, ...]:
        """What of poses and pictures is not there."""
        poses = () if self._file(self._transforms).is_file() else (self._transforms,)
        return (*poses, *(() if len(self) else (f"{self._images}/",)))

    def __len__(self) -> int:
        return sum(path.suffix.lower() in (".jpg", ".jpeg") for path in self._file(self._images).glob("*"))

    def has_depth(self) -> bool:
        return False

    def frames(self, dropped: dict[str, int]) -> tuple[Frame, ...]:
        """Those with a picture and a finite pose that are not marked as bad, in capture order."""
        path, content = self._file(self._transforms), self._content
        entries = {}
        try:
            for entry in (*content["frames"], *content.get("test_frames", ())):
                name = str(entry["file_path"])
                if Path(name).name != name:
                    raise SceneError(f"{path}: file_path {name!r} is not the name of a file in {self._images}")
                if entry.get("is_bad"):
                    count(dropped, "frames_marked_bad")
                elif not self._picture(name).is_file():
                    count(dropped, "poses_without_picture")
                elif entry.get("transform_matrix") is None:
                    count(dropped, "frames_without_pose")
                else:
                    entries[name] = np.array(entry["transform_matrix"], dtype=float).reshape(4, 4)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SceneError(f"{path}: expected frames with file_path and transform_matrix ({error!r})") from error
        if not entries:
            raise SceneError(f"{self._file(self._images)}: holds none of the pictures that {path.name} names; download "
                             "them again")
        lens = self._lens(sorted(entries))
        intrinsics = lens.intrinsics
        if lens.fisheye is not None:
            intrinsics = undistorted_intrinsics(lens.intrinsics, lens.fisheye, lens.size)
        frames = []
        for name in sorted(entries):
            if not np.isfinite(entries[name]).all():
                count(dropped, "frames_without_tracking")
                continue
            try:
                frames.append(Frame(name, *lens.size, intrinsics, world_from_camera(entries[name])))
            except ValueError as error:
                raise SceneError(f"{path}, {name}: {error}") from error
        if not frames:
            raise SceneError(f"{path}: no frame has a finite transform_matrix")
        return tuple(frames)

    def color(self, frame: Frame) -> bytes:
        data = image_files.read_image(self._picture(frame.frame_id), _ADVICE)
        lens = self._lens([frame.frame_id])
        if lens.fisheye is None:
            return data
        with Image.open(BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB"))
        encoded = BytesIO()
        Image.fromarray(straightened(pixels, lens.intrinsics, lens.fisheye, frame.intrinsics)).save(
            encoded, "JPEG", quality=95, subsampling=0)
        return encoded.getvalue()

    def depth(self, frame: Frame) -> None:
        """DSLR frames have none."""

    @cached_property
    def _content(self) -> dict[str, Any]:
        path = self._file(self._transforms)
        content = read_json(path)
        if not isinstance(content, dict):
            raise SceneError(f"{path}: expected intrinsics and frames, found a {type(content).__name__}")
        return content

    def _lens(self, names: list[str]) -> _Lens:
        """The lens, at the size that the first of these pictures has."""
        path, content = self._file(self._transforms), self._content
        model = content.get("camera_model")
        if model not in ("PINHOLE", "OPENCV_FISHEYE"):
            raise SceneError(f"{path}: camera_model {model!r}; expected PINHOLE or OPENCV_FISHEYE")
        try:
            fx, fy, cx, cy = (float(content[key]) for key in ("fl_x", "fl_y", "cx", "cy"))
            measured = int(content["w"]), int(content["h"])
            bends = np.array([float(content[f"k{i}"]) for i in (1, 2, 3, 4)]) if model == "OPENCV_FISHEYE" else None
        except (KeyError, TypeError, ValueError) as error:
            raise SceneError(f"{path}: expected numbers under fl_x, fl_y, cx, cy, w, h (and k1 to k4 of a fisheye) "
                             f"({error!r})") from error
        if min(fx, fy, *measured) <= 0:
            raise SceneError(f"{path}: expected positive fl_x, fl_y, w and h")
        size = image_files.first_size(map(self._picture, names), _ADVICE) or measured
        intrinsics = np.array([[fx, 0, cx - 0.5], [0, fy, cy - 0.5], [0, 0, 1]])
        return _Lens(size, rescaled(intrinsics, measured, size), bends)

    def _picture(self, name: str) -> Path:
        return self._file(f"{self._images}/{name}")

    def _file(self, name: str) -> Path:
        return self._folders.file(self._scene_id, name)


def world_from_camera(transform: Array) -> Array:
    """(4, 4) in the frame of the mesh and OpenCV axes, from nerfstudio's ``transform_matrix``."""
    pose = transform.copy()
    pose[2] *= -1
    pose = pose[[1, 0, 2, 3]]
    pose[:3, 1:3] *= -1
    return pose
