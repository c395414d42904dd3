"""Which layer speaks for a model: the rule of Why Far Looks Up (appendices D.3 and D.4), with everything it weighed.

A layer is near the peak of an axis if its coherence is at least a share of the highest. Candidates are the layers near
the peak of any axis, without those at the very end; the best is the one whose weakest axis, as a share of its own peak,
is strongest. Of equals the deeper one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerRule:
    """The rule's numbers, as in the released code."""

    near_peak: float = 0.85
    """Of an axis' highest coherence."""
    dropped_end: float = 0.07
    """Share of the model's layers, the last ones, that are never chosen."""
    top: int = 3
    """Candidates shown."""


@dataclass(frozen=True)
class Candidate:
    """One layer the rule considered."""

    layer: int
    balance: float
    """Coherence of its weakest axis as a share of that axis' peak."""
    near_peak_of: tuple[str, ...]
    steady: bool | None
    """Whether VD-EI varies less around it than around most layers; None where that is not known. Shown only."""


@dataclass(frozen=True)
class LayerChoice:
    """The outcome."""

    layer: int
    candidates: tuple[Candidate, ...]
    """The best first, ``top`` of them."""
    peaks: dict[str, float]
    """Axis -> highest coherence. An axis without a positive one has no say."""
    last: int
    """The deepest layer that may be chosen."""
    by_peak: bool
    """False where no layer near a peak is left and the best of all others was taken."""


def choose_layer(
    layers: Sequence[int],
    n_layers: int,
    coherence: Mapping[str, NDArray[np.float64]],
    vd_ei: NDArray[np.float64],
    rule: LayerRule,
) -> LayerChoice | None:
    """Apply the rule.

    Args:
        layers: those that were measured, 0-based, ascending.
        n_layers: of the model.
        coherence: axis -> (layers,); NaN where it is not defined.
        vd_ei: (layers,).

    Returns:
        None where no axis has a positive coherence.

    >>> flat = {"horizontal": np.array([0.1, 0.5, 0.5, 0.2]), "distance": np.array([0.1, 0.2, 0.3, 0.9])}
    >>> choice = choose_layer([0, 1, 2, 3], 4, flat, np.zeros(4), LayerRule(dropped_end=0.4))
    >>> choice.layer, choice.last, choice.peaks["distance"]
    (2, 2, 0.9)
    """
    last = min(round(n_layers * (1 - rule.dropped_end)), n_layers - 1)
    peaks = {axis: float(np.nanmax(values)) for axis, values in coherence.items() if (values > 0).any()}
    if not peaks:
        return None
    shares = {axis: np.nan_to_num(coherence[axis] / peak, nan=0.0) for axis, peak in peaks.items()}
    balance = np.min(list(shares.values()), axis=0)
    near = [tuple(axis for axis in peaks if shares[axis][n] >= rule.near_peak) for n in range(len(layers))]
    allowed = [n for n, layer in enumerate(layers) if layer <= last] or list(range(len(layers)))
    chosen = [n for n in allowed if near[n]]
    ranked = sorted(chosen or allowed, key=lambda n: (balance[n], layers[n]), reverse=True)
    steady = _steady(vd_ei)
    candidates = tuple(Candidate(layers[n], float(balance[n]), near[n], steady[n]) for n in ranked[: rule.top])
    return LayerChoice(candidates[0].layer, candidates, peaks, last, bool(chosen))


def _steady(vd_ei: NDArray[np.float64], reach: int = 3) -> list[bool | None]:
    """Whether the spread of VD-EI within ``reach`` layers is at most the median of all such spreads."""
    if not np.isfinite(vd_ei).all():
        return [None] * len(vd_ei)
    spreads = np.array([np.std(vd_ei[max(0, n - reach) : n + reach + 1]) for n in range(len(vd_ei))])
    return [bool(spread <= np.median(spreads)) for spread in spreads]
