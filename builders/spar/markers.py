"""Markers: kept as data in every row, drawn into pictures on demand. Sizes follow the image, so that a marker looks the
same at every resolution; ``legacy=True`` gives the absolute sizes and colours of the published drawing code instead,
which draws 20 pixels whatever the size.

Objects of a row that share their colour get a tag beside their marker, see ``tag_of``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

COLORS = {"red": (230, 0, 20), "blue": (0, 70, 255), "green": (0, 165, 40), "yellow": (255, 205, 0)}

POINT_RADIUS = 0.018
"""Radius of a point marker / shorter image side."""

BOX_STROKE = 0.010
"""Stroke of a box marker / shorter image side; 7/8 of it lie outside the box, so that the object stays visible."""

TAG_HEIGHT = 0.042
"""Letter size of a tag / shorter image side, at least ``_MIN_TAG_HEIGHT`` pixels."""

LEGACY_COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 128, 0), "yellow": (255, 255, 0)}
"""What Pillow calls by these names, as the published code does."""

LEGACY_PIXELS = 20
"""Radius of a point marker and stroke of a box in the published code."""

_OUTSIDE = 7 / 8
_MIN_TAG_HEIGHT = 13
_LEGACY_TAG_COLOR = (0, 255, 0)
_LEGACY_TAG_HEIGHT = 60
"""Pixels; capitals as high as those of OpenCV's font at scale 2."""

Box = tuple[float, float, float, float]


def draw_markers(
    images: Sequence[Image.Image], objects: Sequence[Mapping[str, Any]], legacy: bool = False
) -> list[Image.Image]:
    """Copies of the images with the markers of a row drawn in.

    Args:
        images: the views of one question, in order.
        objects: the row's ``objects``: ``color``, ``image_index`` and one of ``point`` (u, v) and ``bbox``
            (x1, y1, x2, y2) on the 0-1000 scale; entries with an empty colour are not drawn.
        legacy: draw in the sizes and colours of the published code, cut off at the image border.

    Example:
        >>> red = {"color": "red", "image_index": 0, "point": [500, 500], "bbox": None}
        >>> marked, = draw_markers([Image.new("RGB", (200, 100))], [red])
        >>> marked.getpixel((100, 50))
        (230, 0, 20)
    """
    marked = [image.copy() if image.mode == "RGB" else image.convert("RGB") for image in images]
    drawn = [(i, item) for i, item in enumerate(objects) if item["color"] and (item.get("point") or item.get("bbox"))]
    alike = Counter(item["color"] for _, item in drawn)
    tagged: list[list[tuple[str, str, Box]]] = [[] for _ in images]
    covered: list[list[Box]] = [[] for _ in images]
    for position, item in drawn:
        image, color, has_tag = marked[item["image_index"]], item["color"], alike[item["color"]] > 1
        draw = _draw_point if item.get("point") else _draw_box
        bounds = draw(image, item.get("point") or item["bbox"], color, legacy, has_tag)
        covered[item["image_index"]].append(bounds)
        if has_tag:
            tagged[item["image_index"]].append((tag_of(position), color, bounds))
    for image, tags, bounds_of_all in zip(marked, tagged, covered, strict=True):
        _draw_tags(image, tags, bounds_of_all, legacy)
    return marked


def tag_of(position: int) -> str:
    """Name of the object at a position (from 0) of a row's ``objects``, in pictures and answers; the published drawing
    code writes the same.

    Example:
        >>> tag_of(0)
        'object0'
    """
    return f"object{position}"


def marker_radius(width: int, height: int) -> float:
    """Radius of a point marker in an image of this size, pixels."""
    return max(2.0, POINT_RADIUS * min(width, height))


