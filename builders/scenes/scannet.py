"""ScanNet v2, exported layout (what the official SensReader writes beside the released files).

Expected tree under the root (the folder of scans, or the dataset folder that holds ``scans/``)::

    scene0000_00/
        scene0000_00_vh_clean_2.ply                      mesh, raw frame
        scene0000_00_vh_clean_2.0.010000.segs.json       segment of each vertex
        scene0000_00.aggregation.json                    instances as groups of segments
        scene0000_00.txt                                 axisAlignment, 16 numbers, row-major
        color/N.jpg  pose/N.txt  intrinsic/intrinsic_color.txt
        depth/N.png  intrinsic/intrinsic_depth.txt       optional

Poses are camera-to-world in the raw frame; ``axisAlignment`` brings mesh and poses to the aligned frame. Frames that
lost tracking have non-finite poses and are dropped. Frame numbers need not be contiguous. A scan without
``axisAlignment`` (the hidden test scans) is used as it is: its mesh is gravity-aligned already.

Source of the layout: the ScanNet repository's format notes. Instances have no boxes there: the box of an object is
the minimum-area rectangle of its vertices in XY, with their minimum and maximum in Z.
"""

import hashlib
import json
import re
from contextlib import suppress
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes.boxes import gravity_aligned_box
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.scene import Array, Frame, Mesh, Scene, SceneObject

_END_OF_JPEG = b"\xff\xd9"
_SCENE_ID = re.compile(r"scene\d{4}_\d{2}")

STRUCTURAL_LABELS = frozenset({"wall", "floor", "ceiling"})
"""Raw categories that occlude but are never asked about; ``builders.spar.labels`` excludes more."""


class ScanNetSource:
    """Scenes of an exported ScanNet folder; see the module docstring for the tree and the frames."""

    name = "scannet"
    redistributable = False
    licence = "ScanNet Terms of Use (signed agreement; data must not be redistributed)."
    default_scenes: int | None = None
    split_rule = "official ScanNet v2 lists; a scan in none of them by a hash of its room's name"

    def __init__(self, root: str | Path):
        root = Path(root)
        if not root.is_dir():
            raise InputError(f"scannet: {root} is not a folder; give the folder that holds sceneXXXX_YY folders")
        self._scenes = _scene_folders(root) or _scene_folders(root / "scans")
        if not self._scenes:
            raise InputError(f"scannet: no sceneXXXX_YY folder in {root} or {root / 'scans'}; "
                             "give the folder that holds them")

    def scene_ids(self) -> list[str]:
        return list(self._scenes)

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        for split in ("train", "validation", "test"):
            if scene_id in official_split(split):
                return split
        return hashed_split(scene_id.partition("_")[0], validation_share)

    def fingerprint(self, scene_id: str) -> str:
        """Names and sizes of all files of the scan."""
        folder = self._folder(scene_id)
        listing = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
        return hashlib.sha256(json.dumps(listing).encode()).hexdigest()

    def load(self, scene_id: str) -> Scene:
        folder = self._folder(scene_id)
        alignment = _axis_alignment(folder / f"{scene_id}.txt")
        mesh = _read_mesh(folder / f"{scene_id}_vh_clean_2.ply", alignment)
        dropped: dict[str, int] = {}
        objects = _read_objects(folder, scene_id, mesh, dropped)
        frames = _read_frames(folder, alignment, dropped)
        return Scene(self.name, scene_id, mesh, objects, frames, dropped)

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        path = self._folder(scene.scene_id) / "color" / f"{frame.frame_id}.jpg"
        try:
            data = path.read_bytes()
            if not data.endswith(_END_OF_JPEG):
                with Image.open(BytesIO(data)) as image:
                    image.load()
        except OSError as error:
            raise SceneError(f"{path}: not a complete JPEG ({error}); export this frame again") from error
        return data

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        path = self._folder(scene.scene_id) / "depth" / f"{frame.frame_id}.png"
        if frame.depth_intrinsics is None or not path.is_file():
            return None
        try:
            data = path.read_bytes()
            with Image.open(BytesIO(data), formats=("PNG",)) as image:
                image.verify()  # its checksums: decoding takes a hundred times longer, and misses changed bits
        except (OSError, SyntaxError) as error:  # Pillow's two ways of saying so
            raise SceneError(f"{path}: not a complete PNG ({error}); export this frame again") from error
        if not image.mode.startswith("I"):
            raise SceneError(f"{path}: expected 16 bits of depth, found mode {image.mode}; export this frame again")
        return data

    def _folder(self, scene_id: str) -> Path:
        if scene_id not in self._scenes:
            raise InputError(f"scannet: no scene {scene_id!r}; the root holds {len(self._scenes)} scenes, "
                             f"for example {next(iter(self._scenes))}")
        return self._scenes[scene_id]


