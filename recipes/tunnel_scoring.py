"""From margins (logit_yes - logit_no) to the figures of SpatialTunnel: v, its parts, gaps, heat maps, the size curve.

All figures are fractions. Accuracy is the share of margins with the right sign, 0 counting half; exact match the share
of right answers in what the model wrote, where it wrote. Intervals are clustered by scene (a pair of objects), or by
image.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.tunnel.layout import ANGLES
from metrics.correctness._core import correctness
from metrics.correctness._intervals import mean_interval
from metrics.shortcut_gap._core import shortcut_gap
from recipes.items import DIFFERENCE, Composed, Item, Items, items_of
from recipes.questions import Row
from recipes.scoring import Score

Array = NDArray[np.float64]

CLASSES = ("consistent", "counter")
SIZE = "v_size_"
"""Start of the names of v at one size of the farther object, in metres."""
MAPPED = "phase_variation"
"""The config that sweeps both angles: its items also say their cell."""
_CELL = f"{MAPPED}/cell/"
_COUNTS = {"v": "n", "v_cons": "n_cons", "v_ctr": "n_ctr"}


@dataclass(frozen=True)
class TunnelScores:
    """Everything one run scored."""

    metrics: dict[str, Score]
    """``<config>/<figure>``: v, v_cons, v_ctr, delta, the same of the accuracy and of exact match, yes_rate; of
    size_variation also ``v_size_<s1>`` and delta_s; of the controls their own gaps."""
    uninformative: list[str]
    """Gaps that say nothing, because v cannot be told from chance and the gap not from 0."""
    items: Items
    """Their scores are v."""
    composed: Composed


def score_tunnel(rows: Sequence[Row], margins: Mapping[str, float | None], cluster: str = "scene",
                 said: Mapping[str, str | None] | None = None) -> TunnelScores:
    """Score the margins of these rows.

    Args:
        rows: as ``open_tunnel`` gives them.
        margins: ``uid`` -> logit_yes - logit_no; None or missing where no answer could be read: these score 0, and are
            counted.
        cluster: ``scene`` or ``image``: what shares its errors.
        said: ``uid`` -> Yes, No, or None where what was written says neither; None where nothing was written.
    """
    read = [margins.get(row["uid"]) for row in rows]
    unread = np.array([margin is None for margin in read])
    found: dict[str, Score] = {}
    uninformative: list[str] = []
    values = np.zeros(len(rows))
    parts: list[list[str]] = [[] for _ in rows]
    composed: Composed = {}
    by_config: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        by_config.setdefault(row["config"], []).append(position)
    for config, here in by_config.items():
        asked = [rows[i] for i in here]
        groups = [group_of(row, cluster) for row in asked]
        filled = [read[i] or 0.0 for i in here]
        scored = correctness(filled, [row["answer"] for row in asked], return_items=True)
        v, right = (np.where(unread[here], 0.0, [item[key] for item in scored["items"]])
                    for key in ("score", "correct"))
        values[here] = v
        missing = int(unread[here].sum())
        for position in here:
            parts[position].append(f"{config}/v")
        kinds = [("", v, missing), ("accuracy", right, missing)]
        if said is not None:
            texts = [said.get(row["uid"]) for row in asked]
            exact = np.array([text == row["answer"] for text, row in zip(texts, asked)], dtype=np.float64)
            kinds.append(("exact_match", exact, texts.count(None)))
        for name, tags in gaps_of(config, asked).items():
            two = dict(zip(CLASSES, (f"{config}/{part}" for part in _NAMES[name])))
            composed[f"{config}/{name}"] = {DIFFERENCE: list(two.values())}
            for position, tag in zip(here, tags, strict=True):
                if tag in two:
                    parts[position].append(two[tag])
            for prefix, scores, unread_here in kinds:
                gap = shortcut_gap(scores.tolist(), tags, groups=groups)
                found |= _of_gap(f"{config}/", name, prefix, gap, unread_here)
                if not gap["informative"] and not prefix:
                    uninformative.append(f"{config}/{name}")
        answered = [(margin, group) for i, group in zip(here, groups, strict=True) if (margin := read[i]) is not None]
        if answered:
            said_yes = [(np.sign(margin) + 1) / 2 for margin, _ in answered]
            found[f"{config}/yes_rate"] = _mean(said_yes, [group for _, group in answered], missing)
        if config == "size_variation":
            found |= _size_scores(asked, v, groups, unread[here])
            for position in here:
                parts[position].append(_size_name(rows[position]["size_far"]))
        if config == MAPPED:
            for position in here:
                parts[position].append(_CELL + "{},{}".format(*rows[position]["cell"]))
    items = items_of((row["uid"] for row in rows), values, (group_of(row, cluster) for row in rows), parts)
    composed = {name: made_of for name, made_of in composed.items() if name in found}
    return TunnelScores(found, uninformative, items, composed)


def _mean(values: Sequence[float], groups: Sequence[str], missing: int) -> Score:
    interval = mean_interval(values, groups)
    assert interval.low is not None and interval.high is not None  # there is at least one value
    return Score(float(np.mean(values)), interval.n, interval.low, interval.high, interval.method, interval.n_groups, 1,
                 missing)


def group_of(row: Row, cluster: str) -> str:
    """What a row shares its errors with."""
    image = "" if cluster == "scene" else f"/{row['cell']}/{row['size_far']}"
    return f"{row['config']}/{row['scene_id']}{image}"


def gaps_of(config: str, rows: Sequence[Row]) -> dict[str, list[str]]:
    """Name of a gap -> the class of each row: ``consistent`` minus ``counter`` is the gap."""
    gaps = {"delta": [row["heuristic"] for row in rows]}
    if config == "horizontal_control":
        return {"delta_side": [CLASSES[row["side"] != "far_left"] for row in rows]}
    if config == "roll_control":
        gaps["delta_scene"] = [row["scene_heuristic"] for row in rows]
    if config == "size_variation":
        smallest, largest = (pick(row["size_far"] for row in rows) for pick in (min, max))
        if smallest < largest:
            gaps["delta_s"] = [{smallest: "consistent", largest: "counter"}.get(row["size_far"], "ambiguous")
                               for row in rows]
    return gaps


_NAMES = {
    "delta": ("v_cons", "v_ctr"),
    "delta_side": ("v_far_left", "v_far_right"),
    "delta_scene": ("v_scene_cons", "v_scene_ctr"),
    "delta_s": ("v_smallest", "v_largest"),
}
"""Gap -> names of its two means."""


def _of_gap(where: str, name: str, prefix: str, gap: Mapping[str, Any], missing: int) -> dict[str, Score]:
    """The figures of one gap; those without a value (an empty class) are left out."""
    first, second = _NAMES[name]
    keys = {"v": "v", "v_cons": first, "v_ctr": second, "delta": name}
    found = {}
    for key, told in keys.items():
        low, high = ("low", "high") if key == "delta" else (f"{key}_low", f"{key}_high")
        if gap[key] != gap[key] or gap[low] != gap[low]:
            continue
        n = gap["n_cons"] + gap["n_ctr"] if key == "delta" else gap[_COUNTS[key]]
        label = told
        if prefix:  # v_cons -> accuracy_cons, delta -> accuracy_delta
            label = prefix + told.removeprefix("v") if told.startswith("v") else f"{prefix}_{told}"
        found[where + label] = Score(gap[key], n, gap[low], gap[high], gap["interval"], gap["n_groups"], 1, missing)
    return found


def _size_scores(rows: Sequence[Row], v: Array, groups: Sequence[str], unread: NDArray[np.bool_]) -> dict[str, Score]:
    """v at each size of the farther object."""
    sizes = np.array([row["size_far"] for row in rows])
    found = {}
    for size in np.unique(sizes):
        here = np.flatnonzero(sizes == size)
        found[_size_name(size)] = _mean(v[here].tolist(), [groups[i] for i in here], int(unread[here].sum()))
    return found


def _size_name(size: float) -> str:
    return f"size_variation/{SIZE}{size:.3f}"


def heat_map(items: Iterable[Item], tag: str) -> Array:
    """(16, 16) mean v of each cell (k_far, k_near) of one class over scenes and questions; NaN elsewhere."""
    sums, counts = np.zeros((ANGLES, ANGLES)), np.zeros((ANGLES, ANGLES))
    of_class = f"{MAPPED}/{dict(zip(CLASSES, _NAMES['delta']))[tag]}"
    for item in items:
        if of_class in item.parts:
            cell = next(part for part in item.parts if part.startswith(_CELL)).removeprefix(_CELL)
            far, near = map(int, cell.split(","))
            sums[far, near] += item.score
            counts[far, near] += 1
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
