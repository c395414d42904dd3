"""Text and pixels for the pictures of a card: equal input gives equal bytes, in milliseconds.

(A plotting library would take a second for each card, and draw by the user's settings.)
"""

import importlib.util
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from math import ceil, floor, log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

INK, FAINT, LINE, PAPER = (31, 35, 40), (101, 109, 118), (216, 222, 228), (255, 255, 255)


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, as matplotlib brings it along; matplotlib itself is not imported."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("matplotlib is not installed, whose font the card's pictures are written with")
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)


def blank(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), PAPER)
    return image, ImageDraw.Draw(image)


def encoded(image: Image.Image) -> bytes:
    """As PNG, without any word about when and by what it was made."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def ticks(low: float, high: float, most: int) -> Iterator[tuple[float, str]]:
    """Round numbers from ``low`` to ``high``, at most ``most`` + 1, and how they are written.

    Example:
        >>> list(ticks(0, 1.04, 5))
        [(0.0, '0'), (0.25, '0.25'), (0.5, '0.5'), (0.75, '0.75'), (1.0, '1')]
    """
    rough = max(high - low, 1e-9) / most
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    for number in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1):
        yield number * step, f"{round(number * step, 10):,g}"
