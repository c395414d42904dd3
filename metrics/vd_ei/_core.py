"""Vertical-distance entanglement index, VD-EI (arXiv 2605.30161, contrastive probing), and the released code's variant.

    VD-EI = 1/4 [cos(above, far) + cos(below, close) - cos(above, close) - cos(below, far)]   of the raw mean vectors
    pooled = cos(mean of {above, -below}, mean of {far, -close})

All of it follows from the 6 x 6 inner products of the category sums, because a cosine does not depend on the length:
cosines of sums are cosines of means. Sample means are longer than true ones, by their noise, which draws both scores
towards 0; intervals are made around the scores without that noise, and widened where needed to hold the scores as
defined. Where a mean cannot be told from noise, any direction is possible: the interval is -1 to 1, ``undetermined``.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._intervals import group_indices, jackknife_interval
from ._vectors import CATEGORIES, read_vectors, sums_by

_SIX = len(CATEGORIES)
_ABOVE, _BELOW, _FAR, _CLOSE = (CATEGORIES.index(name) for name in ("above", "below", "far", "close"))
_VERTICAL = np.array([0, 0, 1, -1, 0, 0])
_DISTANCE = np.array([0, 0, 0, 0, 1, -1])
_NUMBERS_AT_ONCE = 4_000_000
_ROUNDING = 1e-13


def _cosine(product: Any, first: Any, second: Any) -> NDArray[np.float64]:
    """Cosine of an inner product and two squared lengths; NaN where one of them is not positive."""
    scale = np.sqrt(np.maximum(first, 0) * np.maximum(second, 0))
    return np.divide(product, scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)


def cosines(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 6, 6) cosines from (..., 6, 6) inner products."""
    squares = np.einsum("...ii->...i", products)
    return _cosine(products, squares[..., :, None], squares[..., None, :])


def four_term(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) VD-EI of the paper from (..., 6, 6) inner products; NaN where a category has no direction.

    >>> far_is_up = np.zeros((6, 6))  # above = far = -below = -close
    >>> far_is_up[2:, 2:] = np.outer([1, -1, 1, -1], [1, -1, 1, -1])
    >>> float(four_term(far_is_up))
    1.0
    """
    c = cosines(products)
    aligned, opposing = c[..., _ABOVE, _FAR] + c[..., _BELOW, _CLOSE], c[..., _ABOVE, _CLOSE] + c[..., _BELOW, _FAR]
    return (aligned - opposing) / 4


def pooled(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) cosine of the pooled sign-corrected vertical and distance vectors, from (..., 6, 6) inner products."""
    vertical, distance = products @ _VERTICAL, products @ _DISTANCE
    squares = np.einsum("...ii->...i", products)
    lengths = [
        np.where(length > _ROUNDING * (squares @ np.abs(axis)), length, 0.0)
        for length, axis in ((vertical @ _VERTICAL, _VERTICAL), (distance @ _DISTANCE, _DISTANCE))
    ]
    return _cosine(distance @ _VERTICAL, *lengths)


