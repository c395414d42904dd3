"""Finding a rectangle that was drawn into a picture with lines of one pure colour, as CV-Bench marks its objects.

A rectangle is four straight thin lines. What else has the colour is either thick (a red car) and removed first, or does
not fill four sides of a rectangle.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

CHANNELS = {"red": 0, "blue": 2}

_MIN_CHANNEL, _MAX_OTHERS = 200, 80
"""Of 255. Lines are drawn in pure colours; brown, brick and sky must not pass, for a rectangle that is not found costs
less than a wrong one."""
_THICKEST_LINE = 9
"""Pixels; larger things of the colour are no lines."""
_GAP = 15
"""Pixels of a line that may be covered, as by the other rectangle's line that crosses it."""
_MIN_SIDE = 8
"""Pixels."""
_MIN_COVER = 0.75
"""Share of every side that must have the colour."""
_SHARE_OF_LONGEST = 0.5
"""A row (or column) belongs to a side if it has this share of the pixels of the fullest one."""


def find_rectangle(image: Image.Image, color: str) -> list[float] | None:
    """x1, y1, x2, y2 of the outer edges of the largest rectangle of a colour, pixels; None if there is none.

    Args:
        color: ``red`` or ``blue``.

    Example:
        >>> from PIL import ImageDraw
        >>> image = Image.new("RGB", (64, 48), "white")
        >>> ImageDraw.Draw(image).rectangle((10, 5, 40, 30), outline=(255, 0, 0), width=2)
        >>> find_rectangle(image, "red"), find_rectangle(image, "blue")
        ([10.0, 5.0, 41.0, 31.0], None)
    """
    colored = _of_color(np.asarray(image.convert("RGB")), CHANNELS[color])
    if not colored.any():
        return None
    top, left = (int(colored.any(axis=axis).argmax()) for axis in (1, 0))
    colored = colored[top:, left:]
    lines = _thin_lines(colored)
    along_rows, along_columns = (_closed(lines, shape) for shape in ((1, _GAP), (_GAP, 1)))
    labels, _ = ndimage.label(along_rows | along_columns, np.ones((3, 3), int))
    best: list[float] | None = None
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        part = labels[rows, columns] == number
        edges = _sides(along_rows[rows, columns] & part, along_columns[rows, columns] & part)
        if edges and _covered(edges, (colored | along_rows | along_columns)[rows, columns]):
            x1, y1, x2, y2 = edges
            x, y = left + columns.start, top + rows.start
            found = [float(x + x1), float(y + y1), float(x + x2), float(y + y2)]
            if best is None or _perimeter(found) > _perimeter(best):
                best = found
    return best


def _of_color(pixels: NDArray[np.uint8], channel: int) -> NDArray[np.bool_]:
    """(height, width) whether a pixel of (height, width, 3) has the pure colour of a channel."""
    others = np.delete(pixels, channel, axis=2).max(axis=2)
    return (pixels[..., channel] >= _MIN_CHANNEL) & (others <= _MAX_OTHERS)


def _thin_lines(colored: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without whatever a square thicker than a line fits into."""
    square = np.ones((_THICKEST_LINE, _THICKEST_LINE), bool)
    return colored & ~ndimage.binary_opening(colored, square)


def _closed(lines: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """With short gaps filled, along rows or along columns."""
    return ndimage.binary_closing(np.pad(lines, _GAP), np.ones(shape, bool))[_GAP:-_GAP, _GAP:-_GAP]


def _sides(along_rows: NDArray[np.bool_], along_columns: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """x1, y1, x2, y2 of a connected figure's outermost long lines; x2 and y2 are beyond their last pixel."""
    y1, y2 = _ends(along_rows.sum(axis=1))
    x1, x2 = _ends(along_columns.sum(axis=0))
    return (x1, y1, x2, y2) if min(x2 - x1, y2 - y1) >= _MIN_SIDE else None


def _covered(edges: tuple[int, int, int, int], colored: NDArray[np.bool_]) -> bool:
    """Whether each side of a rectangle has the colour nearly all along. What else has it may touch a line."""
    x1, y1, x2, y2 = edges
    inside = colored[y1:y2, x1:x2]
    # two pixels deep: a line may be a pixel off after scaling
    sides = inside[:2].any(axis=0), inside[-2:].any(axis=0), inside[:, :2].any(axis=1), inside[:, -2:].any(axis=1)
    return min(side.mean() for side in sides) >= _MIN_COVER


def _ends(counts: NDArray[np.int64]) -> tuple[int, int]:
    """First and one beyond the last of those that belong to a side."""
    full = np.flatnonzero(counts >= _SHARE_OF_LONGEST * counts.max())
    return int(full[0]), int(full[-1]) + 1


def _perimeter(box: list[float]) -> float:
    return box[2] - box[0] + box[3] - box[1]
