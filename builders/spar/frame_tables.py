"""The tables beside the questions of spar_7m: posed frames with their pixels, and annotated objects with their boxes.

A frame's picture is stored here once; rows get theirs from here when they are published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, Image, List, Value

from builders.errors import SceneError
from builders.scenes.scene import Frame, SceneObject, SceneSource
from builders.spar.records import SceneRecord
from builders.spar.scenes_to_rows import SceneRows

WITHOUT_QUESTIONS = ("frames", "objects")
"""The configs of spar_7m that hold what the questions are about."""

_MATRIX = List(List(Value("float64")))

FRAME_FEATURES = Features({
    "frame_id": Value("string"),
    "scene_id": Value("string"),
    "source": Value("string"),
    "image": Image(),
    "depth": Image(),
    "intrinsics": _MATRIX,
    "depth_intrinsics": _MATRIX,
    "world_from_camera": _MATRIX,
    "width": Value("int64"),
    "height": Value("int64"),
})
"""Columns of config ``frames``. Matrices are plain nested lists: they read the same in every Parquet reader."""

OBJECT_FEATURES = Features({
    "scene_id": Value("string"),
    "source": Value("string"),
    "object_id": Value("string"),
    "label": Value("string"),
    "center": List(Value("float64")),
    "axes": _MATRIX,
    "extents": List(Value("float64")),
    "frame_ids": List(Value("string")),
})
"""Columns of config ``objects``."""

_SLICE_BYTES = 8_000_000
"""Rows are given their pictures in slices of about this many bytes."""


def frame_table(made: SceneRows, source: SceneSource, embeds: bool, dropped: Counter[str]) -> pa.Table:
    """Every frame that a row may show; pictures and depth maps only where they may be passed on.

    Args:
        dropped: counts pictures and depth maps that cannot be read; their places stay empty.
    """
    rows = []
    for image in made.record.images:
        frame = image.frame
        picture = depth = None
        if embeds:
            try:
                picture = made.pictures.of_frame(frame.frame_id)
            except SceneError:
                dropped["frames_without_image"] += 1
            try:
                depth = source.read_depth(made.scene, frame)
            except SceneError:
                dropped["frames_without_depth"] += 1
        rows.append({
            "frame_id": frame.frame_id,
            "scene_id": made.scene.scene_id,
            "source": made.scene.source,
            "image": picture,
            "depth": depth and {"bytes": depth, "path": f"{made.scene.scene_id}_{frame.frame_id}_depth.png"},
            **stored_camera(frame),
        })
    return pa.Table.from_pylist(rows, schema=FRAME_FEATURES.arrow_schema)


def stored_camera(frame: Frame) -> dict[str, Any]:
    """The columns that tell a frame's camera."""
    depth_intrinsics = frame.depth_intrinsics
    return {
        "intrinsics": frame.intrinsics.tolist(),
        "depth_intrinsics": None if depth_intrinsics is None else depth_intrinsics.tolist(),
        "world_from_camera": frame.world_from_camera.tolist(),
        "width": frame.width,
        "height": frame.height,
    }


def stored_box(item: SceneObject) -> dict[str, Any]:
    """The columns that tell what an object is and where."""
    box = item.box
    return {"label": item.label, "center": box.center.tolist(), "axes": box.axes.tolist(),
            "extents": box.extents.tolist()}


ALIGNED_OBJECT_FEATURES = Features(OBJECT_FEATURES | {
    "aligned_center": List(Value("float64")),
    "aligned_extents": List(Value("float64")),
})
"""Columns of config ``objects`` where the boxes along the world's axes are asked for, too."""


def stored_aligned_box(record: SceneRecord, object_id: str) -> dict[str, list[float]]:
    """The columns that tell an object's box along the world's axes."""
    box = record.aligned_boxes[object_id]
    return {"aligned_center": box.center.tolist(), "aligned_extents": box.extents.tolist()}


def object_table(made: SceneRows, features: Features = OBJECT_FEATURES) -> pa.Table:
    """Every annotated object, structural ones left out, and the frames that show it well enough to ask about it."""
    rows = [
        {
            "scene_id": made.scene.scene_id,
            "source": made.scene.source,
            "object_id": name,
            **stored_box(held.item),
            **stored_aligned_box(made.record, name),
            "frame_ids": [made.record.frame(image).frame_id for image in held.images],
        }
        for name, held in made.record.objects.items()
    ]
    return pa.Table.from_pylist(rows, schema=features.arrow_schema)


def with_pictures(tables: Iterable[pa.Table], frames: pa.Table) -> Iterator[pa.Table]:
    """The rows in slices, ``image`` filled from the frames: every view of a row in order, or as many empty places.

    Args:
        tables: rows of one scene, with ``frame_ids``.
        frames: its ``frame_id`` and ``image``.
    """
    names, held = frames["frame_id"].combine_chunks(), frames["image"]
    pictures = held.chunk(0) if held.num_chunks == 1 else held.combine_chunks()  # which would copy them
    sizes = pc.fill_null(pc.binary_length(pc.struct_field(pictures, "bytes")), 0)
    for rows in tables:
        views = rows["frame_ids"].combine_chunks()
        counts = pc.list_value_length(views).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        places = pc.index_in(views.flatten(), value_set=names)
        ends = np.concatenate([[0], np.cumsum(sizes.take(places).to_numpy(zero_copy_only=False))])[offsets]
        field = rows.schema.field("image")
        for start, stop in _slices(np.diff(ends)):
            taken = pictures.take(places.slice(offsets[start], offsets[stop] - offsets[start]))
            column = pa.ListArray.from_arrays(offsets[start : stop + 1] - offsets[start], taken).cast(field.type)
            yield rows.slice(start, stop - start).set_column(rows.schema.get_field_index("image"), field, column)


def _slices(sizes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(start, stop) of runs of rows that stay below ``_SLICE_BYTES``, or have one row."""
    start = stop = total = 0
    for stop, size in enumerate(sizes):
        if total and total + size > _SLICE_BYTES:
            yield start, stop
            start, total = stop, 0
        total += size
    yield start, stop + 1
