"""Writes the ARKitScenes layout from its published description: the writer knows nothing of our reader."""

import json

import numpy as np
import open3d as o3d
from PIL import Image
from scipy.spatial.transform import Rotation

SCAN = "41069021"
START = 5034.117
"""Seconds at the first frame."""
MISTAKES = ("camera_to_world", "axes_in_columns", "half_extents", "degrees", "unaligned_box", "focal_lengths_last")
"""Conventions got wrong: what a reader that makes the mistake would take a right tree for, the writer writes."""


def seconds(number):
    return f"{START + 0.1 * number:.3f}"


def write_arkitscenes(root, room, turns=(0,), fold="3dod/Training", wrong=""):
    """Write ``root/<fold>/<SCAN>``.

    Args:
        room: a ``Rendered``; its upright frames are stored as a tablet held in other ways would.
        turns: how often the tablet was turned clockwise by 90 degrees, for each frame, repeated.
        wrong: one of ``MISTAKES``.
    """
    folder, scene = root / fold / SCAN, room.scene
    frames = folder / f"{SCAN}_frames"
    for name in ("lowres_wide", "lowres_wide_intrinsics", "lowres_depth"):
        (frames / name).mkdir(parents=True)
    mesh = o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(scene.mesh.vertices.copy()),
                                     o3d.utility.Vector3iVector(scene.mesh.faces.astype(np.int32)))
    o3d.io.write_triangle_mesh(str(folder / f"{SCAN}_3dod_mesh.ply"), mesh)
    data = [{"uid": item.object_id, "label": item.label.replace(" ", "_"), "segments": _segments(item.box, wrong)}
            for item in scene.objects if not item.structural]
    (folder / f"{SCAN}_3dod_annotation.json").write_text(json.dumps({"skipped": False, "data": data, "stats": {}}))
    lines = []
    for number, frame in enumerate(scene.frames):
        turn, name = turns[number % len(turns)], f"{SCAN}_{seconds(number)}"
        pose, (width, height) = frame.world_from_camera.copy(), (frame.width, frame.height)
        (fx, _, cx), (_, fy, cy), _ = frame.intrinsics.tolist()
        for _ in range(turn):  # the tablet turned clockwise: its picture shows the world turned the other way round
            pose[:3, :3] = pose[:3, :3] @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
            fx, fy, cx, cy, width, height = fy, fx, cy, width - 1 - cx, height, width
        Image.fromarray(np.rot90(room.color[number], turn).copy()).save(
            frames / "lowres_wide" / f"{name}.png", compress_level=1)
        Image.fromarray(np.rot90(room.depth[number], turn).copy()).save(
            frames / "lowres_depth" / f"{name}.png", compress_level=1)
        numbers = (width, height, cx, cy, fx, fy) if wrong == "focal_lengths_last" else (width, height, fx, fy, cx, cy)
        camera = frames / "lowres_wide_intrinsics" / f"{SCAN}_{START + 0.1 * number + 0.001 * (number % 2):.3f}.pincam"
        camera.write_text(" ".join(f"{x:.9f}" for x in numbers))
        stored = pose if wrong == "camera_to_world" else np.linalg.inv(pose)
        turned = Rotation.from_matrix(stored[:3, :3]).as_rotvec(degrees=wrong == "degrees")
        time = START + 0.1 * number + 0.002 * (-1) ** number  # poses have times of their own
        lines.append(" ".join(f"{x:.9f}" for x in (time, *turned, *stored[:3, 3])))
    (frames / "lowres_wide.traj").write_text("\n".join(lines) + "\n")
    return folder


def _segments(box, wrong):
    right = {
        "centroid": box.center.tolist(),
        "axesLengths": (box.extents / (2 if wrong == "half_extents" else 1)).tolist(),
        "normalizedAxes": (box.axes.T if wrong == "axes_in_columns" else box.axes).ravel().tolist(),
    }
    tilted = right | {"normalizedAxes": (box.axes @ Rotation.from_euler("x", 0.3).as_matrix()).ravel().tolist()}
    aligned, raw = (tilted, right) if wrong == "unaligned_box" else (right, tilted)
    return {"obb": raw, "obbAligned": aligned}
