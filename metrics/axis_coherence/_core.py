"""Axis coherence: mean pairwise cosine of sign-corrected delta vectors (arXiv 2605.30161, contrastive probing).

With unit vectors u_i the sum over all pairs is (||sum u||^2 - N) / 2, hence Coh = (||sum u||^2 - N) / (N (N - 1)) in
O(N d) time and memory; the N x N matrix of cosines is never made.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._intervals import Interval, group_indices, jackknife_interval
from ._permutation import permuted_coherence
from ._vectors import AXES, CATEGORIES, read_vectors, sums_by, unit_vectors

_TIE = 1e-12


def mean_pairwise_cosine(units: NDArray[np.float64]) -> float:
    """Mean cosine over the pairs of (N, d) vectors of length 1; NaN for fewer than two.

    >>> mean_pairwise_cosine(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    0.3333333333333333
    """
    n = len(units)
    if n < 2:
        return float("nan")
    total = units.sum(axis=0)
    return float(np.clip((total @ total - np.einsum("ij,ij->", units, units)) / (n * (n - 1)), -1 / (n - 1), 1.0))


def _left_out(units: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """(G,) mean pairwise cosine without each group in turn; NaN where fewer than two vectors are left."""
    numbers, sums = sums_by(units, groups)
    total = units.sum(axis=0)
    n = (len(units) - np.bincount(groups)[numbers]).astype(np.float64)
    lengths = total @ total - 2 * (sums @ total) + np.einsum("ij,ij->i", sums, sums)
    return np.where(n < 2, np.nan, (lengths - n) / np.maximum(n * (n - 1), 1))


def _one_axis(
    units: NDArray[np.float64],
    signs: NDArray[np.float64],
    groups: NDArray[np.int64],
    options: dict[str, Any],
) -> tuple[float, Interval, NDArray[np.float64]]:
    """Coherence of one axis, its interval and its permutation null."""
    corrected = units * signs[:, None]
    coherence = mean_pairwise_cosine(corrected)
    interval = jackknife_interval(
        coherence,
        _left_out(corrected, groups),
        len(units),
        clustered=options["clustered"],
        confidence=options["confidence"],
        limits=(-1 / (len(units) - 1), 1.0),
    )
    null = permuted_coherence(units, signs, groups, options["permutations"], options["seed"])
    return coherence, interval, null


def axis_coherence(
    predictions: Any,
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    permutations: int = 999,
    seed: int = 0,
) -> dict[str, Any]:
    """Coherence of the horizontal, vertical and distance axis with intervals and a permutation null.

    Args:
        predictions: (N, d) delta vectors h(swapped) - h(original), in any common unit; an array or nested sequences.
        references: (N,) left, right, above, below, far or close; "under" and "beneath" mean below.
        groups: (N,) image or scene of each vector, for intervals and a null that respect what vectors share.
        confidence: coverage of the intervals.
        permutations: draws of the null; 0 leaves it out.
        seed: of the permutations.

    Returns:
        For each axis: coh_<axis> (-1 / (n - 1) to 1), coh_<axis>_low, _high, _interval (method, a jackknife), _p
        (share of label permutations, the given labels included, with at least that coherence), _null (their mean),
        n_<axis> and n_groups_<axis>. Further counts, {category: vectors}; n, all vectors; n_zero, how many were zero
        and dropped; and reasons, {key: why it is NaN}. Below two vectors an axis is NaN; one half of it may be
        absent, and then there is nothing to permute.

    Raises:
        ValueError: vectors of unequal length or not finite, unknown categories (the item is named), unequal counts.

    >>> result = axis_coherence([[1, 0], [-2, 0], [3, 3]], ["left", "right", "far"])
    >>> result["coh_horizontal"], result["n_horizontal"], result["coh_distance"], result["reasons"]["coh_distance"]
    (1.0, 2, nan, 'fewer than two vectors')
    """
    references = list(references)
    read = read_vectors(predictions, references)
    n = len(references)
    index = np.arange(n) if groups is None else group_indices(groups, n)
    index = index[read.kept]
    nan = float("nan")
    options = {"confidence": confidence, "permutations": permutations, "seed": seed, "clustered": groups is not None}
    scores: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for axis, (canonical, opposite) in AXES.items():
        key = f"coh_{axis}"
        halves = [read.categories == CATEGORIES.index(name) for name in (canonical, opposite)]
        mask = halves[0] | halves[1]
        count = int(mask.sum())
        own_groups = np.unique(index[mask], return_inverse=True)[1].reshape(-1)
        coherence, interval, null = nan, Interval(None, None, "none", count, 0), np.zeros(0)
        if count > 1:
            signs = np.where(halves[0][mask], 1.0, -1.0)
            coherence, interval, null = _one_axis(unit_vectors(read.values[mask]), signs, own_groups, options)
        at_least = int((null >= coherence - _TIE).sum())
        scores |= {
            key: coherence,
            f"{key}_low": nan if interval.low is None else interval.low,
            f"{key}_high": nan if interval.high is None else interval.high,
            f"{key}_interval": interval.method,
            f"{key}_p": (1 + at_least) / (1 + len(null)) if len(null) else nan,
            f"{key}_null": float(null.mean()) if len(null) else nan,
        }
        counts |= {f"n_{axis}": count, f"n_groups_{axis}": len(np.unique(own_groups))}
        if count < 2:
            reasons |= dict.fromkeys((key, f"{key}_low", f"{key}_high", f"{key}_p"), "fewer than two vectors")
            continue
        if interval.low is None:
            reasons |= dict.fromkeys((f"{key}_low", f"{key}_high"), "too few vectors or groups to leave one out")
        if not len(null):
            absent = [name for name, half in zip((canonical, opposite), halves) if not half.any()]
            why = f"no {absent[0]} vectors" if absent else "no two groups of one size with different labels"
            reasons |= {f"{key}_p": why if permutations else "no permutations asked for"}
    return {
        **scores,
        **counts,
        "counts": {name: int((read.categories == number).sum()) for number, name in enumerate(CATEGORIES)},
        "n": n,
        "n_zero": int((~read.kept).sum()),
        "reasons": reasons,
    }
