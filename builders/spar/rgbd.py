"""Config ``rgbd`` of SPAR-Bench: depth and cameras beside each picture, in the published columns.

The published cards give the columns as nested float lists and no more. Our reading: per image, ``depth`` is a 2-D array
in metres along the optical axis, 0 where nothing was measured; ``pose`` is camera-to-world, and the intrinsics are
padded to 4x4, all flattened row by row to 16 numbers.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
import pyarrow as pa
from datasets import Features, List, Value
from PIL import Image

from builders.errors import SceneError
from builders.scenes.scene import Array, SceneSource
from builders.spar.rows import BENCH_FEATURES
from builders.spar.scenes_to_rows import SceneRows

_MATRIX = List(Value("float64"))

RGBD_FEATURES = Features(BENCH_FEATURES | {
    "depth": List(List(List(Value("float32")))),
    "pose": List(_MATRIX),
    "intrinsic_color": List(_MATRIX),
    "intrinsic_depth": List(_MATRIX),
})

FRAME_SCHEMA = pa.schema({
    "frame_id": pa.string(),
    "png": pa.binary(),
    "pose": pa.list_(pa.float64()),
    "intrinsic_color": pa.list_(pa.float64()),
    "intrinsic_depth": pa.list_(pa.float64()),
})
"""Table ``depth`` of a part: the frames of its rows that have a depth map, as the source stores it (16 bits, mm)."""

_SLICE_ROWS = 4
"""Rows that get their depth at once; three maps of 640x480 are 4 MB."""


def depth_table(made: SceneRows, source: SceneSource) -> pa.Table:
    """``FRAME_SCHEMA`` for the frames that the rows show. A frame whose depth cannot be read counts as one without."""
    shown = {frame_id for row in made.rows for frame_id in row["frame_ids"]}
    rows = []
    for frame in made.scene.frames:
        if frame.frame_id not in shown or frame.depth_intrinsics is None:
            continue
        try:
            png = source.read_depth(made.scene, frame)
        except SceneError:
            continue
        if png is not None:
            rows.append({
                "frame_id": frame.frame_id,
                "png": png,
                "pose": frame.world_from_camera.ravel(),
                "intrinsic_color": _padded(frame.intrinsics),
                "intrinsic_depth": _padded(frame.depth_intrinsics),
            })
    return pa.Table.from_pylist(rows, schema=FRAME_SCHEMA)


def with_depth(tables: Iterable[pa.Table], frames: pa.Table) -> Iterator[pa.Table]:
    """The rows in slices, with the columns of ``RGBD_FEATURES``.

    Args:
        tables: rows of one scene; every frame of theirs is in ``frames``.
        frames: ``FRAME_SCHEMA``.
    """
    places = {frame_id: place for place, frame_id in enumerate(frames["frame_id"].to_pylist())}
    matrices = {name: frames[name].to_pylist() for name in ("pose", "intrinsic_color", "intrinsic_depth")}
    for table in (rows.slice(start, _SLICE_ROWS) for rows in tables for start in range(0, len(rows), _SLICE_ROWS)):
        views = [[places[frame_id] for frame_id in of_row] for of_row in table["frame_ids"].to_pylist()]
        shown = sorted({place for of_row in views for place in of_row})
        maps = {place: _metres(frames["png"][place].as_py()) for place in shown}
        columns = {"depth": _nested([[maps[place] for place in of_row] for of_row in views])}
        for name, held in matrices.items():
            columns[name] = pa.array([[held[place] for place in of_row] for of_row in views])
        for name, column in columns.items():
            table = table.append_column(name, column)
        yield table.cast(RGBD_FEATURES.arrow_schema)


def _metres(png: bytes) -> np.ndarray:
    """(height, width) float32 from a 16-bit PNG in millimetres."""
    with Image.open(BytesIO(png)) as image:
        return (np.asarray(image) / 1000).astype(np.float32)


def _nested(maps: list[list[np.ndarray]]) -> pa.Array:
    """Lists of lists of 2-D arrays as an Arrow column, without a Python object per number."""
    flat = [one for of_row in maps for one in of_row]
    lines = pa.ListArray.from_arrays(
        _offsets([width for one in flat for width in [one.shape[1]] * one.shape[0]]),
        pa.array(np.concatenate([one.ravel() for one in flat])),
    )
    images = pa.ListArray.from_arrays(_offsets([len(one) for one in flat]), lines)
    return pa.ListArray.from_arrays(_offsets([len(of_row) for of_row in maps]), images)


def _offsets(lengths: list[int]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())


def _padded(intrinsics: Array) -> Array:
    """(16,) a 4x4 matrix, row by row."""
    matrix = np.eye(4)
    matrix[:3, :3] = intrinsics
    return matrix.ravel()
