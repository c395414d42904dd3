"""What the second routes of all tasks share: geometry from a finished row and the stored cameras and boxes, by other
formulas than the generators use (world axes instead of camera coordinates, mean corners instead of stored centres,
the law of cosines instead of a difference of points)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.scenes.scene import Array
from builders.spar.records import ImageRecord, SceneRecord

BOUNDARY = 0.01
"""Two routes may print different numbers if the exact value lies this close to a rounding boundary (m, or px1000)."""

Row = Mapping[str, Any]

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")


@dataclass(frozen=True, eq=False)
class Second:
    """A gold by the second route."""

    exact: Array
    """(N,) parallel to the row's ``answer_exact``."""
    text: str | None = None
    """What the answer must say; None where it is the printed numbers, in order."""


def image_of(row: Row, record: SceneRecord, view: int) -> ImageRecord:
    """The image record of one of the row's views; ``KeyError`` if the scene has none."""
    frame_id = row["frame_ids"][view]
    if frame_id not in record.image_of_frame:
        raise KeyError(f"frame {frame_id}")
    return record.image_of_frame[frame_id]


def pose_of(row: Row, record: SceneRecord, item: Mapping[str, Any]) -> Array:
    """(4, 4) camera pose of the image that carries the object's marker."""
    return image_of(row, record, item["image_index"]).frame.world_from_camera


def center_of(record: SceneRecord, item: Mapping[str, Any]) -> Array:
    """(3,) mean of the box's corners, world metres."""
    return record.mean_corners[item["object_id"]]


def depth_of(row: Row, record: SceneRecord, item: Mapping[str, Any]) -> float:
    """Length of the object's offset along the optical axis of its image, in world coordinates."""
    pose = pose_of(row, record, item)
    return float((center_of(record, item) - pose[:3, 3]) @ pose[:3, 2])


def law_of_cosines(a: Array, b: Array) -> float:
    """Distance of the end points of two offsets (3,)."""
    return math.sqrt(max(0.0, a @ a + b @ b - 2 * a @ b))


def may_be_called(record: SceneRecord, label: str) -> list[str]:
    """The objects that "the <label>" may mean: those whose label has its noun, the last word, or all of its words side
    by side."""
    words = label.split()
    found = []
    for name in record.objects:
        other = record.label(name).split()
        within = any(other[start : start + len(words)] == words for start in range(len(other)))
        if within or other[-1:] == words[-1:]:
            found.append(name)
    return found


def tells(row: Row, given: float) -> bool:
    """Whether the question names this length in meters, up to ``BOUNDARY``."""
    printed = {f"{given + shift:.1f} meters" for shift in (-BOUNDARY, 0.0, BOUNDARY)}
    return any(text in row["question"] for text in printed)


def numbers_in(text: str) -> list[float]:
    """All numbers of a text, in order; a minus sign counts where no word or number ends before it.

    Example:
        >>> numbers_in("Image Coor: (12, 990), Depth: 1.5 meters")
        [12.0, 990.0, 1.5]
    """
    return [float(number) for number in _NUMBER.findall(text)]