@cache
def official_split(split: str) -> frozenset[str]:
    """Scene ids of the official ScanNet v2 list ``train``, ``validation`` or ``test``."""
    name = {"train": "train", "validation": "val", "test": "test"}[split]
    return frozenset(files("builders.scenes").joinpath(f"splits/scannetv2_{name}.txt").read_text().split())


def _scene_folders(root: Path) -> dict[str, Path]:
    if not root.is_dir():
        return {}
    return {p.name: p for p in sorted(root.iterdir()) if _SCENE_ID.fullmatch(p.name) and p.is_dir()}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; download it from ScanNet again") from None
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: not readable as JSON ({error}); download it from ScanNet again") from error


def _read_matrix(path: Path, shape: tuple[int, int]) -> Array:
    try:
        values = np.array([float(word) for word in path.read_text().split()])
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; export the scan's frames again") from None
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: expected {shape[0]}x{shape[1]} numbers ({error})") from error
    if values.size != shape[0] * shape[1]:
        raise SceneError(f"{path}: expected {shape[0]}x{shape[1]} numbers, found {values.size}")
    return values.reshape(shape)


def _axis_alignment(path: Path) -> Array:
    """(4, 4) raw to aligned frame; identity where the scan's text file states none."""
    if not path.is_file():
        raise SceneError(f"{path}: missing; it holds axisAlignment, download it from ScanNet again")
    text = path.read_text(errors="replace")
    if "=" not in text:
        raise SceneError(f"{path}: holds no 'name = value' line; download it from ScanNet again")
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "axisAlignment":
            try:
                matrix = np.array([float(word) for word in value.split()]).reshape(4, 4)
            except ValueError as error:
                raise SceneError(f"{path}: axisAlignment is not 16 numbers") from error
            if not np.isfinite(matrix).all():
                raise SceneError(f"{path}: axisAlignment holds NaN or infinite values")
            return matrix
    return np.eye(4)


def _read_mesh(path: Path, alignment: Array) -> Mesh:
    import open3d as o3d

    if not path.is_file():
        raise SceneError(f"{path}: missing; download it from ScanNet")
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        raw = o3d.io.read_triangle_mesh(str(path))
    vertices, faces = np.asarray(raw.vertices), np.asarray(raw.triangles)
    promised = _ply_counts(path)
    if (len(vertices), len(faces)) != promised or not len(faces):
        raise SceneError(f"{path}: {len(vertices)} vertices and {len(faces)} triangles could be read, its header says "
                         f"{promised[0]} and {promised[1]}; the file is truncated, download it from ScanNet again")
    try:
        return Mesh(vertices @ alignment[:3, :3].T + alignment[:3, 3], faces)
    except ValueError as error:
        raise SceneError(f"{path}: {error}") from error


def _ply_counts(path: Path) -> tuple[int, int]:
    """(vertices, faces) as the header of a PLY file states them, 0 for what it does not."""
    with path.open("rb") as file:
        header = file.read(4096).partition(b"end_header")[0]
    counts = dict(re.findall(rb"^element (vertex|face) (\d+)", header, re.M))
    return int(counts.get(b"vertex", 0)), int(counts.get(b"face", 0))


