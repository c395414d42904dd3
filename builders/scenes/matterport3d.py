"""Matterport3D: whole houses, photographed from tripods, with instances; walks in words from RxR, where it is there.

Expected tree under the root (the dataset folder, or the folder of scans)::

    v1/scans/17DRP5sb8fy/                        each .zip of a house unpacked in the folder of scans, or where it lies
        house_segmentations/
            17DRP5sb8fy.ply                      mesh
            17DRP5sb8fy.fsegs.json               segment of each FACE
            17DRP5sb8fy.semseg.json              instances as groups of segments
            17DRP5sb8fy.house                    optional: rooms, see ``matterport3d_rooms``
        undistorted_camera_parameters/17DRP5sb8fy.conf      see ``matterport3d_cameras``
        undistorted_color_images/PANORAMA_iCAMERA_YAW.jpg   18 of each panorama: 3 cameras, 6 directions
        undistorted_depth_images/PANORAMA_dCAMERA_YAW.png   optional: 16 bits, 0.25 mm per unit, 0 for none
    connectivity/, rxr/                          optional, in the dataset folder: see ``rxr``

Mesh, poses and graphs share one frame: metres, +Z up. A house has one mesh and a thousand pictures or more; these are
only read when a question shows them, and what is looked at is bounded by ``Limits.max_keyframes``.

A vertex on the border of instances belongs to several of them, since segments are of faces. Here it becomes several
vertices, one for each, so that instances have exactly their own faces. Where instances share faces, the one with fewer
faces has them. The box of an instance is its ``obb`` (ROWS as axes, FULL lengths) if that holds its vertices and not
much more; otherwise, and where there is none, as for ScanNet, the minimum-area rectangle of its vertices in XY with
their minimum and maximum in Z.

Source of the layout: the data organisation notes of the Matterport repository.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from builders.errors import SceneError
from builders.scenes import image_files
from builders.scenes.boxes import gravity_aligned_box
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.matterport3d_cameras import ADVICE, Shot, depth_file, frames_of, read_shots
from builders.scenes.matterport3d_rooms import read_rooms
from builders.scenes.plausible import require_metres
from builders.scenes.rxr import RxR
from builders.scenes.scan_files import SceneFolders, count, read_ply
from builders.scenes.scene import Array, Frame, Glance, Index, Mesh, OrientedBox, Scene, SceneObject
from builders.scenes.segments import Segments, read_groups, read_segments

STRUCTURAL_LABELS = frozenset({"wall", "floor", "ceiling"})
"""Labels that occlude but are never asked about; ``builders.spar.labels`` excludes more."""

_COLOR, _DEPTH = "undistorted_color_images", "undistorted_depth_images"

_BESIDE, _SHARE_BESIDE = 0.05, 0.1
"""Metres, and share of its length, by which a box's side may miss the outermost vertex of its instance."""


