"""Markers: kept as data in every row, drawn into pictures on demand. Sizes follow the image, so that a marker looks the
same at every resolution (the published drawing code uses 20 pixels whatever the size)."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw

COLORS = {"red": (230, 0, 20), "blue": (0, 70, 255), "green": (0, 165, 40), "yellow": (255, 205, 0)}

POINT_RADIUS = 0.018
"""Radius of a point marker / shorter image side."""

BOX_STROKE = 0.010
"""Stroke of a box marker / shorter image side; 7/8 of it lie outside the box, so that the object stays visible."""

_OUTSIDE = 7 / 8


def draw_markers(images: Sequence[Image.Image], objects: Sequence[Mapping[str, Any]]) -> list[Image.Image]:
    """Copies of the images with the markers of a row drawn in.

    Args:
        images: the views of one question, in order.
        objects: the row's ``objects``: ``color``, ``image_index`` and one of ``point`` (u, v) and ``bbox``
            (x1, y1, x2, y2) on the 0-1000 scale; entries with an empty colour are not drawn.

    Example:
        >>> red = {"color": "red", "image_index": 0, "point": [500, 500], "bbox": None}
        >>> marked, = draw_markers([Image.new("RGB", (200, 100))], [red])
        >>> marked.getpixel((100, 50))
        (230, 0, 20)
    """
    marked = [image.copy() if image.mode == "RGB" else image.convert("RGB") for image in images]
    for item in objects:
        if item["color"]:
            image = marked[item["image_index"]]
            if item.get("point"):
                _draw_point(image, item["point"], COLORS[item["color"]])
            elif item.get("bbox"):
                _draw_box(image, item["bbox"], COLORS[item["color"]])
    return marked


def marker_radius(width: int, height: int) -> float:
    """Radius of a point marker in an image of this size, pixels."""
    return max(2.0, POINT_RADIUS * min(width, height))


def _draw_point(image: Image.Image, point: Sequence[float], color: tuple[int, int, int]) -> None:
    radius = marker_radius(*image.size)
    rim = max(1.0, radius / 5)
    u, v = point[0] / 1000 * image.width - 0.5, point[1] / 1000 * image.height - 0.5
    draw = ImageDraw.Draw(image)
    draw.ellipse((u - radius - rim, v - radius - rim, u + radius + rim, v + radius + rim), fill=(255, 255, 255))
    draw.ellipse((u - radius, v - radius, u + radius, v + radius), fill=color)


def _draw_box(image: Image.Image, box: Sequence[float], color: tuple[int, int, int]) -> None:
    stroke = max(2, round(BOX_STROKE * min(image.size)))
    grow = _OUTSIDE * stroke
    x1, y1, x2, y2 = (edge / 1000 * side - 0.5 for edge, side in zip(box, image.size * 2, strict=True))
    x1, y1 = max(x1 - grow, 0), max(y1 - grow, 0)
    x2, y2 = min(x2 + grow, image.width - 1), min(y2 + grow, image.height - 1)
    ImageDraw.Draw(image).rectangle((x1, y1, x2, y2), outline=color, width=stroke)
