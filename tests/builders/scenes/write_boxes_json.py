"""Writes scenes as the docstring of ``builders.scenes.boxes_json`` describes them."""

import json

import numpy as np
from PIL import Image

MISTAKES = ("camera_from_world", "axes_in_columns", "half_extents", "opengl_axes", "radians", "millimetres")
"""Conventions got wrong: what a reader that makes the mistake would take a right file for, the writer writes."""


def write_boxes_json(root, room, name="kitchen", maps=("depth", "instances"), wrong=""):
    """Write ``root/<name>``. Every second box has a yaw instead of axes.

    Args:
        room: a ``Rendered``.
        maps: what is written besides pictures.
        wrong: one of ``MISTAKES``.
    """
    folder, scene = root / name, room.scene
    for sub in ("images", *maps):
        (folder / sub).mkdir(parents=True)
    unit = 1000 if wrong == "millimetres" else 1
    objects = []
    for i, item in enumerate(scene.objects):
        box = item.box
        entry = {"id": item.object_id, "label": item.label.title(), "instance": 300 + i, "structural": item.structural,
                 "center": (unit * box.center).tolist(),
                 "extents": (unit * box.extents / (2 if wrong == "half_extents" else 1)).tolist()}
        yaw = np.arctan2(box.axes[0, 1], box.axes[0, 0])
        upright = np.allclose(box.axes[2], [0, 0, 1])
        if i % 2 and upright:
            entry["yaw"] = float(yaw if wrong == "radians" else np.degrees(yaw))
        else:
            entry["axes"] = (box.axes.T if wrong == "axes_in_columns" else box.axes).tolist()
        objects.append(entry)
    frames = []
    for number, frame in enumerate(scene.frames):
        pose = frame.world_from_camera.copy()
        if wrong == "camera_from_world":
            pose = np.linalg.inv(pose)
        elif wrong == "opengl_axes":
            pose[:3, 1:3] *= -1
        pose[:3, 3] *= unit
        (fx, _, cx), (_, fy, cy), _ = frame.intrinsics.tolist()
        entry = {"id": frame.frame_id, "image": f"images/{number}.png", "world_from_camera": pose.tolist(),
                 "intrinsics": {"fx": fx, "fy": fy, "cx": cx, "cy": cy} if number % 2 else frame.intrinsics.tolist()}
        Image.fromarray(room.color[number]).save(folder / entry["image"], compress_level=1)
        if "depth" in maps:  # at half the size: its pixel (u, v) is pixel (2u, 2v) of the picture
            entry["depth"] = f"depth/{number}.png"
            entry["depth_intrinsics"] = {"fx": fx / 2, "fy": fy / 2, "cx": cx / 2, "cy": cy / 2}
            Image.fromarray(room.depth[number][::2, ::2].copy()).save(folder / entry["depth"], compress_level=1)
        if "instances" in maps:
            entry["instances"] = f"instances/{number}.png"
            values = np.where(room.shown[number] >= 0, room.shown[number] + 300, 0).astype(np.uint16)
            Image.fromarray(values).save(folder / entry["instances"], compress_level=1)
        frames.append(entry)
    corners = room.polygon.tolist()
    rooms = [{"frames": [f.frame_id for f in scene.frames], "polygon": corners}]
    described = {"format": "vantage-scene-1", "note": "a test", "split": "train", "objects": objects, "frames": frames,
                 "rooms": rooms}
    (folder / "scene.json").write_text(json.dumps(described))
    return folder
