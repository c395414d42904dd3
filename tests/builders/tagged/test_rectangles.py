"""Rectangles drawn by Pillow, at places known to the test, in pictures that hold the same colours elsewhere."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from builders.tagged.rectangles import find_rectangle

RED, BLUE = (255, 0, 0), (0, 0, 255)


def photograph(rng, width, height):
    """Smooth noise, with some filled things in red and blue, and thin red strokes."""
    small = rng.integers(40, 200, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for color in (RED, BLUE, (200, 30, 30)):
        x, y = rng.integers(0, width - 40), rng.integers(0, height - 40)
        draw.ellipse((x, y, x + 39, y + 25), fill=color)
    draw.line((5, height - 5, 40, height - 9), fill=RED, width=2)
    return image


def apart(rng, width, height):
    """Two rectangles (edges, x2 and y2 beyond the last pixel), one in each half of the picture."""
    half = width // 2
    for left in (0, half):
        x1, x2 = left + 3 + np.sort(rng.choice(half // 16 - 1, 2, replace=False)) * 16
        y1, y2 = 3 + np.sort(rng.choice(height // 16 - 1, 2, replace=False)) * 16
        yield int(x1), int(y1), int(x2 + 12), int(y2 + 12)


@pytest.mark.parametrize("line", [1, 2, 3, 5])
def test_drawn_rectangles_are_found_to_the_pixel(line):
    rng = np.random.default_rng(line)
    for _ in range(15):
        width, height = (int(side) for side in rng.integers(300, 900, 2))
        image = photograph(rng, width, height)
        draw = ImageDraw.Draw(image)
        drawn = list(apart(rng, width, height))
        for (x1, y1, x2, y2), color in zip(drawn, (RED, BLUE)):
            draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=color, width=line)
        found = [find_rectangle(image, name) for name in ("red", "blue")]
        assert np.abs(np.array(found) - drawn).max() <= 1  # a red thing behind a line may blur its edge by a pixel


def test_rectangles_that_cross_are_found():
    image = Image.new("RGB", (640, 480), "gray")
    draw = ImageDraw.Draw(image)
    draw.rectangle((50, 60, 299, 259), outline=RED, width=3)
    draw.rectangle((200, 160, 499, 399), outline=BLUE, width=6)
    assert find_rectangle(image, "red") == [50, 60, 300, 260] and find_rectangle(image, "blue") == [200, 160, 500, 400]


@pytest.mark.parametrize("draw_it", [
    lambda draw: None,
    lambda draw: draw.rectangle((50, 60, 300, 260), fill=RED),
    lambda draw: draw.ellipse((50, 60, 300, 260), outline=RED, width=3),
    lambda draw: draw.line((50, 60, 300, 60, 300, 260, 50, 260), fill=RED, width=3),  # the left side is missing
    lambda draw: draw.line((50, 60, 300, 260), fill=RED, width=3),
    lambda draw: draw.rectangle((50, 60, 300, 260), outline=(150, 60, 60), width=3),
])
def test_what_is_no_rectangle_of_the_colour_is_not_found(draw_it):
    image = Image.new("RGB", (400, 300), "gray")
    draw_it(ImageDraw.Draw(image))
    assert find_rectangle(image, "red") is None


def test_lines_of_a_jpeg_are_found():
    image = photograph(np.random.default_rng(1), 640, 480)
    ImageDraw.Draw(image).rectangle((101, 53, 420, 332), outline=BLUE, width=4)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    found = find_rectangle(Image.open(buffer), "blue")
    assert np.abs(np.subtract(found, (101, 53, 421, 333))).max() <= 2
