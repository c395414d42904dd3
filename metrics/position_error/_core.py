"""Average position error (APE) of objects on the ground plane, in metres (SPAR, section 4.4 and its tables).

The frame is the observer's: origin at the first camera dropped to the ground, y along its view, x to its right. The
error of an object is the Euclidean distance ||p - g|| of predicted and true (x, y); distance bins are by ||g||.
"""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._intervals import FEW_GROUPS, clustered_variance, group_indices, jackknife_error, student_quantile
from ._positions import Positions, read_positions

EDGES = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0)
"""Bin edges in metres. SPAR prints three bins in its text (3-5, 5-7, 7-10); the others are inferred from its table."""

NAN = float("nan")


def _summary(errors: NDArray[np.float64]) -> dict[str, float]:
    """Mean, median and 90th percentile (linear interpolation) of (M,) errors; NaN where there are none."""
    if not len(errors):
        return {"ape": NAN, "p50": NAN, "p90": NAN}
    p50, p90 = np.quantile(errors, [0.5, 0.9])
    return {"ape": float(errors.mean()), "p50": float(p50), "p90": float(p90)}


def _clustered_intervals(
    errors: NDArray[np.float64], samples: NDArray[np.int64], confidence: float, resamples: int, seed: int
) -> dict[str, Any]:
    """Intervals of mean, P50 and P90 over whole samples, since the objects of one sample share its images.

    A percentile bootstrap from 20 samples on. Below, Student t for the mean, with the larger of the jackknife's
    standard error and that of the intraclass correlation, and none for the quantiles. One sample tells nothing about
    the spread: NaN.
    """
    result: dict[str, Any] = {f"{end}{name}": NAN for name in ("", "_p50", "_p90") for end in ("low", "high")}
    _, sample = np.unique(samples, return_inverse=True)
    units = int(sample.max()) + 1 if len(errors) else 0
    if units < 2:
        return result | {"interval": "none"}
    counts, mean = np.bincount(sample), float(errors.mean())
    tail = (1 - confidence) / 2
    if units < FEW_GROUPS:
        n, sums = len(errors), np.bincount(sample, errors)
        model = clustered_variance(errors - mean, sample, np.full(n, 1 / n))
        error = max(jackknife_error((sums.sum() - sums) / (n - counts)), sqrt(model))
        reach = student_quantile(1 - tail, units - 1) * error
        low, high = max(0.0, mean - reach), mean + reach
        return result | {"low": low, "high": high, "interval": "cluster_student_few_groups"}
    order = np.argsort(errors, kind="stable")
    ordered, ordered_sample = errors[order], sample[order]
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, 3))
    for row in drawn:
        times = np.bincount(rng.integers(0, units, units), minlength=units)
        resampled = np.repeat(ordered, times[ordered_sample])  # still in order, so that quantiles are look-ups
        at = (len(resampled) - 1) * np.array([0.5, 0.9])
        below = at.astype(np.int64)
        above = np.minimum(below + 1, len(resampled) - 1)
        row[0] = resampled.mean()
        row[1:] = resampled[below] + (at - below) * (resampled[above] - resampled[below])
    lows, highs = np.quantile(drawn, [tail, 1 - tail], axis=0)
    for name, value, low, high in zip(("", "_p50", "_p90"), _summary(errors).values(), lows, highs):
        result[f"low{name}"], result[f"high{name}"] = min(float(low), value), max(float(high), value)
    return result | {"interval": "cluster_bootstrap"}


def _gold(given: Any, position: int) -> Positions:
    try:
        gold = read_positions(given)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"references: item {position} is no list of {{name, x, y}} ({error!r})") from None
    if gold.conflicting:
        names = ", ".join(sorted(gold.conflicting))
        raise ValueError(f"references: item {position} has no single finite place for {names}")
    if not gold.places:
        raise ValueError(f"references: item {position} names no object; leave such samples out")
    return gold


def _prediction(given: Any, position: int, gold: Positions) -> Positions:
    try:
        return read_positions(given, gold.places)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"predictions: item {position} is no list of {{name, x, y}} and no text ({error!r})") from None


