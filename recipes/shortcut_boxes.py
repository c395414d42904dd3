"""Boxes of the objects that a tagged row compares, read as the dataset's builder read them."""

from pathlib import Path
from typing import NamedTuple

from builders.tagged import cv_bench, embspatial
from builders.tagged.cv_bench_boxes import drawn_boxes
from builders.tagged.images import decoded_size
from builders.tagged.policies import Question
from recipes.questions import Row

PixelBox = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


class PairBoxes(NamedTuple):
    """One box each, or several on the side of which several objects are compared."""

    far: tuple[PixelBox, ...]
    near: tuple[PixelBox, ...]


def pair_boxes(row: Row) -> PairBoxes | None:
    """The boxes of ``far_object`` and ``near_object``; None where they are not known.

    Those of EmbSpatial-Bench are in its column ``objects``. CV-Bench's are the rectangles drawn into its pictures,
    which every copy of it has, and which whoever looks at the picture sees.

    Args:
        row: with a tag and its picture, as ``recipes.shortcut_questions`` gives it.
    """
    data = row["image"][0]
    if data is None:
        return None
    question = _embspatial(row, data) if "objects" in row else _cv_bench(row, data)
    far, near = (
        tuple((float(x1), float(y1), float(x2), float(y2)) for name, (x1, y1, x2, y2) in question.boxes.items()
              if name in row[column].split("; "))
        for column in ("far_object", "near_object")
    )
    return PairBoxes(far, near) if far and near else None


def _embspatial(row: Row, data: bytes) -> Question:
    width, height = decoded_size(data) or (None, None)
    published = row | {"answer": row["answer_index"], "width": width, "height": height}
    question = embspatial.depth_question(published, (), row["box_format"], row["box_slack"])
    assert question is not None  # a row with a tag asks about depth
    return question


def _cv_bench(row: Row, data: bytes) -> Question:
    _, measured = cv_bench.measured(row, {"image": data}, Path())
    measured_row = row | measured
    return cv_bench.depth_question(measured_row, drawn_boxes(measured_row) or "rectangle_not_found", "")
