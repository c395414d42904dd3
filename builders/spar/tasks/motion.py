"""How the camera moved between two views, and where the second camera stands in the first image (SPAR, appendix 7.5,
"View change infer" and "Camera pose").

Both start from two views that share objects. A motion has five signed numbers, in the order of ``MOTION_UNITS``: metres
to the right, up and forward along the axes of the first camera, then degrees by which the second optical axis points to
the right of the first one and above it. Rotation about the optical axis is left out, as in SPAR; questions say so, and
views that roll by more than ``Limits.max_view_roll`` are not asked.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from builders.scenes.scene import Array, Frame
from builders.spar.choices import alternatives
from builders.spar.facts import Asked, Fact, Gold, Rejected
from builders.spar.geometry import camera_coordinates, project
from builders.spar.limits import Limits
from builders.spar.printing import metres, printed
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, image_of
from builders.spar.tasks.naming import plural, unmistakable
from builders.spar.tasks.sampling import overlapping_pairs, two_views
from builders.spar.tasks.task import Proposal, Task

MOTION_UNITS = ("m", "m", "m", "deg", "deg")
"""Of right, up, forward, rotation to the right, rotation up: the order of the view-change metric."""

DEGREE_STEP = 5
"""Rotations are printed in multiples of this (SPAR-7M)."""

_WAYS = (("right", "left"), ("up", "down"), ("forward", "backward"), ("right", "left"), ("up", "down"))
_PUBLISHED_ORDER = (0, 1, 2, 4, 3)
"""Gold strings name the rotation up before the rotation to the side."""
_SAID = (
    ("{:.1f} meters to the right", "{:.1f} meters to the left"),
    ("{:.1f} meters up", "{:.1f} meters down"),
    ("{:.1f} meters forward", "{:.1f} meters backward"),
    ("{:.0f} degrees to the right", "{:.0f} degrees to the left"),
    ("{:.0f} degrees upward", "{:.0f} degrees downward"),
)
"""A part in a sentence: positive, negative. A part that is 0 is left out."""
_STILL = {"moves": "less than 0.1 meters in any direction", "turns": "less than 5 degrees in any direction"}
"""What a sentence says if no part of a kind is left."""

_COLUMNS = ("left", "", "right")
_ROWS = ("top", "", "bottom")


@dataclass(frozen=True)
class MotionFact(Fact):
    """Motion from the first view to the second. ``asked`` is the object whose passage sentences tell, if any."""

    motion: tuple[float, ...]
    """Five numbers, units of ``MOTION_UNITS``, unrounded."""


@dataclass(frozen=True)
class CameraFact(Fact):
    """Where the second camera's centre appears in the first image."""

    position: tuple[float, ...]
    """(u, v, depth): 0-1000 scale, unrounded, and metres."""
    elsewhere: tuple[tuple[float, ...], ...]
    """The same of the scene's other view pairs that keep the same limits: material for options."""


def relative_motion(first: Frame, second: Frame) -> tuple[tuple[float, ...], float]:
    """The five numbers of the motion from one camera to another, and the roll that they leave out, degrees.

    The pose of the second camera in the first is R_y(yaw) R_x(pitch) R_z(roll): unique for pitches within 90 degrees.
    """
    right, down, forward = (_axes(first) @ (second.center - first.center)).tolist()
    rotation = _axes(first) @ _axes(second).T
    x, y, z = rotation[:, 2].tolist()
    yaw, pitch = np.arctan2(x, z), np.arctan2(-y, np.hypot(x, z))
    level_right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
    roll = np.arctan2(-level_right @ rotation[:, 1], level_right @ rotation[:, 0])
    return (right, -down, forward, float(np.degrees(yaw)), float(np.degrees(pitch))), float(np.degrees(roll))


@lru_cache(maxsize=4096)
def _axes(frame: Frame) -> Array:
    """(3, 3) unit rows: the camera's x, y and z axes in the world. Stored poses are rounded; this is the rotation
    nearest to one, so that all routes to an angle agree."""
    return Rotation.from_matrix(frame.world_from_camera[:3, :3]).as_matrix().T


