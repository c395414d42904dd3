"""Facts into rows, without pictures: the columns of spar_7m, and the order in which spar_bench shows them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from datasets import Features, Image, List, Value

from builders import heuristic
from builders.randomness import generator
from builders.spar import verify
from builders.spar.askable import box_problem, point_problem, seen_together
from builders.spar.balance import in_balance
from builders.spar.facts import Asked, Fact, Gold, Rejected, evenly
from builders.spar.limits import Limits
from builders.spar.phrasing import phrase
from builders.spar.records import SceneRecord
from builders.spar.tasks.task import Task

Row = dict[str, Any]

SPAR_FEATURES: dict[str, Any] = {
    "uid": Value("string"),
    "source": Value("string"),
    "scene_id": Value("string"),
    "frame_ids": List(Value("string")),
    "task": Value("string"),
    "level": Value("string"),
    "img_type": Value("string"),
    "relation": Value("string"),
    "format_type": Value("string"),
    "question": Value("string"),
    "answer": Value("string"),
    "options": List(Value("string")),
    "answer_value": List(Value("float64")),
    "answer_exact": List(Value("float64")),
    "unit": List(Value("string")),
    "metric": Value("string"),
    "heuristic": Value("string"),
    "vertical_gap": Value("float64"),
    "objects": List(
        {
            "object_id": Value("string"),
            "label": Value("string"),
            "color": Value("string"),
            "image_index": Value("int64"),
            "point": List(Value("int64")),
            "bbox": List(Value("int64")),
        }
    ),
    "template_id": Value("string"),
    "image": List(Image()),
}
"""Columns of spar_7m in their published order."""

_PUBLISHED_BENCH = ("img_type", "format_type", "task", "source", "image", "question", "answer")

BENCH_FEATURES = Features(
    {"id": Value("int64")}
    | {name: SPAR_FEATURES[name] for name in _PUBLISHED_BENCH}
    | {name: feature for name, feature in SPAR_FEATURES.items() if name not in _PUBLISHED_BENCH}
)
"""Columns of spar_bench: the published eight, then what spar_7m has besides."""

_TRIES_PER_ROW = 60
"""Proposals looked at for each row wanted, before a task gives up on a scene."""

_CANDIDATES_PER_ROW = {"fill": 6, "select": 6, "sentence": 3, "judge": 6}
"""Questions from which balanced ones are chosen, for each row wanted; sentences have few contexts."""
_FEWEST_CANDIDATES = 60

_DECIDED = ("consistent", "counter")


def task_rows(
    task: Task, format_type: str, record: SceneRecord, limits: Limits, wanted: int, seed: tuple, rejected: Counter[str],
    picture_problem: Callable[[Row], str | None] = lambda row: None, even_tags: bool = False,
) -> Iterator[Row]:
    """Up to ``wanted`` verified rows of one task; every proposal that is not asked is counted in ``rejected``.

    Args:
        seed: what the random numbers depend on besides scene and task: (dataset, version, seed).
        picture_problem: why a row's pictures cannot be shown, if so. Asked last, and only of rows that are right
            otherwise: a picture may have to be rendered first.
        even_tags: choose among many so that about as many rows are consistent as counter.
    """
    rng = generator(*seed, record.source, record.scene_id, task.name, format_type)
    made = 0
    places: list[int] = []  # of gold among the options: every letter once, in random order, again and again
    asked_before: Counter[frozenset[str]] = Counter()
    shown_first: Counter[int] = Counter()

    def asked_often(views: tuple[int, ...], asked: tuple[Asked, ...]) -> str | None:
        if task.asks_all:
            return None
        if asked_before[_asked_together(record, views, asked)] == limits.max_same_objects:
            return "asked_often"
        often = limits.max_per_frame and task.img_type != "video" and shown_first[views[0]] == limits.max_per_frame
        return "frame_asked_often" if often else None

    questions = _questions(task, format_type, record, limits, wanted, rng, rejected, asked_often)
    if even_tags:
        questions = ((fact, _with_even_tag(fact, gold, record)) for fact, gold in questions)
    if even_tags or format_type in task.balanced:
        questions = _balanced(questions, task, format_type, record, limits, wanted, rng, rejected)
    for fact, gold in questions:
        if not places:
            places = rng.permutation(max(task.options, 1)).tolist()
        row = _row(task, fact, gold, format_type, record, places[-1], rng, made)
        disagreement = verify.verify(row, record, limits)
        problem = f"verify: {disagreement}" if disagreement else picture_problem(row)
        if problem:
            rejected[problem] += 1
            continue
        made += 1
        places.pop()
        shown_first[fact.views[0]] += 1
        asked_before[_asked_together(record, fact.views, fact.asked)] += 1
        yield row
        if made == wanted:
            return


def _questions(
    task: Task, format_type: str, record: SceneRecord, limits: Limits, wanted: int, rng: np.random.Generator,
    rejected: Counter[str], asked_often: Callable[[tuple[int, ...], tuple[Asked, ...]], str | None],
) -> Iterator[tuple[Fact, Gold]]:
    """What may be asked, in random order, and nothing twice: tasks that draw gold from among the options may come to
    the same question from several proposals."""
    asked_already = set()
    for proposal in islice(task.propose(record, limits, rng), _TRIES_PER_ROW * wanted):
        views, asked = proposal
        reason = asked_often(views, asked) or _marker_problem(task, record, limits, views, asked)
        if not reason and task.img_type == "multi_view" and seen_together(record, limits, views, asked):
            reason = "one_image_is_enough"
        if reason:
            rejected[reason] += 1
            continue
        fact = task.measure(record, limits, rng, proposal)
        if isinstance(fact, Rejected):
            rejected[fact.reason] += 1
            continue
        reason = "asked_already" if fact.asked and (fact.views, fact.asked) in asked_already else None
        if fact.views != views:
            reason = reason or asked_often(fact.views, fact.asked)
        if reason:
            rejected[reason] += 1
            continue
        gold = task.answer(fact, format_type, record, limits, rng)
        if isinstance(gold, Rejected):
            rejected[gold.reason] += 1
        else:
            asked_already.add((fact.views, fact.asked))
            yield fact, gold


def _balanced(
    questions: Iterator[tuple[Fact, Gold]], task: Task, format_type: str, record: SceneRecord, limits: Limits,
    wanted: int, rng: np.random.Generator, rejected: Counter[str],
) -> Iterator[tuple[Fact, Gold]]:
    """Those of the first questions that may be asked together, in the same order."""
    pool = max(_CANDIDATES_PER_ROW[format_type] * wanted, _FEWEST_CANDIDATES)
    candidates = list(islice(questions, pool))
    groups = [(_asked_together(record, fact.views, fact.asked), fact.views[0]) for fact, _ in candidates]
    per_frame = limits.max_per_frame if task.img_type != "video" else 0
    most = limits.max_same_objects, per_frame or len(candidates)
    kept = in_balance([gold.balance for _, gold in candidates], groups, most, wanted, rng)
    rejected["kept_in_balance"] += len(candidates) - len(kept)
    return (candidates[i] for i in kept)


def _with_even_tag(fact: Fact, gold: Gold, record: SceneRecord) -> Gold:
    gap = _vertical_gap(fact, record)
    tag = "" if gap is None else heuristic.tag(gap)
    if tag not in _DECIDED:
        return gold
    return replace(gold, balance=(*gold.balance, evenly("higher is farther", tag, _DECIDED)))


def with_even_tags(rows: Sequence[Row]) -> list[Row]:
    """Rows of one task, format and scene without the last ones of the tag that more of them have: as many are
    consistent as counter. Ambiguous rows and rows without a tag stay."""
    tags = [row["heuristic"] for row in rows]
    room = Counter({tag: min(map(tags.count, _DECIDED)) for tag in _DECIDED})
    kept = []
    for row in rows:
        if row["heuristic"] not in _DECIDED or room[row["heuristic"]] > 0:
            room[row["heuristic"]] -= 1
            kept.append(row)
    return kept


def _asked_together(record: SceneRecord, views: Sequence[int], asked: Sequence[Asked]) -> frozenset[str]:
    """What ``max_same_objects`` counts: objects, or the frames of a question about none."""
    return frozenset([a.object_id for a in asked] or [record.frame(view).frame_id for view in views])


def _marker_problem(
    task: Task, record: SceneRecord, limits: Limits, views: tuple[int, ...], asked: tuple[Asked, ...]
) -> str | None:
    """Why the objects could not be pointed out unmistakably, if so."""
    if task.marker == "described":
        return None
    if task.marker == "none":
        alike = any([record.labels[record.label(a.object_id)] > 1 for a in asked if a.color])
        return "ambiguous_label" if alike else None
    if task.marker == "point":
        return point_problem(record, limits, views, asked)
    return box_problem(record, limits, views, asked)


def _row(
    task: Task, fact: Fact, gold: Gold, format_type: str, record: SceneRecord, place: int, rng: np.random.Generator,
    n: int,
) -> Row:
    phrased = phrase(task, fact, gold, format_type, record, place, rng)
    gap = _vertical_gap(fact, record)
    return {
        "uid": f"{record.source}/{record.scene_id}/{task.name}/{format_type}/{n}",
        "source": record.source,
        "scene_id": record.scene_id,
        "frame_ids": [record.frame(view).frame_id for view in fact.views],
        "task": task.name,
        "level": task.level,
        "img_type": task.img_type,
        "relation": task.relation,
        "format_type": format_type,
        "question": phrased.question,
        "answer": phrased.answer,
        "options": list(phrased.options),
        "answer_value": list(gold.value),
        "answer_exact": list(gold.exact),
        "unit": list(gold.unit),
        "metric": task.metric(format_type),
        "heuristic": "" if gap is None else heuristic.tag(gap),
        "vertical_gap": None if gap is None else float(gap),
        "objects": [_object_entry(task, record, fact.views, asked) for asked in fact.asked],
        "template_id": phrased.template_id,
        **gold.columns,
    }


def _vertical_gap(fact: Fact, record: SceneRecord) -> Fraction | None:
    if fact.pair is None:
        return None
    a, b, from_camera_a, from_camera_b = fact.pair
    near, far = (a, b) if from_camera_a < from_camera_b else (b, a)
    image = record.images[fact.views[a.view]]
    boxes = [image.objects[asked.object_id].bbox.tolist() for asked in (near, far)]
    return heuristic.exact_gap(boxes[0], boxes[1], image.frame.height)


def _object_entry(task: Task, record: SceneRecord, views: tuple[int, ...], asked: Asked) -> Row:
    image = record.images[views[asked.view]]
    # an object without a marker may be one that this image shows in part only
    marked = task.marker in ("point", "box") and asked.object_id in image.objects
    return {
        "object_id": asked.object_id,
        "label": record.label(asked.object_id),
        "color": asked.color if marked else "",
        "image_index": asked.view,
        "point": list(image.points_px1000[asked.object_id]) if marked and task.marker == "point" else None,
        "bbox": list(image.boxes_px1000[asked.object_id]) if marked and task.marker == "box" else None,
    }
