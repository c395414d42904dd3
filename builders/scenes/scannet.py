"""ScanNet v2: the released files, with frames in the ``.sens`` file or exported from it by the official SensReader.

Expected tree under the root (the folder of scans, or the dataset folder that holds ``scans/``)::

    scannetv2-labels.combined.tsv                        in the dataset folder, optional
    scans/scene0000_00/
        scene0000_00_vh_clean_2.ply                      mesh, raw frame
        scene0000_00_vh_clean_2.0.010000.segs.json       segment of each vertex
        scene0000_00.aggregation.json                    instances as groups of segments
        scene0000_00.txt                                 axisAlignment, 16 numbers, row-major
        scene0000_00.sens                                frames, or, exported:
        color/N.jpg  pose/N.txt  intrinsic/intrinsic_color.txt
        depth/N.png  intrinsic/intrinsic_depth.txt       optional

Where frames have been exported, these are read and the ``.sens`` file is not. Poses are camera-to-world in the raw
frame; ``axisAlignment`` brings mesh and poses to the aligned frame. Frames that lost tracking have non-finite poses
and are dropped. Frame numbers need not be contiguous. A scan without ``axisAlignment`` (the hidden test scans) is used
as it is: its mesh is gravity-aligned already.

Where the label map is there, a label that is not in it is no name to ask for: its objects only occlude, and are
counted.

Source of the layout: the ScanNet repository's format notes. Instances have no boxes there: the box of an object is
the minimum-area rectangle of its vertices in XY, with their minimum and maximum in Z.
"""

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from builders.errors import SceneError
from builders.scenes.boxes import gravity_aligned_box
from builders.scenes.hashed_split import VALIDATION_SHARE, hashed_split
from builders.scenes.plausible import require_metres, require_rigid
from builders.scenes.scan_files import SceneFolders, count, read_ply
from builders.scenes.scannet_frames import ScanFrames, frames_of
from builders.scenes.scene import Array, Frame, Glance, Mesh, Scene, SceneObject
from builders.scenes.segments import read_groups, read_segments

STRUCTURAL_LABELS = frozenset({"wall", "floor", "ceiling"})
"""Raw categories, and NYU40 classes where there is a label map, that occlude but are never asked about;
``builders.spar.labels`` excludes more."""

LABEL_MAP = "scannetv2-labels.combined.tsv"


