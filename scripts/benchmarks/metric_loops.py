"""What scripts/benchmarks/metrics.py compares: data for each metric, and the score as a plain loop over rows.

The loops are what one writes first: one row at a time, Python floats, no interval. Each returns the figure that the
metric returns under ``key``, so that the two can be held equal.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CATEGORIES = ("left", "right", "above", "below", "far", "close")
OPPOSITE = {"right", "below", "close"}
TAGS = ("consistent", "counter", "ambiguous")
MOTIONS = ("move_right", "move_up", "move_forward", "rotate_up", "rotate_left")


@dataclass(frozen=True)
class Case:
    """One metric with its data."""

    metric: str
    """Name of the metric, of its function and of its folder."""
    key: str
    rows: int
    make: Callable[[int, random.Random], tuple[Any, list[Any]]]
    """(number of rows, generator) -> predictions, references"""
    loop: Callable[..., float]
    columns: Callable[[int], dict[str, list[Any]]] = lambda n: {}
    """Further input columns."""
    options: dict[str, Any] = field(default_factory=dict)


def _numbers(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    golds = [round(rng.uniform(0.3, 6), 1) for _ in range(n)]
    return [round(max(0.1, gold + rng.gauss(0, 0.5)), 1) for gold in golds], golds


def loop_mra(predictions: list[float], references: list[float]) -> float:
    total = 0.0
    for p, g in zip(predictions, references):
        error = abs(round(10 * p) - round(10 * g)) * 20  # golds have one decimal: whole numbers compare exactly
        total += sum(error <= step * abs(round(10 * g)) for step in range(1, 11)) / 10
    return total / len(references)


def _letters(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    return [rng.choice("ABCD") for _ in range(n)], [rng.choice("ABCD") for _ in range(n)]


def loop_choice_accuracy(predictions: list[str], references: list[str]) -> float:
    return sum(p.strip()[:1].upper() == g for p, g in zip(predictions, references)) / len(references)


def _motions(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    def motion() -> str:
        sizes = [f"{rng.randrange(1, 30) / 10}" for _ in range(3)] + [str(5 * rng.randrange(1, 20)) for _ in range(2)]
        return ",".join(f"{name}:{size}" for name, size in zip(MOTIONS, sizes))

    golds = [motion() for _ in range(n)]
    return [gold if rng.random() < 0.5 else motion() for gold in golds], golds


def loop_view_change(predictions: list[str], references: list[str]) -> float:
    total = 0.0
    for prediction, reference in zip(predictions, references):
        p, g = ([float(part.split(":")[1]) for part in text.split(",")] for text in (prediction, reference))
        total += loop_mra(p, g)
    return total / len(references)


TASKS = ("depth_prediction_oc", "position_matching", "view_change_infer", "obj_spatial_relation_oo")


def _bench(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    makers = (_numbers, _letters, _motions, _letters)
    columns = [make(-(-n // 4), rng) for make in makers]
    return tuple([str(columns[i % 4][side][i // 4]) for i in range(n)] for side in (0, 1))  # type: ignore[return-value]


def _task_column(n: int) -> dict[str, list[Any]]:
    return {"tasks": [TASKS[i % 4] for i in range(n)]}


def loop_spar_score(predictions: list[str], references: list[str], tasks: list[str]) -> float:
    scores: dict[str, list[float]] = {}
    for p, g, task in zip(predictions, references, tasks):
        if task.startswith("depth"):
            score = loop_mra([float(p)], [float(g)])
        elif task == "view_change_infer":
            score = loop_view_change([p], [g])
        else:
            score = loop_choice_accuracy([p], [g])
        scores.setdefault(task, []).append(score)
    return 100 * sum(sum(own) / len(own) for own in scores.values()) / len(scores)


def _margins(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    return [rng.gauss(0.3, 2) for _ in range(n)], [rng.choice(("Yes", "No")) for _ in range(n)]


def loop_correctness(predictions: list[float], references: list[str]) -> float:
    total = 0.0
    for margin, reference in zip(predictions, references):
        p = 1 / (1 + math.exp(-margin))
        total += p if reference == "Yes" else 1 - p
    return total / len(references)


def _tagged(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    return [rng.random() for _ in range(n)], [rng.choice(TAGS) for _ in range(n)]


def loop_shortcut_gap(predictions: list[float], references: list[str]) -> float:
    sums, counts = dict.fromkeys(TAGS, 0.0), dict.fromkeys(TAGS, 0)
    for score, tag in zip(predictions, references):
        sums[tag] += score
        counts[tag] += 1
    return sums["consistent"] / counts["consistent"] - sums["counter"] / counts["counter"]


def _vectors(n: int, rng: random.Random, d: int = 256) -> tuple[Any, list[Any]]:
    generator = np.random.default_rng(rng.randrange(10**6))
    categories = [CATEGORIES[i % 6] for i in range(n)]
    directions = generator.normal(size=(3, d))
    signs = np.array([-1.0 if category in OPPOSITE else 1.0 for category in categories])
    axis = np.array([CATEGORIES.index(category) // 2 for category in categories])
    return signs[:, None] * directions[axis] + generator.normal(size=(n, d)), categories


def loop_axis_coherence(predictions: list[Any], references: list[str]) -> float:
    corrected = [
        (-v if category in OPPOSITE else v) / math.sqrt(float(v @ v))
        for v, category in zip(predictions, references)
        if category in ("far", "close")
    ]
    total, pairs = 0.0, 0
    for i, first in enumerate(corrected):
        for second in corrected[:i]:
            total += float(first @ second)
            pairs += 1
    return total / pairs


def loop_vd_ei(predictions: list[Any], references: list[str]) -> float:
    sums: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for v, category in zip(predictions, references):
        sums[category] = sums.get(category, 0.0) + v
        counts[category] = counts.get(category, 0) + 1
    mean = {category: total / counts[category] for category, total in sums.items()}

    def cosine(a: str, b: str) -> float:
        return float(mean[a] @ mean[b]) / math.sqrt(float(mean[a] @ mean[a]) * float(mean[b] @ mean[b]))

    with_rule = cosine("above", "far") + cosine("below", "close")
    return (with_rule - cosine("above", "close") - cosine("below", "far")) / 4


def _rooms(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    golds = [{f"o{k}": (rng.uniform(-6, 6), rng.uniform(0, 9)) for k in range(5)} for _ in range(n)]
    return [{name: (x + rng.gauss(0, 1), y) for name, (x, y) in gold.items()} for gold in golds], golds


def loop_position_error(predictions: list[Any], references: list[Any]) -> float:
    errors = [math.dist(answer[name], gold[name]) for answer, gold in zip(predictions, references) for name in gold]
    return sum(errors) / len(errors)


def _upright(n: int, rng: random.Random) -> tuple[list[Any], list[Any]]:
    def box() -> list[float]:
        return [rng.uniform(-0.5, 0.5) for _ in range(3)] + [rng.uniform(0.5, 2) for _ in range(3)]

    return [[*box(), rng.uniform(0, 6)] for _ in range(n)], [[*box(), rng.uniform(0, 6)] for _ in range(n)]


def loop_box_iou(predictions: list[Any], references: list[Any]) -> float:
    """Upright boxes by shapely, one pair at a time."""
    from shapely import Polygon, affinity, box

    def footprint(b: list[float]) -> Polygon:
        plain = box(b[0] - b[3] / 2, b[1] - b[4] / 2, b[0] + b[3] / 2, b[1] + b[4] / 2)
        return affinity.rotate(plain, b[6], use_radians=True)

    total = 0.0
    for p, g in zip(predictions, references):
        height = min(p[2] + p[5] / 2, g[2] + g[5] / 2) - max(p[2] - p[5] / 2, g[2] - g[5] / 2)
        common = footprint(p).intersection(footprint(g)).area * max(0.0, height)
        total += common / (math.prod(p[3:6]) + math.prod(g[3:6]) - common)
    return total / len(references)


CASES = (
    Case("mra", "mra", 20_000, _numbers, loop_mra),
    Case("choice_accuracy", "accuracy", 5_000, _letters, loop_choice_accuracy),
    Case("view_change", "view_change", 2_000, _motions, loop_view_change),
    Case("spar_score", "average", 4_000, _bench, loop_spar_score, _task_column),
    Case("correctness", "v", 12_288, _margins, loop_correctness),
    Case("shortcut_gap", "delta", 12_288, _tagged, loop_shortcut_gap),
    Case("axis_coherence", "coh_distance", 1_200, _vectors, loop_axis_coherence, options={"permutations": 0}),
    Case("vd_ei", "vd_ei", 1_200, _vectors, loop_vd_ei),
    Case("position_error", "ape", 1_000, _rooms, loop_position_error),
    Case("box_iou", "mean_iou", 2_000, _upright, loop_box_iou),
)
