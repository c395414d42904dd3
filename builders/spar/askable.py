"""Whether objects may be asked about together in some views: what a drawn point needs, and that every view counts."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import permutations

from builders.spar.facts import Asked
from builders.spar.geometry import covered_share
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.visibility import Observation


def point_problem(record: SceneRecord, limits: Limits, views: Sequence[int], asked: Sequence[Asked]) -> str | None:
    """Why point markers would not name these objects unmistakably, if so."""
    for i, a in enumerate(asked):
        image = record.images[views[a.view]]
        seen = image.objects[a.object_id]
        if not pointable(seen, limits):
            return "marker_off_object"
        for b in asked[:i]:
            if b.view == a.view:
                gap = math.dist(seen.center_pixel.tolist(), image.objects[b.object_id].center_pixel.tolist())
                if gap / image.frame.height < limits.min_marker_gap:
                    return "markers_collide"
    return None


def box_problem(record: SceneRecord, limits: Limits, views: Sequence[int], asked: Sequence[Asked]) -> str | None:
    """Why box markers would not name these objects unmistakably, if so."""
    for i, a in enumerate(asked):
        if a.object_id in _boxed_with_namesakes(record, limits)[views[a.view]]:
            return "namesake_in_the_box"
        shares = record.images[views[a.view]].box_iou
        for b in asked[:i]:
            if b.view == a.view and shares[a.object_id, b.object_id] > limits.max_marker_iou:
                return "markers_collide"
    return None


@lru_cache(maxsize=1)
def _boxed_with_namesakes(record: SceneRecord, limits: Limits) -> tuple[frozenset[str], ...]:
    """Of each image, the objects whose box also holds much of a thing of the same name."""
    held: list[frozenset[str]] = []
    for image in record.images:
        named = defaultdict(list)
        for name in image.objects:
            named[record.label(name)].append(name)
        alike = [names for names in named.values() if len(names) > 1]
        boxes = {name: image.objects[name].bbox for names in alike for name in names}
        held.append(frozenset(a for names in alike for a, b in permutations(names, 2)
                              if covered_share(boxes[a], boxes[b]) > limits.max_namesake_share))
    return tuple(held)


def pointable(seen: Observation, limits: Limits) -> bool:
    """Whether a point marker at the projected centre lies on the object."""
    return seen.center_on_object and seen.marker_cover >= limits.min_marker_cover


@lru_cache(maxsize=2)
def markable(record: SceneRecord, limits: Limits, points: bool) -> tuple[tuple[str, ...], ...]:
    """For each image, the objects that a question may mark in it, sorted; ``points``: those on which a point lies."""
    return tuple(tuple(sorted(name for name, seen in image.objects.items() if not points or pointable(seen, limits)))
                 for image in record.images)


@lru_cache(maxsize=1)
def found_in(record: SceneRecord, limits: Limits) -> tuple[frozenset[str], ...]:
    """Of each image, the objects that a person would find in it, be they cut off or half hidden."""
    return tuple(frozenset(image.objects) | {name for name, area in image.glimpsed.items() if area >= limits.min_area}
                 for image in record.images)


def seen_together(record: SceneRecord, limits: Limits, views: Sequence[int], asked: Sequence[Asked]) -> bool:
    """Whether one of the views shows all of several objects: a question over several views must need more than one."""
    names = {a.object_id for a in asked}
    if len(names) > 1:
        found = found_in(record, limits)
        for view in views:
            if names <= found[view]:
                return True
    return False


def hidden_in(record: SceneRecord, limits: Limits, view: int, object_id: str) -> bool:
    """Whether the image shows next to nothing of the object."""
    image = record.images[view]
    return object_id not in image.objects and image.glimpsed.get(object_id, 0.0) <= limits.glimpse_area


@lru_cache(maxsize=1)
def best_views(record: SceneRecord, limits: Limits, views: tuple[int, ...]) -> Mapping[str, int]:
    """By object id: the position in ``views`` of the image that shows the object largest, of those in which a point
    marker lies on it. Objects without such an image are left out."""
    best: dict[str, int] = {}
    for position, view in enumerate(views):
        for name, seen in record.images[view].objects.items():
            if pointable(seen, limits):
                held = best.get(name)
                if held is None or seen.area > record.images[views[held]].objects[name].area:
                    best[name] = position
    return best
