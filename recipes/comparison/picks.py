"""Which questions to look at: those that all runs find hard, and those they disagree about most."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from builders.randomness import stable_hash
from recipes.comparison.tables import Compared

_PER_PART = 2
"""Of one task or kind of question, so that no single one fills the list."""


def worst(part: Compared, count: int) -> list[str]:
    """``uid`` of the questions with the lowest mean score over the runs that are no baselines (over all where there is
    no other), of those that every such run was asked; only such as nobody got wholly right."""
    models = [number for number, run in enumerate(part.group.runs) if run.caption != "baseline"]
    scores = part.paired.scores[models or slice(None)]
    if not scores.size:
        return []
    means = scores.mean(axis=0)  # NaN where a run was not asked
    return _first(part, means, means < 1, count)


def contested(part: Compared, count: int) -> list[str]:
    """``uid`` of the questions whose scores spread most over the runs, of those that every run was asked."""
    scores = part.paired.scores
    if len(scores) < 2 or not scores.size:
        return []
    spread = scores.std(axis=0)
    return _first(part, -spread, spread > 0, count)


def _first(part: Compared, order: NDArray[np.float64], allowed: NDArray[np.bool_], count: int) -> list[str]:
    uids, items = part.paired.uids, {uid: item for run in part.group.runs for uid, item in run.items.items()}
    places = np.flatnonzero(allowed & np.isfinite(order)).tolist()
    places.sort(key=lambda place: (order[place], stable_hash("picks", uids[place])))
    seen: Counter[str] = Counter()
    groups: Counter[tuple[str, str]] = Counter()
    picked: list[str] = []
    for place in places:
        item = items[uids[place]]
        kind = item.parts[-1] if "/cell/" not in item.parts[-1] else item.parts[0]
        if seen[kind] < _PER_PART and not groups[kind, item.group] and len(picked) < count:
            picked.append(uids[place])
            seen[kind] += 1
            groups[kind, item.group] += 1
    return picked
