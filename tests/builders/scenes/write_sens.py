"""Writes a ``.sens`` file, version 4, from the published description of the format."""

import struct
import zlib

import numpy as np

from tests.builders.scenes.captured import DEPTH_SIZE, Captured

LOST = np.full((4, 4), -np.inf)


def write_sens(path, room: Captured, alignment=None, lost=(), zipped=True, units=1000.0):
    """Frames of the room in the raw frame; ``alignment`` (4, 4) is raw to aligned.

    Args:
        lost: numbers of frames whose pose is written as -inf.
        units: depth units of a metre.
    """
    raw = np.linalg.inv(np.eye(4) if alignment is None else alignment)
    first = room.scene.frames[0]
    color, depth = np.eye(4), np.eye(4)
    color[:3, :3], depth[:3, :3] = first.intrinsics, room.depth_intrinsics
    name = b"a sensor"
    parts = [struct.pack("<IQ", 4, len(name)), name]
    parts += [matrix.astype("<f4").tobytes() for matrix in (color, np.eye(4), depth, np.eye(4))]
    parts.append(struct.pack("<iiIIIIfQ", 2, int(zipped), first.width, first.height, *DEPTH_SIZE, units,
                             len(room.color)))
    for i, frame in enumerate(room.scene.frames):
        stored = (room.depth[i] * (units / 1000)).astype("<u2").tobytes()
        stored = zlib.compress(stored) if zipped else stored
        pose = LOST if i in lost else raw @ frame.world_from_camera
        parts += [pose.astype("<f4").tobytes(), struct.pack("<QQQQ", i, i, len(room.color[i]), len(stored)),
                  room.color[i], stored]
    parts.append(struct.pack("<Q", 0))  # IMU measurements
    path.write_bytes(b"".join(parts))
    return path
