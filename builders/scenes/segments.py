"""Instances as groups of over-segmentation segments, as ScanNet and ScanNet++ annotate them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from builders.errors import SceneError
from builders.scenes.scan_files import read_json
from builders.scenes.scene import Index


class Segments:
    """Which vertices a segment has; or, where segments are of faces, which faces.

    Args:
        of_vertex: (V,) segment of each vertex.

    Example:
        >>> Segments(np.array([7, 2, 7, 5])).vertices([7, 5, 99]).tolist()
        [0, 2, 3]
    """

    def __init__(self, of_vertex: Index):
        self._order = np.argsort(of_vertex, kind="stable")
        self._names, self._starts = np.unique(of_vertex[self._order], return_index=True)
        self._ends = np.append(self._starts[1:], len(of_vertex))

    def vertices(self, segments: Iterable[int]) -> Index:
        """(N,) vertices of all these segments, in ascending order; those that no vertex has are ignored.

        Raises:
            TypeError, ValueError, OverflowError: these are no integers.
        """
        wanted = np.unique(np.array(segments, dtype=np.int64).reshape(-1))
        places = np.flatnonzero(np.isin(self._names, wanted))
        stretches = [self._order[self._starts[place] : self._ends[place]] for place in places]
        return np.sort(np.concatenate(stretches)) if stretches else np.zeros(0, np.int64)


def read_segments(path: Path, expected: int, parts: str = "vertices") -> Segments:
    """The segments of a mesh of so many vertices (or other ``parts``), from a JSON file with ``segIndices``."""
    try:
        of_vertex = np.array(read_json(path)["segIndices"], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SceneError(f"{path}: expected a list of integers under segIndices ({error!r})") from error
    if of_vertex.shape != (expected,):
        raise SceneError(f"{path}: {of_vertex.size} segment indices for {expected} mesh {parts}; mesh and "
                         "segmentation are of different versions")
    return Segments(of_vertex)


def read_groups(path: Path) -> list[dict[str, Any]]:
    """The annotated instances of a JSON file with ``segGroups``."""
    try:
        return list(read_json(path)["segGroups"])
    except (KeyError, TypeError) as error:
        raise SceneError(f"{path}: expected a list under segGroups ({error!r})") from error
