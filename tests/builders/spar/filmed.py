"""A furnished L-shaped room whose area, objects and film are known by hand."""

import numpy as np

from tests.builders.toy import look_at, make_scene

ROOM_AREA = 5 * 4 - 2 * 1.5
EYE = np.array([-1.0, -0.3, 1.5])
STEP = 11.0
"""Degrees that the camera turns to the left from frame to frame; it starts looking along +X."""
PLACES = {60: "chair", 95: "lamp", 130: "chair", 165: "sofa", 200: "plant", 235: "chair", 265: "bin", 290: "box"}
"""Azimuth in degrees, seen from the camera, and label of what stands there."""

_WALLS = [  # x0, x1, y0, y1 around the corner (-2.5, -2) of the room
    (-0.2, 5.2, -0.2, 0.0), (-0.2, 0.0, 0.0, 4.2), (0.0, 3.0, 4.0, 4.2), (5.0, 5.2, 0.0, 2.5), (3.0, 5.2, 2.5, 4.2),
]


def filmed_room(places=None, frames=32):
    """The room, filmed by a camera that turns once around in its middle."""
    boxes, labels = [], []
    for azimuth, label in (PLACES if places is None else places).items():
        a = np.radians(azimuth)
        boxes.append(((EYE[0] + 1.1 * np.cos(a), EYE[1] + 1.1 * np.sin(a), 0.4), (0.3, 0.3, 0.8), a))
        labels.append(label)
    for x0, x1, y0, y1 in _WALLS:
        boxes.append((((x0 + x1) / 2 - 2.5, (y0 + y1) / 2 - 2, 1.25), (x1 - x0, y1 - y0, 2.5), 0.0))
        labels.append("wall")
    headings = np.radians(STEP * np.arange(frames))
    poses = [look_at(EYE, EYE + (np.cos(h), np.sin(h), -0.55)) for h in headings]
    return make_scene(boxes, poses, labels)


def surveyed_room():
    """The room, almost empty, seen from two places, so that all of its floor is shown."""
    boxes, labels = [((-0.5, -0.5, 0.05), (0.4, 0.4, 0.1), 0.3)], ["cushion"]
    for x0, x1, y0, y1 in _WALLS:
        boxes.append((((x0 + x1) / 2 - 2.5, (y0 + y1) / 2 - 2, 1.25), (x1 - x0, y1 - y0, 2.5), 0.0))
        labels.append("wall")
    headings = 2 * np.pi * np.arange(16) / 16
    eyes = [np.array(eye) for eye in ((-1.5, -0.8, 1.5), (0.9, -1.1, 1.5))]
    return make_scene(boxes, [look_at(e, e + (np.cos(h), np.sin(h), -0.55)) for e in eyes for h in headings], labels)
