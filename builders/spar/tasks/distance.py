"""Distance tasks: metres between 3D centres, or to the camera centre (SPAR, appendix 7.5, "Distance infer")."""

from dataclasses import replace

import numpy as np

from builders.spar.askable import best_views, markable, point_problem, seen_together
from builders.spar.facts import Asked, Gold, NumberFact, Rejected, evenly
from builders.spar.geometry import camera_coordinates, center_distance
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, center_of, image_of, law_of_cosines, pose_of
from builders.spar.tasks.even_sampling import any_view, object_hidden_from_first, views_without
from builders.spar.tasks.numbers import DISTRACTORS, from_stills, number_gold, numbers_together
from builders.spar.tasks.sampling import objects_across_views, objects_in_video, one_view
from builders.spar.tasks.task import Proposal, Task

_FORMATS = ("fill", "select", "sentence")


def _distance_to_camera(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact:
    """To the camera of the image. Options are distances of the same object to the cameras of other images that mark
    it; any of them may be asked about."""
    views, (red,) = proposal
    marked = markable(record, limits, points=True)
    places = [*views, *(view for view in record.stills if red.object_id in marked[view] and view not in views)]
    distances = [_to_camera(record, red, view) for view in places]
    gold, *others = numbers_together(distances, [1.0] * len(places), limits, rng) or [0]
    return NumberFact((places[gold],), (red,), None, distances[gold], None, tuple(distances[i] for i in others))


def _distance_to_first_camera(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact:
    """To the camera of the first view. Options are distances of the same object to the cameras of other images that
    might have been the first."""
    views, (red,) = proposal
    places = [view for view in views_without(record, limits, red.object_id) if view != views[0]]
    others = from_stills(rng, places, lambda view: _to_camera(record, red, view))
    return NumberFact(views, (red,), None, _to_camera(record, red, views[0]), None, others)


def _to_camera(record: SceneRecord, asked: Asked, view: int) -> float:
    """Metres from the camera of a view."""
    center = record.objects[asked.object_id].item.box.center
    return float(np.linalg.norm(camera_coordinates(center, record.frame(view))))


def _distance_between(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    """From red to blue. Options are distances of red to other things where blue is marked, all about as central in the
    scene as blue; any of them may take blue's place and be asked about."""
    views, (red, blue) = proposal

    def distance(other: Asked) -> float | Rejected:
        value = center_distance(*(record.objects[x.object_id].item.box for x in (red, other)))
        if value < limits.min_distance:
            return Rejected("too_close")
        return Rejected("boxes_overlap") if (red.object_id, other.object_id) in record.overlapping_boxes else value

    value = distance(blue)
    if isinstance(value, Rejected):
        return value
    if value < limits.min_option_distance:
        return NumberFact(views, (red, blue), None, value, None)
    across = len(views) > 1 and views != record.video
    partners, distances = [blue], [value]
    for other in _partners(record, limits, views, red, blue):
        asked, value = (red, other), distance(other)
        if not (isinstance(value, Rejected) or value < limits.min_option_distance
                or point_problem(record, limits, views, asked)
                or (across and seen_together(record, limits, views, asked))):
            partners.append(other)
            distances.append(value)
    central = [record.mean_distance[other.object_id] for other in partners]
    gold, *others = numbers_together(distances, central, limits, rng) or [0]
    return NumberFact(views, (red, partners[gold]), None, distances[gold], None, tuple(distances[i] for i in others))


def _partners(record: SceneRecord, limits: Limits, views: tuple[int, ...], red: Asked, blue: Asked) -> list[Asked]:
    """Where else the blue marker could stand while the red one stays: in its image; over several, in the one that
    shows the object best."""
    if len(views) > 1:
        places = sorted(best_views(record, limits, views).items())
    else:
        places = [(name, 0) for name in markable(record, limits, points=True)[views[0]]]
    return [Asked(name, at, blue.color) for name, at in places if name not in (red.object_id, blue.object_id)]


def _answer(
    fact: NumberFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    """Of two objects in different images, neither name may tell whether gold is among the larger options."""
    gold = number_gold(fact, format_type, limits, rng)
    if isinstance(gold, Rejected) or format_type != "select" or len({asked.view for asked in fact.asked}) == 1:
        return gold
    larger = sum(float(other) < fact.value for other in gold.distractors) > DISTRACTORS / 2
    return replace(gold, balance=tuple(
        evenly(record.label(asked.object_id), "larger" if larger else "smaller", ("larger", "smaller"), strict=False)
        for asked in fact.asked))


def _second_to_camera(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    (red,) = row["objects"]
    first = image_of(row, record, 0)
    if len(row["frame_ids"]) > 1 and red["object_id"] in first.objects:
        return "first image shows the object"
    return Second(np.array([law_of_cosines(center_of(record, red), first.frame.world_from_camera[:3, 3])]))


def _second_between(row: Row, record: SceneRecord, limits: Limits) -> Second:
    red, blue = row["objects"]
    camera = pose_of(row, record, red)[:3, 3]
    return Second(np.array([law_of_cosines(center_of(record, red) - camera, center_of(record, blue) - camera)]))


DISTANCE_TASKS = (
    Task(
        name="distance_prediction_oc", short="Dist-OC", level="low", relation="oc", img_type="single_view", views=1,
        formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=any_view(("red",)), measure=_distance_to_camera, answer=_answer,
        recompute=_second_to_camera,
    ),
    Task(
        name="distance_prediction_oo", short="Dist-OO", level="low", relation="oo", img_type="single_view", views=1,
        formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=one_view(("red", "blue"), points=True), measure=_distance_between, answer=_answer,
        recompute=_second_between,
    ),
    Task(
        name="distance_prediction_oc_mv", short="Dist-OC-MV", level="low", relation="oc", img_type="multi_view",
        views=3, formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=object_hidden_from_first("red"), measure=_distance_to_first_camera, answer=_answer,
        recompute=_second_to_camera,
    ),
    Task(
        name="distance_prediction_oo_mv", short="Dist-OO-MV", level="low", relation="oo", img_type="multi_view",
        views=3, formats=_FORMATS, bench_format="fill", options=4, marker="point",
        propose=objects_across_views(("red", "blue"), views=3, points=True), measure=_distance_between, answer=_answer,
        recompute=_second_between, balanced=("select",),
    ),
    Task(
        name="distance_prediction_oo_video", short="Dist-OO-Video", level="low", relation="oo", img_type="video",
        views=0, formats=_FORMATS, bench_format="", options=4, marker="point",
        propose=objects_in_video(("red", "blue")), measure=_distance_between, answer=_answer,
        recompute=_second_between,
    ),
)
