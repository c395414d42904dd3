"""ScanNet++: laser-scan mesh and annotation, with frames of the iPhone video or of the DSLR camera.

Expected tree under the root (the folder of scenes, or the dataset folder that holds ``data/``)::

    splits/*.txt                                    official lists, in the dataset folder
    data/0a1b2c3d4e/
        scans/mesh_aligned_0.05.ply
        scans/segments.json                         segment of each vertex
        scans/segments_anno.json                    instances: groups of segments, with boxes
        iphone/rgb/frame_000000.jpg ...             extracted from rgb.mkv by the ScanNet++ toolkit
        iphone/depth/frame_000000.png ...           optional, extracted from depth.bin
        iphone/pose_intrinsic_imu.json
        dslr/...                                    see ``scannetpp_dslr``

``scannetpp`` reads the iPhone frames, as SPAR did, and those of the DSLR camera where a scene has no others;
``scannetpp_dslr`` reads the DSLR frames of every scene. Mesh, boxes and poses share one frame: metres, +Z up.

``obb`` of an instance: centroid, FULL axesLengths, and normalizedAxes whose ROWS are the axes. A vertex may belong to
several instances. Source of the layout: the ScanNet++ toolkit's code and documentation.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from builders.errors import SceneError
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.plausible import require_metres
from builders.scenes.scan_files import SceneFolders, count, read_ply
from builders.scenes.scannetpp_dslr import DslrFrames
from builders.scenes.scannetpp_iphone import IPhoneFrames
from builders.scenes.scene import Frame, Glance, Mesh, OrientedBox, Scene, SceneObject
from builders.scenes.segments import read_groups, read_segments

STRUCTURAL_LABELS = frozenset({"wall", "floor", "ceiling"})
"""Labels that occlude but are never asked about; ``builders.spar.labels`` excludes more."""

_MESH, _SEGMENTS, _GROUPS = "scans/mesh_aligned_0.05.ply", "scans/segments.json", "scans/segments_anno.json"

_AROUND = 0.05
"""Metres by which an instance's vertices may lie outside its box."""

_SPLIT_OF_LIST = {"test": "test", "val": "validation", "train": "train"}
"""Word in a list's name -> split. A scene in several lists takes the first of these."""


