"""Writes Matterport3D, connectivity graphs and RxR from their published descriptions: the writer knows nothing of our
readers."""

import gzip
import json

import numpy as np
from PIL import Image

from builders.scenes.scene import Frame
from tests.builders.toy import flat_jpeg, look_at

SCAN = "17DRP5sb8fy"
SIZE = (160, 128)
CAMERAS = ((35.0, 134.0, 78.5, 60.5), (0.0, 135.0, 80.5, 59.25), (-35.0, 133.0, 79.25, 65.5))
"""Degrees up, focal length and optical axis of each, pixels from the centre of the top left one."""
MISTAKES = (
    "origin_top_left", "centres_at_integers", "looks_along_z", "opencv_axes", "world_to_camera", "columns_first",
    "millimetres", "per_vertex", "axes_in_columns", "half_extents", "graph_by_columns", "heading_counterclockwise",
    "heading_from_x", "heading_in_degrees",
)
"""Conventions got wrong: what a reader that makes the mistake would take a right tree for, the writer writes."""


def viewpoint(number):
    return f"{0xabc000 + number:032x}"


def along(compass, up=0.0):
    """(3,) direction: degrees clockwise from +y, degrees up."""
    a, b = np.radians([compass, up])
    return np.array([np.sin(a) * np.cos(b), np.cos(a) * np.cos(b), np.sin(b)])


def panoramas(places, first):
    """18 frames at each viewpoint (N, 3), 3 cm off the tripod's axis.

    Args:
        first: compass degrees of each one's yaw 0; the others follow clockwise.
    """
    frames = []
    for number, (place, start) in enumerate(zip(places, first, strict=True)):
        for camera, (up, focal, cx, cy) in enumerate(CAMERAS):
            for yaw in range(6):
                eye = np.asarray(place) + 0.03 * along(start + 60 * yaw)
                pose = look_at(eye, eye + along(start + 60 * yaw, up))
                intrinsics = np.array([[focal, 0, cx], [0, focal + 1, cy], [0, 0, 1]])
                frames.append(Frame(f"{viewpoint(number)}_i{camera}_{yaw}", *SIZE, intrinsics, pose, intrinsics))
    return tuple(frames)


def depth_units(number):
    """(height, width) uint16 of a frame's depth map, 0.25 mm each."""
    values = np.add.outer(7 * np.arange(SIZE[1]), np.arange(SIZE[0])) + 4000 + 50 * number
    values[:9] = 0
    return values.astype(np.uint16)


def write_matterport3d(root, scene, places, walks=(), fold="v1/scans", wrong="", obb=True, outline=None, split="train"):
    """Write ``root/<fold>/<SCAN>`` and what lies beside.

    Args:
        scene: its frames are those of ``panoramas``.
        places: (N, 3) of the viewpoints; one can walk between neighbours in this order.
        walks: (viewpoint numbers, compass degrees at first, language, text).
        outline: (P, 2) of the room that the first two panoramas stand in.
        wrong: one of ``MISTAKES``.
    """
    folder = root / fold / SCAN
    for name in ("house_segmentations", "undistorted_camera_parameters", "undistorted_color_images",
                 "undistorted_depth_images"):
        (folder / name).mkdir(parents=True)
    _write_house(folder / "house_segmentations", scene, obb, wrong)
    _write_regions(folder / "house_segmentations" / f"{SCAN}.house", outline, places)
    lines = ["dataset matterport", f"n_images {len(scene.frames)}", "depth_directory undistorted_depth_images",
             "color_directory undistorted_color_images", ""]
    for number, frame in enumerate(scene.frames):
        name, depth = frame.frame_id, frame.frame_id.replace("_i", "_d")
        if number % 6 == 0:
            lines.append("intrinsics_matrix " + _told(_intrinsics(frame, wrong)))
        lines.append(f"scan {depth}.png {name}.jpg " + _told(_pose(frame, wrong)))
        (folder / "undistorted_color_images" / f"{name}.jpg").write_bytes(flat_jpeg(*SIZE, number % 12))
        units = depth_units(number) // (4 if wrong == "millimetres" else 1)
        Image.fromarray(units).save(folder / "undistorted_depth_images" / f"{depth}.png", compress_level=1)
    (folder / "undistorted_camera_parameters" / f"{SCAN}.conf").write_text("\n".join(lines) + "\n")
    _write_graph(root / "connectivity", places, wrong)
    _write_walks(root / "rxr" / f"rxr_{split}_guide.jsonl.gz", walks, wrong)
    return folder


def _told(numbers):
    return " ".join(f"{x:.9f}" for x in np.ravel(numbers))


def _intrinsics(frame, wrong):
    """The origin is a corner of the picture, at the bottom."""
    (fx, _, cx), (_, fy, cy), _ = frame.intrinsics.tolist()
    half = 0 if wrong == "centres_at_integers" else 0.5
    from_top = cy + half
    return [fx, 0, cx + half, 0, fy, from_top if wrong == "origin_top_left" else frame.height - from_top, 0, 0, 1]


