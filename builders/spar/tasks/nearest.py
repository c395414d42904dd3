"""Which of several objects is nearest to, or farthest from, a reference object or the observer (SPAR, appendix 7.5,
"Distance infer"). Answers are names."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from builders.scenes.scene import Array
from builders.spar.facts import Asked, Balanced, Fact, Gold, Rejected
from builders.spar.geometry import camera_coordinates, center_distance
from builders.spar.limits import Limits
from builders.spar.printing import metres, printed
from builders.spar.records import SceneRecord
from builders.spar.second_route import Row, Second, center_of, image_of, law_of_cosines
from builders.spar.tasks.naming import Name, plural, unmistakable
from builders.spar.tasks.sampling import objects_across_views, objects_in_video, one_view, take_turns, view_groups
from builders.spar.tasks.task import Proposal, Propose, Task

_FORMATS = ("fill", "select", "sentence")
_WORDS = {"oo": ("closer to", "farther from"), "oc": ("nearest to", "farthest from")}
_COLORS = ("red", "blue", "green", "yellow")
_SETS_PER_VIEW = 64
"""Random sets of named candidates looked at in each view, or group of views."""


@dataclass(frozen=True)
class NearestFact(Fact):
    """Which candidate, of the last ones of ``asked``, is nearest to the reference or farthest from it."""

    distances: tuple[float, ...]
    """Of the candidates, metres."""
    nearest: bool
    """The question asks for the nearest one."""


def _named_candidates(views: int) -> Propose:
    """Four objects that some of the views show, of about one height, each the only one that its name may mean; over
    several views, which have many such sets, apart from each other."""

    def propose(record: SceneRecord, limits: Limits, rng: np.random.Generator) -> Iterator[Proposal]:
        def choices_in(group: tuple[int, ...]) -> Iterator[Proposal]:
            shown = tuple(rng.permutation(group).tolist())
            seen = {name: at for at in reversed(range(views)) for name in sorted(record.images[shown[at]].objects)}
            names = sorted(name for name in seen if name in unmistakable(record))
            if len(names) < len(_COLORS):
                return
            drawn = rng.random((_SETS_PER_VIEW, len(names))).argsort(axis=1)[:, : len(_COLORS)]
            places = np.array([record.objects[name].item.box.center for name in names])[drawn]
            fits = np.ptp(places[..., 2], axis=1) <= limits.max_candidate_spread
            if views > 1:
                fits &= _gaps(places).min(axis=(1, 2)) >= limits.min_option_distance
            asked_before = set()
            for chosen in drawn[fits].tolist():
                key = frozenset(chosen)
                if key not in asked_before:
                    asked_before.add(key)
                    yield shown, tuple(Asked(names[i], seen[names[i]], c) for i, c in zip(chosen, _COLORS, strict=True))

        groups = [(view,) for view in record.stills] if views == 1 else view_groups(record, limits, views, rng)
        yield from take_turns([choices_in(groups[i]) for i in rng.permutation(len(groups)).tolist()])

    return propose


def _gaps(places: Array) -> Array:
    """(..., n, n) distances between points (..., n, 3); infinite from each to itself."""
    between = np.linalg.norm(places[..., :, None, :] - places[..., None, :, :], axis=-1)
    return between + np.diag(np.full(places.shape[-2], np.inf))


def _to_reference(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NearestFact | Rejected:
    views, asked = proposal
    if len({record.label(a.object_id) for a in asked}) < len(asked):
        return Rejected("same_label")  # the options are names, and must not sound like the reference
    reference, *candidates = (record.objects[a.object_id].item.box for a in asked)
    if any((asked[0].object_id, a.object_id) in record.overlapping_boxes for a in asked[1:]):
        return Rejected("boxes_overlap")
    distances = tuple(center_distance(reference, box) for box in candidates)
    nearest = bool(rng.integers(2))
    first, second, *_ = _ranking(distances, nearest)
    if _alike(distances[first], distances[second], limits):
        return Rejected("similar_distance")
    return NearestFact(views, asked, None, distances, nearest)


def _to_observer(
    record: SceneRecord, limits: Limits, rng: np.random.Generator, proposal: Proposal
) -> NearestFact | Rejected:
    """To the camera of the first view."""
    views, asked = proposal
    if _seen_for_being_near(record, limits, views, asked):
        return Rejected("seen_for_being_near")
    boxes = [record.objects[a.object_id].item.box for a in asked]
    centers = np.array([box.center for box in boxes])
    distances = tuple(np.linalg.norm(camera_coordinates(centers, record.frame(views[0])), axis=1).tolist())
    nearest = bool(rng.integers(2))
    first, second, *_ = _ranking(distances, nearest)
    if _alike(distances[first], distances[second], limits):
        return Rejected("similar_distance")
    if (asked[first].object_id, asked[second].object_id) in record.overlapping_boxes:
        return Rejected("boxes_overlap")
    pair = (asked[first], asked[second], distances[first], distances[second]) if len(views) == 1 else None
    return NearestFact(views, asked, pair, distances, nearest)


def _seen_for_being_near(
    record: SceneRecord, limits: Limits, views: tuple[int, ...], asked: tuple[Asked, ...]
) -> bool:
    """Whether one of the candidates would be too small to be asked about if it were as far from its camera as the
    farthest one is. Small things would be nearest more often than others: one sees them because they are near."""
    seen = [record.images[views[a.view]].objects[a.object_id] for a in asked]
    away = [math.hypot(*one.center_camera.tolist()) for one in seen]
    farthest = max(away)
    return any(one.area * (own / farthest) ** 2 < limits.min_area for one, own in zip(seen, away, strict=True))


def _alike(a: float, b: float, limits: Limits) -> bool:
    """Whether two distances, metres, differ by too little to tell by eye."""
    return abs(a - b) < max(limits.min_nearer_gap, limits.min_nearer_ratio * max(a, b))


def _ranking(distances: tuple[float, ...], nearest: bool) -> list[int]:
    """Positions of the candidates, the winner first."""
    return sorted(range(len(distances)), key=lambda i: distances[i], reverse=not nearest)


def _answer(
    fact: NearestFact, format_type: str, record: SceneRecord, limits: Limits, rng: np.random.Generator
) -> Gold:
    """Slots: ``nearer_to``, ``winner``, and the distance of each candidate as ``to_`` and its colour."""
    candidates = fact.asked[-len(fact.distances):]
    names = [record.label(a.object_id) for a in candidates]
    winner, *losers = (names[i] for i in _ranking(fact.distances, fact.nearest))
    words = _WORDS["oc" if len(candidates) == len(fact.asked) else "oo"]
    slots = {"nearer_to": words[0 if fact.nearest else 1], "winner": Name(winner, of=winner)}
    slots |= {f"to_{a.color}": metres(distance) for a, distance in zip(candidates, fact.distances, strict=True)}
    gold = Gold(winner, printed(fact.distances), fact.distances, ("m",) * len(names), slots=slots)
    if format_type != "select":
        return gold
    # things in the middle of a room are closer to most others: whichever name is among n options wins one time in n
    shares = {"wins": 1 / len(names), "loses": 1 - 1 / len(names)}
    balance = tuple(Balanced(f"{name} {words[not fact.nearest]}", "wins" if name == winner else "loses", shares)
                    for name in names)
    return replace(gold, distractors=tuple(losers), balance=balance)


def _second_route(row: Row, record: SceneRecord, limits: Limits) -> Second | str:
    """By the law of cosines, in offsets from the first camera; the question's own words tell what wins."""
    camera = image_of(row, record, 0).frame.world_from_camera[:3, 3]
    offsets = [center_of(record, item) - camera for item in row["objects"]]
    if row["relation"] == "oo":
        distances = np.array([law_of_cosines(offsets[0], offset) for offset in offsets[1:]])
    else:
        distances = np.linalg.norm(offsets, axis=1)
    said = [word for word in _WORDS[row["relation"]] if word in row["question"]]
    if len(said) != 1:
        return "question names no direction"
    best = distances.argmin() if said[0] == _WORDS[row["relation"]][0] else distances.argmax()
    winner = row["objects"][-len(distances):][int(best)]["label"]
    if row["format_type"] != "sentence":
        return Second(distances, winner)
    verb = "are" if plural(winner) else "is"
    return Second(distances, ", ".join([f"the {winner} {verb} {said[0]}", *(f"{x:.1f}" for x in row["answer_value"])]))