def _bins(
    distances: NDArray[np.float64], errors: NDArray[np.float64], edges: Sequence[float]
) -> list[dict[str, Any]]:
    """Scores by distance of the gold; a bin holds its lower edge. Missing objects have a NaN error."""
    bounds = np.concatenate([[0.0], np.asarray(edges, dtype=np.float64), [np.inf]])
    found = np.isfinite(errors)
    which = np.searchsorted(bounds, distances, side="right") - 1
    rows = []
    for k, (low, high) in enumerate(pairwise(bounds)):
        inside = which == k
        name = f"{low:g}-{high:g}" if np.isfinite(high) else f">{low:g}"
        counts = {"n": int((inside & found).sum()), "n_missing": int((inside & ~found).sum())}
        rows.append({"bin": name, **_summary(errors[inside & found]), **counts})
    return rows


def position_error(
    predictions: Sequence[Any],
    references: Sequence[Any],
    *,
    edges: Sequence[float] = EDGES,
    missing_error: float | None = None,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Position errors over the objects of N samples.

    Args:
        predictions: (N,) per sample a list of {name, x, y}, a mapping name -> (x, y), a text, or None; metres.
        references: (N,) the same; every sample names at least one object and each object once.
        edges: rising, positive bin edges in metres.
        missing_error: metres to charge for an object the prediction does not place; None leaves it out of the errors.
        groups: (N,) scene or image of each sample; without it each sample is its own group.
        confidence, resamples, seed: of the intervals.
        return_items: add ``items``, a list of {sample, name, distance, error} with error NaN for a missing object.

    Returns:
        ape (mean), p50, p90 in metres with low, high, low_p50, ... and interval (the method); n (objects with an
        error), n_samples, n_groups, n_missing (objects without a usable place, those charged included), n_extra
        (predicted names the reference does not have), n_conflicting (names given two places or no finite one),
        n_unparsed (samples from which no object could be read), bins (a list by distance), reason where ape is NaN.

    Raises:
        ValueError: lengths differ, references without a single finite place per object, edges that do not rise.

    >>> result = position_error(["A: (0, 1). B: (3, 0)"], [{"a": (0, 2), "b": (3, 4), "c": (0, 9)}])
    >>> result["ape"], result["n"], result["n_missing"]
    (2.5, 2, 1)
    """
    bounds = np.asarray(edges, dtype=np.float64)
    if bounds.ndim != 1 or (bounds <= 0).any() or (np.diff(bounds) <= 0).any() or not np.isfinite(bounds).all():
        raise ValueError(f"edges: expected rising positive metres, got {list(edges)}")
    if missing_error is not None and not 0 <= missing_error < np.inf:
        raise ValueError(f"missing_error: expected metres or None, got {missing_error}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a value between 0 and 1, got {confidence}")
    if len(predictions) != len(references):
        raise ValueError(f"predictions: expected one per reference ({len(references)}), got {len(predictions)}")
    group = group_indices(range(len(references)) if groups is None else groups, len(references))
    golds = [_gold(given, i) for i, given in enumerate(references)]
    answers = [_prediction(given, i, gold) for i, (given, gold) in enumerate(zip(predictions, golds))]
    items = [
        (i, name, place, answer.places.get(name, (NAN, NAN)))
        for i, (gold, answer) in enumerate(zip(golds, answers))
        for name, place in gold.places.items()
    ]
    sample = np.array([i for i, *_ in items], dtype=np.int64)
    true = np.array([place for *_, place, _ in items], dtype=np.float64).reshape(-1, 2)
    predicted = np.array([place for *_, place in items], dtype=np.float64).reshape(-1, 2)
    distances, errors = np.hypot(*true.T), np.hypot(*(predicted - true).T)
    missing = np.isnan(errors)
    charged = errors if missing_error is None else np.where(missing, missing_error, errors)
    used = np.isfinite(charged)
    result: dict[str, Any] = {
        **_summary(charged[used]),
        **_clustered_intervals(charged[used], group[sample[used]], confidence, resamples, seed),
        "n": int(used.sum()),
        "n_samples": len(golds),
        "n_groups": len(np.unique(group)),
        "n_missing": int(missing.sum()),
        "n_extra": sum(len(answer.places.keys() - gold.places.keys()) for gold, answer in zip(golds, answers)),
        "n_conflicting": sum(len(answer.conflicting) for answer in answers),
        "n_unparsed": sum(not (answer.places or answer.conflicting) for answer in answers),
        "bins": _bins(distances, errors, edges),
    }
    if not used.any():
        result["reason"] = "no samples" if not golds else "no object of the references was placed"
    if return_items:
        result["items"] = [
            {"sample": i, "name": name, "distance": float(far), "error": float(error)}
            for (i, name, *_), far, error in zip(items, distances, errors)
        ]
    return result