def _pose(frame, wrong):
    pose = frame.world_from_camera.copy()
    right, down, forward = frame.world_from_camera[:3, :3].T
    pose[:3, :3] = np.stack([right, -down, -forward], axis=1)
    if wrong == "looks_along_z":
        pose[:3, :3] = np.stack([-right, -down, forward], axis=1)
    if wrong == "opencv_axes":
        pose[:3, :3] = np.stack([right, down, forward], axis=1)
    if wrong == "world_to_camera":
        pose = np.linalg.inv(pose)
    return pose.T if wrong == "columns_first" else pose


def _write_house(folder, scene, obb, wrong):
    """The mesh is one: vertices at the same place are one vertex. Every object has two segments."""
    vertices, inverse = np.unique(scene.mesh.vertices.astype("<f4"), axis=0, return_inverse=True)
    faces = inverse.reshape(-1)[scene.mesh.faces]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}", "property float x",
              "property float y", "property float z", f"element face {len(faces)}",
              "property list uchar int vertex_indices", "property int material_id", "property int segment_id",
              "property int category_id", "end_header", ""]
    table = np.zeros(len(faces), np.dtype([("n", "u1"), ("v", "<i4", 3), ("ids", "<i4", 3)]))
    table["n"], table["v"] = 3, faces
    (folder / f"{SCAN}.ply").write_bytes("\n".join(header).encode() + vertices.tobytes() + table.tobytes())
    segments, groups = np.full(len(faces), 90000), []
    for number, item in enumerate(scene.objects):
        own = np.flatnonzero(np.isin(scene.mesh.faces, item.vertex_ids).all(axis=1))
        segments[own] = 1000 + 10 * number
        segments[own[::2]] += 3
        group = {"id": number + 100, "objectId": item.object_id, "label": item.label,
                 "segments": [1003 + 10 * number, 1000 + 10 * number]}
        box = item.box
        if obb:
            group["obb"] = {
                "centroid": box.center.tolist(),
                "axesLengths": (box.extents / (2 if wrong == "half_extents" else 1)).tolist(),
                "normalizedAxes": (box.axes.T if wrong == "axes_in_columns" else box.axes).ravel().tolist()}
        groups.append(group)
    if wrong == "per_vertex":
        of_vertex = np.full(len(vertices), 90000)
        of_vertex[faces.ravel()] = np.repeat(segments, 3)
        segments = of_vertex
    (folder / f"{SCAN}.fsegs.json").write_text(json.dumps({"segIndices": segments.tolist()}))
    (folder / f"{SCAN}.semseg.json").write_text(json.dumps({"segGroups": groups}))


def _write_regions(path, outline, places):
    """Region 0 is a bedroom around the first two panoramas, region 1 a stair around the others."""
    if outline is None:
        return
    zeros = "0 0 0 0 0"
    lines = [f"H {SCAN} - {zeros}", f"L 0 2 - 0 0 0 0 0 0 0 0 0 {zeros}",
             f"R 0 0 0 0 b 0 0 0 -1 -1 0 1 1 3 3 {zeros}", f"R 1 0 0 0 s 0 0 0 -1 -1 0 1 1 3 3 {zeros}",
             "P 0 0 1 - 0 0 0 0 0 0 0 0 0 0"]  # a portal
    lines += [f"S {region} {region} 0 f 0 0 0 0 0 1 -1 -1 0 1 1 0 {zeros}" for region in (0, 1)]
    for region, ring in enumerate((outline, np.asarray(outline) + 50)):
        lines += [f"V {20 * region + i} {region} f {x:.6f} {y:.6f} 0 0 0 1 0 0 0" for i, (x, y) in enumerate(ring)]
    lines += [f"P {viewpoint(i)} {i} {int(i > 1)} 0 {x} {y} {z} {zeros}" for i, (x, y, z) in enumerate(places)]
    path.write_text("\n".join(lines) + "\n")


def _write_graph(folder, places, wrong):
    entries = []
    for i, place in enumerate(places):
        pose = np.eye(4)
        pose[:3, :3] = [[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]  # of skybox 3: of no use here
        pose[:3, 3] = place
        entries.append({
            "image_id": viewpoint(i), "pose": (pose.T if wrong == "graph_by_columns" else pose).ravel().tolist(),
            "included": True, "height": 1.5, "visible": [True] * len(places),
            "unobstructed": [abs(i - j) == 1 for j in range(len(places))]})
    folder.mkdir(exist_ok=True)
    (folder / f"{SCAN}_connectivity.json").write_text(json.dumps(entries))


def _write_walks(path, walks, wrong):
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt") as file:
        for number, (path_, compass, language, text) in enumerate(walks):
            heading = {"heading_counterclockwise": -compass, "heading_from_x": 90 - compass}.get(wrong, compass)
            file.write(json.dumps({
                "split": "train", "instruction_id": number, "annotator_id": 5, "language": language,
                "path_id": 70 + number, "scan": SCAN, "path": [viewpoint(i) for i in path_],
                "heading": heading if wrong == "heading_in_degrees" else float(np.radians(heading)),
                "instruction": text, "edit_distance": 0.1,
                "timed_instruction": [{"word": word, "start_time": i, "end_time": i + 1}
                                      for i, word in enumerate(text.split())]}) + "\n")
