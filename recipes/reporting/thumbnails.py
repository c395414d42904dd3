"""Pictures as small JPEG data URIs, for pages that need no other file."""

import base64
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

Outline = tuple[tuple[float, float, float, float], str]
"""A box (x1, y1, x2, y2, pixels of the full picture) and its colour."""


def thumbnail(data: bytes, width: int, outlines: Sequence[Outline] = ()) -> str:
    """The picture within a square of ``width`` pixels, boxes drawn on it."""
    with Image.open(io.BytesIO(data)) as image, io.BytesIO() as file:
        small = ImageOps.exif_transpose(image).convert("RGB")
        full = small.width
        small.thumbnail((width, width), Image.Resampling.LANCZOS)
        draw = ImageDraw.Draw(small)
        for box, color in outlines:
            draw.rectangle([edge * small.width / full for edge in box], outline=color, width=2)
        small.save(file, "JPEG", quality=85)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
