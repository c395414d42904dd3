"""``json``: scenes of your own, described by a file each. For everyone whose data has no reader here.

A folder per scene under the root (or under ``scenes/`` in it); a root that is one scene works, too::

    kitchen/
        scene.json
        images/0.jpg ...            wherever scene.json says, inside this folder

``scene.json``::

    {
      "format": "vantage-scene-1",
      "split": "train",                                 optional: train, validation, test; else by a hash of the name
      "objects": [
        {"id": "chair_1", "label": "chair",
         "center": [1.2, 0.4, 0.45],                    metres, +Z up
         "extents": [0.5, 0.5, 0.9],                    FULL edge lengths, metres
         "yaw": 30,                                     degrees about +Z, counter-clockwise from above; or
         "axes": [[...], [...], [...]],                 unit ROWS, row i the direction of extents[i]; default: no turn
         "instance": 7,                                 its value in instance maps, where there are some
         "structural": false}],                         walls, floors: they occlude, and are never asked about
      "frames": [
        {"id": "0", "image": "images/0.jpg",            JPEG or PNG
         "intrinsics": {"fx": 500, "fy": 500, "cx": 319.5, "cy": 239.5},     or 3x3 rows; pixel CENTRES at integers
         "world_from_camera": [[...], [...], [...], [...]],                  4x4 rows; camera x right, y down, z forward
         "depth": "depth/0.png",                        optional: 16 bits, millimetres along z, 0 for none
         "depth_intrinsics": ...,                       if they are not those of the picture
         "instances": "instances/0.png"}],              optional: greyscale PNG of the picture's size
      "rooms": [{"frames": ["0"], "polygon": [[0, 0], [4, 0], [4, 3], [0, 3]]}]     optional, metres, for room sizes
    }

``"note"`` may stand anywhere; other keys that are not known are refused, since they are mostly misspelt. A frame whose
``world_from_camera`` is null is left out and counted.

What objects a frame shows is decided by the best that is there: instance maps, if every frame has one; depth maps, if
every frame has one; else the boxes themselves, as if they were solid (``builders.spar.visibility_bases``).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError, SceneError
from builders.scenes import image_files
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.plausible import require_room_size
from builders.scenes.scene import NO_MESH, Frame, Glance, Scene, SceneObject
from builders.scenes.scene_json import (
    ADVICE,
    DESCRIPTION,
    SPLITS,
    Files,
    entries_of,
    files_of,
    frames_of,
    object_of,
    read_description,
    require_keys,
    room_of,
    within,
)


class BoxesJsonSource:
    """Scenes described by JSON; see the module docstring."""

    name = "json"
    redistributable = True
    licence = "Scenes of whoever built the dataset; their terms are for them to state."
    default_scenes: int | None = None
    split_rule = "what scene.json says, else a hash of the folder's name"

    def __init__(self, root: str | Path):
        root = Path(root)
        if not root.is_dir():
            raise InputError(f"json: {root} is not a folder; give the folder that holds a folder per scene")
        self._scenes = _scene_folders(root) or _scene_folders(root / "scenes")
        if not self._scenes and (root / DESCRIPTION).is_file():
            self._scenes = {root.resolve().name: root}
        self._root = root
        if not self._scenes:
            raise InputError(f"json: no */{DESCRIPTION} in {root} or {root / 'scenes'}; builders/scenes/boxes_json.py "
                             "says what to write")

    def scene_ids(self) -> list[str]:
        return list(self._scenes)

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        try:
            given = read_description(self._folder(scene_id)).get("split")
        except SceneError:  # said when it is loaded
            given = None
        return given if given in SPLITS else hashed_split(scene_id, validation_share)

    def fingerprint(self, scene_id: str) -> str:
        """Names and sizes of all files of the scene, and what its description says."""
        folder = self._folder(scene_id)
        listing = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
        said = (folder / DESCRIPTION).read_bytes()
        return hashlib.sha256(json.dumps(listing).encode() + said).hexdigest()

    def glance(self, scene_id: str) -> Glance:
        folder = self._folder(scene_id)
        described, where = read_description(folder), folder / DESCRIPTION
        frames = [entry for entry, _ in entries_of(described, "frames", where)]
        objects = list(entries_of(described, "objects", where))
        files = [files.image for files in files_of(described, folder).values()]
        missing = tuple(dict.fromkeys(str(path.relative_to(folder)) for path in files if not path.is_file()))
        return Glance(len(frames), len(objects), any(entry.get("depth") for entry in frames), missing)

    def load(self, scene_id: str) -> Scene:
        folder = self._folder(scene_id)
        described, where = read_description(folder), folder / DESCRIPTION
        require_keys(described, "the scene", str(where))
        if described.get("split") not in (None, *SPLITS):
            raise SceneError(f"{where}: split {described['split']!r} is none of {', '.join(SPLITS)}")
        dropped: dict[str, int] = {}
        objects = tuple(object_of(entry, at) for entry, at in entries_of(described, "objects", where))
        frames = tuple(frames_of(described, folder, dropped))
        files = files_of(described, folder)
        rooms = tuple(room_of(entry, at) for entry, at in entries_of(described, "rooms", where))
        if not frames:
            raise SceneError(f"{where}: no frame with a pose")
        require_room_size(str(where), frames, objects)
        values = [entry.get("instance") for entry, _ in entries_of(described, "objects", where)]
        basis = _basis(frames, files, objects, values, where)
        maps = _Maps(files, {value: i for i, value in enumerate(values) if value is not None})
        try:
            return Scene(self.name, scene_id, NO_MESH, objects, frames, dropped, (), basis, maps, rooms)
        except ValueError as error:
            raise SceneError(f"{where}: {error}") from error

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        assert isinstance(scene.maps, _Maps)
        return image_files.read_image(scene.maps.files[frame.frame_id].image, ADVICE)

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        assert isinstance(scene.maps, _Maps)
        return scene.maps.depth_png(frame)

    def _folder(self, scene_id: str) -> Path:
        if scene_id not in self._scenes:
            raise InputError(f"json: no scene {scene_id!r}; the root holds {len(self._scenes)} scenes, for example "
                             f"{next(iter(self._scenes))}")
        return within(self._root, str(self._scenes[scene_id].relative_to(self._root)))


@dataclass(frozen=True)
class _Maps:
    """Instance maps and depth of one scene, read when asked for."""

    files: Mapping[str, Files]
    """By frame id."""
    objects: Mapping[int, int]
    """Value in an instance map -> index of the object."""

    def instances(self, frame: Frame) -> NDArray[np.int32] | None:
        path = self.files[frame.frame_id].instances
        if path is None:
            return None
        values = image_files.read_map(path, (frame.width, frame.height), ADVICE)
        return image_files.renamed(values, self.objects)

    def depth(self, frame: Frame) -> NDArray[np.float32] | None:
        png = self.depth_png(frame)
        if png is None or frame.depth_intrinsics is None:
            return None
        metres = image_files.depth_metres(png)
        if (frame.depth_intrinsics == frame.intrinsics).all() and metres.shape == (frame.height, frame.width):
            return metres
        # the pixel of the depth camera that looks where the pixel of the picture does: both are at one place
        across = frame.depth_intrinsics @ np.linalg.inv(frame.intrinsics)
        u = np.rint(across[0, 0] * np.arange(frame.width) + across[0, 2]).astype(int)
        v = np.rint(across[1, 1] * np.arange(frame.height) + across[1, 2]).astype(int)
        seen = ((v >= 0) & (v < metres.shape[0]))[:, None] & ((u >= 0) & (u < metres.shape[1]))
        taken = metres[v.clip(0, metres.shape[0] - 1)[:, None], u.clip(0, metres.shape[1] - 1)]
        return np.where(seen, taken, np.float32(np.inf))

    def depth_png(self, frame: Frame) -> bytes | None:
        path = self.files[frame.frame_id].depth
        same = frame.depth_intrinsics is not None and (frame.depth_intrinsics == frame.intrinsics).all()
        size = (frame.width, frame.height) if same else None
        return None if path is None else image_files.read_depth_png(path, size, ADVICE)


def _scene_folders(root: Path) -> dict[str, Path]:
    if not root.is_dir():
        return {}
    return {p.name: p for p in sorted(root.iterdir()) if (p / DESCRIPTION).is_file()}


def _basis(
    frames: tuple[Frame, ...], files: Mapping[str, Files], objects: tuple[SceneObject, ...], values: list[int | None],
    where: Path,
) -> str:
    """The best basis of visibility that the scene's files allow."""
    mapped = [f.frame_id for f in frames if files[f.frame_id].instances]
    if len(mapped) == len(frames):
        numbered = [value for value in values if value is not None]
        if len(set(numbered)) < len(numbered):
            raise SceneError(f"{where}: two objects have one value under 'instance'")
        without = [o.object_id for o, value in zip(objects, values, strict=True) if value is None and not o.structural]
        if without:
            raise SceneError(f"{where}: object {without[0]} has no 'instance', and the frames have instance maps")
        return "instance_map"
    if mapped:
        without = [f.frame_id for f in frames if f.frame_id not in mapped]
        raise SceneError(f"{where}: frame {without[0]} has no instance map, and others do; give all or none")
    return "depth_map" if all(files[f.frame_id].depth for f in frames) else "boxes"