class ScanNetSource:
    """Scenes of a ScanNet folder; see the module docstring for the tree and the frames."""

    name = "scannet"
    redistributable = False
    licence = "ScanNet Terms of Use (signed agreement; data must not be redistributed)."
    default_scenes: int | None = None
    split_rule = "official ScanNet v2 lists; a scan in none of them by a hash of its room's name"

    def __init__(self, root: str | Path):
        self._folders = SceneFolders(self.name, root, "scans", r"scene\d{4}_\d{2}", "sceneXXXX_YY")
        self._label_map = self._folders.dataset / LABEL_MAP
        self._frames: tuple[str, ScanFrames] | None = None

    def scene_ids(self) -> list[str]:
        return self._folders.ids()

    def split(self, scene_id: str, validation_share: float = VALIDATION_SHARE) -> str:
        for split in ("train", "validation", "test"):
            if scene_id in official_split(split):
                return split
        return hashed_split(scene_id.partition("_")[0], validation_share)

    def fingerprint(self, scene_id: str) -> str:
        return self._folders.fingerprint(scene_id, [self._label_map])

    def glance(self, scene_id: str) -> Glance:
        needed = ("_vh_clean_2.ply", "_vh_clean_2.0.010000.segs.json", ".aggregation.json", ".txt")
        missing = [name for name in needed if not self._file(scene_id, name).is_file()]
        groups = [] if ".aggregation.json" in missing else read_groups(self._file(scene_id, ".aggregation.json"))
        try:
            frames = self._frames_of(scene_id)
        except SceneError:
            return Glance(0, len(groups), False, (*missing, ".sens or color/"))
        return Glance(len(frames), len(groups), frames.has_depth(), tuple(missing))

    def load(self, scene_id: str) -> Scene:
        alignment = _axis_alignment(self._file(scene_id, ".txt"))
        mesh = _read_mesh(self._file(scene_id, "_vh_clean_2.ply"), alignment)
        self._frames = None  # files may have changed since the scene was loaded before
        dropped: dict[str, int] = {}
        objects = self._read_objects(scene_id, mesh, dropped)
        frames = self._frames_of(scene_id).frames(alignment, dropped)
        require_metres(str(self._folders.folder(scene_id)), mesh, frames)
        return Scene(self.name, scene_id, mesh, objects, frames, dropped)

    def read_color(self, scene: Scene, frame: Frame) -> bytes:
        return self._frames_of(scene.scene_id).color(frame.frame_id)

    def read_depth(self, scene: Scene, frame: Frame) -> bytes | None:
        if frame.depth_intrinsics is None:
            return None
        return self._frames_of(scene.scene_id).depth(frame.frame_id)

    def _file(self, scene_id: str, ending: str) -> Path:
        """A released file of a scan, all of which are named after it."""
        self._folders.folder(scene_id)
        return self._folders.file(scene_id, scene_id + ending)

    def _frames_of(self, scene_id: str) -> ScanFrames:
        """The frames of a scan; those of the last one are kept, with the index of its file."""
        if self._frames is None or self._frames[0] != scene_id:
            self._folders.folder(scene_id)
            self._frames = scene_id, frames_of(self._folders, scene_id)
        return self._frames[1]

    def _read_objects(self, scene_id: str, mesh: Mesh, dropped: dict[str, int]) -> tuple[SceneObject, ...]:
        segments = read_segments(self._file(scene_id, "_vh_clean_2.0.010000.segs.json"), len(mesh.vertices))
        path = self._file(scene_id, ".aggregation.json")
        classes = _label_classes(self._label_map) if self._label_map.is_file() else None
        objects: list[SceneObject] = []
        try:
            for group in read_groups(path):
                label = _cleaned(str(group["label"] or ""))
                vertex_ids = segments.vertices(group["segments"])
                if not label:
                    count(dropped, "objects_nameless")
                    continue
                if classes is not None and label not in classes:
                    count(dropped, f"objects_of_unknown_label: {label[:40]}")
                try:
                    box = gravity_aligned_box(mesh.vertices[vertex_ids])
                except ValueError:
                    count(dropped, "objects_without_volume")
                    continue
                known_as = label if classes is None else classes.get(label)  # None: not a label, so it only occludes
                silent = label in STRUCTURAL_LABELS or known_as is None or known_as in STRUCTURAL_LABELS
                objects.append(SceneObject(str(group["objectId"]), label, box, vertex_ids, silent))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SceneError(f"{path}: expected segGroups with objectId, label and segments ({error!r})") from error
        if len({o.object_id for o in objects}) != len(objects):
            raise SceneError(f"{path}: an objectId occurs twice")
        return tuple(objects)


@cache
def official_split(split: str) -> frozenset[str]:
    """Scene ids of the official ScanNet v2 list ``train``, ``validation`` or ``test``."""
    name = {"train": "train", "validation": "val", "test": "test"}[split]
    return frozenset(files("builders.scenes").joinpath(f"splits/scannetv2_{name}.txt").read_text().split())


def _cleaned(label: str) -> str:
    return " ".join(label.lower().split())


def _label_classes(path: Path) -> dict[str, str]:
    """NYU40 class of each raw category, from ScanNet's own label map."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        return {_cleaned(line["raw_category"]): _cleaned(line["nyu40class"] or "") for line in lines}
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise SceneError(f"{path}: expected tab-separated columns, among them raw_category and nyu40class ({error!r}); "
                         "download it again") from error


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
            require_rigid(f"{path}: axisAlignment", matrix)
            return matrix
    return np.eye(4)


def _read_mesh(path: Path, alignment: Array) -> Mesh:
    vertices, faces = read_ply(path)
    try:
        return Mesh(vertices @ alignment[:3, :3].T + alignment[:3, 3], faces)
    except ValueError as error:
        raise SceneError(f"{path}: {error}") from error
