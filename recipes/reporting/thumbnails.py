"""Pictures as small JPEG data URIs, for pages that need no other file."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageOps

Outline = tuple[tuple[float, float, float, float], str]
"""A box (x1, y1, x2, y2, pixels of the full picture) and its colour."""
_JPEG_QUALITY = 80


class Thumbnail(NamedTuple):
    """A small picture."""

    data_uri: str
    width: int
    height: int


def thumbnail(data: bytes, width: int, outlines: Sequence[Outline] = ()) -> Thumbnail:
    """The picture within a square of ``width`` pixels, boxes drawn on it. ``OSError`` if it cannot be decoded."""
    with Image.open(io.BytesIO(data)) as image, io.BytesIO() as file:
        small = ImageOps.exif_transpose(image).convert("RGB")
        full = small.width
        small.thumbnail((width, width), Image.Resampling.LANCZOS)
        draw = ImageDraw.Draw(small)
        for box, color in outlines:
            draw.rectangle([edge * small.width / full for edge in box], outline=color, width=2)
        small.save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
        encoded = base64.b64encode(file.getvalue()).decode("ascii")
        return Thumbnail(f"data:image/jpeg;base64,{encoded}", small.width, small.height)
