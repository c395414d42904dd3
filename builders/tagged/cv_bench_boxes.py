"""The boxes of CV-Bench's Depth questions: the column ``bbox`` against the rectangles drawn into the pictures.

How the column is laid out is not documented. It is the reading under which its boxes lie on the drawn rectangles; where
none was found in any picture of a source, the one under which they lie in their pictures.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import product

from builders.tagged.boxes import FORMATS, Box, Votes, has_area, read_box
from builders.tagged.cv_bench import COLORS
from builders.tagged.files import Raw

Pair = tuple[Box, Box]
"""The red and the blue box."""

Reading = tuple[str, tuple[int, int]]
"""Box format, and where in the column the red and the blue box stand."""
READINGS: tuple[Reading, ...] = tuple(product(FORMATS, ((0, 1), (1, 0))))

WAYS = ("checked", "column", "rectangles")
"""``checked``: the column where it lies on the rectangles that were found, the rectangles where there is no column;
``column`` and ``rectangles``: the one or the other alone."""


def source_of(row: Raw) -> str:
    """What shares a layout of boxes: the dataset a picture comes from."""
    return row["source_dataset"] or row["source"] or ""


def readings(rows: Sequence[Raw], tolerance: float) -> dict[str, tuple[Reading | None, dict[str, int]]]:
    """Source -> how the column of its Depth rows is read, None if there is no telling; and the votes, by reading in
    words."""
    found = {}
    for source in dict.fromkeys(map(source_of, rows)):
        held = [row for row in rows if source_of(row) == source and row["bbox"]]
        votes = Counter(reading for row in held if row["red"] and row["blue"]
                        for reading in READINGS if lies_on_rectangles(row, reading, tolerance))
        told = {in_words(reading): count for reading, count in votes.most_common()}
        best = [reading for reading, count in votes.items() if count == max(votes.values())]
        found[source] = (best[0] if len(best) == 1 else None if best else _by_place(held)), told
    return found


def in_words(reading: Reading | None) -> str:
    """For manifest and report."""
    return f"{reading[0]}, {COLORS[reading[1][0]]} first" if reading else "unknown"


def _by_place(rows: Sequence[Raw]) -> Reading | None:
    """The reading of a source without rectangles: the format that keeps boxes in their images, red first."""
    if any(row["red"] and row["blue"] for row in rows):
        return None  # there are rectangles, and no reading lies on any
    votes = Votes()
    for row in rows:
        for box in row["bbox"] if row["height"] else ():
            votes.add(box, row["width"], row["height"], slack=1.0)
    return (votes.winner, (0, 1)) if votes.winner else None


def lies_on_rectangles(row: Raw, reading: Reading, tolerance: float) -> bool:
    """Whether the column's boxes lie on the rectangles that were found, to within ``tolerance`` pixels."""
    boxes = column_boxes(row, reading)
    return boxes is not None and all(
        row[color] is None or max(abs(float(edge) - drawn) for edge, drawn in zip(box, row[color])) <= tolerance
        for color, box in zip(COLORS, boxes, strict=True))


def column_boxes(row: Raw, reading: Reading) -> Pair | None:
    """Red and blue box of the column; None where it has no two boxes with an area."""
    box_format, places = reading
    held = row["bbox"] or []
    if len(held) <= max(places):
        return None
    first, second = (read_box(held[place], box_format) for place in places)
    if first is None or second is None or not (has_area(first) and has_area(second)):
        return None
    return first, second


def drawn_boxes(row: Raw) -> Pair | None:
    """Red and blue rectangle of the picture; None unless both were found."""
    first, second = (read_box(row[color], "xyxy") for color in COLORS)
    return None if first is None or second is None else (first, second)


def boxes_of(row: Raw, reading: Reading | None, way: str, tolerance: float) -> tuple[Pair | str, str]:
    """Red and blue box of a Depth row, or why there are none; and what column and rectangles say of each other.

    Args:
        reading: of its source.
        way: one of ``WAYS``.
    """
    drawn, column = drawn_boxes(row), column_boxes(row, reading) if reading else None
    some = any(row[color] for color in COLORS)
    if not row["bbox"]:
        compared = "rectangles, no column" if drawn else "neither"
    elif column is None or reading is None:
        compared = "column not readable"
    elif not some:
        compared = "column, no rectangle found"
    else:
        compared = "agree" if lies_on_rectangles(row, reading, tolerance) else "differ"
    if way == "rectangles":
        return drawn or "rectangle_not_found", compared
    if way == "column":
        return column or ("bbox_unreadable" if row["bbox"] else "no_boxes"), compared
    if compared == "differ":
        return "bbox_differs_from_rectangle", compared
    if compared == "column not readable":
        return "bbox_unreadable", compared
    return column or drawn or "no_boxes", compared
