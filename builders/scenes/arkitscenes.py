"""ARKitScenes, the download called ``3dod``: tablet scans with a mesh, boxes and low-resolution video.

Expected tree under the root (the folder of scans, or one that holds ``Training/`` and ``Validation/``, or ``3dod/``)::

    41069021/
        41069021_3dod_mesh.ply
        41069021_3dod_annotation.json                   data[]: uid, label, segments.obbAligned
        41069021_frames/
            lowres_wide.traj                            seconds, axis-angle, translation: WORLD TO CAMERA
            lowres_wide/41069021_SECONDS.png
            lowres_wide_intrinsics/41069021_SECONDS.pincam      width height fx fy cx cy
            lowres_depth/41069021_SECONDS.png           optional: 16 bits, millimetres

Boxes have unit ROWS as axes and FULL lengths. Vertices have no instances: an object's surface is what lies in its box
(``builders.spar.visibility_bases``, ``box_depth``).

Who scanned held the tablet as they liked, and pictures are stored as its sensor lies. Here they stand upright: turned
by the quarter turns that bring up in the world nearest to up in the picture, and the camera with them. Pictures and
poses have times of their own; a pose belongs to a picture at most 5 ms away. Frames without pose or camera are left out
and counted.

Source of the layout: the ARKitScenes repository.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from builders.errors import InputError, SceneError
from builders.scenes import image_files
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.pixels import rescaled
from builders.scenes.plausible import require_metres, require_same_shape
from builders.scenes.scan_files import count, read_json, read_matrix, read_ply
from builders.scenes.scene import Array, Frame, Glance, Mesh, OrientedBox, Scene, SceneObject

_SPLIT_OF_FOLDER = {"Training": "train", "Validation": "validation"}
_POSE_TOLERANCE = 0.005
"""Seconds between a picture and its pose, as in the official reader."""
_CAMERA_TOLERANCE = 0.001
"""Seconds between the names of a picture and of its camera, which are rounded differently."""
_ADVICE = "download it from ARKitScenes again"


class ARKitScenesSource:
    """Scans of ARKitScenes; see the module docstring for the tree and the conventions."""

    name = "arkitscenes"
    redistributable = True
    licence = ("ARKitScenes licence of Apple: redistribution is allowed with its notice; its versions differ in "
               "whether commercial use is, so read yours.")
    default_scenes: int | None = None
    split_rule = "official: the folders Training and Validation; a scan in neither by a hash of its name"

    def __init__(self, root: str | Path):
        root = Path(root)
        if not root.is_dir():
            raise InputError(f"arkitscenes: {root} is not a folder; give the one that holds 3dod, Training or scans")
        self._root = root
        self._scenes = _scene_folders(root) or _scene_folders(root / "3dod")
        if not self._scenes:
            raise InputError(f"arkitscenes: no scan (a folder NUMBER with NUMBER_frames in it) in {root}, nor in "
                             "Training, Validation or 3dod there; give the folder that holds them")

    def scene_ids(self) -> list[str]:
        return list(self._scenes)

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        folder = self._scenes[scene_id].absolute().parent.name
        return _SPLIT_OF_FOLDER.get(folder) or hashed_split(scene_id, validation_share)

    def fingerprint(self, scene_id: str) -> str:
        """Names and sizes of all files of the scan."""
        folder = self._file(scene_id, "")
        listing = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
        return hashlib.sha256(json.dumps(listing).encode()).hexdigest()

    def glance(self, scene_id: str) -> Glance:
        wanted = (f"{scene_id}_3dod_mesh.ply", f"{scene_id}_3dod_annotation.json",
                  f"{scene_id}_frames/lowres_wide.traj", f"{scene_id}_frames/lowres_wide_intrinsics")
        missing = [name.replace(scene_id, "NUMBER") for name in wanted if not self._file(scene_id, name).exists()]
        frames = self._file(scene_id, f"{scene_id}_frames")
        annotation = self._file(scene_id, wanted[1])
        objects = len(_entries(annotation)) if annotation.is_file() else 0
        return Glance(len(_times(frames / "lowres_wide", "png")), objects, bool(_times(frames / "lowres_depth", "png")),
                      tuple(missing))

    def load(self, scene_id: str) -> Scene:
        dropped: dict[str, int] = {}
        mesh_path = self._file(scene_id, f"{scene_id}_3dod_mesh.ply")
        try:
            mesh = Mesh(*read_ply(mesh_path))
        except ValueError as error:
            raise SceneError(f"{mesh_path}: {error}; {_ADVICE}") from error
        annotation = self._file(scene_id, f"{scene_id}_3dod_annotation.json")
        objects = _read_objects(annotation, dropped)
        turns: dict[str, int] = {}
        frames = _read_frames(self._file(scene_id, f"{scene_id}_frames"), turns, dropped)
        require_metres(str(mesh_path), mesh, frames)
        try:
            return Scene(self.name, scene_id, mesh, objects, frames, dropped, visibility_basis="box_depth",
                         maps=_Turns(turns))
        except ValueError as error:
            raise SceneError(f"{annotation}: {error}; {_ADVICE}") from error

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        path = self._picture(scene, frame, "lowres_wide")
        return _upright(scene, frame, image_files.read_image(path, _ADVICE))

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        path = self._picture(scene, frame, "lowres_depth")
        if frame.depth_intrinsics is None or not path.is_file():
            return None
        return _upright(scene, frame, image_files.read_depth_png(path, None, _ADVICE))

    def _picture(self, scene: Scene, frame: Frame, folder: str) -> Path:
        return self._file(scene.scene_id, f"{scene.scene_id}_frames/{folder}/{scene.scene_id}_{frame.frame_id}.png")

    def _file(self, scene_id: str, name: str) -> Path:
        """A file of a scan, whether it exists or not."""
        if scene_id not in self._scenes:
            raise InputError(f"arkitscenes: no scene {scene_id!r}; the root holds {len(self._scenes)} scenes, "
                             f"for example {next(iter(self._scenes))}")
        path = self._scenes[scene_id] / name
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise SceneError(f"{path}: leads out of {self._root}; replace the link by what it leads to, or give the "
                             "folder that holds both")
        return path


@dataclass(frozen=True)
class _Turns:
    """By how many quarter turns each frame's files are turned; the mesh tells the rest."""

    of: Mapping[str, int]

    def instances(self, frame: Frame) -> None:
        return None

    def depth(self, frame: Frame) -> None:
        return None


