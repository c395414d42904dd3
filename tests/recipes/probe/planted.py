"""Deltas with a known truth: each is a step along its axis, and noise.

With step s and noise of length r (in many dimensions orthogonal to everything), two deltas of an axis have the cosine
s^2 / (s^2 + r^2); so has the axis its coherence. The direction of distance has the cosine ``entanglement`` with that of
height; the mean of n deltas has noise of squared length r^2 / n left, so VD-EI is ``entanglement`` times what is left.
"""

from dataclasses import dataclass

import numpy as np

from metrics.vd_ei._vectors import AXES

STEPS = {"horizontal": 3.0, "vertical": 4.0, "distance": 2.0}


@dataclass(frozen=True)
class Planted:
    """Truth and data."""

    original: np.ndarray
    swapped: np.ndarray
    categories: list[str]
    coherence: dict[str, float]
    vd_ei: float
    corrected: float
    """VD-EI without noise."""


def planted(entanglement: float, noise: float = 5.0, per_category: int = 100, width: int = 256, seed: int = 0,
            scale: float = 1.0) -> Planted:
    rng = np.random.default_rng(seed)
    along, up, depth = np.linalg.qr(rng.normal(size=(width, 3)))[0].T
    directions = {"horizontal": along, "vertical": up,
                  "distance": entanglement * up + np.sqrt(1 - entanglement**2) * depth}
    deltas, categories = [], []
    for axis, halves in AXES.items():
        for sign, category in zip((1, -1), halves):
            drawn = rng.normal(size=(per_category, width)) * noise / np.sqrt(width)
            deltas.append(sign * scale * STEPS[axis] * directions[axis] + drawn)
            categories += [category] * per_category
    original = rng.normal(size=(len(categories), width))
    steps = {axis: (scale * step) ** 2 for axis, step in STEPS.items()}
    left = {axis: step / (step + noise**2 / per_category) for axis, step in steps.items()}
    return Planted(original, original + np.concatenate(deltas), categories,
                   {axis: step / (step + noise**2) for axis, step in steps.items()},
                   entanglement * np.sqrt(left["vertical"] * left["distance"]), entanglement)
