"""The rooms of a Matterport3D house, from ``house_segmentations/SCAN.house``: lines of words, by their first letter.

* ``R index level 0 0 label ...``: a region. Its label is a letter; stairs, what lies outdoors, junk and what has no
  label are no rooms whose size is asked.
* ``S index region ...``: a surface of a region; ``V index surface label x y z ...``: a corner of it, in order. Together
  they are the region's outline in plan.
* ``P name index region ...``: the region that a panorama was taken in. (Other lines that begin with P are portals; they
  have no name.)

Source: the data organisation notes of the Matterport repository.
"""

import re
from pathlib import Path

import numpy as np
import shapely

from builders.errors import SceneError
from builders.scenes.matterport3d_cameras import ADVICE, panorama
from builders.scenes.scan_files import count
from builders.scenes.scene import Array, Frame, Room

_NO_ROOMS = frozenset("psxyZ-")
"""Porches, stairs, outdoors, balconies, junk, no label."""

_UNKNOWN = np.zeros((0, 2))

_PANORAMA = re.compile("[0-9a-f]{32}", re.ASCII)


def read_rooms(path: Path, frames: tuple[Frame, ...], dropped: dict[str, int]) -> tuple[Room, ...]:
    """The rooms in which frames were taken, with outlines where the file tells. Without a room, or without the file,
    the whole house is one without an outline: nobody knows how large what a video of it shows is."""
    region_of: dict[str, int] = {}
    labels: dict[int, str] = {}
    surfaces: dict[int, int] = {}
    corners: dict[int, list[Array]] = {}
    text = path.read_text(errors="replace") if path.is_file() else ""
    for number, line in enumerate(text.splitlines(), 1):
        kind, *words = line.split() or [""]
        try:
            if kind == "P" and _PANORAMA.fullmatch(words[0]):
                region_of[words[0]] = int(words[2])
            elif kind == "R":
                labels[int(words[0])] = words[4]
            elif kind == "S":
                surfaces[int(words[0])] = int(words[1])
            elif kind == "V":
                corners.setdefault(int(words[1]), []).append(np.array([float(words[3]), float(words[4])]))
        except (IndexError, ValueError) as error:
            raise SceneError(f"{path}, line {number}: {error}; {ADVICE}") from error
    taken: dict[int, list[str]] = {}
    for frame in frames:
        region = region_of.get(panorama(frame.frame_id), -1)
        if labels.get(region, "-") not in _NO_ROOMS:
            taken.setdefault(region, []).append(frame.frame_id)
    rooms = []
    for region, frame_ids in taken.items():
        outline = _largest([corners.get(surface, []) for surface, of in surfaces.items() if of == region])
        count(dropped, "rooms_without_outline", int(not len(outline)))
        rooms.append(Room(tuple(frame_ids), outline))
    return tuple(rooms) or (Room(tuple(frame.frame_id for frame in frames), _UNKNOWN),)


def _largest(outlines: list[list[Array]]) -> Array:
    """(P, 2) the largest of the outlines that are simple polygons; (0, 2) if there is none."""
    polygons = [shapely.Polygon(outline) for outline in outlines if len(outline) > 2]
    valid = [polygon for polygon in polygons if polygon.is_valid and polygon.area > 0]
    return np.array(max(valid, key=lambda polygon: polygon.area).exterior.coords)[:-1] if valid else _UNKNOWN
