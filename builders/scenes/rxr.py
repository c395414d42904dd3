"""RxR: walks through Matterport3D houses in words. Together with the connectivity graphs of the Matterport3D Simulator
they become ``Scene.instructions``, for the task ``nav_video``.

In the dataset folder (the one that holds ``v1/scans``; otherwise the folder of scans)::

    connectivity/17DRP5sb8fy_connectivity.json       of the Matterport3D Simulator
    rxr/rxr_train_guide.jsonl.gz                     as downloaded, or unpacked
    rxr/rxr_val_unseen_guide.jsonl.gz

``val_seen`` is not read: its houses are those of ``train``, so that its walks would be trained on. English instructions
are read (en-IN, en-US): the words that ``nav_video`` leaves out are English.

**Graph.** For each viewpoint its ``image_id``, which is the panorama's name; a ``pose`` of 16 numbers row by row, of
which the last column is where it stands; whether it is ``included``; and which others are ``unobstructed`` from it.

**Walk.** ``path`` is a list of viewpoints, ``heading`` which way the walker faces at first, in radians: 0 along +y,
CLOCKWISE seen from above. Its pictures: first, the one at the first viewpoint that looks best along ``heading``, since
that is where "turn around" and "to your left" begin; then at each viewpoint the one that looks best along the way to
the next; at the last one, the one that looks best along the step that led to it. "Best" is the smallest angle between
optical axis and way, all 18 pictures considered, so that stairs are looked up and down. A picture that would follow
itself comes once.

Walks that lead over a viewpoint or a step that the graph does not have, or past one without a picture that looks the
right way, are left out and counted.

Source: the RxR repository's format notes and the simulator's notes on its graphs. RxR's annotations are CC BY 4.0.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from builders.errors import InputError, SceneError
from builders.scenes.matterport3d_cameras import panorama
from builders.scenes.scan_files import SceneFolders, count, read_json
from builders.scenes.scene import Array, Frame, Instruction

_SPLITS = {"val_unseen": "validation", "train": "train"}
"""Word in a file's name -> split. A house in both files takes the first."""
_LANGUAGE = "en"
_SCAN = re.compile(rb'"scan"\s*:\s*"([0-9A-Za-z]{11})"')
_ADVICE = "download RxR's guide files again"
_GRAPH_ADVICE = "get the connectivity folder of the Matterport3D Simulator again"

_NEAR_ENOUGH = np.cos(np.radians(35))
"""Of the angle between a picture and the way. Pictures are 60 degrees apart: if all are there, one looks at most half
of that aside, and on stairs a little up or down. Where it is missing, the one of the ceiling above does not serve."""
_MOST_APART = 0.5
"""Metres between where a graph puts a viewpoint and where its pictures were taken: cameras turn around a tripod."""


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """One of a graph."""

    position: Array
    """(3,) metres."""
    neighbours: frozenset[str]
    """Viewpoints to which one can walk."""


class RxR:
    """The walks of a dataset folder.

    Args:
        folders: of the scans.
    """

    def __init__(self, folders: SceneFolders):
        self._folders = folders

    def files(self) -> dict[str, Path]:
        """Split -> guide file, of those there are."""
        found: dict[str, Path] = {}
        for word, split in _SPLITS.items():
            for ending in (".gz", ""):  # the unpacked one where there are both
                path = self._folders.shared(f"rxr/rxr_{word}_guide.jsonl{ending}")
                if path.is_file():
                    found[split] = path
        return found

    def graph_file(self, scene_id: str) -> Path:
        """The connectivity graph of a house, whether it is there or not."""
        return self._folders.shared(f"connectivity/{scene_id}_connectivity.json")

    @cached_property
    def splits(self) -> Mapping[str, str]:
        """Split of each house that a guide file names."""
        found: dict[str, str] = {}
        for split, path in self.files().items():
            scans = {match[1].decode() for line in _lines(path) if (match := _SCAN.search(line))}
            found = dict.fromkeys(scans, split) | found
        return found

    def instructions(
        self, scene_id: str, frames: Sequence[Frame], dropped: dict[str, int]
    ) -> tuple[Instruction, ...]:
        """The English walks of a house, from the file that decides its split."""
        path = self.files().get(self.splits.get(scene_id, ""))
        if path is None:
            return ()
        told = list(_guides(path, scene_id))
        graph_file = self.graph_file(scene_id)
        if not graph_file.is_file():
            count(dropped, "instructions_without_connectivity", len(told))
            return ()
        graph, views = read_graph(graph_file), _views(frames)
        _require_same_frame(graph_file, graph, views)
        walks = []
        for where, guide in told:
            try:
                text, viewpoints = " ".join(guide["instruction"].split()), list(guide["path"])
                frame_ids = walk(viewpoints, float(guide["heading"]), graph, views)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise SceneError(f"{where}: expected instruction, path and heading ({error!r}); {_ADVICE}") from error
            if isinstance(frame_ids, str):
                count(dropped, frame_ids)
            elif text:
                walks.append(Instruction(text, frame_ids))
            else:
                count(dropped, "instructions_empty")
        return tuple(walks)


