"""The picture of a row, whatever its file form holds: encoded bytes, base64 text, or a file beside the rows."""

import base64
import binascii
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

_TURNED = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height; ``datasets`` turns pictures so when it decodes them."""


def encoded(cell: Any, beside: Path | None = None) -> bytes | None:
    """The encoded picture; None where there is none.

    Args:
        cell: bytes, base64 text (with or without a ``data:`` header), or ``{"bytes": ..., "path": ...}``.
        beside: a picture in a file of its own, read where the cell holds none.

    Example:
        >>> encoded("aGk="), encoded("aGk"), encoded({"bytes": b"hi", "path": None}), encoded(None)
        (b'hi', None, b'hi', None)
    """
    if isinstance(cell, dict):
        cell = cell.get("bytes")
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, str):
        try:
            return base64.b64decode(cell.rpartition(",")[2])
        except (binascii.Error, ValueError):
            return None
    try:
        return beside.read_bytes() if beside else None
    except OSError:
        return None


def name_of(cell: Any) -> str | None:
    """The file name that a picture's cell carries, if it does."""
    return cell.get("path") if isinstance(cell, dict) else None


def decoded(data: bytes | None) -> Image.Image | None:
    """The picture as ``datasets`` shows it, pixels loaded; None for one that cannot be decoded to its end."""
    if not data:
        return None
    try:
        image = Image.open(BytesIO(data))
        image.load()
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def decoded_size(data: bytes | None) -> tuple[int, int] | None:
    """(width, height) of ``decoded(data)``; a JPEG is decoded small, which takes a fraction of the time."""
    if not data:
        return None
    try:
        image = Image.open(BytesIO(data))
        width, height = image.size
        turned = image.getexif().get(0x0112) in _TURNED
        image.draft("L", (width // 8, height // 8))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return (height, width) if turned else (width, height)
