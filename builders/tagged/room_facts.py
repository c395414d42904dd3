"""What can be asked about a picture of a room in the form of EmbSpatial-Bench: two objects and the direction from one
to the other, or four objects of which one is the closest or the farthest.

An object is asked about by a name that nothing else in the picture goes by. A direction is asked about only where it is
the single one that holds, and a depth only where each way to measure it gives the same answer: no question hangs on a
reading of its words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from builders.heuristic import tag, vertical_gap
from builders.scenes.scene import Array, Frame, OrientedBox
from builders.spar.records import ImageRecord, SceneRecord
from builders.spar.tasks.naming import confusable

DIRECTIONS = ("left", "right", "above", "under")
DEPTHS = ("close", "far")
OPTIONS = 4
"""Objects that a depth question names."""

MIN_DEPTH_GAP = 0.3
"""Metres by which the centre of the closest (farthest) object is nearer (farther) than that of any other."""
_MIN_RISE = 0.2
"""Metres by which centres differ in height, for above and under."""
_MIN_SHARED = 0.5
"""Share of the smaller object's extent in the image, across the direction asked about, that the other one covers:
then no other direction holds."""
_SETS_PER_IMAGE = 60


class RoomFact(NamedTuple):
    """A question without words."""

    image: int
    """Index into ``SceneRecord.images``."""
    relation: str
    objects: tuple[str, ...]
    """Object ids: (a, b) where a is ``relation`` of b; or the closest (farthest) one and three others."""


def facts(record: SceneRecord, relation: str, rng: np.random.Generator) -> Iterator[RoomFact]:
    """All direction facts, or a random choice of the depth facts, of a room's pictures; in random order, the pictures
    taking turns."""
    of_image = _depth_facts if relation in DEPTHS else _direction_facts
    waiting = [list(of_image(record, image, relation, rng)) for image in record.images]
    for found in waiting:
        rng.shuffle(found)
    order = rng.permutation(len(waiting)).tolist()
    while any(waiting):
        yield from (waiting[i].pop() for i in order if waiting[i])


def height_misleads(record: SceneRecord, fact: RoomFact) -> bool:
    """Whether the closest (farthest) of four objects forms more counter than consistent pairs with the three others."""
    image = record.images[fact.image]
    target, *others = (image.objects[name].bbox.tolist() for name in fact.objects)
    pairs = ((target, other) if fact.relation == "close" else (other, target) for other in others)
    tags = Counter(tag(vertical_gap(near, far, image.frame.height)) for near, far in pairs)
    return tags["counter"] > tags["consistent"]


def _names(record: SceneRecord, image: ImageRecord) -> list[str]:
    """Objects in the picture that their label names, and nothing else of which a pixel can be seen."""
    labels = Counter(map(record.label, image.glimpsed))
    return sorted(name for name in image.objects
                  if labels[record.label(name)] == 1 and not confusable(record.label(name), labels))


def _direction_facts(
    record: SceneRecord, image: ImageRecord, relation: str, rng: np.random.Generator
) -> Iterator[RoomFact]:
    names = _names(record, image)
    for a in names:
        for b in names:
            if a != b and _holds(record, image, relation, a, b):
                yield RoomFact(image.index, relation, (a, b))


def _holds(record: SceneRecord, image: ImageRecord, relation: str, a: str, b: str) -> bool:
    """Whether a is clearly ``relation`` of b, in the picture and in the room, and in no other direction of it."""
    if relation in ("right", "under"):
        return _holds(record, image, {"right": "left", "under": "above"}[relation], b, a)
    first, second = image.objects[a], image.objects[b]
    along = 0 if relation == "left" else 1
    across = 1 - along
    if first.bbox[along + 2] > second.bbox[along] or _shared(first.bbox, second.bbox, across) < _MIN_SHARED:
        return False
    if relation == "left":
        return bool(first.center_camera[0] < second.center_camera[0])
    upper, lower = (record.objects[name].item.box for name in (a, b))
    return bool(upper.center[2] - lower.center[2] >= _MIN_RISE and _bottom(upper) >= _top(lower))


def _shared(a: Array, b: Array, axis: int) -> float:
    """Of two 2D boxes: what they share along an axis, over the smaller one's extent."""
    shared = min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])
    return float(shared / min(a[axis + 2] - a[axis], b[axis + 2] - b[axis]))


def _bottom(box: OrientedBox) -> float:
    return float(box.corners()[:, 2].min())


def _top(box: OrientedBox) -> float:
    return float(box.corners()[:, 2].max())


def _depth_facts(
    record: SceneRecord, image: ImageRecord, relation: str, rng: np.random.Generator
) -> Iterator[RoomFact]:
    names = _names(record, image)
    if len(names) < OPTIONS:
        return
    measures = depth_measures(record, image, names) * (1 if relation == "close" else -1)
    asked = set()
    for chosen in rng.random((_SETS_PER_IMAGE, len(names))).argsort(axis=1)[:, :OPTIONS].tolist():
        ordered = sorted(chosen, key=lambda i: measures[i, 0])
        target, others = ordered[0], ordered[1:]
        clear = (measures[target, :2] + MIN_DEPTH_GAP <= measures[others, :2]).all()
        if clear and (measures[target, 2] < measures[others, 2]).all() and frozenset(chosen) not in asked:
            asked.add(frozenset(chosen))
            yield RoomFact(image.index, relation, tuple(names[i] for i in [target, *others]))


def depth_measures(record: SceneRecord, image: ImageRecord, names: Sequence[str]) -> Array:
    """(N, 3) metres from the camera to each object: to its centre, to its centre along the optical axis, and to the
    nearest point of its box."""
    return np.array([
        (np.linalg.norm(image.objects[name].center_camera), image.objects[name].center_camera[2],
         _nearest_point(record.objects[name].item.box, image.frame))
        for name in names
    ])


def _nearest_point(box: OrientedBox, frame: Frame) -> float:
    """Metres from the camera to the box; 0 inside."""
    offset = np.abs(box.axes @ (frame.center - box.center)) - box.extents / 2
    return float(np.linalg.norm(np.maximum(offset, 0)))