def _read_objects(folder: Path, scene_id: str, mesh: Mesh, dropped: dict[str, int]) -> tuple[SceneObject, ...]:
    segs_path = folder / f"{scene_id}_vh_clean_2.0.010000.segs.json"
    groups_path = folder / f"{scene_id}.aggregation.json"
    try:
        segment_of_vertex = np.array(_read_json(segs_path)["segIndices"], dtype=np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{segs_path}: expected a list of integers under segIndices ({error!r})") from error
    if segment_of_vertex.shape != (len(mesh.vertices),):
        raise SceneError(f"{segs_path}: {segment_of_vertex.size} segment indices for {len(mesh.vertices)} mesh "
                         "vertices; mesh and segmentation are of different versions")
    objects: list[SceneObject] = []
    try:
        for group in _read_json(groups_path)["segGroups"]:
            label = " ".join(str(group["label"] or "").lower().split())
            vertex_ids = np.flatnonzero(np.isin(segment_of_vertex, np.array(group["segments"], dtype=np.int64)))
            if not label:
                dropped["objects_nameless"] = dropped.get("objects_nameless", 0) + 1
                continue
            try:
                box = gravity_aligned_box(mesh.vertices[vertex_ids])
            except ValueError:
                dropped["objects_without_volume"] = dropped.get("objects_without_volume", 0) + 1
                continue
            objects.append(SceneObject(str(group["objectId"]), label, box, vertex_ids, label in STRUCTURAL_LABELS))
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{groups_path}: expected segGroups with objectId, label and segments ({error!r})") from error
    if len({o.object_id for o in objects}) != len(objects):
        raise SceneError(f"{groups_path}: an objectId occurs twice")
    return tuple(objects)


def _read_frames(folder: Path, alignment: Array, dropped: dict[str, int]) -> tuple[Frame, ...]:
    names = sorted((p.stem for p in (folder / "color").glob("*.jpg") if p.stem.isdigit()), key=int)
    if not names:
        raise SceneError(f"{folder / 'color'}: no N.jpg in it; export the frames of the .sens file first")
    intrinsics_path = folder / "intrinsic" / "intrinsic_color.txt"
    intrinsics = _read_matrix(intrinsics_path, (4, 4))[:3, :3]
    size = _first_size([folder / "color" / f"{name}.jpg" for name in names])
    text = folder / f"{folder.name}.txt"
    intrinsics = _rescaled(intrinsics, _calibrated_size(text, "color") or size, size)
    depth_intrinsics = _depth_intrinsics(folder, _calibrated_size(text, "depth"))
    frames = []
    for name in names:
        pose_path = folder / "pose" / f"{name}.txt"
        if not pose_path.is_file():
            dropped["frames_without_pose"] = dropped.get("frames_without_pose", 0) + 1
            continue
        pose = _read_matrix(pose_path, (4, 4))
        if not np.isfinite(pose).all():
            dropped["frames_without_tracking"] = dropped.get("frames_without_tracking", 0) + 1
            continue
        try:
            frames.append(Frame(name, *size, intrinsics, alignment @ pose, depth_intrinsics))
        except ValueError as error:
            raise SceneError(f"{pose_path} (or {intrinsics_path.name}): {error}") from error
    if not frames:
        raise SceneError(f"{folder / 'pose'}: no frame has a finite pose")
    return tuple(frames)


def _first_size(paths: list[Path]) -> tuple[int, int]:
    """(width, height) of the first picture that is one: a broken frame must not cost the scan."""
    for path in paths[:-1]:
        with suppress(SceneError):
            return _image_size(path)
    return _image_size(paths[-1])


def _image_size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:
        raise SceneError(f"{path}: not an image ({error}); export this frame again") from error


def _depth_intrinsics(folder: Path, calibrated: tuple[int, int] | None) -> Array | None:
    """(3, 3) of the depth maps; None where depth was not exported."""
    path = folder / "intrinsic" / "intrinsic_depth.txt"
    first = min((folder / "depth").glob("*.png"), default=None)
    if first is None or not path.is_file():
        return None
    size = _image_size(first)
    return _rescaled(_read_matrix(path, (4, 4))[:3, :3], calibrated or size, size)


def _calibrated_size(path: Path, camera: str) -> tuple[int, int] | None:
    """(width, height) the intrinsics of ``color`` or ``depth`` were measured at, where the scan's text tells it."""
    found = dict(re.findall(rf"^\s*{camera}(Width|Height)\s*=\s*(\d+)\s*$", path.read_text(errors="replace"), re.M))
    return (int(found["Width"]), int(found["Height"])) if len(found) == 2 else None


def _rescaled(intrinsics: Array, calibrated: tuple[int, int], actual: tuple[int, int]) -> Array:
    """Intrinsics for images exported at another size; pixel centres are at integers, so edges scale, not centres."""
    scale = np.array([actual[0] / calibrated[0], actual[1] / calibrated[1]])
    result = intrinsics.copy()
    result[:2, :2] *= scale[:, None]
    result[:2, 2] = (intrinsics[:2, 2] + 0.5) * scale - 0.5
    return result