def _upright(scene: Scene, frame: Frame, data: bytes) -> bytes:
    """A picture as the frame has it; the bytes of one that stands upright already are kept."""
    assert isinstance(scene.maps, _Turns)
    turns = scene.maps.of[frame.frame_id]
    if not turns:
        return data
    with Image.open(BytesIO(data)) as image:
        pixels = np.rot90(np.asarray(image), -turns)
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def turns_to_upright(world_from_camera: Array) -> int:
    """By how many quarter turns, clockwise, the picture of a camera stands upright: 0 to 3."""
    up_x, up_y = world_from_camera[2, :2]
    return int(np.argmax([-up_y, -up_x, up_y, up_x]))


def turned(
    world_from_camera: Array, intrinsics: Array, size: tuple[int, int], turns: int
) -> tuple[Array, Array, tuple[int, int]]:
    """Pose, intrinsics and (width, height) of a camera whose picture is turned clockwise by quarter turns."""
    pose, (width, height) = world_from_camera.copy(), size
    (fx, _, cx), (_, fy, cy), _ = intrinsics.tolist()
    for _ in range(turns):
        pose[:3, :3] = np.stack([-pose[:3, 1], pose[:3, 0], pose[:3, 2]], axis=1)
        fx, fy, cx, cy = fy, fx, height - 1 - cy, cx
        width, height = height, width
    return pose, np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), (width, height)


def _scene_folders(root: Path) -> dict[str, Path]:
    parents = [root, *(root / split for split in _SPLIT_OF_FOLDER)]
    found = [p for parent in parents if parent.is_dir() for p in parent.iterdir()
             if p.name.isdecimal() and (p / f"{p.name}_frames").is_dir()]
    return {p.name: p for p in sorted(found, key=lambda p: (len(p.name), p.name))}


def _entries(path: Path) -> list[Any]:
    annotation = read_json(path)
    if not isinstance(annotation, dict) or not isinstance(annotation.get("data"), list):
        raise SceneError(f"{path}: expected a list of boxes under data; {_ADVICE}")
    if annotation.get("skipped"):
        raise SceneError(f"{path}: the annotators skipped this scan; leave it out")
    return annotation["data"]