def _draw_point(image: Image.Image, point: Sequence[float], color: str, legacy: bool, has_tag: bool) -> Box:
    """Draw a disc and return its bounds; a white rim sets ours off from the picture."""
    radius = LEGACY_PIXELS if legacy else marker_radius(*image.size)
    rim = 0.0 if legacy else max(1.0, radius / 5)
    u, v = point[0] / 1000 * image.width - 0.5, point[1] / 1000 * image.height - 0.5
    bounds = (u - radius - rim, v - radius - rim, u + radius + rim, v + radius + rim)
    draw = ImageDraw.Draw(image)
    if rim:
        draw.ellipse(bounds, fill=(255, 255, 255))
    draw.ellipse((u - radius, v - radius, u + radius, v + radius), fill=(LEGACY_COLORS if legacy else COLORS)[color])
    return bounds


def _draw_box(image: Image.Image, box: Sequence[float], color: str, legacy: bool, has_tag: bool) -> Box:
    """Draw an outline and return its outer bounds."""
    stroke = LEGACY_PIXELS if legacy else max(2, round(BOX_STROKE * min(image.size)))
    grow = float(stroke) if legacy and has_tag else _OUTSIDE * stroke  # published maps draw their boxes wholly outside
    x1, y1, x2, y2 = (edge / 1000 * side - 0.5 for edge, side in zip(box, image.size * 2, strict=True))
    x1, y1 = max(x1 - grow, 0), max(y1 - grow, 0)
    x2, y2 = min(x2 + grow, image.width - 1), min(y2 + grow, image.height - 1)
    ImageDraw.Draw(image).rectangle(
        (x1, y1, x2, y2), outline=(LEGACY_COLORS if legacy else COLORS)[color], width=stroke
    )
    return x1, y1, x2, y2


def _draw_tags(
    image: Image.Image, tags: Sequence[tuple[str, str, Box]], covered: Sequence[Box], legacy: bool
) -> None:
    """Write each tag (text, colour, bounds of its marker) beside its marker, where it hides least of the other markers
    and of what they mark."""
    draw = ImageDraw.Draw(image)
    height = _LEGACY_TAG_HEIGHT if legacy else max(_MIN_TAG_HEIGHT, round(TAG_HEIGHT * min(image.size)))
    pad = 0 if legacy else max(1, height // 6)
    placed: list[Box] = []
    for text, color, (x1, y1, x2, y2) in tags:
        left, top, right, bottom = draw.textbbox((0, 0), text, font=_font(height))
        width, tall = right - left + 2 * pad, bottom - top + 2 * pad
        corners = [(x2 - width, y2)] if legacy else [
            (x1, y1 - tall), (x2 - width, y1 - tall), (x1, y2 + 1), (x2 - width, y2 + 1), (x2 + 1, y1),
            (x1 - width, y1), (x2 + 1, y2 - tall), (x1 - width, y2 - tall), (x1, y1), (x2 - width, y2 - tall),
        ]
        inside = [(min(max(x, 0), image.width - width), min(max(y, 0), image.height - tall)) for x, y in corners]
        areas = [(x, y, x + width, y + tall) for x, y in inside]
        spot = min(areas, key=lambda area: sum(_shared(area, b) for b in covered) + 10 * sum(
            _shared(area, b) for b in placed))
        placed.append(spot)
        if legacy:
            draw.text((spot[0] - left, spot[1] - top), text, fill=_LEGACY_TAG_COLOR, font=_font(height), stroke_width=2)
            continue
        draw.rectangle((round(spot[0]), round(spot[1]), round(spot[2]) - 1, round(spot[3]) - 1), fill=COLORS[color])
        dark = sum(COLORS[color]) > 400
        draw.text((round(spot[0]) + pad - left, round(spot[1]) + pad - top), text, font=_font(height),
                  fill=(0, 0, 0) if dark else (255, 255, 255))


def _shared(a: Box, b: Box) -> float:
    """Area two boxes share, square pixels."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


@cache
def _font(height: int) -> Any:
    """Pillow's own font, so that pictures do not depend on the fonts of a machine."""
    return ImageFont.load_default(height)
