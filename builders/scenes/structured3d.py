"""Structured3D, perspective renderings of furnished rooms (``full``).

Expected tree under the root (the folder of scenes, or the one that holds ``Structured3D/``)::

    scene_00000/
        bbox_3d.json                                    boxes of instances
        annotation_3d.json                              optional: planes and lines of the rooms
        2D_rendering/ROOM/perspective/full/N/
            rgb_rawlight.png  camera_pose.txt  instance.png  semantic.png
            depth.png                                   optional

Conventions: millimetres, +Z up. ``camera_pose.txt`` is eye, view and up direction, and HALF the angles of view. The
official tools project with an image axis that points up and flip it afterwards; here y points down from the start, and
points behind the camera, which those tools mirror to the front, stay behind it. Pixel centres there are at .5. Boxes
have unit ROWS as axes and HALF extents. ``instance.png`` holds box ids, 65535 for none; an instance's label is the one
that most of its pixels have in ``semantic.png`` (NYU40).

Frames are called ROOM_N. A frame that lacks a file is left out and counted, as are boxes without pixels, pixels without
a box, and ids that have two boxes.

Source of the layout: the format notes and tools of the Structured3D repository.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from builders.errors import SceneError
from builders.scenes import image_files
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.plausible import require_room_size
from builders.scenes.scan_files import SceneFolders, count, read_json, read_matrix
from builders.scenes.scene import NO_MESH, Array, Frame, Glance, OrientedBox, Room, Scene, SceneObject

NYU40 = (
    "unlabeled", "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture",
    "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes", "ceiling",
    "books", "refrigerator", "television", "paper", "towel", "shower curtain", "box", "whiteboard", "person",
    "nightstand", "toilet", "sink", "lamp", "bathtub", "bag", "other structure", "other furniture", "other prop",
)
"""Semantic id -> name."""

BACKGROUND = 65535
_FILES = ("camera_pose.txt", "rgb_rawlight.png", "instance.png", "semantic.png")
"""What a frame must have."""
_STRUCTURAL = frozenset({"wall", "floor", "ceiling"})
_FIRST_OF_SPLIT = (("train", 0), ("validation", 3000), ("test", 3250))
_SCENES = 3500
_NO_ROOMS = frozenset({"door", "window", "outwall"})
_ADVICE = "download it from Structured3D again"
_SQUARE = 1e-3
"""How far directions of a camera may be from unit length and from a right angle."""


class Structured3DSource:
    """Scenes of Structured3D; see the module docstring for the tree and the conventions."""

    name = "structured3d"
    redistributable = False
    licence = "Structured3D Terms of Use (signed agreement, research only; data must not be redistributed)."
    default_scenes: int | None = None
    split_rule = "official: scenes 0 to 2999 train, to 3249 validation, to 3499 test; others by a hash of their name"

    def __init__(self, root: str | Path):
        self._folders = SceneFolders(self.name, root, "Structured3D", r"scene_\d{5}", "scene_XXXXX")

    def scene_ids(self) -> list[str]:
        return self._folders.ids()

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        number = int(scene_id.removeprefix("scene_"))
        if number >= _SCENES:
            return hashed_split(scene_id, validation_share)
        return [split for split, first in _FIRST_OF_SPLIT if number >= first][-1]

    def fingerprint(self, scene_id: str) -> str:
        """Names and sizes of all files of the scene."""
        return self._folders.fingerprint(scene_id)

    def glance(self, scene_id: str) -> Glance:
        boxes = self._folders.file(scene_id, "bbox_3d.json")
        frames = self._frame_folders(scene_id).values()
        lacking = {name for name in _FILES for folder in frames if not (folder / name).is_file()}
        missing = [*([] if boxes.is_file() else ["bbox_3d.json"]), *sorted(f"perspective/full/*/{n}" for n in lacking)]
        number = len(read_json(boxes)) if boxes.is_file() else 0
        return Glance(len(frames), number, any((p / "depth.png").is_file() for p in frames), tuple(missing))

    def load(self, scene_id: str) -> Scene:
        folder = self._folders.folder(scene_id)
        dropped: dict[str, int] = {}
        boxes = _read_boxes(self._folders.file(scene_id, "bbox_3d.json"), dropped)
        folders = self._frame_folders(scene_id)
        seen: dict[int, NDArray[np.int64]] = {}
        frames = tuple(_read_frames(folders, seen, dropped))
        if not frames:
            raise SceneError(f"{folder / '2D_rendering'}: no whole frame under */perspective/full/*; {_ADVICE}"
                             f" ({_told(dropped)})")
        objects = tuple(_labelled(boxes, seen, dropped))
        require_room_size(str(folder), frames, objects)
        rooms = tuple(_read_rooms(self._folders.file(scene_id, "annotation_3d.json"), frames, dropped))
        maps = _Maps(folders, {int(o.object_id): i for i, o in enumerate(objects)})
        return Scene(self.name, scene_id, NO_MESH, objects, frames, dropped, (), "instance_map", maps, rooms)

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        return image_files.read_image(_folder(scene, frame) / "rgb_rawlight.png", _ADVICE)

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        if frame.depth_intrinsics is None:
            return None
        return image_files.read_depth_png(_folder(scene, frame) / "depth.png", (frame.width, frame.height), _ADVICE)

    def _frame_folders(self, scene_id: str) -> dict[str, Path]:
        """By frame id; room by room, positions in number order."""
        found = [p for p in self._folders.folder(scene_id).glob("2D_rendering/*/perspective/full/*") if p.is_dir()]
        found.sort(key=lambda p: (_natural(p.parents[2].name), _natural(p.name)))
        for path in found:
            for name in ("", *_FILES, "depth.png"):
                self._folders.file(scene_id, str(path.relative_to(self._folders.folder(scene_id)) / name))
        return {f"{p.parents[2].name}_{p.name}": p for p in found}


@dataclass(frozen=True)
class _Maps:
    """Instance maps and depth of one scene, read when asked for."""

    folders: Mapping[str, Path]
    """By frame id."""
    objects: Mapping[int, int]
    """Instance id -> index of the object."""

    def instances(self, frame: Frame) -> NDArray[np.int32]:
        path = self.folders[frame.frame_id] / "instance.png"
        return image_files.renamed(image_files.read_map(path, (frame.width, frame.height), _ADVICE), self.objects)

    def depth(self, frame: Frame) -> NDArray[np.float32] | None:
        path = self.folders[frame.frame_id] / "depth.png"
        if frame.depth_intrinsics is None:
            return None
        return image_files.depth_metres(image_files.read_depth_png(path, (frame.width, frame.height), _ADVICE))


def camera_from_numbers(numbers: Array, width: int, height: int) -> tuple[Array, Array]:
    """(3, 3) intrinsics and (4, 4) world_from_camera in metres of a line of ``camera_pose.txt``.

    Args:
        numbers: (12,) eye in mm, view, up, half the horizontal and half the vertical angle of view in radians, 1.

    Raises:
        ValueError: directions that are no unit vectors at a right angle, or angles of no lens.
    """
    if not np.isfinite(numbers).all():
        raise ValueError("holds NaN or infinite values")
    eye, view, up, half = numbers[:3], numbers[3:6], numbers[6:9], numbers[9:11]
    lengths = np.linalg.norm([view, up], axis=1)
    if np.abs(lengths - 1).max() > _SQUARE or abs(view @ up) > _SQUARE:
        raise ValueError(f"view and up have the lengths {lengths[0]:.4f} and {lengths[1]:.4f} and the product "
                         f"{view @ up:.4f}; expected 1, 1 and 0")
    if not ((half > 0) & (half < np.pi / 2)).all():
        raise ValueError(f"half the angles of view are {half[0]:.4f} and {half[1]:.4f} rad; expected 0 to 1.57")
    forward = view / lengths[0]
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye / 1000
    fx, fy = width / 2 / np.tan(half[0]), height / 2 / np.tan(half[1])
    return np.array([[fx, 0, width / 2 - 0.5], [0, fy, height / 2 - 0.5], [0, 0, 1]]), pose


def room_polygons(annotation: Mapping[str, Any]) -> list[Array]:
    """(P, 2) floors in plan, metres, of the rooms of ``annotation_3d.json``; a room whose floor has no closed outline
    has none."""
    at = [np.array(junction["coordinate"], dtype=float)[:2] / 1000 for junction in annotation["junctions"]]
    floors = {plane["ID"]: row for row, plane in enumerate(annotation["planes"]) if plane["type"] == "floor"}
    lines_of, ends_of = (np.array(annotation[name]) for name in ("planeLineMatrix", "lineJunctionMatrix"))
    found = []
    for room in annotation["semantics"]:
        if room["type"] in _NO_ROOMS:
            continue
        planes = [floors[plane] for plane in room["planeID"] if plane in floors]
        lines = [line for plane in planes for line in np.flatnonzero(lines_of[plane])]
        edges = [np.flatnonzero(ends_of[line]).tolist() for line in lines]
        outlines = shapely.polygonize([shapely.LineString([at[a], at[b]]) for a, b in edges]).geoms
        if outlines:
            found.append(np.array(max(outlines, key=lambda outline: outline.area).exterior.coords)[:-1, :2])
    return found


def _folder(scene: Scene, frame: Frame) -> Path:
    assert isinstance(scene.maps, _Maps)
    return scene.maps.folders[frame.frame_id]


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (-1, name)


def _told(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "there are none"


def _read_boxes(path: Path, dropped: dict[str, int]) -> dict[int, OrientedBox]:
    """By instance id, metres. An id with two different boxes has none: nobody can say which is right."""
    entries = read_json(path)
    boxes: dict[int, OrientedBox] = {}
    twice: set[int] = set()
    if not isinstance(entries, list):
        raise SceneError(f"{path}: expected a list of boxes; {_ADVICE}")
    for number, entry in enumerate(entries):
        try:
            name = int(entry["ID"])
            box = OrientedBox(np.array(entry["centroid"], dtype=float) / 1000, np.array(entry["basis"], dtype=float),
                              2 * np.array(entry["coeffs"], dtype=float) / 1000)
        except (KeyError, TypeError, ValueError) as error:
            raise SceneError(f"{path}: box {number}: expected ID, basis, coeffs and centroid ({error!r})") from error
        if name in boxes:
            count(dropped, "boxes_with_an_id_twice")
            if not all(np.array_equal(getattr(box, part), getattr(boxes[name], part))
                       for part in ("center", "axes", "extents")):
                twice.add(name)
        boxes[name] = box
    return {name: box for name, box in boxes.items() if name not in twice}


def _read_frames(
    folders: Mapping[str, Path], seen: dict[int, NDArray[np.int64]], dropped: dict[str, int]
) -> Iterator[Frame]:
    """Frames whose files are all there; adds to ``seen`` how many pixels of each instance have each label."""
    for name, inner in folders.items():
        pose, color, instance, semantic, depth = (
            inner / file for file in (*_FILES, "depth.png"))
        missing = [file for file in (pose, color, instance, semantic) if not file.is_file()]
        if missing:
            count(dropped, f"frames_without_{missing[0].stem}")
            continue
        size = image_files.image_size(color, _ADVICE)
        try:
            intrinsics, world_from_camera = camera_from_numbers(read_matrix(pose, (1, 12))[0], *size)
            frame = Frame(name, *size, intrinsics, world_from_camera, intrinsics if depth.is_file() else None)
        except ValueError as error:
            raise SceneError(f"{pose}: {error}; {_ADVICE}") from error
        if depth.is_file():
            image_files.read_depth_png(depth, size, _ADVICE)
        instances, labels = (image_files.read_map(path, size, _ADVICE) for path in (instance, semantic))
        if instances.dtype == np.uint8:
            raise SceneError(f"{instance}: expected 16 bits, found 8; {_ADVICE}")
        _add_labels(seen, instances, labels)
        yield frame


def _add_labels(seen: dict[int, NDArray[np.int64]], instances: np.ndarray, labels: np.ndarray) -> None:
    """Count the pixels of each instance by label."""
    taken = instances != BACKGROUND
    counts = np.bincount(instances[taken].astype(np.int64) * 256 + labels[taken], minlength=256)
    counts = np.append(counts, np.zeros(-len(counts) % 256, np.int64)).reshape(-1, 256)
    for name in np.flatnonzero(counts.any(axis=1)).tolist():
        seen[name] = seen.get(name, 0) + counts[name]


def _labelled(
    boxes: Mapping[int, OrientedBox], seen: Mapping[int, NDArray[np.int64]], dropped: dict[str, int]
) -> Iterator[SceneObject]:
    count(dropped, "instances_without_box", len(set(seen) - set(boxes)))
    for name, box in boxes.items():
        counts = seen.get(name, np.zeros(256, np.int64))
        label = int(counts[1 : len(NYU40)].argmax()) + 1
        if not counts.any():
            count(dropped, "boxes_without_pixels")
        elif not counts[label]:
            count(dropped, "objects_nameless")
        else:
            yield SceneObject(str(name), NYU40[label], box, structural=NYU40[label] in _STRUCTURAL)


def _read_rooms(path: Path, frames: tuple[Frame, ...], dropped: dict[str, int]) -> Iterator[Room]:
    """A room for each folder of frames, with the floor that all of its cameras stand above; with none where the file is
    missing or does not tell. (Frames of several rooms in turn are no film of any.)"""
    polygons = []
    if path.is_file():
        try:
            polygons = room_polygons(read_json(path))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise SceneError(f"{path}: expected junctions, planes, semantics and their matrices ({error!r}); "
                             f"{_ADVICE}") from error
    of_room: dict[str, list[Frame]] = {}
    for frame in frames:
        of_room.setdefault(frame.frame_id.rpartition("_")[0], []).append(frame)
    for taken in of_room.values():
        eyes = np.array([frame.center[:2] for frame in taken])
        around = [p for p in polygons if shapely.contains_xy(shapely.Polygon(p), eyes).all()]
        count(dropped, "rooms_without_outline", len(around) != 1)
        yield Room(tuple(frame.frame_id for frame in taken), around[0] if len(around) == 1 else np.zeros((0, 2)))