def _view_change(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> MotionFact | Rejected:
    views, _ = proposal
    first, second = (record.frame(view) for view in views)
    motion, roll = relative_motion(first, second)
    yaw, pitch = motion[3:]
    if abs(pitch) > limits.max_view_pitch:
        return Rejected("turn_undefined")
    if abs(yaw) > limits.max_view_yaw:
        return Rejected("turned_around")
    if abs(roll) > limits.max_view_roll:
        return Rejected("rolled")
    turned = math.degrees(math.acos(math.cos(math.radians(yaw)) * math.cos(math.radians(pitch))))
    if math.hypot(*motion[:3]) < limits.min_view_move and turned < limits.min_view_turn:
        return Rejected("views_alike")
    shared = sorted(set(record.images[views[0]].objects) & set(record.images[views[1]].objects))
    named = [i for i in shared if i in unmistakable(record)]
    asked = (Asked(named[rng.integers(len(named))], 0, "red"),) if named else ()
    return MotionFact(views, asked, None, motion)


def _view_change_answer(
    fact: MotionFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    value = printed(fact.motion[:3]) + tuple(_degrees(angle) for angle in fact.motion[3:])
    slots: Mapping[str, str] = {}
    if format_type == "sentence":
        if not fact.asked:
            return Rejected("ambiguous_label")
        centers = [_center(record, view, fact.asked[0].object_id) for view in fact.views]
        if min(abs(c - border) for center in centers for c in center for border in (1 / 3, 2 / 3)) \
                < limits.min_part_margin:
            return Rejected("between_image_parts")
        start, end = (_part(*(np.minimum(center * 3, 2.9).astype(int).tolist())) for center in centers)
        slots = _said(value) | {"passage": _passage(record.label(fact.asked[0].object_id), start, end)}
    return Gold(motion_text(value), value, fact.motion, MOTION_UNITS, slots=slots)


def motion_text(value: tuple[float, ...]) -> str:
    """Printed numbers in the published form; a part that is 0 has the first of its two words.

    Example:
        >>> motion_text((1.2, -0.4, 0.0, -90.0, 5.0))
        'move_right:1.2,move_down:0.4,move_forward:0.0,rotate_up:5,rotate_left:90'
    """
    parts = []
    for i in _PUBLISHED_ORDER:
        verb, form = ("move", "{:.1f}") if MOTION_UNITS[i] == "m" else ("rotate", "{:.0f}")
        parts.append(f"{verb}_{_WAYS[i][value[i] < 0]}:{form.format(abs(value[i]))}")
    return ",".join(parts)


def _degrees(angle: float) -> float:
    """The multiple of ``DEGREE_STEP`` that is printed; never a negative zero."""
    return float(np.rint(angle / DEGREE_STEP)) * DEGREE_STEP + 0.0


def _said(value: tuple[float, ...]) -> dict[str, str]:
    """Movement and rotation as sentences say them.

    Example:
        >>> _said((0.4, -0.1, 1.0, 0.0, 0.0))["moves"]
        '0.4 meters to the right, 0.1 meters down and 1.0 meters forward'
    """
    parts = [forms[number < 0].format(abs(number)) if number else "" for number, forms in zip(value, _SAID)]
    told = {}
    for slot, of_kind in (("moves", parts[:3]), ("turns", parts[3:])):
        *others, last = [part for part in of_kind if part] or [_STILL[slot]]
        told[slot] = f"{', '.join(others)} and {last}" if others else last
    return told


def _center(record: SceneRecord, view: int, object_id: str) -> Array:
    """(2,) middle of the object's 2D box as shares of the image's width and height."""
    image = record.images[view]
    return (image.objects[object_id].bbox.reshape(2, 2).mean(axis=0) + 0.5) / (image.frame.width, image.frame.height)


def _part(column: int, row: int) -> str:
    """One of nine image parts.

    Example:
        >>> _part(0, 0), _part(1, 2), _part(1, 1)
        ('top left part', 'bottom part', 'center')
    """
    words = [word for word in (_ROWS[row], _COLUMNS[column]) if word]
    return " ".join([*words, "part"]) if words else "center"


def _passage(label: str, start: str, end: str) -> str:
    stays, moves = ("stay", "move") if plural(label) else ("stays", "moves")
    return f"{stays} in the {end}" if start == end else f"{moves} from the {start} to the {end}"


def _second_motion(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """Along the first camera's axes in the world; angles by half-angle tangents between unit vectors."""
    first, second = (image_of(row, record, view).frame for view in (0, 1))
    right, down, forward = _axes(first)
    moved, axis = second.center - first.center, _axes(second)[2]
    level = axis - (axis @ down) * down
    level = level / np.linalg.norm(level)
    yaw = np.copysign(_angle(level, forward), level @ right)
    pitch = 90 - _angle(axis, -down)
    exact = np.array([moved @ right, -(moved @ down), moved @ forward, yaw, pitch])
    value = tuple(float(metres(x)) for x in exact[:3]) + tuple(_degrees(x) for x in exact[3:])
    if row["format_type"] != "sentence":
        return Second(exact, motion_text(value))
    (red,) = row["objects"]
    parts = []
    for view in (0, 1):
        image = image_of(row, record, view)
        x1, y1, x2, y2 = image.objects[red["object_id"]].bbox.tolist()
        column, line = (x1 + x2 + 1) / 2 // (image.frame.width / 3), (y1 + y2 + 1) / 2 // (image.frame.height / 3)
        parts.append(_part(int(column), int(line)))
    return Second(exact, ", ".join([*_said(value).values(), _passage(red["label"], *parts)]))


def _angle(a: Array, b: Array) -> float:
    """Degrees between two unit vectors (3,), exact also for small angles."""
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def seen_camera(first: Frame, second: Frame, limits: Limits) -> tuple[float, ...] | None:
    """Centre of the second camera in the first image: (u, v) on the 0-1000 scale and depth in metres; None if it is
    behind the first camera, too close to its plane, or outside the image."""
    center = camera_coordinates(second.center, first)
    if center[2] < limits.min_camera_depth:
        return None
    scaled = (project(center, first.intrinsics) + 0.5) / (first.width, first.height) * 1000
    return (*scaled.tolist(), float(center[2])) if ((scaled >= 0) & (scaled <= 1000)).all() else None


def _camera_motion(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> CameraFact | Rejected:
    views, _ = proposal
    position = _seen_cameras(record, limits).get(views)
    if position is None:
        return Rejected("camera_out_of_view")
    others = tuple(other for pair, other in _seen_cameras(record, limits).items() if pair != views)
    return CameraFact(views, (), None, position, others)


@lru_cache(maxsize=1)
def _seen_cameras(record: SceneRecord, limits: Limits) -> dict[tuple[int, ...], tuple[float, ...]]:
    """``seen_camera`` of every overlapping pair that has one."""
    seen = (((a, b), seen_camera(record.frame(a), record.frame(b), limits))
            for a, b in overlapping_pairs(record, limits))
    return {pair: position for pair, position in seen if position is not None}


def _camera_motion_answer(
    fact: CameraFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    def differ(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return (abs(a[2] - b[2]) >= limits.min_option_depth
                or bool(np.hypot(a[0] - b[0], a[1] - b[1]) >= limits.min_option_px1000))

    others = () if format_type != "select" else alternatives(fact.position, fact.elsewhere, 3, differ, rng)
    if isinstance(others, Rejected):
        return others
    form = "Image Coor: ({}, {}), Depth: {} meters" if format_type == "select" else "({}, {}), {}"
    texts = [form.format(round(u), round(v), metres(depth)) for u, v, depth in (fact.position, *others)]
    u, v, depth = fact.position
    value = float(round(u)), float(round(v)), float(metres(depth))
    slots = {"u": str(round(u)), "v": str(round(v)), "depth": metres(depth)}
    return Gold(texts[0], value, fact.position, ("px1000", "px1000", "m"), tuple(texts[1:]), slots)


def _second_camera(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """By similar triangles along the first camera's axes in the world."""
    first, second = (image_of(row, record, view).frame for view in (0, 1))
    pose, matrix = first.world_from_camera, first.intrinsics
    x, y, z = ((second.center - pose[:3, 3]) @ pose[:3, axis] for axis in range(3))
    u = (matrix[0, 0] * x / z + matrix[0, 1] * y / z + matrix[0, 2] + 0.5) * 1000 / first.width
    v = (matrix[1, 1] * y / z + matrix[1, 2] + 0.5) * 1000 / first.height
    return Second(np.array([u, v, z]))


_BETWEEN_TWO_VIEWS: dict[str, Any] = {
    "level": "medium", "relation": "none", "img_type": "multi_view", "views": 2, "marker": "none", "propose": two_views,
}

MOTION_TASKS = (
    Task(
        name="view_change_infer", short="ViewChgI", formats=("fill", "sentence"), bench_format="fill", options=0,
        measure=_view_change, answer=_view_change_answer, recompute=_second_motion, fill_metric="view_change",
        **_BETWEEN_TWO_VIEWS,
    ),
    Task(
        name="camera_motion_infer", short="CamMotion", formats=("fill", "select", "sentence"), bench_format="select",
        options=4, measure=_camera_motion, answer=_camera_motion_answer, recompute=_second_camera,
        fill_metric="camera_position", **_BETWEEN_TWO_VIEWS,
    ),
)
