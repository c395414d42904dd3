"""Depth tasks: z of an object's 3D centre in the camera frame (SPAR, appendix 7.5, "Depth prediction").

Over several views, an object's depth is that in the image which carries its marker.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from builders.spar.askable import pointable
from builders.spar.facts import Asked, Gold, NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, depth_of, tells
from builders.spar.tasks.even_sampling import any_view, objects_in_views_apart, views_apart
from builders.spar.tasks.numbers import (
    DISTRACTORS,
    from_stills,
    number_elsewhere,
    number_gold,
    pairs_elsewhere,
)
from builders.spar.tasks.sampling import objects_across_views, one_view
from builders.spar.tasks.task import Proposal, Task

_FORMATS = ("fill", "select", "sentence")


def _depth(record: SceneRecord, views: tuple[int, ...], asked: Asked) -> float:
    """Metres, in the camera of the image that carries the object's marker."""
    return float(record.images[views[asked.view]].objects[asked.object_id].center_camera[2])


def _depth_given_reference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    """Options: depths of the same object in other images; in a single view, which tells the depth of another thing, of
    its namesakes where something else is as deep."""
    views, (red, blue) = proposal
    given = _depth(record, views, red)

    def apart(value: float) -> float | Rejected:
        return Rejected("similar_depth") if abs(value - given) < limits.min_depth_gap else value

    value = apart(_depth(record, views, blue))
    if isinstance(value, Rejected):
        return value
    if red.view == blue.view:
        others = _depths_of_namesakes(record, limits, rng, views[0], blue.object_id, given)
        return NumberFact(views, (red, blue), (red, blue, given, value), value, given, others)

    places = views_apart(record, limits, red.object_id, blue.object_id)

    def depth(view: int) -> float | Rejected:
        return apart(float(record.images[view].objects[blue.object_id].center_camera[2]))

    others = from_stills(rng, [view for view in places if view != views[blue.view]], depth)
    return NumberFact(views, (red, blue), None, value, given, others)


def _depths_of_namesakes(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, view: int, object_id: str, given: float
) -> tuple[float, ...]:
    """Depths that other questions in the same words have as gold, as many as options need: of objects of the same name
    in images where a reference is about as deep. All such questions are equally likely, as in ``any_view``."""
    label = record.label(object_id)
    waiting: list[tuple[float, float]] = []
    for still, depths in zip(record.stills, _marked_depths(record, limits), strict=True):
        namesakes = [name for name in depths if record.label(name) == label and (still, name) != (view, object_id)]
        references = [(name, depth) for name, depth in depths.items()
                      if max(depth, given) <= limits.same_reference_depth * min(depth, given)] if namesakes else []
        for name in namesakes:
            questions = sum(other != name and abs(depths[name] - reference) >= limits.min_depth_gap
                            for other, reference in references)
            if questions:
                waiting.append((rng.exponential() / questions, depths[name]))
    return tuple(depth for _, depth in sorted(waiting)[:DISTRACTORS])


@lru_cache(maxsize=1)
def _marked_depths(record: SceneRecord, limits: Limits) -> tuple[Mapping[str, float], ...]:
    """Of each keyframe, the depths of the objects that a point can mark in it, by object id."""
    return tuple({name: float(seen.center_camera[2]) for name, seen in record.images[still].objects.items()
                  if pointable(seen, limits)} for still in record.stills)


def _depth_difference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue, green) = proposal

    def difference(asked: tuple[Asked, ...]) -> float | Rejected:
        _, a, b = asked
        value = abs(_depth(record, views, a) - _depth(record, views, b))
        if value < limits.min_depth_gap:
            return Rejected("similar_depth")
        return Rejected("boxes_overlap") if (a.object_id, b.object_id) in record.overlapping_boxes else value

    value = difference((red, blue, green))
    if isinstance(value, Rejected):
        return value
    others = [(red, *pair) for pair in pairs_elsewhere(record, limits, views, blue, green, kept=(red,))]
    depths = _depth(record, views, blue), _depth(record, views, green)
    pair = (blue, green, *depths) if blue.view == green.view else None
    return NumberFact(views, (red, blue, green), pair, value, _depth(record, views, red),
                      number_elsewhere(record, limits, rng, views, others, difference))


def _answer(
    fact: NumberFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    return number_gold(fact, format_type, limits, rng)


def _answer_difference(
    fact: NumberFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    """Slot ``deeper``: what ``blue`` is, compared with ``green``."""
    gold = number_gold(fact, format_type, limits, rng)
    if isinstance(gold, Rejected):
        return gold
    blue, green = (_depth(record, fact.views, asked) for asked in fact.asked[1:])
    return replace(gold, slots={**gold.slots, "deeper": "deeper" if blue > green else "shallower"})


def _second_depth(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    red, blue = row["objects"]
    if not tells(row, depth_of(row, record, red)):
        return "given depth differs"
    return Second(np.array([depth_of(row, record, blue)]))


def _second_difference(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    red, blue, green = row["objects"]
    if not tells(row, depth_of(row, record, red)):
        return "given depth differs"
    further = depth_of(row, record, blue) - depth_of(row, record, green)
    said = f"{row['answer_value'][0]:.1f} meters, {'deeper' if further > 0 else 'shallower'}"
    return Second(np.array([abs(further)]), said if row["format_type"] == "sentence" else None)


DEPTH_TASKS = (
    Task(
        name="depth_prediction_oc", short="Depth-OC", level="low", relation="oc", img_type="single_view", views=1,
        formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=any_view(("red", "blue")), measure=_depth_given_reference,
        answer=_answer, recompute=_second_depth,
    ),
    Task(
        name="depth_prediction_oo", short="Depth-OO", level="low", relation="oo", img_type="single_view", views=1,
        formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=one_view(("red", "blue", "green"), points=True), measure=_depth_difference, answer=_answer_difference,
        recompute=_second_difference,
    ),
    Task(
        name="depth_prediction_oc_mv", short="Depth-OC-MV", level="low", relation="oc", img_type="multi_view", views=3,
        formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=objects_in_views_apart("red", "blue"), measure=_depth_given_reference,
        answer=_answer, recompute=_second_depth,
    ),
    Task(
        name="depth_prediction_oo_mv", short="Depth-OO-MV", level="low", relation="oo", img_type="multi_view", views=3,
        formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=objects_across_views(("red", "blue", "green"), views=3, points=True), measure=_depth_difference,
        answer=_answer_difference, recompute=_second_difference,
    ),
)
