"""A spar_7m folder against itself: the scene as the tables ``frames`` and ``objects`` tell it, and what they get wrong.

The tables hold cameras, boxes and which frame shows which object. Answers that need more of a picture (where in it an
object is seen, say) cannot be recomputed from them; ``NotStored`` tells these apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from builders.scenes.scene import Frame, OrientedBox, SceneObject
from builders.spar.frame_tables import stored_aligned_box, stored_box, stored_camera
from builders.spar.records import ImageRecord, ObjectRecord, SceneRecord

Row = Mapping[str, Any]


class NotStored(Exception):
    """A second route asked for something that the tables do not hold."""


class _Unstored:
    """Stands where a record would hold what the tables do not."""

    def _refuse(self, *_: Any) -> Any:
        raise NotStored

    __getattr__ = __getitem__ = __iter__ = __len__ = __contains__ = __bool__ = __array__ = __float__ = _refuse
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __mul__ = __truediv__ = _refuse


class _Seen(Mapping[str, Any]):
    """Which objects an image shows, but not where."""

    def __init__(self, names: set[str]):
        self._names = names

    def __getitem__(self, name: str) -> Any:
        raise NotStored

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)


def stored_record(frames: Sequence[Row], objects: Sequence[Row]) -> SceneRecord:
    """The record of one scene, from its rows of ``frames`` and ``objects``.

    Raises:
        ValueError: a matrix is no camera, a box no box, or a name occurs twice.
    """
    unstored = cast(Any, _Unstored())
    seen: dict[str, set[str]] = {row["frame_id"]: set() for row in frames}
    places = {row["frame_id"]: place for place, row in enumerate(frames)}
    held: dict[str, ObjectRecord] = {}
    aligned: dict[str, OrientedBox] = {}
    for row in objects:
        item = SceneObject(row["object_id"], row["label"], OrientedBox(row["center"], row["axes"], row["extents"]),
                           np.zeros(0, np.int64))
        missing = set(row["frame_ids"]) - set(places)
        if missing:
            raise ValueError(f"object {row['object_id']}: no frame {sorted(missing)[0]!r} in frames")
        for frame_id in row["frame_ids"]:
            seen[frame_id].add(row["object_id"])
        if "aligned_center" in row:
            aligned[row["object_id"]] = OrientedBox(row["aligned_center"], np.eye(3), row["aligned_extents"])
        held[row["object_id"]] = ObjectRecord(item, tuple(places[frame_id] for frame_id in row["frame_ids"]))
    if len(places) < len(frames) or len(held) < len(objects):
        raise ValueError("a frame or an object occurs twice")
    images = tuple(
        ImageRecord(place, _frame(row), _Seen(seen[row["frame_id"]]), unstored) for place, row in enumerate(frames)
    )
    return SceneRecord(
        source=frames[0]["source"], scene_id=frames[0]["scene_id"], images=images, stills=unstored, video=unstored,
        objects=held, visibility_basis="", frames_read=0, unseen={}, footprint=unstored, plan_area=unstored,
        instructions=unstored, aligned_boxes=aligned or unstored,
    )


def _frame(row: Row) -> Frame:
    return Frame(row["frame_id"], row["width"], row["height"], row["intrinsics"], row["world_from_camera"],
                 row["depth_intrinsics"])


def table_problems(frames: Sequence[Row], objects: Sequence[Row], record: SceneRecord) -> list[str]:
    """Where the tables of one scene differ from the scene itself, a line each."""
    cameras = {image.frame.frame_id: stored_camera(image.frame) for image in record.images}
    boxes = {
        name: stored_box(held.item) | (stored_aligned_box(record, name) if "aligned_center" in objects[0] else {})
        | {"frame_ids": [record.frame(image).frame_id for image in held.images]}
        for name, held in record.objects.items()
    }
    where = f"{record.source}/{record.scene_id}"
    return [
        *_differences(f"{where} frame", {row["frame_id"]: row for row in frames}, cameras),
        *_differences(f"{where} object", {row["object_id"]: row for row in objects}, boxes),
    ]


def _differences(what: str, stored: Mapping[str, Row], true: Mapping[str, Row]) -> Iterator[str]:
    yield from (f"{what} {name}: missing" for name in true if name not in stored)
    yield from (f"{what} {name}: not in the scene" for name in stored if name not in true)
    for name in true:
        if name in stored:
            yield from (f"{what} {name}: {column} differs" for column, value in true[name].items()
                        if not _equal(stored[name][column], value))


def _equal(stored: Any, true: Any) -> bool:
    if isinstance(true, list) and stored is not None and not any(isinstance(one, str) for one in true):
        return np.shape(stored) == np.shape(true) and bool(np.allclose(stored, true, rtol=0, atol=1e-9))
    return bool(stored == true)
