"""Files of a scan, each checked when it is read: what is wrong is said in one line, with the path."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builders.errors import SceneError
from builders.scenes.scene import Array, Frame, SceneObject

_LARGEST, _SMALLEST = 500.0, 0.1
"""Metres between the things of a scene that is taken for one in metres."""

_PIXELS_AT_MOST = 100_000_000


def within(folder: Path, name: str | Path) -> Path:
    """``folder / name``, where that lies in the folder, links followed; ``SceneError`` where it leads out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SceneError(f"{path}: leads out of {folder}, and nothing outside of it is read; copy the file there")
    return path


def fingerprint(folder: Path, *read: Path) -> str:
    """Of the names and sizes of all files below a folder, and of all that the files ``read`` say."""
    listing = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
    said = [hashlib.sha256(path.read_bytes()).hexdigest() for path in read if path.is_file()]
    return hashlib.sha256(json.dumps([listing, said]).encode()).hexdigest()


def read_text(path: Path, advice: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SceneError(f"{path}: missing; {advice}") from None
    except (OSError, UnicodeError) as error:
        raise SceneError(f"{path}: not readable ({error}); {advice}") from error


def read_json(path: Path, advice: str) -> Any:
    try:
        return json.loads(read_text(path, advice))
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{path}: not readable as JSON ({error}); {advice}") from error


def read_numbers(path: Path, count: int, advice: str) -> Array:
    """(count,) finite numbers, separated by white space."""
    words = read_text(path, advice).split()
    try:
        values = np.array([float(word) for word in words])
    except ValueError as error:
        raise SceneError(f"{path}: expected {count} numbers ({error}); {advice}") from error
    if values.size != count:
        raise SceneError(f"{path}: expected {count} numbers, found {values.size}; {advice}")
    if not np.isfinite(values).all():
        raise SceneError(f"{path}: holds NaN or infinite values; {advice}")
    return values


def image_size(path: Path, advice: str) -> tuple[int, int]:
    """(width, height), from the header alone."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            size = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SceneError(f"{path}: not a PNG or JPEG image ({error}); {advice}") from error
    if size[0] * size[1] > _PIXELS_AT_MOST:
        raise SceneError(f"{path}: {size[0]}x{size[1]} pixels; {advice}")
    return size


def read_image(path: Path, advice: str) -> bytes:
    """The bytes of a PNG or JPEG that is whole."""
    try:
        data = path.read_bytes()
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.format == "PNG":
                image.verify()  # its checksums: decoding takes longer, and misses changed bits
            elif not data.endswith(b"\xff\xd9"):
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SceneError(f"{path}: not a whole PNG or JPEG ({error}); {advice}") from error
    return data


def read_depth_png(path: Path, size: tuple[int, int] | None, advice: str) -> bytes:
    """The bytes of a 16-bit PNG.

    Args:
        size: (width, height) that it must have.
    """
    data = read_image(path, advice)
    with Image.open(BytesIO(data)) as image:
        mode, found = image.mode, image.size
    if not mode.startswith("I"):
        raise SceneError(f"{path}: expected 16 bits of depth, found mode {mode}; {advice}")
    if size and found != size:
        raise SceneError(f"{path}: {found[0]}x{found[1]} pixels of depth, {size[0]}x{size[1]} of colour; {advice}")
    return data


def read_map(path: Path, size: tuple[int, int], advice: str) -> np.ndarray:
    """(height, width) integers of a greyscale PNG of 8 or 16 bits, none negative.

    Args:
        size: (width, height) that it must have.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            mode, found, values = image.mode, image.size, np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
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


def require_metres(where: Path, frames: Iterable[Frame], objects: Iterable[SceneObject]) -> None:
    """``SceneError`` for a scene so large or so small that its numbers are of another unit."""
    frames, objects = list(frames), list(objects)
    points = np.array([f.center for f in frames] + [o.box.center for o in objects]).reshape(-1, 3)
    span = float(np.ptp(points, axis=0).max(initial=0.0)) if len(points) else 0.0
    span = max([span, *(float(o.box.extents.max()) for o in objects)])
    if len(points) > 1 and not _SMALLEST <= span <= _LARGEST:
        raise SceneError(f"{where}: the scene is {span:.4g} m wide; are its lengths in another unit?")