class Matterport3DSource:
    """Houses of Matterport3D; see the module docstring for the tree and the conventions."""

    name = "matterport3d"
    redistributable = False
    licence = ("Matterport3D Terms of Use (signed agreement, non-commercial; data must not be redistributed); "
               "instructions of nav_video: RxR by Google Research, CC BY 4.0.")
    default_scenes: int | None = None

    def __init__(self, root: str | Path):
        self._folders = SceneFolders(self.name, root, "v1/scans", "[0-9A-Za-z]{11}", "scan (such as 17DRP5sb8fy)")
        self._rxr = RxR(self._folders)
        self.split_rule = (
            "houses of RxR's train file, and those of its val_unseen file as validation; others by a hash of their name"
            if self._rxr.files() else
            "no guide files of RxR (rxr/ in the dataset folder): a hash of the house's name"
        )

    def scene_ids(self) -> list[str]:
        return self._folders.ids()

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        return self._rxr.splits.get(scene_id) or hashed_split(scene_id, validation_share)

    def fingerprint(self, scene_id: str) -> str:
        """Names and sizes of all files of the house, and the sizes of its graph and of RxR's files."""
        return self._folders.fingerprint(scene_id, [self._rxr.graph_file(scene_id), *self._rxr.files().values()])

    def glance(self, scene_id: str) -> Glance:
        needed = {name: self._file(scene_id, name.replace("SCAN", scene_id)) for name in (
            "house_segmentations/SCAN.ply", "house_segmentations/SCAN.fsegs.json",
            "house_segmentations/SCAN.semseg.json", "undistorted_camera_parameters/SCAN.conf", _COLOR)}
        missing = [name for name, path in needed.items() if not path.exists()]
        cameras, groups = needed["undistorted_camera_parameters/SCAN.conf"], needed[
            "house_segmentations/SCAN.semseg.json"]
        return Glance(len(read_shots(cameras)) if cameras.is_file() else 0,
                      len(read_groups(groups)) if groups.is_file() else 0,
                      any(self._file(scene_id, _DEPTH).glob("*_d?_?.png")), tuple(missing))

    def load(self, scene_id: str) -> Scene:
        dropped: dict[str, int] = {}
        mesh, objects = self._read_house(scene_id, dropped)
        cameras = self._file(scene_id, f"undistorted_camera_parameters/{scene_id}.conf")
        frames = self._read_frames(scene_id, cameras, read_shots(cameras), dropped)
        require_metres(str(cameras), mesh, frames)
        rooms = read_rooms(self._file(scene_id, f"house_segmentations/{scene_id}.house"), frames, dropped)
        walks = self._rxr.instructions(scene_id, frames, dropped)
        return Scene(self.name, scene_id, mesh, objects, frames, dropped, walks, rooms=rooms)

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        return image_files.read_image(self._file(scene.scene_id, f"{_COLOR}/{frame.frame_id}.jpg"), ADVICE)

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        if frame.depth_intrinsics is None:
            return None
        path = self._file(scene.scene_id, f"{_DEPTH}/{depth_file(frame.frame_id)}")
        return _in_millimetres(image_files.read_depth_png(path, (frame.width, frame.height), ADVICE))

    def _file(self, scene_id: str, name: str) -> Path:
        """A file of a house. Archives hold the house's folder, so unpacked where they lie they give it twice."""
        twice = (self._folders.folder(scene_id) / scene_id).is_dir()
        return self._folders.file(scene_id, f"{scene_id}/{name}" if twice else name)

    def _read_house(self, scene_id: str, dropped: dict[str, int]) -> tuple[Mesh, tuple[SceneObject, ...]]:
        ply, fsegs, semseg = (self._file(scene_id, f"house_segmentations/{scene_id}{ending}")
                              for ending in (".ply", ".fsegs.json", ".semseg.json"))
        try:
            welded = Mesh(*read_ply(ply))
        except ValueError as error:
            raise SceneError(f"{ply}: {error}; {ADVICE}") from error
        segments, groups = read_segments(fsegs, len(welded.faces), "faces"), read_groups(semseg)
        try:
            owner = _face_owners([segments.vertices(group["segments"]) for group in groups], len(welded.faces))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SceneError(f"{semseg}: expected segGroups with label and segments ({error!r}); {ADVICE}") from error
        mesh, of_vertex = parted(welded, owner)
        own, objects = Segments(of_vertex), []
        for number, group in enumerate(groups):
            vertex_ids = own.vertices([number])
            label = " ".join(str(group.get("label") or "").lower().replace("#", " ").split())
            if not label or not len(vertex_ids):
                count(dropped, "instances_without_faces" if label else "objects_nameless")
                continue
            try:
                box = _box(group.get("obb"), mesh.vertices[vertex_ids], dropped)
            except ValueError:
                count(dropped, "objects_without_volume")
                continue
            name = str(group.get("objectId", group.get("id", number)))
            objects.append(SceneObject(name, label, box, vertex_ids, label in STRUCTURAL_LABELS))
        if len({o.object_id for o in objects}) != len(objects):
            raise SceneError(f"{semseg}: an objectId occurs twice; {ADVICE}")
        return mesh, tuple(objects)

    def _read_frames(
        self, scene_id: str, cameras: Path, shots: list[Shot], dropped: dict[str, int]
    ) -> tuple[Frame, ...]:
        colors, depths = self._file(scene_id, _COLOR), self._file(scene_id, _DEPTH)
        pictures, maps = ({path.name for path in folder.glob("*.*")} for folder in (colors, depths))
        size = image_files.first_size((self._file(scene_id, f"{_COLOR}/{shot.color}") for shot in shots
                                       if shot.color in pictures), ADVICE)
        of_maps = image_files.first_size((self._file(scene_id, f"{_DEPTH}/{shot.depth}") for shot in shots
                                          if shot.depth in maps), ADVICE, depth=True)
        if size is None:
            raise SceneError(f"{colors}: holds no picture that {cameras.name} names; {ADVICE}")
        if of_maps and of_maps != size:
            raise SceneError(f"{depths}: depth maps of {of_maps[0]}x{of_maps[1]} pixels, pictures of "
                             f"{size[0]}x{size[1]}; {ADVICE}")
        return frames_of(cameras, shots, size, pictures, maps, dropped)


