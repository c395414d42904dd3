"""The rows of SpatialTunnel: what is asked about a picture, and what is known of it.

Published wording (Why Far Looks Up, appendix C.1): four yes/no questions per picture, two of them true; or, for
probing, six short questions whose answers are left, right, above, below, far and close, each with its swapped partner.
"""

from collections.abc import Iterator
from typing import Any

import datasets

from builders import heuristic
from builders.tunnel.layout import QUESTIONS, TunnelSettings, place, theta
from builders.tunnel.plans import Shot

Row = dict[str, Any]
Box = tuple[float, float, float, float]

CATEGORIES = ("left", "right", "above", "below", "far", "close")

AXES = {
    "horizontal": ("left", "right", "Is the {a} to the left or right of the {b}? Answer with only one word."),
    "vertical": ("above", "below", "Is the {a} above or below the {b}? Answer with only one word."),
    "distance": ("far", "close", "Compared to {b}, is {a} far or close from you? Answer with only one word."),
}
"""Axis -> (answer of one sign, answer of the other, wording)."""

_PUBLISHED = {
    "index": datasets.Value("int64"),
    "image": datasets.Image(),
    "question": datasets.Value("string"),
    "answer": datasets.Value("string"),
}
_OWN = {
    "scene_id": datasets.Value("string"),
    "template": datasets.Value("string"),
    "theta_far": datasets.Value("float64"),
    "theta_near": datasets.Value("float64"),
    "cell": datasets.List(datasets.Value("int64")),
    "depth_far": datasets.Value("float64"),
    "depth_near": datasets.Value("float64"),
    "size_far": datasets.Value("float64"),
    "size_near": datasets.Value("float64"),
    "object_far": datasets.Value("string"),
    "object_near": datasets.Value("string"),
    "bbox_far": datasets.List(datasets.Value("float64")),
    "bbox_near": datasets.List(datasets.Value("float64")),
    "heuristic": datasets.Value("string"),
    "vertical_gap": datasets.Value("float64"),
}
_OF_CONFIG = {
    "contrastive_probing": ("category", "swapped_question", "swapped_answer"),
    "horizontal_control": ("side",),
    "roll_control": ("camera_roll", "scene_heuristic", "scene_vertical_gap"),
}
_NUMBERS = ("camera_roll", "scene_vertical_gap")


def features_of(config: str) -> datasets.Features:
    """The columns of a config: the published four, ours, and those of this config alone."""
    own = {name: datasets.Value("float64" if name in _NUMBERS else "string") for name in _OF_CONFIG.get(config, ())}
    return datasets.Features(_PUBLISHED | _OWN | own)


def rows_of(config: str, shot: Shot, settings: TunnelSettings) -> Iterator[Row]:
    """The rows about one picture, without ``index`` and ``image``, in published order."""
    facts = facts_of(shot, settings)
    names = {"far": facts["object_far"], "near": facts["object_near"]}
    if config == "contrastive_probing":
        yield from (facts | row for row in _probing_rows(facts))
        return
    if config == "horizontal_control":
        facts["side"] = "far_left" if _middle(facts["bbox_far"])[0] < _middle(facts["bbox_near"])[0] else "far_right"
    if config == "roll_control":
        upright = place(shot.scene, shot.cell, settings)
        facts |= {"camera_roll": float(shot.roll), "scene_heuristic": upright.heuristic,
                  "scene_vertical_gap": upright.vertical_gap}
    for template, question, answer in QUESTIONS:
        yield facts | {"template": template, "question": question.format(**names), "answer": answer}


def facts_of(shot: Shot, settings: TunnelSettings) -> Row:
    """What is known of a picture. Angles are those in the corridor; boxes, gap and tag those in the image."""
    scene, placed = shot.scene, place(shot.scene, shot.cell, settings)
    far_box, near_box, gap, tag = placed.far_box, placed.near_box, placed.vertical_gap, placed.heuristic
    if shot.roll:
        far_box, near_box = (rolled(box, settings.resolution) for box in (far_box, near_box))
        gap = heuristic.vertical_gap(near_box, far_box, settings.resolution)
        gap = 0.0 if abs(gap) < _EXACT else gap
        tag = heuristic.tag(gap, min_gap=0)
    return {
        "scene_id": scene.scene_id,
        "theta_far": theta(shot.cell[0]),
        "theta_near": theta(shot.cell[1]),
        "cell": list(shot.cell),
        "depth_far": settings.depth_far,
        "depth_near": settings.depth_near,
        "size_far": scene.far.size,
        "size_near": scene.near.size,
        "object_far": scene.far.name,
        "object_near": scene.near.name,
        "bbox_far": list(far_box),
        "bbox_near": list(near_box),
        "heuristic": tag,
        "vertical_gap": gap,
    }


_EXACT = 1e-9
"""Share of the image height; a smaller gap is a rounding error of a tie."""


def rolled(box: Box, resolution: int) -> Box:
    """A box in the picture of a camera that was turned clockwise by 90 degrees: the picture turns the other way."""
    x1, y1, x2, y2 = box
    return y1, resolution - 1 - x2, y2, resolution - 1 - x1


def _probing_rows(facts: Row) -> Iterator[Row]:
    """Six questions: along each axis, about the farther object and about the nearer one."""
    (far_x, far_y), (near_x, near_y) = _middle(facts["bbox_far"]), _middle(facts["bbox_near"])
    first_holds = {"horizontal": far_x < near_x, "vertical": far_y < near_y, "distance": True}
    names = facts["object_far"], facts["object_near"]
    for axis, (first, second, wording) in AXES.items():
        for about_far in (True, False):
            a, b = names if about_far else names[::-1]
            answer, swapped = (first, second) if first_holds[axis] == about_far else (second, first)
            yield {"template": axis, "question": wording.format(a=a, b=b), "answer": answer, "category": answer,
                   "swapped_question": wording.format(a=b, b=a), "swapped_answer": swapped}


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
