"""Boxes of a scene that a predicted box may be replaced by: the scene's own objects, or what a detector proposes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builders.errors import InputError
from recipes.questions import Questions, open_questions

Proposals = Mapping[str, NDArray[np.float64]]
"""Scene id -> (N, 6) boxes along the world's axes: centre and full extents, metres."""

OBJECTS, NONE = "objects", "none"


def read_proposals(where: str, questions: Questions) -> Proposals:
    """The proposals that ``--proposals`` names.

    Args:
        where: ``objects``, the config of the dataset; ``none``; or a file, see :func:`boxes_by_scene`.

    Raises:
        InputError: no such config or file, or entries of another form.
    """
    if where == NONE:
        return {}
    if where == OBJECTS:
        try:
            return boxes_by_scene(open_questions(questions.repo, questions.revision, OBJECTS, questions.split).rows)
        except InputError as error:
            raise InputError(f"{error} (boxes to choose from: --proposals FILE, or none)") from error
    path = Path(where)
    try:
        if path.suffix == ".parquet":
            return boxes_by_scene(pq.read_table(path).to_pylist())
        lines = path.read_text(encoding="utf-8").splitlines()
        return boxes_by_scene(json.loads(line) for line in lines if line.strip())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"--proposals {where}: expected a .parquet or .jsonl file with scene_id, center and extents "
                         f"(metres, and axes if turned) in each row ({error!r})") from error


def boxes_by_scene(entries: Iterable[Mapping[str, Any]]) -> Proposals:
    """Entries with ``scene_id``, ``aligned_center`` and ``aligned_extents``, or ``center``, ``extents`` and, of turned
    boxes, ``axes`` (unit rows): of these the box along the world's axes that holds them."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for entry in entries:
        if "aligned_center" in entry:
            center, extents = entry["aligned_center"], np.asarray(entry["aligned_extents"], dtype=float)
        else:
            center, extents = entry["center"], np.asarray(entry["extents"], dtype=float)
            axes = entry.get("axes")
            extents = extents if axes is None else np.abs(np.asarray(axes, dtype=float)).T @ extents
        box = np.concatenate([center, extents])
        if box.shape != (6,) or not np.isfinite(box).all() or (box[3:] <= 0).any():
            raise ValueError(f"scene {entry['scene_id']}: a box needs three finite numbers and three positive lengths")
        found.setdefault(entry["scene_id"], []).append(box)
    return {scene: np.array(boxes) for scene, boxes in found.items()}
