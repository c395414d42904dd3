"""Shortcut gap: delta = v_cons - v_ctr (arXiv 2605.30161, section on SpatialTunnel).

An item is consistent where the visual shortcut (the farther object is higher in the image) gives the right answer,
counter where it gives the wrong one, ambiguous where it says nothing. Ambiguous items count in ``v`` alone.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._difference import difference_interval
from ._intervals import mean_interval

TAGS = ("consistent", "counter", "ambiguous")
_NAMES = {"v_cons": "consistent", "v_ctr": "counter"}


def _scores(predictions: Sequence[object]) -> NDArray[np.float64]:
    try:
        scores = np.asarray(predictions, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"predictions: expected one score per item: {error}") from None
    if scores.ndim != 1:
        raise ValueError(f"predictions: expected one score per item, got shape {scores.shape}")
    wrong = ~((scores >= 0) & (scores <= 1))
    if wrong.any():
        item = int(np.argmax(wrong))
        raise ValueError(f"predictions: item {item} is {predictions[item]!r}; expected a score between 0 and 1")
    return scores


def _tags(references: Sequence[object]) -> NDArray[np.int64]:
    names = [reference.strip().lower() if isinstance(reference, str) else None for reference in references]
    for item, name in enumerate(names):
        if name not in TAGS:
            raise ValueError(f"references: item {item} is {references[item]!r}; expected one of {', '.join(TAGS)}")
    return np.array([TAGS.index(str(name)) for name in names], dtype=np.int64)


def shortcut_gap(
    predictions: Sequence[object],
    references: Sequence[object],
    *,
    groups: Sequence[Hashable] | None = None,
    chance: float = 0.5,
    chance_margin: float = 0.0,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Mean score on consistent items minus mean score on counter items, with intervals.

    Args:
        predictions: (N,) scores between 0 and 1: correctness v, or 0 and 1 for wrong and right answers.
        references: (N,) "consistent", "counter" or "ambiguous"; case and outer spaces do not matter.
        groups: (N,) image or scene of each item, for intervals that respect what items share.
        chance: score of a model that knows nothing: 0.5 for yes/no questions, 0.25 for four choices.
        chance_margin: how far from chance a mean score still counts as chance.
        confidence: coverage of the intervals.
        resamples: bootstrap draws.
        seed: of the bootstrap.

    Returns:
        v (all items), v_cons, v_ctr, delta; n, n_cons, n_ctr, n_ambiguous; low, high, interval (method) and n_groups of
        delta; v_low, v_high, v_cons_low, v_cons_high, v_ctr_low, v_ctr_high; near_chance: the interval of v reaches
        chance within the margin; informative: delta exists, and not both near_chance and 0 within the interval of
        delta. A model that answers at random has a delta near 0 and is no robust model; one that follows the shortcut
        alone is at chance too, but its delta is far from 0. reasons: {key: why it is NaN}.

    Raises:
        ValueError: a score outside [0, 1], NaN or None, an unknown tag (the item is named), or unequal counts.

    >>> result = shortcut_gap([0.9, 0.8, 0.4, 0.2, 0.6], ["consistent"] * 2 + ["counter"] * 2 + ["ambiguous"])
    >>> round(result["v_cons"], 3), round(result["v_ctr"], 3), round(result["delta"], 3), result["n_ambiguous"]
    (0.85, 0.3, 0.55, 1)
    """
    predictions, references = list(predictions), list(references)
    n = len(references)
    if len(predictions) != n:
        raise ValueError(f"predictions: expected one per reference ({n}), got {len(predictions)}")
    scores, tags = _scores(predictions), _tags(references)
    names = None if groups is None else list(groups)
    if names is not None and len(names) != n:
        raise ValueError(f"groups: expected one group per item ({n}), got {len(names)}")
    options = {"confidence": confidence, "seed": seed, "resamples": resamples}
    result: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    masks = {"v": np.full(n, True), "v_cons": tags == 0, "v_ctr": tags == 1}
    for key, mask in masks.items():
        part = None if names is None else [names[item] for item in np.flatnonzero(mask)]
        interval = mean_interval(scores[mask], part, **options)  # type: ignore[arg-type]
        result[key] = float(scores[mask].mean()) if mask.any() else float("nan")
        bounds[f"{key}_low"] = float("nan") if interval.low is None else interval.low
        bounds[f"{key}_high"] = float("nan") if interval.high is None else interval.high
        if not mask.any():
            reasons[key] = f"no {_NAMES[key]} items" if key in _NAMES else "no items"
    delta = result["v_cons"] - result["v_ctr"]
    if delta != delta:
        reasons["delta"] = " and ".join(reasons[key] for key in _NAMES if key in reasons)
    used = tags < 2
    part = None if names is None else [names[item] for item in np.flatnonzero(used)]
    gap = difference_interval(scores[used], tags[used] == 0, part, **options)  # type: ignore[arg-type]
    low = float("nan") if gap.low is None else gap.low
    high = float("nan") if gap.high is None else gap.high
    near_chance = n == 0 or bounds["v_low"] - chance_margin <= chance <= bounds["v_high"] + chance_margin
    return {
        **result,
        "delta": delta,
        "n": n,
        "n_cons": int(masks["v_cons"].sum()),
        "n_ctr": int(masks["v_ctr"].sum()),
        "n_ambiguous": int((tags == 2).sum()),
        "low": low,
        "high": high,
        "interval": gap.method,
        "n_groups": gap.n_groups,
        **bounds,
        "near_chance": bool(near_chance),
        "informative": bool(delta == delta and not (near_chance and low <= 0 <= high)),
        "reasons": reasons,
    }
