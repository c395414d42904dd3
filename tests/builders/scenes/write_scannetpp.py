"""Writes the ScanNet++ layout from its published description: the writer knows nothing of our reader."""

import json

import numpy as np
import open3d as o3d
from PIL import Image

from tests.builders.scenes.captured import Captured

SCENE_ID = "0a1b2c3d4e"
FISHEYE = {"k1": -0.03, "k2": 0.004, "k3": -0.002, "k4": 0.0003}


def write_scannetpp(root, room: Captured, scene_id=SCENE_ID, dslr="", iphone=True):
    """Write ``root/data/<scene_id>``.

    Args:
        dslr: empty, ``undistorted`` or ``fisheye``.
    """
    folder, scene = root / "data" / scene_id, room.scene
    (folder / "scans").mkdir(parents=True)
    mesh = o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(scene.mesh.vertices.copy()),
                                     o3d.utility.Vector3iVector(scene.mesh.faces.astype(np.int32)))
    o3d.io.write_triangle_mesh(str(folder / "scans" / "mesh_aligned_0.05.ply"), mesh)
    _write_instances(folder / "scans", scene)
    if iphone:
        _write_iphone(folder / "iphone", room)
    if dslr:
        _write_dslr(folder / "dslr", room, dslr)
    return folder


def _write_instances(folder, scene):
    """Three segments of each instance, with gaps between their numbers, and one of no instance."""
    of_vertex = np.full(len(scene.mesh.vertices), 5)
    groups = []
    for number, item in enumerate(scene.objects):
        segments = [10 * number + 11 + k for k in range(3)]
        of_vertex[item.vertex_ids] = np.array(segments)[np.arange(len(item.vertex_ids)) % 3]
        corners = item.box.corners()
        groups.append({
            "id": number, "objectId": int(item.object_id), "label": item.label, "segments": segments,
            "obb": {"centroid": item.box.center.tolist(), "axesLengths": item.box.extents.tolist(),
                    "normalizedAxes": [x for row in item.box.axes.tolist() for x in row],
                    "min": corners.min(axis=0).tolist(), "max": corners.max(axis=0).tolist()},
            "dominantNormal": [0, 0, 1],
        })
    (folder / "segments.json").write_text(json.dumps({"segIndices": of_vertex.tolist()}))
    (folder / "segments_anno.json").write_text(json.dumps({"segGroups": groups}))


def _write_iphone(folder, room):
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    entries = {}
    for i, frame in enumerate(room.scene.frames):
        name = f"frame_{i:06d}"
        (folder / "rgb" / f"{name}.jpg").write_bytes(room.color[i])
        Image.fromarray(room.depth[i]).save(folder / "depth" / f"{name}.png")
        entries[name] = {"timestamp": i / 60, "pose": np.eye(4).tolist(), "intrinsic": frame.intrinsics.tolist(),
                         "aligned_pose": frame.world_from_camera.tolist(), "imu": {}}
    (folder / "pose_intrinsic_imu.json").write_text(json.dumps(entries))


def _write_dslr(folder, room, form):
    images = folder / {"undistorted": "resized_undistorted_images", "fisheye": "resized_images"}[form]
    images.mkdir(parents=True)
    (folder / "nerfstudio").mkdir()
    first = room.scene.frames[0]
    content = {
        "fl_x": first.intrinsics[0, 0], "fl_y": first.intrinsics[1, 1],
        "cx": first.intrinsics[0, 2] + 0.5, "cy": first.intrinsics[1, 2] + 0.5, "w": first.width, "h": first.height,
        "camera_model": {"undistorted": "PINHOLE", "fisheye": "OPENCV_FISHEYE"}[form],
        **(FISHEYE if form == "fisheye" else dict.fromkeys(FISHEYE, 0.0)), "frames": [], "test_frames": [],
    }
    for i, frame in enumerate(room.scene.frames):
        name = f"DSC{i:05d}.JPG"
        (images / name).write_bytes(room.color[i])
        pose = frame.world_from_camera.copy()
        pose[0:3, 1:3] *= -1                 # camera axes: y up, z back
        pose = pose[np.array([1, 0, 2, 3])]  # world: x and y swapped,
        pose[2] *= -1                        # z down
        content["test_frames" if i == 1 else "frames"].append(
            {"file_path": name, "is_bad": False, "transform_matrix": pose.tolist()})
    suffix = "_undistorted" if form == "undistorted" else ""
    (folder / "nerfstudio" / f"transforms{suffix}.json").write_text(json.dumps(content))
