"""Figures of contrastive probing from delta vectors: coherence of each axis and VD-EI after both definitions, each with
its interval; a permutation null for coherence; what had to be left out.

The mathematics is that of ``metrics/axis_coherence`` and ``metrics/vd_ei``. Intervals are jackknife intervals over
groups (pictures or scenes): a bootstrap would draw a vector twice, which agrees with itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.axis_coherence._core import axis_coherence
from metrics.vd_ei._core import vd_ei
from metrics.vd_ei._vectors import AXES, CATEGORIES

COHERENCE = tuple(f"coh_{axis}" for axis in AXES)
FIGURES = (*COHERENCE, "vd_ei", "vd_ei_pooled")
NAMES = {"coh_horizontal": "Coh_H", "coh_vertical": "Coh_V", "coh_distance": "Coh_D", "vd_ei": "VD-EI",
         "vd_ei_pooled": "VD-EI, pooled"}
"""As the paper writes them; the last is the released code's."""


@dataclass(frozen=True)
class Figure:
    """One figure; NaN where it is not defined, and then ``reason`` says why."""

    value: float
    low: float
    high: float
    interval: str
    n: int
    n_groups: int
    reason: str = ""
    p: float = float("nan")
    """Share of permuted labels that give at least this coherence."""
    null: float = float("nan")
    """Mean coherence under permuted labels."""
    corrected: float = float("nan")
    """VD-EI without the noise of the means."""


@dataclass(frozen=True)
class Measured:
    """Everything about one set of deltas."""

    figures: dict[str, Figure]
    """By the names of ``FIGURES``."""
    similarity: NDArray[np.float64]
    """(6, 6) cosines of the category means, in the order of ``CATEGORIES``."""
    counts: dict[str, int]
    """Category -> deltas used, zero ones included."""
    n_zero: int
    """Deltas that are zero: both questions have one state. They have no direction and are left out."""
    n_duplicate: int
    """Deltas equal to an earlier one, or its opposite. They stay in."""
    n_not_finite: int
    """Pairs with NaN or an infinite state, left out."""


def measure(
    deltas: NDArray[Any], categories: Sequence[str], groups: Sequence[str], permutations: int = 999, seed: int = 0
) -> Measured:
    """
    Args:
        deltas: (N, d), h(swapped) - h(original).
        categories: (N,) answers of the original questions.
        groups: (N,) what shares its errors.
        permutations: of the null; 0: none.
    """
    finite = np.isfinite(deltas).all(axis=1)
    used = np.asarray(deltas, dtype=np.float64)[finite]
    names = [name for name, good in zip(categories, finite, strict=True) if good]
    clusters: Any = [name for name, good in zip(groups, finite, strict=True) if good]
    if len(set(clusters)) == len(clusters):
        clusters = None  # independent
    coherent = axis_coherence(used, names, groups=clusters, permutations=permutations, seed=seed)
    entangled = vd_ei(used, names, groups=clusters)
    figures = {}
    for axis in AXES:
        key = f"coh_{axis}"
        figures[key] = Figure(coherent[key], coherent[f"{key}_low"], coherent[f"{key}_high"],
                              coherent[f"{key}_interval"], coherent[f"n_{axis}"], coherent[f"n_groups_{axis}"],
                              coherent["reasons"].get(key, ""), coherent[f"{key}_p"], coherent[f"{key}_null"])
    n_used = sum(entangled["counts"][name] for name in ("above", "below", "far", "close"))
    for key, prefix in (("vd_ei", ""), ("vd_ei_pooled", "vd_ei_pooled_")):
        figures[key] = Figure(entangled[key], entangled[f"{prefix}low"], entangled[f"{prefix}high"],
                              entangled[f"{prefix}interval"], n_used, entangled["n_groups"],
                              entangled["reasons"].get(key, ""), corrected=entangled[f"{key}_corrected"])
    counts = {name: names.count(name) for name in CATEGORIES}
    return Measured(figures, np.array(entangled["similarity"]), counts, coherent["n_zero"], _duplicates(used),
                    int((~finite).sum()))


def _duplicates(deltas: NDArray[np.float64]) -> int:
    """Rows equal to an earlier one or its opposite, zero rows apart."""
    rows = deltas[deltas.any(axis=1)]
    seen = {min((row + 0.0).tobytes(), (0.0 - row).tobytes()) for row in rows}
    return len(rows) - len(seen)


def principal_components(deltas: NDArray[Any], count: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, count) coordinates of the deltas around their mean, and the share of the variance along each.

    Where the deltas span fewer directions, the rest is 0.
    """
    centred = np.asarray(deltas, dtype=np.float64) - np.mean(deltas, axis=0, dtype=np.float64)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    total = float((lengths**2).sum()) or 1.0
    held = min(count, len(lengths))
    coordinates, shares = np.zeros((len(centred), count)), np.zeros(count)
    coordinates[:, :held], shares[:held] = (left * lengths)[:, :held], (lengths**2)[:held] / total
    return coordinates, shares