def _group_products(
    values: NDArray[np.float64], categories: NDArray[np.int64], groups: NDArray[np.int64], total: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(G, 6, 6) inner products of each group's category sums with one another, and with the sums of all, ``total``."""
    number = int(groups.max()) + 1
    keys, sums = sums_by(values, groups * _SIX + categories)
    own, cross = np.empty((number, _SIX, _SIX)), np.empty((number, _SIX, _SIX))
    step = max(1, _NUMBERS_AT_ONCE // (_SIX * values.shape[1]))
    for start in range(0, number, step):
        stop = min(start + step, number)
        first, last = np.searchsorted(keys, [start * _SIX, stop * _SIX])
        dense = np.zeros((stop - start, *total.shape))
        dense[keys[first:last] // _SIX - start, keys[first:last] % _SIX] = sums[first:last]
        own[start:stop], cross[start:stop] = dense @ dense.transpose(0, 2, 1), dense @ total.T
    return own, cross


def corrected_products(
    values: NDArray[np.float64], categories: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inner products of the category sums without the noise in them, of all groups and without each group in turn.

    The inner product of two sums contains products of a vector with itself and with its own group, which make sums
    longer than the true ones and their cosines smaller. Here the mean over pairs of different groups stands for all.

    Args:
        values: (N, d) vectors.
        categories: (N,) positions in `CATEGORIES`.
        groups: (N,) group numbers 0 ... G-1, each in use.

    Returns:
        (6, 6) and (G, 6, 6); 0 for categories without vectors, NaN for those with vectors in one group only.
    """
    total = np.zeros((_SIX, values.shape[1]))
    present, sums = sums_by(values, categories)
    total[present] = sums
    own, cross = _group_products(values, categories, groups, total)
    sizes = np.bincount(groups * _SIX + categories, minlength=len(own) * _SIX).reshape(-1, _SIX).astype(np.float64)
    counts = sizes.sum(axis=0)
    own_pairs = sizes[:, :, None] * sizes[:, None, :]
    products, pairs = total @ total.T - own.sum(axis=0), np.outer(counts, counts) - own_pairs.sum(axis=0)
    cross_pairs = sizes[:, :, None] * counts
    fewer_products = products + 2 * own - cross - cross.transpose(0, 2, 1)
    fewer_pairs = pairs + 2 * own_pairs - cross_pairs - cross_pairs.transpose(0, 2, 1)

    def scaled(top: NDArray[np.float64], bottom: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
        every = n[..., :, None] * n[..., None, :]
        return np.where(every > 0, mean * every, 0.0)

    return scaled(products, pairs, counts), scaled(fewer_products, fewer_pairs, counts - sizes)


def vd_ei(
    predictions: Any,
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """VD-EI of delta vectors after the paper and after the released code, with intervals and the 6 x 6 cosines.

    Args:
        predictions: (N, d) delta vectors h(swapped) - h(original), in any common unit; an array or nested sequences.
        references: (N,) left, right, above, below, far or close; "under" and "beneath" mean below.
        groups: (N,) image or scene of each vector, for intervals that respect what vectors share.
        confidence: coverage of the intervals.

    Returns:
        vd_ei (-1 to 1; positive: above goes with far), low, high, interval (method, a jackknife); vd_ei_pooled and
        vd_ei_pooled_low, _high, _interval; vd_ei_corrected and vd_ei_pooled_corrected, the scores without the noise of
        the means, around which the intervals lie; similarity, 6 x 6 cosines of the category means in the order of
        categories; categories; counts, {category: vectors}; n, all vectors; n_zero, how many were zero and dropped;
        n_groups, of the vertical and distance vectors; reasons, {key: why it is NaN}. vd_ei needs above, below, far
        and close; vd_ei_pooled needs one half of each axis.

    Raises:
        ValueError: vectors of unequal length or not finite, unknown categories (the item is named), unequal counts.

    >>> result = vd_ei([[1, 1], [-1, -1], [0, 2], [0, -3]], ["above", "below", "far", "close"])
    >>> round(result["vd_ei"], 4), round(result["vd_ei_pooled"], 4), round(result["similarity"][2][3], 4)
    (0.7071, 0.7071, -1.0)
    """
    references = list(references)
    read = read_vectors(predictions, references)
    n, nan = len(references), float("nan")
    index = np.arange(n) if groups is None else group_indices(groups, n)
    counts = np.bincount(read.categories, minlength=_SIX)
    values = read.values / np.abs(read.values).max() if read.values.size else read.values  # squares do not overflow
    total = np.zeros((_SIX, values.shape[1]))
    present, sums = sums_by(values, read.categories)
    total[present] = sums
    lengths = np.bincount(read.categories, np.sqrt(np.einsum("ij,ij->i", values, values)), minlength=_SIX)
    cancelled = (counts > 0) & (np.sqrt(np.einsum("ij,ij->i", total, total)) <= _ROUNDING * lengths)
    total[cancelled] = 0.0
    products = total @ total.T

    needed = read.categories >= _ABOVE
    n_used = int(needed.sum())
    kept_groups = np.unique(index[read.kept][needed], return_inverse=True)[1].reshape(-1)
    n_groups = int(kept_groups.max()) + 1 if len(kept_groups) else 0
    corrected, left_out = np.full((_SIX, _SIX), np.nan), np.zeros((0, _SIX, _SIX))
    if n_groups:
        corrected, left_out = corrected_products(values[needed], read.categories[needed], kept_groups)

    reasons: dict[str, str] = {}
    result: dict[str, Any] = {}
    for key, prefix, score in (("vd_ei", "", four_term), ("vd_ei_pooled", "vd_ei_pooled_", pooled)):
        estimate, noise_free = float(np.clip(score(products), -1, 1)), float(score(corrected))
        interval = jackknife_interval(
            noise_free, score(left_out), n_used, clustered=groups is not None, confidence=confidence
        )
        if interval.low is None and estimate == estimate and n_groups > 1 and not np.isnan(left_out).any():
            interval = interval._replace(low=-1.0, high=1.0, method="undetermined")
        result[key] = estimate
        result[f"{key}_corrected"] = float(np.clip(noise_free, -1, 1))
        result[f"{prefix}low"] = nan if interval.low is None else max(-1.0, min(interval.low, estimate))
        result[f"{prefix}high"] = nan if interval.high is None else min(1.0, max(interval.high, estimate))
        result[f"{prefix}interval"] = interval.method
        if estimate != estimate:
            reasons[key] = _why(counts, cancelled)
        if interval.low is None:
            few = "a category with vectors of fewer than three groups"
            reasons |= dict.fromkeys((f"{prefix}low", f"{prefix}high"), reasons.get(key, few))
    similarity = np.clip(cosines(products), -1, 1)
    if np.isnan(similarity).any():
        reasons["similarity"] = _why(counts, cancelled, range(_SIX))
    return {
        **result,
        "similarity": similarity.tolist(),
        "categories": list(CATEGORIES),
        "counts": dict(zip(CATEGORIES, counts.tolist())),
        "n": n,
        "n_zero": int((~read.kept).sum()),
        "n_groups": n_groups,
        "reasons": reasons,
    }


def _why(counts: NDArray[np.int64], cancelled: NDArray[np.bool_], wanted: Sequence[int] = range(_ABOVE, _SIX)) -> str:
    """Why a score over the wanted categories is NaN."""
    absent = [CATEGORIES[number] for number in wanted if counts[number] == 0]
    silent = [CATEGORIES[number] for number in wanted if cancelled[number]]
    causes = [f"no vectors of {', '.join(absent)}"] if absent else []
    causes += [f"the mean of {', '.join(silent)} is zero"] if silent else []
    return "; ".join(causes) or "a pooled mean is zero"
