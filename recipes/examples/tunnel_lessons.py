"""Pictures of the tunnel with questions, to train on: as they come, or only where height predicts depth.

Besides the dataset's own questions each lesson asks where its objects are in the picture: comparing places is learned
in minutes once places are known, and hardly at all from yes and no alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.randomness import generator
from builders.tunnel.layout import ANGLES, TunnelSettings, draw_scene, place
from builders.tunnel.plans import Shot
from builders.tunnel.questions import CATEGORIES, rows_of
from builders.tunnel.raycast import RaycastRenderer

GRID = 8
"""Rows and columns that a place in the picture is told by."""
_PLACES = {"row": "In which row is the {a}?", "column": "In which column is the {a}?"}
_ASKED = {"phase_variation": 2, "contrastive_probing": 3}
"""Config -> questions asked of each picture: two of four with yes or no; of each axis one of two."""


@dataclass(frozen=True)
class Lessons:
    """Pictures, and as many questions about each; those in one place have one number of words."""

    pixels: NDArray[np.uint8]
    """(N, size, size, 3)."""
    questions: list[list[str]]
    answers: list[list[str]]


def words() -> str:
    """What answers are made of."""
    return " ".join(["Yes", "No", *CATEGORIES, *(f"{kind}{n}" for kind in _PLACES for n in range(GRID))])


def make_lessons(count: int, biased: bool, resolution: int, seed: int) -> Lessons:
    """Draw scenes and cells at random.

    Args:
        biased: keep the cells where the farther object is the higher one; else any in which one stands higher.
    """
    settings = TunnelSettings(resolution=resolution)
    renderer, rng = RaycastRenderer(settings), generator("lessons", seed, str(biased))
    pixels: list[NDArray[np.uint8]] = []
    questions: list[list[str]] = []
    answers: list[list[str]] = []
    while len(pixels) < count:
        scene = draw_scene(f"lesson {len(pixels)}", settings, ("lessons", seed))
        cell = (int(rng.integers(ANGLES)), int(rng.integers(ANGLES)))
        tag = place(scene, cell, settings).heuristic
        if tag == "ambiguous" or (biased and tag != "consistent"):
            continue
        shot = Shot(scene, cell)
        rows: list[dict[str, Any]] = []
        for config, asked in _ASKED.items():
            held = list(rows_of(config, shot, settings))
            each = len(held) // asked
            rows += [held[each * n + int(rng.integers(each))] for n in range(asked)]
        rows += _places(rows[0], resolution)
        pixels.append(renderer.pixels(scene, cell))
        questions.append([row["question"] for row in rows])
        answers.append([row["answer"] for row in rows])
    return Lessons(np.stack(pixels), questions, answers)


def _places(facts: dict[str, Any], resolution: int) -> list[dict[str, str]]:
    """Where each object's centre is."""
    rows = []
    for which in ("far", "near"):
        x1, y1, x2, y2 = facts[f"bbox_{which}"]
        for (kind, wording), middle in zip(_PLACES.items(), ((y1 + y2) / 2, (x1 + x2) / 2), strict=True):
            number = min(GRID - 1, int(middle / resolution * GRID))
            rows.append({"question": wording.format(a=facts[f"object_{which}"]), "answer": f"{kind}{number}"})
    return rows