def _read_objects(path: Path, dropped: dict[str, int]) -> tuple[SceneObject, ...]:
    objects = []
    for number, entry in enumerate(_entries(path)):
        try:
            label = " ".join(str(entry["label"] or "").lower().replace("_", " ").split())
            segments = entry["segments"]
            box = segments.get("obbAligned") or segments["obb"]
            lengths = np.array(box["axesLengths"], dtype=float)
            if not label or not (lengths > 0).all():
                count(dropped, "objects_without_volume" if label else "objects_nameless")
                continue
            axes = np.array(box["normalizedAxes"], dtype=float).reshape(3, 3)
            objects.append(SceneObject(str(entry["uid"]), label, OrientedBox(box["centroid"], axes, lengths)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SceneError(f"{path}: box {number}: expected uid, label and segments.obbAligned with centroid, "
                             f"axesLengths and normalizedAxes ({error!r}); {_ADVICE}") from error
    return tuple(objects)


def _read_frames(folder: Path, turns: dict[str, int], dropped: dict[str, int]) -> tuple[Frame, ...]:
    """The frames; fills in by how many quarter turns each is turned."""
    pictures = _times(folder / "lowres_wide", "png")
    if not pictures:
        raise SceneError(f"{folder / 'lowres_wide'}: no NUMBER_SECONDS.png in it; {_ADVICE}")
    cameras = _times(folder / "lowres_wide_intrinsics", "pincam")
    depths = _times(folder / "lowres_depth", "png")
    times, poses = _read_poses(folder / "lowres_wide.traj")
    frames = []
    for name, path in pictures.items():
        pose = _pose_at(times, poses, float(name))
        nearby = (f"{float(name) + shift:.3f}" for shift in (0, -_CAMERA_TOLERANCE, _CAMERA_TOLERANCE))
        camera = next((cameras[other] for other in (name, *nearby) if other in cameras), None)
        if pose is None or camera is None:
            count(dropped, "frames_without_pose" if pose is None else "frames_without_intrinsics")
            continue
        width, height, fx, fy, cx, cy = read_matrix(camera, (1, 6))[0]
        size = image_files.image_size(path, _ADVICE)
        try:
            measured = rescaled(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), (int(width), int(height)), size)
            turns[name] = turns_to_upright(pose)
            upright, intrinsics, upright_size = turned(pose, measured, size, turns[name])
            of_depth = None
            if name in depths:
                of_map = image_files.depth_size(depths[name], _ADVICE)
                require_same_shape(str(depths[name]), of_map, size)
                of_depth = turned(pose, rescaled(measured, size, of_map), of_map, turns[name])[1]
            frames.append(Frame(name, *upright_size, intrinsics, upright, of_depth))
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise SceneError(f"{camera}: {error}; {_ADVICE}") from error
    if not frames:
        raise SceneError(f"{folder}: none of {len(pictures)} pictures has a pose and a camera "
                         f"({', '.join(f'{n} {reason}' for reason, n in dropped.items())}); {_ADVICE}")
    return tuple(frames)


def _times(folder: Path, ending: str) -> dict[str, Path]:
    """Seconds as their names say, in order of time, and the files."""
    found = {p.stem.partition("_")[2]: p for p in folder.glob(f"*_*.{ending}")}
    return {name: found[name] for name in sorted(filter(_is_time, found), key=float)}


def _is_time(name: str) -> bool:
    return name.replace(".", "", 1).isdecimal()


def _read_poses(path: Path) -> tuple[Array, Array]:
    """(N,) seconds in order, and (N, 4, 4) world_from_camera; the file says camera_from_world."""
    try:
        lines = [[float(word) for word in line.split()] for line in path.read_text().splitlines() if line.strip()]
        values = np.array(lines).reshape(len(lines), 7)
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; {_ADVICE}") from None
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: expected 7 numbers in each line ({error}); {_ADVICE}") from error
    values = values[np.isfinite(values).all(axis=1)]
    values = values[np.argsort(values[:, 0], kind="stable")]
    poses = np.tile(np.eye(4), (len(values), 1, 1))
    if len(values):
        turns = Rotation.from_rotvec(values[:, 1:4]).as_matrix()
        poses[:, :3, :3] = turns.transpose(0, 2, 1)
        poses[:, :3, 3] = -np.einsum("nji,nj->ni", turns, values[:, 4:])
    return values[:, 0], poses


def _pose_at(times: Array, poses: Array, seconds: float) -> Array | None:
    """(4, 4) the pose nearest in time, if it is near enough."""
    after = int(np.searchsorted(times, seconds))
    nearby = range(max(after - 1, 0), min(after + 1, len(times)))
    nearest = min(nearby, key=lambda i: abs(times[i] - seconds), default=None)
    return None if nearest is None or abs(times[nearest] - seconds) > _POSE_TOLERANCE else poses[nearest]
