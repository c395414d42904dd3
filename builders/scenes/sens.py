"""ScanNet's ``.sens`` file, version 4: cameras, colour and depth of a whole scan in one file, little-endian.

    u32 version; u64 length, sensor name
    float32 x 16, four times: intrinsics and extrinsics of colour, then of depth
    i32 colour codec, depth codec; u32 colour width, height, depth width, height; f32 depth units per metre
    u64 number of frames; of each: float32 x 16 camera-to-world, u64 x 2 timestamps, u64 x 2 sizes, colour, depth

Scans of several gigabytes are usual. Opening one reads the frames' heads alone, by seeking from one to the next; a
frame's pictures are read when they are asked for.
"""

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from builders.errors import SceneError
from builders.scenes.image_files import Size, whole_image
from builders.scenes.scene import Array, Index

VERSION = 4
_ENCODED_COLOR = (1, 2)
"""Codecs: PNG, JPEG."""
_RAW_DEPTH, _ZLIB_DEPTH = 0, 1
_LONGEST_NAME = 4096
_LARGEST_SIDE = 16_384
_HEAD = struct.Struct("<64x16xQQ")
"""Of a frame: pose and timestamps, bytes of colour, bytes of depth."""


class SensFile:
    """The index of a ``.sens`` file; no file stays open.

    Raises:
        SceneError: it is missing, truncated, or of a kind that ScanNet does not release.
    """

    def __init__(self, path: Path):
        self._path = path
        try:
            with path.open("rb") as file:
                self._read_header(file)
                self._index(file, os.fstat(file.fileno()).st_size)
        except FileNotFoundError:
            raise SceneError(f"{path}: missing; download it again") from None
        except OSError as error:
            raise SceneError(f"{path}: cannot be read ({error})") from error
        except struct.error as error:
            raise SceneError(f"{path}: ends in its header; the file is truncated, download it again") from error

    color_intrinsics: Array
    """(3, 3) at ``color_size``."""
    depth_intrinsics: Array
    """(3, 3) at ``depth_size``."""
    color_size: Size
    depth_size: Size
    poses: Array
    """(N, 4, 4) camera-to-world, metres; not finite where tracking was lost."""
    color_bytes: Index
    """(N,) length of each frame's encoded picture."""

    def __len__(self) -> int:
        return len(self.poses)

    def color(self, frame: int) -> bytes:
        """The encoded picture, as stored."""
        data = self._read(self._starts[frame], self.color_bytes[frame])
        return whole_image(data, self._where(frame), "download the file again")

    def depth(self, frame: int) -> bytes | None:
        """A 16-bit PNG in millimetres; None where the frame has no depth."""
        size = int(self._depth_bytes[frame])
        if not size:
            return None
        data = self._read(self._starts[frame] + self.color_bytes[frame], size)
        wanted = 2 * self.depth_size[0] * self.depth_size[1]
        if self._depth_codec == _ZLIB_DEPTH:
            try:
                data = zlib.decompressobj().decompress(data, wanted + 1)  # no further: a few bytes can hold gigabytes
            except zlib.error as error:
                raise SceneError(f"{self._where(frame)}: damaged depth ({error}); download the file again") from error
        if len(data) != wanted:
            raise SceneError(f"{self._where(frame)}: {len(data)} bytes of depth, expected {wanted} for "
                             f"{self.depth_size[0]}x{self.depth_size[1]} pixels of 16 bits; download the file again")
        depth = np.frombuffer(data, "<u2").reshape(self.depth_size[::-1])
        if self._units_per_metre != 1000:
            depth = np.rint(depth * (1000 / self._units_per_metre)).clip(0, 65535).astype(np.uint16)
        png = BytesIO()
        Image.fromarray(depth).save(png, "PNG", compress_level=1)
        return png.getvalue()

    def _read_header(self, file: BinaryIO) -> None:
        version, length = _read(file, "<IQ")
        if version != VERSION or length > _LONGEST_NAME:
            raise SceneError(f"{self._path}: not a .sens file of version {VERSION}; download it again")
        file.seek(length, os.SEEK_CUR)
        matrices = np.array(_read(file, "<64f")).reshape(4, 4, 4)
        self.color_intrinsics, self.depth_intrinsics = matrices[0, :3, :3], matrices[2, :3, :3]
        color, self._depth_codec = _read(file, "<ii")
        width, height, depth_width, depth_height = _read(file, "<IIII")
        (self._units_per_metre,) = _read(file, "<f")
        (self._promised,) = _read(file, "<Q")
        self.color_size, self.depth_size = (width, height), (depth_width, depth_height)
        if color not in _ENCODED_COLOR or self._depth_codec not in (_RAW_DEPTH, _ZLIB_DEPTH):
            raise SceneError(f"{self._path}: colour codec {color}, depth codec {self._depth_codec}; expected colour as "
                             "1 (png) or 2 (jpeg), depth as 0 (raw) or 1 (zlib)")
        if not all(0 < side <= _LARGEST_SIDE for side in (*self.color_size, *self.depth_size)):
            raise SceneError(f"{self._path}: pictures of {width}x{height}, depth maps of {depth_width}x{depth_height} "
                             "pixels; the header is damaged, download it again")
        if not self._units_per_metre > 0:
            raise SceneError(f"{self._path}: {self._units_per_metre} units of depth per metre; expected 1000")

    def _index(self, file: BinaryIO, end: int) -> None:
        poses: list[bytes] = []
        starts, sizes = [], []
        while len(poses) < self._promised:
            head = file.read(_HEAD.size)
            color, depth = _HEAD.unpack(head) if len(head) == _HEAD.size else (end, end)
            start = file.tell()
            if start + color + depth > end:
                raise SceneError(f"{self._path}: ends after {len(poses)} of {self._promised} frames; the file is "
                                 "truncated, download it again")
            poses.append(head[:64])
            starts.append(start)
            sizes.append((color, depth))
            file.seek(color + depth, os.SEEK_CUR)
        self.poses = np.frombuffer(b"".join(poses), "<f4").reshape(-1, 4, 4).astype(np.float64)
        self._starts = np.array(starts, np.int64)
        self.color_bytes, self._depth_bytes = np.array(sizes, np.int64).reshape(-1, 2).T

    def _read(self, start: int, size: int) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                return file.read(size)
        except OSError as error:
            raise SceneError(f"{self._path}: cannot be read ({error})") from error

    def _where(self, frame: int) -> str:
        return f"{self._path}, frame {frame}"


def frames_in(path: Path) -> int:
    """The number of frames that the header promises; 0 if there is no such file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        head = file.read(12)
        length = int.from_bytes(head[4:], "little")
        file.seek(12 + min(length, _LONGEST_NAME) + 4 * 64 + 8 + 16 + 4)
        return int.from_bytes(file.read(8), "little")


def _read(file: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, file.read(struct.calcsize(form)))