def parted(mesh: Mesh, owner: Index) -> tuple[Mesh, Index]:
    """The mesh with vertices that several owners share repeated, once for each; vertices of no face are left out.

    Args:
        owner: (F,) whose each face is; -1 for nobody's.

    Returns:
        The mesh, its faces in the same order; and (V,) whose each of its vertices is.

    Example:
        >>> corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
        >>> mesh, of_vertex = parted(Mesh(corners, [[0, 1, 2], [0, 2, 3]]), np.array([0, 1]))
        >>> mesh.faces.tolist(), of_vertex.tolist()
        ([[0, 2, 3], [1, 4, 5]], [0, 1, 0, 0, 1, 1])
    """
    owners = int(owner.max(initial=-1)) + 2
    pairs, places = np.unique(mesh.faces * owners + owner[:, None] + 1, return_inverse=True)
    return Mesh(mesh.vertices[pairs // owners], places.reshape(-1, 3)), pairs % owners - 1


def _face_owners(faces_of: list[Index], faces: int) -> Index:
    """(F,) which group each face belongs to, -1 for none; of several, the one with fewest faces."""
    owner = np.full(faces, -1, np.int64)
    for number in sorted(range(len(faces_of)), key=lambda i: -len(faces_of[i])):
        owner[faces_of[number]] = number
    return owner


def _box(obb: Mapping[str, Any] | None, points: Array, dropped: dict[str, int]) -> OrientedBox:
    """``ValueError`` if there is no usable ``obb`` and the points (N, 3) span no volume."""
    if obb:
        try:
            box = OrientedBox(obb["centroid"], np.array(obb["normalizedAxes"], dtype=float).reshape(3, 3),
                              obb["axesLengths"])
            if _fits(box, points):
                return box
        except (KeyError, TypeError, ValueError):
            pass  # counted below, as one that does not fit
        count(dropped, "boxes_measured_anew")
    return gravity_aligned_box(points)


def _fits(box: OrientedBox, points: Array) -> bool:
    """Whether each side of the box lies at the outermost of the points (N, 3), nearly."""
    reach, slack = (points - box.center) @ box.axes.T, _BESIDE + _SHARE_BESIDE * box.extents
    beside = np.abs([reach.max(axis=0) - box.extents / 2, reach.min(axis=0) + box.extents / 2])
    return bool((beside <= slack).all())


def _in_millimetres(png: bytes) -> bytes:
    """A depth map of 0.25 mm per unit as one of 1 mm per unit."""
    with Image.open(BytesIO(png)) as image:
        units = np.asarray(image).astype(np.uint32)
    buffer = BytesIO()
    Image.fromarray(((units + 2) // 4).astype(np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()
