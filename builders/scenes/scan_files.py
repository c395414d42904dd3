"""What readers of real scans share: scene folders, files, and errors of one line that name the file and what to do.

No reader leaves its root: a link, or a name in a file, that leads out of the folder of scenes is an error of that
scene. Nothing is unpickled or evaluated.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from builders.errors import InputError, SceneError
from builders.scenes.scene import Array


class SceneFolders:
    """The scene folders of a dataset on disk.

    Args:
        source: the source's name, for messages.
        root: the folder of scenes, or the dataset folder that holds them in ``below``.
        pattern: what scene folders are called in full.
        called: the same, as messages put it.

    Raises:
        InputError: there is no such folder, or no scene in it.
    """

    def __init__(self, source: str, root: str | Path, below: str, pattern: str, called: str):
        given = Path(root)
        if not given.is_dir():
            raise InputError(f"{source}: {given} is not a folder; give the folder that holds {called} folders")
        self._source, self._names = source, re.compile(pattern, re.ASCII)
        self._root = given if self._in(given) else given / below
        self._scenes = self._in(self._root)
        if not self._scenes:
            raise InputError(f"{source}: no {called} folder in {given} or {given / below}; "
                             "give the folder that holds them")
        steps = Path(below).parts
        self.dataset = self._root.parents[len(steps) - 1] if self._root.parts[-len(steps):] == steps else self._root
        """The dataset folder, which holds what concerns all scenes, such as lists of splits."""
        self._inside = os.path.join(os.path.realpath(self._root), "")

    def ids(self) -> list[str]:
        return list(self._scenes)

    def folder(self, scene_id: str) -> Path:
        """A scene's folder.

        Raises:
            InputError: there is no such scene.
            SceneError: it is a link that leads out of the root.
        """
        if scene_id not in self._scenes:
            raise InputError(f"{self._source}: no scene {scene_id!r}; the root holds {len(self._scenes)} scenes, "
                             f"for example {next(iter(self._scenes))}")
        return self.file(scene_id, "")

    def file(self, scene_id: str, name: str) -> Path:
        """A file of a scene, whether it exists or not; ``SceneError`` if it lies outside the root."""
        path = self._scenes[scene_id] / name
        if not os.path.realpath(path).startswith(self._inside):  # a Path of it would take twice as long
            raise SceneError(f"{path}: leads out of {self._root}; replace the link by what it leads to, or give the "
                             "folder that holds both")
        return path

    def shared(self, name: str) -> Path:
        """A file of the dataset folder, whether it exists or not; ``InputError`` if it lies outside that folder."""
        path = self.dataset / name
        if not path.resolve().is_relative_to(self.dataset.resolve()):
            raise InputError(f"{path}: leads out of {self.dataset}; replace the link by what it leads to")
        return path

    def fingerprint(self, scene_id: str, shared: Iterable[Path] = ()) -> str:
        """Of the names and sizes of all files of the scene, and of the sizes of those that it shares with others."""
        folder = self.folder(scene_id)
        listing = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
        sizes = [path.stat().st_size if path.is_file() else 0 for path in shared]
        return hashlib.sha256(json.dumps([listing, *sizes]).encode()).hexdigest()

    def _in(self, root: Path) -> dict[str, Path]:
        if not root.is_dir():
            return {}
        return {p.name: p for p in sorted(root.iterdir()) if self._names.fullmatch(p.name) and p.is_dir()}


def count(dropped: dict[str, int], reason: str, more: int = 1) -> None:
    """Note what a reader leaves out."""
    if more:
        dropped[reason] = dropped.get(reason, 0) + more


def read_json(path: Path, advice: str = "download it again") -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; {advice}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SceneError(f"{path}: not readable as JSON ({error}); {advice}") from error


def read_matrix(path: Path, shape: tuple[int, int]) -> Array:
    """Numbers separated by white space, row by row."""
    try:
        values = np.array([float(word) for word in path.read_text().split()])
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; export the scan's frames again") from None
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: expected {shape[0]}x{shape[1]} numbers ({error})") from error
    if values.size != shape[0] * shape[1]:
        raise SceneError(f"{path}: expected {shape[0]}x{shape[1]} numbers, found {values.size}")
    return values.reshape(shape)


def read_ply(path: Path) -> tuple[Array, np.ndarray]:
    """(V, 3) vertices and (F, 3) triangles, as many as the header promises."""
    import open3d as o3d

    if not path.is_file():
        raise SceneError(f"{path}: missing; download it again")
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        raw = o3d.io.read_triangle_mesh(str(path))
    vertices, faces = np.asarray(raw.vertices), np.asarray(raw.triangles)
    promised = _ply_counts(path)
    if (len(vertices), len(faces)) != promised or not len(faces):
        raise SceneError(f"{path}: {len(vertices)} vertices and {len(faces)} triangles could be read, its header says "
                         f"{promised[0]} and {promised[1]}; the file is truncated, download it again")
    return vertices, faces


def _ply_counts(path: Path) -> tuple[int, int]:
    """(vertices, faces) as the header of a PLY file states them, 0 for what it does not."""
    with path.open("rb") as file:
        header = file.read(4096).partition(b"end_header")[0]
    counts = dict(re.findall(rb"^element (vertex|face) (\d+)", header, re.M))
    return int(counts.get(b"vertex", 0)), int(counts.get(b"face", 0))
