"""A second route to every column of SpatialTunnel: from angles, sizes and names, by formulas of its own.

Places come from sine and cosine of theta, spheres from the angle between their tangents, cubes from their corners;
answers from which object a question names first. Nothing of ``layout`` is used.
"""

from collections.abc import Iterable, Mapping
from math import asin, atan2, cos, hypot, radians, sin, tan
from typing import Any

Row = Mapping[str, Any]
Box = list[float]

_PIXELS = 1e-6
"""Largest difference of a box edge between the two routes."""
_OPPOSITE = {"left": "right", "above": "below", "far": "close"}


def row_problems(row: Row, tunnel: Mapping[str, float]) -> list[str]:
    """What is wrong with a row, one line each.

    Args:
        tunnel: the corridor's parameters, as the manifest has them.
    """
    found = []
    for side in ("far", "near"):
        box = expected_box(row, side, tunnel)
        if max(abs(a - b) for a, b in zip(box, row[f"bbox_{side}"], strict=True)) > _PIXELS:
            found.append(f"bbox_{side} is {row[f'bbox_{side}']}, expected {box}")
    upright = {side: expected_box(dict(row) | {"camera_roll": 0.0}, side, tunnel) for side in ("far", "near")}
    seen = {side: row[f"bbox_{side}"] for side in ("far", "near")}
    for boxes, tag, gap in ((seen, "heuristic", "vertical_gap"), (upright, "scene_heuristic", "scene_vertical_gap")):
        if tag in row:
            higher = (sum(boxes["near"][1::2]) - sum(boxes["far"][1::2])) / 2 / tunnel["resolution"]
            expected = "ambiguous" if abs(higher) < 1e-9 else "consistent" if higher > 0 else "counter"
            if row[tag] != expected or abs(row[gap] - higher) > 1e-9:
                found.append(f"{tag} is {row[tag]} by {row[gap]}, expected {expected} by {higher}")
    if "side" in row and row["side"] != ("far_left" if sum(seen["far"][::2]) < sum(seen["near"][::2]) else "far_right"):
        found.append(f"side is {row['side']}")
    answer = expected_answer(row, row["question"])
    if row["answer"] != answer:
        found.append(f"answer is {row['answer']}, expected {answer}")
    if "category" in row:
        swapped = expected_answer(row, row["swapped_question"])
        both = _OPPOSITE | {b: a for a, b in _OPPOSITE.items()}
        if row["category"] != answer or row["swapped_answer"] != swapped or swapped != both[answer]:
            found.append(f"category is {row['category']}, swapped_answer {row['swapped_answer']}; expected {answer} "
                         f"and {swapped}")
    return [f"index {row['index']} of {row['scene_id']}: {problem}" for problem in found]


def expected_box(row: Row, side: str, tunnel: Mapping[str, float]) -> Box:
    """x1, y1, x2, y2 in pixels of one object's outline."""
    angle, size, depth = radians(row[f"theta_{side}"]), row[f"size_{side}"], row[f"depth_{side}"]
    out = (tunnel["width"] / 2 - size - tunnel["margin"]) / max(abs(cos(angle)), abs(sin(angle)))
    slopes = []
    for offset in (out * cos(angle), -out * sin(angle)):  # right and down
        if row[f"object_{side}"].endswith("sphere"):
            middle, half = atan2(offset, depth), asin(size / hypot(offset, depth))
            slopes.append((tan(middle - half), tan(middle + half)))
        else:
            corners = [(offset + a) / (depth + b) for a in (-size, size) for b in (-size, size)]
            slopes.append((min(corners), max(corners)))
    if row.get("camera_roll"):  # clockwise: what was right is up, what was down is right
        slopes = [slopes[1], (-slopes[0][1], -slopes[0][0])]
    focal = tunnel["resolution"] / 2 / tan(radians(tunnel["field_of_view"]) / 2)
    (left, right), (top, bottom) = slopes
    return [focal * slope + (tunnel["resolution"] - 1) / 2 for slope in (left, top, right, bottom)]


def expected_answer(row: Row, question: str) -> str:
    """The answer to a question about the row's picture, from what the question names first."""
    named = sorted(("far", "near"), key=lambda side: question.index(row[f"object_{side}"]))
    if question.startswith("Compared to"):
        return "far" if row[f"depth_{named[1]}"] > row[f"depth_{named[0]}"] else "close"
    a, b = named
    if "left or right" in question:
        return "left" if sum(row[f"bbox_{a}"][::2]) < sum(row[f"bbox_{b}"][::2]) else "right"
    if "above or below" in question:
        return "above" if sum(row[f"bbox_{a}"][1::2]) < sum(row[f"bbox_{b}"][1::2]) else "below"
    nearer = row[f"depth_{a}"] < row[f"depth_{b}"]
    return "Yes" if nearer == ("closer to" in question) else "No"


def problems(rows: Iterable[Row], tunnel: Mapping[str, float]) -> list[str]:
    """What is wrong with these rows."""
    return [problem for row in rows for problem in row_problems(row, tunnel)]