def read_graph(path: Path) -> dict[str, Viewpoint]:
    """The viewpoints of a connectivity graph that are included, by name."""
    entries = read_json(path, _GRAPH_ADVICE)
    try:
        names = [str(entry["image_id"]) for entry in entries]
        poses = np.array([entry["pose"] for entry in entries], dtype=float).reshape(len(names), 4, 4)
        steps = np.array([entry["unobstructed"] for entry in entries], dtype=bool).reshape(len(names), len(names))
        included = [bool(entry["included"]) for entry in entries]
        if not np.isfinite(poses).all():
            raise ValueError("a pose holds NaN or infinite values")
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{path}: expected a list of viewpoints with image_id, pose, included and unobstructed "
                         f"({error!r}); {_GRAPH_ADVICE}") from error
    return {name: Viewpoint(pose[:3, 3], frozenset(n for n, free in zip(names, row) if free))
            for name, pose, row, taken in zip(names, poses, steps, included) if taken}


def facing(heading: float) -> Array:
    """(3,) direction of a heading.

    Example:
        >>> facing(np.pi / 2).round(9).tolist()
        [1.0, 0.0, 0.0]
    """
    return np.array([np.sin(heading), np.cos(heading), 0.0])


def walk(
    path: Sequence[str], heading: float, graph: Mapping[str, Viewpoint], views: Mapping[str, Sequence[Frame]]
) -> tuple[str, ...] | str:
    """The frames of a walk, as the module docstring says, or why it has none.

    Args:
        views: the frames taken at each viewpoint.
    """
    if len(path) < 2 or not np.isfinite(heading):
        return "instructions_without_path"
    if not graph.keys() >= set(path):
        return "instructions_of_unknown_viewpoints"
    if any(b not in graph[a].neighbours for a, b in pairwise(path)):
        return "instructions_off_the_graph"
    steps = np.diff([graph[name].position for name in path], axis=0)
    chosen = [_looking(views.get(name, ()), way)
              for name, way in zip((path[0], *path), (facing(heading), *steps, steps[-1]), strict=True)]
    if None in chosen:
        return "instructions_without_pictures"
    return tuple(name for name, _ in groupby(chosen) if name)


def _looking(frames: Sequence[Frame], way: Array) -> str | None:
    """The frame whose optical axis is nearest to a direction (3,), if it is near enough."""
    cosines = [float(frame.world_from_camera[:3, 2] @ way / (np.linalg.norm(way) or 1)) for frame in frames]
    best = int(np.argmax(cosines)) if cosines else -1
    return frames[best].frame_id if cosines and cosines[best] >= _NEAR_ENOUGH else None


def _views(frames: Sequence[Frame]) -> dict[str, list[Frame]]:
    views: dict[str, list[Frame]] = {}
    for frame in frames:
        views.setdefault(panorama(frame.frame_id), []).append(frame)
    return views


def _require_same_frame(path: Path, graph: Mapping[str, Viewpoint], views: Mapping[str, Sequence[Frame]]) -> None:
    apart = [float(np.linalg.norm(np.mean([f.center for f in views[name]], axis=0) - viewpoint.position))
             for name, viewpoint in graph.items() if name in views]
    if apart and np.median(apart) > _MOST_APART:
        raise SceneError(f"{path}: half of its viewpoints are {np.median(apart):.4g} m or more away from where their "
                         f"pictures were taken; {_GRAPH_ADVICE}")


def _guides(path: Path, scan: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where it stands, and what it says: each English line about a house. Only lines that name it are parsed."""
    wanted = f'"{scan}"'.encode()
    for number, line in enumerate(_lines(path), 1):
        if wanted not in line:
            continue
        where = f"{path}, line {number}"
        try:
            guide = json.loads(line)
            if guide["scan"] == scan and guide["language"].partition("-")[0] == _LANGUAGE:
                yield where, guide
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise SceneError(f"{where}: expected an object with scan and language ({error!r}); download RxR's guide "
                             "files again") from error


def _lines(path: Path) -> Iterator[bytes]:
    """Of a guide file, one after the other: unpacked it has hundreds of megabytes."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}); download it again") from error
