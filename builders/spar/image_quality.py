"""Whether a frame shows enough to ask about: lit, not blank, not blurred. In place of eyes that look at every row."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from builders.spar.limits import Limits

QUALITY_SIDE = 240
"""Pixels of the shorter side at which quality is measured, about: so that limits hold for every resolution."""


@dataclass(frozen=True)
class ImageQuality:
    """Of the luminance, 0 to 255."""

    brightness: float
    """Mean."""
    contrast: float
    """Standard deviation."""
    sharpness: float
    """Variance of the Laplacian."""


def image_quality(image: Image.Image) -> ImageQuality:
    """Measure a picture after shrinking it to a shorter side of about 240 pixels (whole pixels are averaged)."""
    grey = image.convert("L")
    grey = grey.reduce(max(1, round(min(grey.size) / QUALITY_SIDE)))
    light = np.asarray(grey, dtype=np.float32)
    inner = light[1:-1, 1:-1]
    laplacian = 4 * inner - light[:-2, 1:-1] - light[2:, 1:-1] - light[1:-1, :-2] - light[1:-1, 2:]
    return ImageQuality(float(light.mean()), float(light.std()), float(laplacian.var()) if laplacian.size else 0.0)


def quality_problem(image: Image.Image, limits: Limits) -> str | None:
    """``image_too_dark``, ``image_blank`` or ``image_too_blurred``; None for a usable picture."""
    quality = image_quality(image)
    if quality.brightness < limits.min_brightness:
        return "image_too_dark"
    if quality.contrast < limits.min_contrast:
        return "image_blank"
    if quality.sharpness < limits.min_sharpness:
        return "image_too_blurred"
    return None
