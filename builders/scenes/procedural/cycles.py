"""Pictures of a procedural room with Blender Cycles: natural daylight, soft shadows, textured materials.

The Blender scene is built once per room; between frames of one room only the camera moves. Denoised pictures repeat
within 1 or 2 of 255 levels, not bit for bit.
"""

import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builders.blender import import_bpy, quiet
from builders.scenes.procedural.blender_scene import SCENE_NAME, build_scene
from builders.scenes.procedural.cycles_settings import DEFAULT_SETTINGS, CyclesSettings
from builders.scenes.procedural.room import Room
from builders.scenes.scene import Frame

__all__ = ["DEFAULT_SETTINGS", "CyclesSettings", "render"]

_built: tuple["weakref.ref[Room]", CyclesSettings] | None = None
"""The room that Blender's one global scene holds at the moment."""


def render(room: Room, frame: Frame, settings: CyclesSettings = DEFAULT_SETTINGS) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB picture of ``room`` seen from ``frame``.

    Raises ``ImportError`` without bpy, and ``ValueError`` for intrinsics with skew.
    """
    global _built
    bpy = import_bpy()
    holds_room = _built is not None and _built[0]() is room and _built[1] == settings
    if not holds_room or bpy.context.scene.name != SCENE_NAME:
        _built = None
        with quiet():
            build_scene(bpy, room, settings)
        _built = weakref.ref(room), settings
    _place_camera(bpy.context.scene, frame)
    with tempfile.TemporaryDirectory(prefix="vantage-") as folder, quiet():
        path = Path(folder) / "frame.png"
        bpy.context.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        with Image.open(path) as picture:
            return np.array(picture.convert("RGB"))


def _place_camera(scene: Any, frame: Frame) -> None:
    """Blender's camera for a pinhole with pixel centres at integers.

    Blender counts pixels from the picture's corner, half a pixel before our (0, 0), looks along -Z with Y up,
    shifts the picture in units of its width, and takes matrices by columns.
    """
    (fx, skew, cx), (_, fy, cy), _ = frame.intrinsics
    if abs(skew) > 1e-9:
        raise ValueError(f"intrinsics: skew {skew} cannot be rendered, expected 0")
    render, camera = scene.render, scene.camera.data
    render.resolution_x, render.resolution_y = frame.width, frame.height
    render.pixel_aspect_x, render.pixel_aspect_y = max(1.0, fy / fx), max(1.0, fx / fy)
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", 36.0
    camera.lens = fx * 36.0 / frame.width
    camera.shift_x = (frame.width / 2 - (cx + 0.5)) / frame.width
    camera.shift_y = (cy + 0.5 - frame.height / 2) * (fx / fy) / frame.width
    camera.clip_start, camera.clip_end = 0.01, 100.0
    world_from_blender_camera = frame.world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0])
    scene.camera.matrix_world = world_from_blender_camera.T.tolist()
