"""Answers that place things in space, as text: 3D boxes seen from a frame, and positions on a bird's-eye map.

What a model writes is read into one form, that of the gold answers; cameras of the row turn a box in words into a box
in the world. Boxes are (6,) numbers: centre and full extents along the world's axes, metres.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics._shared.answers import Parsed, final_text, is_refusal
from metrics._shared.number_lists import NUMBER, parse_numbers
from metrics.position_error._positions import normalised, read_positions

Array = NDArray[np.float64]
Row = Mapping[str, Any]

BoxNumbers = tuple[float, ...]
"""Frame (from 0), u, v (0 to 1000), depth (m), size along x, y and z (cm)."""

_FRAME = re.compile(
    r"\b(?:frame|image|view|picture)s?\b[\s\"'*:=#\[({-]*(?:(?:no|number|index|id)\b[\s\"'.:=#]*)?(?=\d)",
    re.IGNORECASE)
_TIMES = re.compile(r"(?<=[\d.m])\s*[x*\u00d7]\s*(?=\.?\d)", re.IGNORECASE)


_LARGEST = 1e6
"""No room holds a number beyond it: what an answer places so far away is not placed, or means would overflow."""


# ---------------------------------------------------------------- boxes


def parse_box(answer: object) -> Parsed[BoxNumbers]:
    """Read a box: seven numbers in this order, whatever stands between them. Depth and size may state other units. Of
    an answer with several boxes the first counts (only the first frame is used, after SPAR); words may come before it.

    >>> parse_box("Frame: 2, center: (512, 88), depth: 2.34 m, size: 60 x 45 x 80 cm").value
    (2.0, 512.0, 88.0, 2.34, 60.0, 45.0, 80.0)
    >>> parse_box('{"frame": 2, "center": [512, 88], "depth": "234 cm", "size": "0.6 x 0.45 x 0.8 m"}').value
    (2.0, 512.0, 88.0, 2.34, 60.0, 45.0, 80.0)
    >>> [parse_box(text).status for text in ("", "I cannot see it.", "Frame 2, (512, 88), depth 2.34 m")]
    ['empty', 'refused', 'malformed']
    """
    final = final_text(answer)
    if final.value is None:
        return Parsed(None, final.status)
    text = _TIMES.sub(", ", final.value)
    frames = [found.start() for found in _FRAME.finditer(text)] or [0]
    parts = [text[start:end] for start, end in zip(frames, (*frames[1:], None))]
    said, numbers = next(((part, held) for part in parts if len(held := list(NUMBER.finditer(part))) == 7), ("", []))
    if not numbers:
        return Parsed(None, "refused" if is_refusal(text) else "malformed")
    size_at = numbers[4].start()
    seen, size = parse_numbers(said[:size_at], 4, (None, None, None, "m")), parse_numbers(said[size_at:], 3, "cm")
    if seen.value is None or size.value is None:
        return Parsed(None, seen.status if seen.value is None else size.status)
    frame, _, _, depth = seen.value
    found = (*seen.value, *size.value)
    if frame < 0 or frame % 1 or min(depth, *size.value) <= 0 or max(map(abs, found)) > _LARGEST:
        return Parsed(None, "malformed")
    return Parsed(found, "ok")


def read_box_answer(row: Row, text: object) -> Parsed[str]:
    """A box in the form of the gold answers, with all digits given; malformed where the question has no such frame."""
    value, status = parse_box(text)
    if value is None or value[0] >= len(row["frame_ids"]):
        return Parsed(None, status if value is None else "malformed")
    frame, *rest = value
    form = "Frame: {:.0f}, center: ({!r}, {!r}), depth: {!r} m, size: {!r} x {!r} x {!r} cm"
    return Parsed(form.format(frame, *rest), "ok")


def box_of(row: Row, numbers: Sequence[float]) -> Array:
    """(6,) the box that an answer means, by the camera of the frame it names: X = R (depth K^-1 [x, y, 1]) + t.

    Args:
        row: with ``intrinsics``, ``world_from_camera``, ``width`` and ``height`` of each frame.
        numbers: as :func:`parse_box` gives them.
    """
    frame, u, v, depth, *size = numbers
    view = int(frame)
    pixel = np.array([u * row["width"][view], v * row["height"][view]]) / 1000 - 0.5
    pose = np.asarray(row["world_from_camera"][view])
    center = pose[:3, :3] @ (depth * np.linalg.solve(np.asarray(row["intrinsics"][view]), [*pixel, 1.0])) + pose[:3, 3]
    return np.concatenate([center, np.asarray(size) / 100])


def gold_box(row: Row) -> Array:
    """(6,) the unrounded box of the object that is asked for."""
    return np.concatenate([row["box_centers"][0], row["box_extents"][0]])


def aligned_ious(box: Array, others: Array) -> Array:
    """(N,) IoU of a box (6,) with boxes (N, 6).

    >>> aligned_ious(np.array([0, 0, 0, 2, 2, 2.0]), np.array([[1, 0, 0, 2, 2, 2.0]])).round(3)
    array([0.333])
    """
    low = np.maximum(box[:3] - box[3:] / 2, others[:, :3] - others[:, 3:] / 2)
    high = np.minimum(box[:3] + box[3:] / 2, others[:, :3] + others[:, 3:] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return shared / (box[3:].prod() + others[:, 3:].prod(axis=1) - shared)


def refined(box: Array, proposals: Array) -> Array:
    """(6,) the proposal that matches the box best (SPAR, section 3.5): the one of greatest IoU; where none overlaps it,
    the one whose centre is nearest. Without proposals the box itself.

    Args:
        proposals: (N, 6).
    """
    if not len(proposals):
        return box
    overlap = aligned_ious(box, proposals)
    nearest = np.linalg.norm(proposals[:, :3] - box[:3], axis=1).argmin()
    return proposals[overlap.argmax() if overlap.any() else nearest]


# ---------------------------------------------------------------- maps


def gold_map(row: Row) -> dict[str, tuple[float, float]]:
    """Name -> unrounded (x, y) in metres."""
    exact = row["answer_exact"]
    return {item["label"]: at for item, at in zip(row["objects"], zip(exact[::2], exact[1::2]), strict=True)}


def read_map_answer(row: Row, text: object) -> Parsed[str]:
    """The places of a map in the form of the gold answers, with all digits given; malformed without a single one."""
    final = final_text(text)
    if final.value is None:
        return Parsed(None, final.status)
    known = [normalised(item["label"]) for item in row["objects"]]
    try:
        read = read_positions(text, known).places
    except (TypeError, KeyError, ValueError):
        read = {}
    places = {name: at for name, at in read.items() if max(map(abs, at)) <= _LARGEST}
    if not places:
        return Parsed(None, "refused" if is_refusal(final.value) else "malformed")
    called = dict(zip(known, (item["label"] for item in row["objects"])))
    return Parsed(", ".join(f"{called.get(name, name)}: ({x!r}, {y!r})" for name, (x, y) in places.items()), "ok")
