"""Spatial relations in the observer's camera frame: of two objects, and of an object to the observer (SPAR, appendix
7.5, "Obj spatial relation"). The first image of a question is the observer's."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from builders.scenes.scene import Array
from builders.spar.askable import hidden_in
from builders.spar.facts import Gold, Rejected
from builders.spar.geometry import camera_coordinates
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.relations import (
    RELATION_WORDS,
    TO_OBSERVER,
    TWO_OBJECTS,
    RelationFact,
    as_text,
    between,
    border_problem,
    relation_gold,
    said_words,
    to_observer,
)
from builders.spar.second_route import Row, Second, center_of, image_of
from builders.spar.tasks.naming import called
from builders.spar.tasks.observer_sampling import hidden_from_first
from builders.spar.tasks.sampling import objects_across_views, one_view
from builders.spar.tasks.task import Proposal, Task
from builders.spar.wording import group_of, templates


def _relation_in_view(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> RelationFact | Rejected:
    fact = _relation_of_two(record, limits, rng, proposal)
    if isinstance(fact, Rejected):
        return fact
    red, blue = fact.asked
    seen = record.images[fact.views[0]].objects
    far = [math.hypot(*seen[asked.object_id].center_camera.tolist()) for asked in (red, blue)]
    return replace(fact, pair=(red, blue, far[0], far[1]))


def _relation_of_two(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> RelationFact | Rejected:
    views, asked = proposal
    red, blue = (record.objects[a.object_id].item.box.center for a in asked)
    differences = between(red, blue, record.frame(views[0]).world_from_camera)
    problem = border_problem(differences, limits)
    return Rejected(problem) if problem else RelationFact(views, asked, None, differences, float(red[2] - blue[2]))


def _relation_to_observer(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> RelationFact | Rejected:
    views, (red,) = proposal
    center, first = record.objects[red.object_id].item.box.center, record.frame(views[0])
    differences = to_observer(center, first.world_from_camera)
    problem = border_problem(differences, limits)
    if problem:
        return Rejected(problem)
    both = _has_both_sides(record, limits, views[0]) and red.object_id in _on_both_sides(record, limits)
    closed = () if both else ("facing",)
    return RelationFact(views, (red,), None, differences, float(center[2] - first.center[2]), closed=closed)


def _has_both_sides(record: SceneRecord, limits: Limits, view: int) -> bool:
    """Whether some objects that the view does not show lie in front of its camera and others behind: where a camera
    stands with its back to the wall, everything is in front."""
    centers = [o.item.box.center.tolist() for name, o in record.objects.items()
               if o.images and hidden_in(record, limits, view, name)]
    forward = camera_coordinates(np.array(centers).reshape(-1, 3), record.frame(view))[:, 2].tolist()
    return _reach_both(forward, limits)


@lru_cache(maxsize=1)
def _on_both_sides(record: SceneRecord, limits: Limits) -> frozenset[str]:
    """Objects that some images which do not show them have in front of their camera, and others behind."""
    centers = np.array([o.item.box.center for o in record.objects.values()])
    forward = [camera_coordinates(centers, record.frame(still))[:, 2].tolist() for still in record.stills]
    return frozenset(name for name, away in zip(record.objects, zip(*forward, strict=True), strict=True) if _reach_both(
        [z for still, z in zip(record.stills, away, strict=True) if hidden_in(record, limits, still, name)], limits))


def _reach_both(differences: Sequence[float], limits: Limits) -> bool:
    band = limits.relation_band
    return any(one >= band for one in differences) and any(one <= -band for one in differences)


def _answer(
    fact: RelationFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    return relation_gold(fact, format_type, limits, rng)


def _second_of_two(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    pose = image_of(row, record, 0).frame.world_from_camera
    red, blue = (center_of(record, item) for item in row["objects"])
    nearer = float(np.linalg.norm(red - pose[:3, 3]) - np.linalg.norm(blue - pose[:3, 3]))
    apart = red - blue
    return _judged(row, TWO_OBJECTS, np.array([apart @ pose[:3, 0], apart @ pose[:3, 1], nearer]), limits)


def _second_to_observer(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    first = image_of(row, record, 0)
    (red,) = row["objects"]
    if not hidden_in(record, limits, first.index, red["object_id"]):
        return "the first image shows the object"
    pose = first.frame.world_from_camera
    offset = center_of(record, red) - pose[:3, 3]
    return _judged(row, TO_OBSERVER, np.array([offset @ pose[:3, axis] for axis in range(3)]), limits)


def _judged(row: Row, axes: tuple[str, ...], differences: Array, limits: Limits) -> Second | str:
    words = words_beyond_band(axes, differences, limits)
    if row["format_type"] == "judge":
        claimed = _claimed_word(row)
        holds = claimed in words
        slot = next((i for i, axis in enumerate(axes) if claimed in RELATION_WORDS[axis]), None)
        if slot is None or not words[slot]:
            return "claim about nothing that can be told"
        return Second(differences[slot : slot + 1], "Yes" if holds else "No")
    if row["format_type"] == "sentence" and said_words(row) != [word for word in words if word]:
        return "sentence says another relation"
    return Second(differences, as_text(words))


def words_beyond_band(axes: tuple[str, ...], differences: Array, limits: Limits) -> list[str]:
    """The second route to a triple's words."""
    return [RELATION_WORDS[axis][int(d > 0)] if abs(d) >= limits.relation_band else ""
            for axis, d in zip(axes, differences, strict=True)]


def _claimed_word(row: Row) -> str | None:
    """The word that a judged question claims: the one with which its wording reads as the question does."""
    name, format_type, keys = row["template_id"].split("/")
    wording = group_of(name, "questions", format_type).get(keys.split("-")[0], "")
    names = {item["color"]: called(item["label"], "box", item["color"]) for item in row["objects"]}
    for word, claim in templates("relation_words")["before_name"].items():
        if wording and row["question"].startswith(wording.format(claim=claim, **names)):
            return word
    return None


RELATION_TASKS = (
    Task(
        name="obj_spatial_relation_oo", short="ObjRel-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=("select", "sentence", "judge"), bench_format="select", options=4, marker="box",
        propose=one_view(("red", "blue")), measure=_relation_in_view, answer=_answer, recompute=_second_of_two,
        balanced=("select",),
    ),
    Task(
        name="obj_spatial_relation_oc_mv", short="ObjRel-OC-MV", level="high", relation="oc", img_type="multi_view",
        views=3, formats=("select", "sentence"), bench_format="select", options=4, marker="box",
        propose=hidden_from_first("red", views=3),
        measure=_relation_to_observer, answer=_answer, recompute=_second_to_observer,
        balanced=("select", "sentence"),
    ),
    Task(
        name="obj_spatial_relation_oo_mv", short="ObjRel-OO-MV", level="high", relation="oo", img_type="multi_view",
        views=3, formats=("select", "sentence", "judge"), bench_format="select", options=4, marker="box",
        propose=objects_across_views(("red", "blue"), views=3), measure=_relation_of_two, answer=_answer,
        recompute=_second_of_two,
        balanced=("select",),
    ),
)
