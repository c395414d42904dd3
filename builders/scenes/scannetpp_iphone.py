"""ScanNet++, iPhone video: pictures, depth and poses of one scene.

``pose_intrinsic_imu.json`` gives for each frame ``intrinsic`` (3x3, at the size of the pictures) and two poses,
camera-to-world, row-major, in OpenCV axes. ``pose`` is ARKit's own; ``aligned_pose`` is in the frame of the mesh, and
is the one to use. Intrinsics differ from frame to frame (the lens refocuses). Depth maps are smaller than the pictures
(192x256 beside 1440x1920), and share their intrinsics when scaled.
"""

import re
from functools import cached_property
from pathlib import Path

import numpy as np

from builders.errors import SceneError
from builders.scenes import image_files
from builders.scenes.image_files import Size
from builders.scenes.pixels import rescaled
from builders.scenes.plausible import require_same_shape
from builders.scenes.scan_files import SceneFolders, count, read_json
from builders.scenes.scene import Frame

_POSES = "iphone/pose_intrinsic_imu.json"
_ADVICE = "extract the frames again with the ScanNet++ toolkit"
_FRAME_ID = re.compile(r"frame_\d+", re.ASCII)


class IPhoneFrames:
    """The iPhone frames of one scene."""

    def __init__(self, folders: SceneFolders, scene_id: str):
        self._folders, self._scene_id = folders, scene_id

    def missing(self) -> tuple[str, ...]:
        """What of poses and pictures is not there."""
        poses = () if self._file(_POSES).is_file() else (_POSES,)
        return (*poses, *(() if len(self) else ("iphone/rgb/",)))

    def __len__(self) -> int:
        return len(self._pictures)

    def has_depth(self) -> bool:
        return self._depth_size is not None

    def frames(self, dropped: dict[str, int]) -> tuple[Frame, ...]:
        """Those with a picture and a finite pose, in capture order."""
        path = self._file(_POSES)
        entries = read_json(path)
        size = image_files.first_size(map(self._picture, self._pictures), _ADVICE)
        if size is None:
            raise SceneError(f"{self._file('iphone/rgb')}: no frame_XXXXXX.jpg in it; extract the frames of rgb.mkv "
                             "with the ScanNet++ toolkit")
        depth_size = self._depth_size
        if depth_size:
            require_same_shape(str(self._file("iphone/depth")), depth_size, size)
        if not isinstance(entries, dict):
            raise SceneError(f"{path}: expected an entry for each frame, found a {type(entries).__name__}")
        count(dropped, "poses_without_picture", len(entries.keys() - set(self._pictures)))
        frames = []
        for name in self._pictures:
            try:
                entry = entries.get(name)
                if entry is None or entry.get("aligned_pose") is None:
                    count(dropped, "frames_without_pose")
                    continue
                pose = np.array(entry["aligned_pose"], dtype=float).reshape(4, 4)
                intrinsics = np.array(entry["intrinsic"], dtype=float).reshape(3, 3)
                if not np.isfinite(pose).all():
                    count(dropped, "frames_without_tracking")
                    continue
                depth_intrinsics = rescaled(intrinsics, size, depth_size) if depth_size else None
                frames.append(Frame(name, *size, intrinsics, pose, depth_intrinsics))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise SceneError(f"{path}, {name}: {error!r}") from error
        if not frames:
            raise SceneError(f"{path}: no frame has a picture and a finite aligned_pose")
        return tuple(frames)

    def color(self, frame: Frame) -> bytes:
        return image_files.read_image(self._picture(frame.frame_id), _ADVICE)

    def depth(self, frame: Frame) -> bytes | None:
        path, size = self._file(f"iphone/depth/{frame.frame_id}.png"), self._depth_size
        return image_files.read_depth_png(path, size, _ADVICE) if size and path.is_file() else None

    @cached_property
    def _pictures(self) -> tuple[str, ...]:
        """Frame ids, in capture order."""
        found = (path.stem for path in self._file("iphone/rgb").glob("*.jpg") if _FRAME_ID.fullmatch(path.stem))
        return tuple(sorted(found, key=lambda name: int(name.partition("_")[2])))

    @cached_property
    def _depth_size(self) -> Size | None:
        names = sorted(path.name for path in self._file("iphone/depth").glob("frame_*.png"))
        return image_files.first_size((self._file(f"iphone/depth/{name}") for name in names), _ADVICE, depth=True)

    def _picture(self, name: str) -> Path:
        return self._file(f"iphone/rgb/{name}.jpg")

    def _file(self, name: str) -> Path:
        return self._folders.file(self._scene_id, name)