class ScanNetPPSource:
    """Scenes of a ScanNet++ folder; see the module docstring for the tree and the frames.

    Args:
        dslr: read the DSLR frames even of scenes with iPhone frames.
    """

    name = "scannetpp"
    redistributable = False
    licence = "ScanNet++ Terms of Use (application; non-commercial research; data must not be redistributed)."
    default_scenes: int | None = None

    def __init__(self, root: str | Path, dslr: bool = False):
        self._folders = SceneFolders(self.name, root, "data", "[0-9a-f]{10}", "ten-digit (such as 0a1b2c3d4e)")
        self._dslr = dslr
        self._frames: tuple[str, IPhoneFrames | DslrFrames] | None = None
        self._official = _official_splits(self._folders.dataset / "splits")
        self.split_rule = (
            "official ScanNet++ lists; a scene in none of them by a hash of its name" if self._official
            else "no official lists (splits/*.txt in the dataset folder): a hash of the scene's name"
        )

    def scene_ids(self) -> list[str]:
        return self._folders.ids()

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        return self._official.get(scene_id) or hashed_split(scene_id, validation_share)

    def fingerprint(self, scene_id: str) -> str:
        return self._folders.fingerprint(scene_id)

    def glance(self, scene_id: str) -> Glance:
        self._folders.folder(scene_id)
        missing = [name for name in (_MESH, _SEGMENTS, _GROUPS) if not self._folders.file(scene_id, name).is_file()]
        objects = 0 if _GROUPS in missing else len(read_groups(self._folders.file(scene_id, _GROUPS)))
        frames = self._frames_of(scene_id)
        return Glance(len(frames), objects, frames.has_depth(), (*missing, *frames.missing()))

    def load(self, scene_id: str) -> Scene:
        folder = self._folders.folder(scene_id)
        path = self._folders.file(scene_id, _MESH)
        try:
            mesh = Mesh(*read_ply(path))
        except ValueError as error:
            raise SceneError(f"{path}: {error}") from error
        dropped: dict[str, int] = {}
        self._frames = None  # files may have changed since the scene was loaded before
        frames = self._frames_of(scene_id).frames(dropped)
        require_metres(str(folder), mesh, frames)
        return Scene(self.name, scene_id, mesh, self._read_objects(scene_id, mesh, dropped), frames, dropped)

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        return self._frames_of(scene.scene_id).color(frame)

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        return None if frame.depth_intrinsics is None else self._frames_of(scene.scene_id).depth(frame)

    def _frames_of(self, scene_id: str) -> IPhoneFrames | DslrFrames:
        """The frames of a scene; those of the last one are kept, with the lists of their files."""
        if self._frames is None or self._frames[0] != scene_id:
            self._folders.folder(scene_id)
            iphone, dslr = IPhoneFrames(self._folders, scene_id), DslrFrames(self._folders, scene_id)
            chosen = dslr if self._dslr or (iphone.missing() and not dslr.missing()) else iphone
            self._frames = scene_id, chosen
        return self._frames[1]

    def _read_objects(self, scene_id: str, mesh: Mesh, dropped: dict[str, int]) -> tuple[SceneObject, ...]:
        segments = read_segments(self._folders.file(scene_id, _SEGMENTS), len(mesh.vertices))
        path = self._folders.file(scene_id, _GROUPS)
        objects: list[SceneObject] = []
        elsewhere: list[str] = []
        try:
            for group in read_groups(path):
                label = " ".join(str(group["label"] or "").lower().split())
                vertex_ids = segments.vertices(group["segments"])
                if not label:
                    count(dropped, "objects_nameless")
                elif not len(vertex_ids):
                    count(dropped, "boxes_of_unknown_instances")
                elif min(map(float, group["obb"]["axesLengths"])) <= 0:
                    count(dropped, "objects_without_volume")
                else:
                    item = SceneObject(str(group["objectId"]), label, _box(group["obb"]), vertex_ids,
                                       label in STRUCTURAL_LABELS)
                    objects.append(item)
                    if _outside(mesh.vertices[vertex_ids], item.box):
                        elsewhere.append(item.object_id)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SceneError(f"{path}: expected segGroups with objectId, label, segments, obb ({error!r})") from error
        if len({o.object_id for o in objects}) != len(objects):
            raise SceneError(f"{path}: an objectId occurs twice")
        if elsewhere:
            if 2 * len(elsewhere) > len(objects):
                raise SceneError(f"{path}: {len(elsewhere)} of {len(objects)} boxes, among them that of object "
                                 f"{elsewhere[0]}, do not hold the vertices of their instance; obb must be in metres, "
                                 "with full lengths, and in the frame of the mesh")
            count(dropped, "boxes_off_their_instances", len(elsewhere))
        return tuple(item for item in objects if item.object_id not in elsewhere)


def _official_splits(folder: Path) -> dict[str, str]:
    """Scene id -> split, by the lists of ScanNet++ (nvs_sem_train.txt, nvs_sem_val.txt, sem_test.txt, ...)."""
    found: dict[str, str] = {}
    for word, split in reversed(_SPLIT_OF_LIST.items()):
        for path in sorted(folder.glob("*.txt")):
            if word in re.split("[_.]", path.stem):
                found |= dict.fromkeys(path.read_text(errors="replace").split(), split)
    return found


def _box(obb: dict[str, Any]) -> OrientedBox:
    return OrientedBox(np.array(obb["centroid"], dtype=float),
                       np.array(obb["normalizedAxes"], dtype=float).reshape(3, 3),
                       np.array(obb["axesLengths"], dtype=float))


def _outside(points: np.ndarray, box: OrientedBox) -> bool:
    """Whether most of the points (N, 3) lie outside the box."""
    beyond = np.abs((points - box.center) @ box.axes.T) - box.extents / 2
    return bool((beyond > _AROUND).any(axis=1).mean() > 0.5)