NEAREST_TASKS = (
    Task(
        name="distance_infer_center_oc", short="DistI-OC", level="high", relation="oc", img_type="single_view", views=1,
        formats=_FORMATS, bench_format="", options=4, marker="none",
        propose=_named_candidates(1), measure=_to_observer, answer=_answer, recompute=_second_route,
        balanced=("select",), fill_metric="name_accuracy",
    ),
    Task(
        name="distance_infer_center_oo", short="DistI-OO", level="high", relation="oo", img_type="single_view", views=1,
        formats=_FORMATS, bench_format="select", options=2, marker="point",
        propose=one_view(("red", "green", "blue"), points=True), measure=_to_reference, answer=_answer,
        recompute=_second_route, balanced=("select",), fill_metric="name_accuracy",
    ),
    Task(
        name="distance_infer_center_oc_mv", short="DistI-OC-MV", level="high", relation="oc", img_type="multi_view",
        views=3, formats=_FORMATS, bench_format="", options=4, marker="none",
        propose=_named_candidates(3), measure=_to_observer, answer=_answer, recompute=_second_route,
        balanced=("select",), fill_metric="name_accuracy",
    ),
    Task(
        name="distance_infer_center_oo_mv", short="DistI-OO-MV", level="high", relation="oo", img_type="multi_view",
        views=3, formats=_FORMATS, bench_format="select", options=2, marker="point",
        propose=objects_across_views(("red", "green", "blue"), views=3, in_order=True, points=True),
        measure=_to_reference, answer=_answer, recompute=_second_route,
        balanced=("select",), fill_metric="name_accuracy",
    ),
    Task(
        name="distance_infer_center_oo_video", short="DistI-OO-Video", level="high", relation="oo", img_type="video",
        views=0, formats=_FORMATS, bench_format="", options=2, marker="point",
        propose=objects_in_video(("red", "green", "blue")), measure=_to_reference, answer=_answer,
        recompute=_second_route, balanced=("select",), fill_metric="name_accuracy",
    ),
)
