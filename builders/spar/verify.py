"""Golds checked by a second route.

``verify`` starts from a finished row and the stored cameras and boxes, and computes the answer again by other formulas
than the generators: projections on world axes instead of camera coordinates, the law of cosines instead of a difference
of points. A 2D box is the ray-cast one again, held against the box of the projected visible vertices, which agrees up
to a mesh edge. It also checks what a reader would: that the options hold the answer once, that the letter names it,
that given numbers are true.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from builders.scenes.scene import Array
from builders.spar.choices import LETTERS
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.tasks import TASKS

BOUNDARY = 0.01
"""Two routes may print different numbers if the exact value lies this close to a rounding boundary (m, or px1000)."""

_OPPOSITES = (("left", "right"), ("above", "below"), ("closer", "farther"))

Recompute = Callable[[dict[str, Any], SceneRecord, Limits], "Array | str"]


def verify(row: dict[str, Any], record: SceneRecord, limits: Limits) -> str | None:
    """What is wrong with a row, or None."""
    problem = _printing_problem(row) or _option_problem(row)
    if problem:
        return problem
    second = _RECOMPUTE[TASKS[row["task"]].quantity](row, record, limits)
    if isinstance(second, str):
        return second
    tolerance = 1e-6 * max(1.0, float(np.abs(second).max()))
    return "gold differs" if np.abs(np.array(row["answer_exact"]) - second).max() > tolerance else None


def _printing_problem(row: dict[str, Any]) -> str | None:
    """Printed numbers must be the exact ones rounded, by a bound instead of a rounding rule."""
    half_step = {"m": 0.05, "px1000": 0.5}
    for value, exact, unit in zip(row["answer_value"], row["answer_exact"], row["unit"], strict=True):
        if abs(value - exact) > half_step[unit] + 1e-9:
            return "printed number differs"
    if row["format_type"] == "fill" and [float(row["answer"])] != row["answer_value"]:
        return "answer is not the printed number"
    return None


def _option_problem(row: dict[str, Any]) -> str | None:
    options = row["options"]
    if row["format_type"] != "select":
        return "options without choice" if options else None
    if len(set(options)) != len(options):
        return "equal options"
    if row["answer"] not in LETTERS[: len(options)]:
        return "letter without option"
    shown = row["question"].split("\n")[-len(options) :]
    if shown != [f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False)]:
        return "options not shown"
    return None


def _views(row: dict[str, Any], record: SceneRecord, item: dict[str, Any]) -> Array:
    """(4, 4) camera pose of the image that carries the object's marker."""
    frame_id = row["frame_ids"][item["image_index"]]
    return next(image.frame.world_from_camera for image in record.images if image.frame.frame_id == frame_id)


def _center(record: SceneRecord, item: dict[str, Any]) -> Array:
    """Mean of the box's corners."""
    return record.objects[item["object_id"]].item.box.corners().mean(axis=0)


def _depth(row: dict[str, Any], record: SceneRecord, item: dict[str, Any]) -> float:
    """Length of the object's offset along the camera's optical axis, in world coordinates."""
    pose = _views(row, record, item)
    return float((_center(record, item) - pose[:3, 3]) @ pose[:3, 2])


def _given_is_true(row: dict[str, Any], given: float) -> bool:
    printed = {f"{given + shift:.1f} meters" for shift in (-BOUNDARY, 0.0, BOUNDARY)}
    return any(text in row["question"] for text in printed)


def _verify_depth(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array | str:
    red, blue = row["objects"]
    if not _given_is_true(row, _depth(row, record, red)):
        return "given depth differs"
    return np.array([_depth(row, record, blue)])


def _verify_depth_difference(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array | str:
    red, blue, green = row["objects"]
    if not _given_is_true(row, _depth(row, record, red)):
        return "given depth differs"
    forward = _views(row, record, blue)[:3, 2]
    return np.array([abs(float((_center(record, blue) - _center(record, green)) @ forward))])


def _cosine_law(a: Array, b: Array) -> float:
    """Distance of the end points of two offsets."""
    return float(np.sqrt(max(0.0, a @ a + b @ b - 2 * a @ b)))


def _verify_distance_to_camera(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array:
    (red,) = row["objects"]
    return np.array([_cosine_law(_center(record, red), _views(row, record, red)[:3, 3])])


def _verify_distance_between(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array:
    red, blue = row["objects"]
    camera = _views(row, record, red)[:3, 3]
    return np.array([_cosine_law(_center(record, red) - camera, _center(record, blue) - camera)])


def _verify_nearer(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array | str:
    red, green, blue = row["objects"]
    camera = _views(row, record, red)[:3, 3]
    offsets = [_center(record, item) - camera for item in (red, green, blue)]
    distances = np.array([_cosine_law(offsets[0], offsets[1]), _cosine_law(offsets[0], offsets[2])])
    wants_closer = "closer to" in row["question"]
    if wants_closer == ("farther from" in row["question"]):
        return "question names no direction"
    winner = (green, blue)[int(np.argmin(distances) if wants_closer else np.argmax(distances))]
    answer = row["options"][LETTERS.index(row["answer"])]
    return distances if answer == winner["label"] else "answer is not the winner"


def _verify_relation(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array | str:
    red, blue = row["objects"]
    pose = _views(row, record, red)
    apart = _center(record, red) - _center(record, blue)
    lengths = [float(np.linalg.norm(_center(record, item) - pose[:3, 3])) for item in (red, blue)]
    differences = np.array([apart @ pose[:3, 0], apart @ pose[:3, 1], lengths[0] - lengths[1]])
    words = [word if d > 0 else opposite for d, (opposite, word) in zip(differences, _OPPOSITES, strict=True)]
    words = [word if abs(d) >= limits.relation_band else "" for word, d in zip(words, differences, strict=True)]
    answer = row["options"][LETTERS.index(row["answer"])]
    return differences if [word.strip() for word in answer.split(",")] == words else "answer is not the relation"


def _verify_box(row: dict[str, Any], record: SceneRecord, limits: Limits) -> Array | str:
    """The box of the visible pixels must agree with the box of the visible vertices, up to a mesh edge."""
    (red,) = row["objects"]
    image = next(i for i in record.images if i.frame.frame_id == row["frame_ids"][1])
    seen, frame = image.objects[red["object_id"]], image.frame
    if row["options"][LETTERS.index(row["answer"])] != "({}, {}, {}, {})".format(*map(int, row["answer_value"])):
        return "answer is not the box"
    slack = limits.box_slack * frame.intrinsics[0, 0] / seen.center_camera[2] + 2
    if np.abs(seen.bbox - seen.vertex_bbox).max() > slack:
        return "two routes to the box differ"
    return (seen.bbox + 0.5) * 1000 / np.array([frame.width, frame.height] * 2)


_RECOMPUTE: dict[str, Recompute] = {
    "depth": _verify_depth,
    "depth_difference": _verify_depth_difference,
    "distance_to_camera": _verify_distance_to_camera,
    "distance_between": _verify_distance_between,
    "nearer": _verify_nearer,
    "relation": _verify_relation,
    "box": _verify_box,
}
"""Second routes by ``Task.quantity``."""
