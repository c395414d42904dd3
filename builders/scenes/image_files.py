"""PNG and JPEG files of scans: pictures, depth and maps, each checked when it is read. What is wrong is said in one
line, with the path and ``advice``: what to do."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builders.errors import SceneError

Size = tuple[int, int]
"""(width, height), pixels."""

_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""Pillow's ways of saying so."""


def image_size(path: Path, advice: str) -> tuple[int, int]:
    """(width, height), from the header alone."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            return image.size
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; {advice}") from None
    except _BROKEN as error:
        raise SceneError(f"{path}: not a PNG or JPEG image ({error}); {advice}") from error


def depth_size(path: Path, advice: str) -> Size:
    """(width, height) of a depth map, from the header alone; it must have 16 bits."""
    size = image_size(path, advice)
    with Image.open(path) as image:
        _require_16_bits(image.mode, path, advice)
    return size


def first_size(paths: Iterable[Path], advice: str, depth: bool = False) -> Size | None:
    """Of the first picture that is one: a broken frame must not cost the scan. None if there is no path.

    Args:
        depth: the pictures are depth maps, and must have 16 bits.

    Raises:
        SceneError: why the first cannot be read, if none can.
    """
    reason: SceneError | None = None
    for path in paths:
        try:
            return (depth_size if depth else image_size)(path, advice)
        except SceneError as error:
            reason = reason or error
    if reason:
        raise reason
    return None


def read_image(path: Path, advice: str) -> bytes:
    """The bytes of a PNG or JPEG that is whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error}); {advice}") from error
    return whole_image(data, str(path), advice)


def whole_image(data: bytes, where: str, advice: str) -> bytes:
    """The same bytes; ``SceneError`` if they are no PNG or JPEG that is whole."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.format == "PNG":
                image.verify()  # its checksums: decoding takes longer, and misses changed bits
            elif not data.endswith(b"\xff\xd9"):
                image.load()
    except _BROKEN as error:
        raise SceneError(f"{where}: not a whole PNG or JPEG ({error}); {advice}") from error
    return data


def read_depth_png(path: Path, size: tuple[int, int] | None, advice: str) -> bytes:
    """The bytes of a 16-bit PNG.

    Args:
        size: (width, height) that it must have.
    """
    data = read_image(path, advice)
    with Image.open(BytesIO(data)) as image:
        mode, found = image.mode, image.size
    _require_16_bits(mode, path, advice)
    if size and found != size:
        raise SceneError(f"{path}: {found[0]}x{found[1]} pixels of depth, expected {size[0]}x{size[1]}; {advice}")
    return data


def _require_16_bits(mode: str, path: Path, advice: str) -> None:
    if not mode.startswith("I"):
        raise SceneError(f"{path}: expected 16 bits of depth, found mode {mode}; {advice}")


def read_map(path: Path, size: tuple[int, int], advice: str) -> np.ndarray:
    """(height, width) integers of a greyscale PNG of 8 or 16 bits, none negative.

    Args:
        size: (width, height) that it must have.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            mode, found, values = image.mode, image.size, np.asarray(image)
    except _BROKEN as error:
        raise SceneError(f"{path}: not a whole PNG ({error}); {advice}") from error
    if mode not in ("L", "I", "I;16"):
        raise SceneError(f"{path}: expected a greyscale PNG of 8 or 16 bits, found mode {mode}; {advice}")
    if found != size:
        raise SceneError(f"{path}: {found[0]}x{found[1]} pixels for a picture of {size[0]}x{size[1]}; {advice}")
    return values


def renamed(values: np.ndarray, numbers: Mapping[int, int]) -> NDArray[np.int32]:
    """The map with each value replaced by its number; -1 for values without one."""
    table = np.full(max(int(values.max(initial=0)), 0) + 1, -1, np.int32)
    for value, number in numbers.items():
        if 0 <= value < len(table):
            table[value] = number
    return table[values]


def depth_metres(png: bytes) -> np.ndarray:
    """(height, width) float32 metres of a depth PNG in millimetres; infinite where it has none (0)."""
    with Image.open(BytesIO(png)) as image:
        metres = np.asarray(image).astype(np.float32) / 1000
    metres[metres == 0] = np.inf
    return metres
