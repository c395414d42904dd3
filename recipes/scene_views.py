"""The pictures that stand for a whole scene: some of its frames, at a size."""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes.scene import Frame, SceneSource
from builders.spar.keyframes import keyframes, spread
from builders.spar.limits import Limits
from builders.spar.pictures import encode_jpeg

SAMPLINGS = ("even", "keyframes")


@dataclass(frozen=True)
class SceneViews:
    """Which frames are shown, and how large."""

    frames: int = 13
    """How many; fewer where the scene has fewer. SPAR shows 13 (table 10)."""
    sampling: str = "even"
    """even: from the first posed frame to the last at even steps; keyframes: the same among those that the builders
    would ask about."""
    size: str = ""
    """WIDTHxHEIGHT that pictures are scaled to, whatever their aspect; empty: as the scan has them."""

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise InputError(f"--frames {self.frames}: expected 1 or more")
        if self.sampling not in SAMPLINGS:
            raise InputError(f"--sampling {self.sampling}: expected one of: {', '.join(SAMPLINGS)}")
        if self.size:
            size_of(self.size)

    def chosen(self, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        """Those that are shown, in capture order."""
        if self.sampling == "keyframes":
            frames = keyframes(frames, Limits.keyframe_translation, Limits.keyframe_rotation)
        return frames if len(frames) <= self.frames else spread(frames, self.frames)

    def pictures(self, source: SceneSource, scene_id: str) -> list[bytes]:
        """The encoded pictures of a scene.

        Raises:
            InputError: the scene or a picture of it cannot be read.
        """
        try:
            scene = source.load(scene_id)
            if not scene.frames:
                raise SceneError("no frame has a pose")
            encoded = [source.read_color(scene, frame) for frame in self.chosen(scene.frames)]
            return [scaled(data, self.size) for data in encoded] if self.size else encoded
        except (SceneError, OSError) as error:
            raise InputError(f"{scene_id}: cannot be shown ({error}); mend it, or take its questions out") from error


def size_of(text: str) -> tuple[int, int]:
    """(width, height) of WIDTHxHEIGHT.

    >>> size_of("448x336")
    (448, 336)
    """
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if not found:
        raise InputError(f"{text!r} is no size; expected WIDTHxHEIGHT in pixels, such as 448x448")
    return int(found[1]), int(found[2])


def scaled(data: bytes, size: str) -> bytes:
    """The picture at this size, as JPEG."""
    image: Any = Image.open(BytesIO(data)).convert("RGB")
    return encode_jpeg(image.resize(size_of(size), Image.Resampling.BICUBIC))
