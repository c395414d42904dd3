"""The frames of a ScanNet scan: exported as files, or in the ``.sens`` file that they are exported from.

Frame ids are the same, the number in the capture: rows made from the one get their pictures from the other. (Their
bytes differ where the exporter encoded pictures again.)
"""

import re
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from builders.errors import SceneError
from builders.scenes import image_files
from builders.scenes.image_files import Size
from builders.scenes.pixels import rescaled
from builders.scenes.plausible import require_same_shape
from builders.scenes.scan_files import SceneFolders, count, read_matrix
from builders.scenes.scene import Array, Frame
from builders.scenes.sens import SensFile, frames_in

_ADVICE = "export this frame again"


class ScanFrames(Protocol):
    """The posed pictures of one scan."""

    def __len__(self) -> int:
        """How many pictures there are, whether they have a pose or not; opens no picture."""
        ...

    def has_depth(self) -> bool: ...

    def frames(self, alignment: Array, dropped: dict[str, int]) -> tuple[Frame, ...]:
        """Those with a finite pose, in capture order, in the aligned frame."""
        ...

    def color(self, frame_id: str) -> bytes: ...

    def depth(self, frame_id: str) -> bytes | None: ...


class ExportedFrames:
    """``color/N.jpg``, ``pose/N.txt``, ``depth/N.png`` and ``intrinsic/*.txt``."""

    def __init__(self, folders: SceneFolders, scene_id: str):
        self._folders, self._scene_id = folders, scene_id

    def __len__(self) -> int:
        return sum(path.stem.isdecimal() for path in self._file("color").glob("*.jpg"))

    def has_depth(self) -> bool:
        return self._depth_size is not None

    def frames(self, alignment: Array, dropped: dict[str, int]) -> tuple[Frame, ...]:
        names = sorted((p.stem for p in self._file("color").glob("*.jpg") if p.stem.isdecimal()), key=int)
        path = self._file("intrinsic/intrinsic_color.txt")
        intrinsics = read_matrix(path, (4, 4))[:3, :3]
        size = image_files.first_size((self._file(f"color/{name}.jpg") for name in names), _ADVICE)
        if size is None:
            raise SceneError(f"{self._file('color')}: no N.jpg in it; export the frames of the .sens file again")
        intrinsics = rescaled(intrinsics, self._measured_at("color") or size, size)
        depth_intrinsics = self._depth_intrinsics(size)
        frames = []
        for name in names:
            pose_path = self._file(f"pose/{name}.txt")
            if not pose_path.is_file():
                count(dropped, "frames_without_pose")
                continue
            pose = read_matrix(pose_path, (4, 4))
            if not np.isfinite(pose).all():
                count(dropped, "frames_without_tracking")
                continue
            try:
                frames.append(Frame(name, *size, intrinsics, alignment @ pose, depth_intrinsics))
            except ValueError as error:
                raise SceneError(f"{pose_path} (or {path.name}): {error}") from error
        if not frames:
            raise SceneError(f"{self._file('pose')}: no frame has a finite pose")
        return tuple(frames)

    def color(self, frame_id: str) -> bytes:
        return image_files.read_image(self._file(f"color/{frame_id}.jpg"), _ADVICE)

    def depth(self, frame_id: str) -> bytes | None:
        path, size = self._file(f"depth/{frame_id}.png"), self._depth_size
        return image_files.read_depth_png(path, size, _ADVICE) if size and path.is_file() else None

    def _depth_intrinsics(self, color_size: Size) -> Array | None:
        """(3, 3) of the depth maps; None where depth was not exported."""
        path, size = self._file("intrinsic/intrinsic_depth.txt"), self._depth_size
        if size is None or not path.is_file():
            return None
        require_same_shape(str(self._file("depth")), size, color_size)
        return rescaled(read_matrix(path, (4, 4))[:3, :3], self._measured_at("depth") or size, size)

    @cached_property
    def _depth_size(self) -> Size | None:
        names = sorted(path.name for path in self._file("depth").glob("*.png"))
        return image_files.first_size((self._file(f"depth/{name}") for name in names), _ADVICE, depth=True)

    def _measured_at(self, camera: str) -> Size | None:
        """The size the intrinsics of ``color`` or ``depth`` were measured at, where the scan's text tells it."""
        text = self._file(f"{self._scene_id}.txt").read_text(errors="replace")
        found = dict(re.findall(rf"^\s*{camera}(Width|Height)\s*=\s*(\d+)\s*$", text, re.M))
        size = int(found.get("Width", 0)), int(found.get("Height", 0))
        return size if min(size) else None

    def _file(self, name: str) -> Path:
        return self._folders.file(self._scene_id, name)


class SensFrames:
    """The frames of a ``.sens`` file. Its index is kept as long as the file is the same."""

    def __init__(self, path: Path):
        self._path = path
        self._opened: tuple[tuple[int, int], SensFile] | None = None

    def __len__(self) -> int:
        return frames_in(self._path)

    def has_depth(self) -> bool:
        return len(self) > 0

    def frames(self, alignment: Array, dropped: dict[str, int]) -> tuple[Frame, ...]:
        sens = self._sens()
        require_same_shape(str(self._path), sens.depth_size, sens.color_size)
        frames = []
        for i, pose in enumerate(sens.poses):
            if not np.isfinite(pose).all():
                count(dropped, "frames_without_tracking")
            elif not sens.color_bytes[i]:
                count(dropped, "frames_without_picture")
            else:
                try:
                    frames.append(Frame(str(i), *sens.color_size, sens.color_intrinsics, alignment @ pose,
                                        sens.depth_intrinsics))
                except ValueError as error:
                    raise SceneError(f"{self._path}, frame {i}: {error}") from error
        if not frames:
            raise SceneError(f"{self._path}: no frame has a picture and a finite pose")
        return tuple(frames)

    def color(self, frame_id: str) -> bytes:
        return self._sens().color(self._number(frame_id))

    def depth(self, frame_id: str) -> bytes | None:
        return self._sens().depth(self._number(frame_id))

    def _sens(self) -> SensFile:
        try:
            state = self._path.stat()
        except OSError as error:
            raise SceneError(f"{self._path}: cannot be read ({error})") from error
        key = state.st_size, state.st_mtime_ns
        if self._opened is None or self._opened[0] != key:
            self._opened = key, SensFile(self._path)
        return self._opened[1]

    def _number(self, frame_id: str) -> int:
        if not frame_id.isdecimal() or int(frame_id) >= len(self._sens()):
            raise SceneError(f"{self._path}: no frame {frame_id!r} in it")
        return int(frame_id)


def frames_of(folders: SceneFolders, scene_id: str) -> ScanFrames:
    """The exported frames where there are some, else those of the ``.sens`` file; ``SceneError`` without either."""
    exported, sens = ExportedFrames(folders, scene_id), folders.file(scene_id, f"{scene_id}.sens")
    if len(exported):
        return exported
    if sens.is_file():
        return SensFrames(sens)
    raise SceneError(f"{sens}: missing, and no N.jpg in {sens.parent / 'color'}; download the .sens file, or export "
                     "its frames")
