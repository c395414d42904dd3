"""Distance tasks: metres between 3D centres, or to the camera centre (SPAR, appendix 7.5, "Distance infer")."""

from dataclasses import dataclass

import numpy as np

from builders.spar.facts import Fact, Gold, NumberFact, Rejected
from builders.spar.geometry import center_distance
from builders.spar.limits import Limits
from builders.spar.printing import printed
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, center_of, law_of_cosines, pose_of
from builders.spar.tasks.numbers import number_gold
from builders.spar.tasks.sampling import one_view
from builders.spar.tasks.task import Proposal, Task


@dataclass(frozen=True)
class NearerFact(Fact):
    """Which of two candidates (``asked[1]``, ``asked[2]``) is closer to, or farther from, ``asked[0]``."""

    distances: tuple[float, float]
    """Of the two candidates, metres."""
    closer: bool
    """The question asks for the closer one."""


def _distance_to_camera(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red,) = proposal
    center = record.images[views[red.view]].objects[red.object_id].center_camera
    return NumberFact(views, (red,), None, float(np.linalg.norm(center)), None)


def _distance_between(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NumberFact | Rejected:
    views, (red, blue) = proposal
    a, b = record.objects[red.object_id].item.box, record.objects[blue.object_id].item.box
    distance = center_distance(a, b)
    if distance < limits.min_distance:
        return Rejected("too_close")
    if a.overlaps(b):
        return Rejected("boxes_overlap")
    return NumberFact(views, (red, blue), None, distance, None)


def _nearer_candidate(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NearerFact | Rejected:
    views, (red, green, blue) = proposal
    if len({record.label(asked.object_id) for asked in (red, green, blue)}) < 3:
        return Rejected("same_label")  # the options are names, and must not sound like the reference
    boxes = [record.objects[a.object_id].item.box for a in (red, green, blue)]
    to_green, to_blue = center_distance(boxes[0], boxes[1]), center_distance(boxes[0], boxes[2])
    if abs(to_green - to_blue) < limits.min_nearer_gap:
        return Rejected("similar_distance")
    if boxes[0].overlaps(boxes[1]) or boxes[0].overlaps(boxes[2]):
        return Rejected("boxes_overlap")
    return NearerFact(views, (red, green, blue), None, (to_green, to_blue), bool(rng.integers(2)))


def _length(
    fact: NumberFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    return number_gold(fact, format_type, limits, rng)


def _winner(
    fact: NearerFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold | Rejected:
    green, blue = (record.label(a.object_id) for a in fact.asked[1:])
    first_wins = (fact.distances[0] < fact.distances[1]) == fact.closer
    winner, loser = (green, blue) if first_wins else (blue, green)
    distractors = (loser,) if format_type == "select" else ()
    slots = {"nearer_to": "closer to" if fact.closer else "farther from"}
    return Gold(winner, printed(fact.distances), fact.distances, ("m", "m"), distractors, slots)


def _second_to_camera(row: Row, record: SceneRecord, limits: Limits) -> Second:
    (red,) = row["objects"]
    return Second(np.array([law_of_cosines(center_of(record, red), pose_of(row, record, red)[:3, 3])]))


def _second_between(row: Row, record: SceneRecord, limits: Limits) -> Second:
    red, blue = row["objects"]
    camera = pose_of(row, record, red)[:3, 3]
    return Second(np.array([law_of_cosines(center_of(record, red) - camera, center_of(record, blue) - camera)]))


def _second_nearer(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    red, green, blue = row["objects"]
    camera = pose_of(row, record, red)[:3, 3]
    offsets = [center_of(record, item) - camera for item in (red, green, blue)]
    distances = np.array([law_of_cosines(offsets[0], offsets[1]), law_of_cosines(offsets[0], offsets[2])])
    wants_closer = "closer to" in row["question"]
    if wants_closer == ("farther from" in row["question"]):
        return "question names no direction"
    winner = (green, blue)[int(np.argmin(distances) if wants_closer else np.argmax(distances))]
    return Second(distances, winner["label"])


DISTANCE_TASKS = (
    Task(
        name="distance_prediction_oc", short="Dist-OC", level="low", relation="oc", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point",
        propose=one_view(("red",)), measure=_distance_to_camera, answer=_length, recompute=_second_to_camera,
    ),
    Task(
        name="distance_prediction_oo", short="Dist-OO", level="low", relation="oo", img_type="single_view", views=1,
        formats=("fill",), bench_format="fill", options=0, marker="point",
        propose=one_view(("red", "blue")), measure=_distance_between, answer=_length,
        recompute=_second_between,
    ),
    Task(
        name="distance_infer_center_oo", short="DistI-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=("select",), bench_format="select", options=2, marker="point",
        propose=one_view(("red", "green", "blue")), measure=_nearer_candidate, answer=_winner,
        recompute=_second_nearer,
    ),
)
