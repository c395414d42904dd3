"""Spatial imagination: the observer moves to the 3D centre of green and faces the centre of blue; where is red then,
relative to the observer (oc) or to yellow (oo)? (SPAR, appendix 7.5, "Spatial imagination".)

Before the move the observer stands where the first image was taken, or the first frame of the video. Choices ask for
the relation after the move, sentences tell it before and after.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from builders.scenes.scene import Array
from builders.spar.facts import Gold, Rejected
from builders.spar.geometry import looking_at
from builders.spar.limits import Limits
from builders.spar.printing import printed
from builders.spar.records import SceneRecord
from builders.spar.relations import (
    TO_OBSERVER,
    TWO_OBJECTS,
    Differences,
    RelationFact,
    as_text,
    between,
    border_problem,
    facing_balance,
    relation_gold,
    relation_triple,
    said_words,
    spoken_slots,
    to_observer,
)
from builders.spar.second_route import Row, Second, center_of, image_of
from builders.spar.tasks.observer_sampling import drawn_across_views, drawn_in_video
from builders.spar.tasks.relation import words_beyond_band
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Propose, Task


@dataclass(frozen=True)
class ImaginedFact(RelationFact):
    """A relation after the move, and before it."""

    before: Differences

    @property
    def compared(self) -> tuple[str, ...]:
        return super().compared[2:]


def _imagine(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> ImaginedFact | Rejected:
    """Where red is before and after; the asked objects are green, blue, red and, for two objects, yellow."""
    views, asked = proposal
    green, blue, *points = [record.objects[a.object_id].item.box.center for a in asked]
    east, north, up = (blue - green).tolist()
    if math.hypot(east, north, up) < limits.min_imagined_move:
        return Rejected("too_close")
    if math.degrees(math.atan2(abs(up), math.hypot(east, north))) > limits.max_imagined_pitch:
        return Rejected("gaze_too_steep")
    before, after = (
        _relation(pose, points) for pose in (record.frame(views[0]).world_from_camera, looking_at(green, blue))
    )
    problem = border_problem(before, limits) or border_problem(after, limits)
    if problem:
        return Rejected(problem)
    reference = points[1] if len(points) == 2 else green
    return ImaginedFact(views, asked, None, after, float(points[0][2] - reference[2]), before)


def _relation(pose: Array, points: list[Array]) -> Differences:
    """Of the first point (3,), world metres, to the second one, or to the observer at ``pose`` (4, 4)."""
    return between(points[0], points[1], pose) if len(points) == 2 else to_observer(points[0], pose)


def _answer(
    fact: ImaginedFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    """Sentences tell a change, so there must be one. Choices may
    have the old relation as gold: else whoever knows it could rule it out.

    Slots of sentences: those of ``spoken_slots``, with ``_before`` and ``_after``.
    """
    if format_type != "sentence":
        return relation_gold(fact, format_type, limits, rng)
    before = relation_triple(fact.before, limits.relation_band)
    after = relation_triple(fact.differences, limits.relation_band)
    if before == after:
        return Rejected("same_after_moving")
    exact = tuple(d for _, d in (*fact.before, *fact.differences))
    slots = (spoken_slots(fact.before, limits.relation_band, "_before")
             | spoken_slots(fact.differences, limits.relation_band, "_after"))
    return Gold(", ".join(before + after), printed(exact), exact, ("m",) * len(exact), slots=slots,
                balance=facing_balance(fact, after))


def _second_route(row: Row, record: SceneRecord, limits: Limits, axes: tuple[str, ...]) -> Second | str:
    """After the move in plan and height, by the bearing and the slope of the gaze, without a rotation matrix."""
    green, blue, *points = (center_of(record, item) for item in row["objects"])
    start = image_of(row, record, 0).frame.world_from_camera
    offsets = [point - start[:3, 3] for point in points]
    before = _compared([np.array([offset @ start[:3, axis] for axis in range(3)]) for offset in offsets], offsets)
    x, y, z = (blue - green).tolist()
    reach = math.hypot(x, y)
    slope = math.atan2(z, reach)
    seen = []
    for point in points:
        east, north, up = (point - green).tolist()
        ahead, right = (east * x + north * y) / reach, (east * y - north * x) / reach
        seen.append(np.array([right, ahead * math.sin(slope) - up * math.cos(slope),
                              ahead * math.cos(slope) + up * math.sin(slope)]))
    after = _compared(seen, [point - green for point in points])
    words = [words_beyond_band(axes, differences, limits) for differences in (before, after)]
    if row["format_type"] == "select":
        return Second(after, as_text(words[1]))
    if words[0] == words[1]:
        return "nothing changes by the move"
    if said_words(row) != [word for triple in words for word in triple if word]:
        return "sentence says another relation"
    return Second(np.concatenate([before, after]), ", ".join(words[0] + words[1]))


def _compared(seen: list[Array], offsets: list[Array]) -> Array:
    """(3,) slot by slot, from camera coordinates (3,) and offsets from the observer in the world (3,)."""
    if len(seen) == 1:
        return seen[0]
    right, down, _ = seen[0] - seen[1]
    return np.array([right, down, math.hypot(*offsets[0].tolist()) - math.hypot(*offsets[1].tolist())])


_OF_OBSERVER = ("green", "blue", "red")
_OF_TWO = (*_OF_OBSERVER, "yellow")


def _task(
    name: str, short: str, img_type: str, views: int, drawn: Callable[[tuple[str, ...]], Propose], marker: str = "box"
) -> Task:
    to_object = "_oo" in name
    choice = img_type != "video"
    return Task(
        name=name, short=short, level="high", relation="oo" if to_object else "oc", img_type=img_type, views=views,
        formats=("select", "sentence") if choice else ("sentence",), bench_format="select" if choice else "",
        options=4 if choice else 0, marker=marker,
        propose=drawn(_OF_TWO if to_object else _OF_OBSERVER),
        measure=_imagine, answer=_answer, balanced=("select",) if to_object else ("select", "sentence"),
        recompute=partial(_second_route, axes=TWO_OBJECTS if to_object else TO_OBSERVER),
    )


_across_three = partial(drawn_across_views, views=3)
_named_in_video = partial(drawn_in_video, named=True)

IMAGINATION_TASKS = (
    _task("spatial_imagination_oc", "SpImag-OC", "single_view", 1, one_view),
    _task("spatial_imagination_oo", "SpImag-OO", "single_view", 1, one_view),
    _task("spatial_imagination_oc_mv", "SpImag-OC-MV", "multi_view", 3, _across_three),
    _task("spatial_imagination_oo_mv", "SpImag-OO-MV", "multi_view", 3, _across_three),
    _task("spatial_imagination_oc_video", "SpImag-OC-Video", "video", 0, drawn_in_video),
    _task("spatial_imagination_oo_video", "SpImag-OO-Video", "video", 0, drawn_in_video),
    _task("spatial_imagination_oc_video_hard", "SpImag-OC-Video-Hard", "video", 0, _named_in_video, marker="none"),
    _task("spatial_imagination_oo_video_hard", "SpImag-OO-Video-Hard", "video", 0, _named_in_video, marker="none"),
)
