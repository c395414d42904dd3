"""A small scene with known geometry, and a writer that puts any scene on disk in the exported ScanNet layout.

The writer knows the layout from its published description, not from our reader: a reader that misreads a convention
fails the round trip.
"""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import open3d as o3d
from PIL import Image

from builders.scenes.scene import Frame, Mesh, OrientedBox, Scene, SceneObject

WIDTH, HEIGHT = 320, 240
INTRINSICS = np.array([[260.0, 0, 159.5], [0, 260.0, 119.5], [0, 0, 1]])
LABELS = ("chair", "table", "lamp", "box", "sofa", "chair", "plant", "bin")


def grid_box(center, extents, yaw=0.0, cells=5):
    """(OrientedBox, vertices, faces): the surface of a box, each face cut into cells x cells quads."""
    axes = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]])
    steps = np.linspace(-0.5, 0.5, cells + 1)
    vertices, faces = [], []
    for axis in range(3):
        for side in (-0.5, 0.5):
            start = len(vertices)
            for s in steps:
                for t in steps:
                    vertices.append(np.insert(np.array([s, t]), axis, side))
            for i in range(cells):
                for j in range(cells):
                    a = start + i * (cells + 1) + j
                    faces += [(a, a + 1, a + cells + 2), (a, a + cells + 2, a + cells + 1)]
    points = np.asarray(center) + (np.array(vertices) * extents) @ axes
    return OrientedBox(center, axes, extents), points, np.array(faces)


def look_at(eye, target):
    """(4, 4) world_from_camera in OpenCV axes."""
    forward = np.subtract(target, eye) / np.linalg.norm(np.subtract(target, eye))
    right = np.cross(forward, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose


def frame(pose, name="0"):
    """A frame of the toy camera."""
    return Frame(name, WIDTH, HEIGHT, INTRINSICS, pose)


def make_scene(boxes, poses, labels=None, floor=True, scene_id="scene0001_00"):
    """A scene of boxes [(center, extents, yaw)] and camera poses; the floor is structural."""
    vertices, faces, objects, count = [], [], [], 0
    parts = [(*b, labels[i] if labels else LABELS[i % len(LABELS)], False) for i, b in enumerate(boxes)]
    if floor:
        parts.append(((0, 0, -0.05), (8, 8, 0.1), 0.0, "floor", True))
    for i, (center, extents, yaw, label, structural) in enumerate(parts):
        box, points, triangles = grid_box(center, extents, yaw)
        objects.append(SceneObject(str(i), label, box, np.arange(count, count + len(points)), structural))
        vertices.append(points)
        faces.append(triangles + count)
        count += len(points)
    frames = tuple(frame(pose, str(10 * i)) for i, pose in enumerate(poses))
    return Scene("scannet", scene_id, Mesh(np.concatenate(vertices), np.concatenate(faces)), tuple(objects), frames)


def toy_room(seed=0, scene_id="scene0001_00", frames=14):
    """Eight boxes around the middle of a floor, seen from a circle by a camera that lets its gaze wander, so that no
    view shows all."""
    rng = np.random.default_rng(seed)
    boxes = []
    for i in range(len(LABELS)):
        angle = 2 * np.pi * i / len(LABELS) + rng.uniform(-0.2, 0.2)
        extents = rng.uniform(0.25, 0.5, 3)
        radius = rng.uniform(0.6, 1.3)
        center = (radius * np.cos(angle), radius * np.sin(angle), extents[2] / 2 + rng.uniform(0, 0.8))
        boxes.append((center, extents, rng.uniform(0, 3)))
    angles = np.linspace(0, 5, frames)
    poses = [look_at((2.6 * np.cos(a), 2.6 * np.sin(a), 1.5), (1.1 * np.cos(4 * a), 1.1 * np.sin(4 * a), 0.5))
             for a in angles]
    return make_scene(boxes, poses, scene_id=scene_id)


def moved(scene, yaw=0.0, shift=(0, 0, 0), scale=1.0):
    """The scene and its cameras turned about the vertical (radians), then scaled, then shifted (metres)."""
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]])

    def place(points):
        return scale * np.asarray(points) @ turn.T + shift

    objects = tuple(SceneObject(o.object_id, o.label, OrientedBox(place(o.box.center), o.box.axes @ turn.T,
                                scale * o.box.extents), o.vertex_ids, o.structural) for o in scene.objects)
    frames = []
    for f in scene.frames:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turn @ f.world_from_camera[:3, :3], place(f.center)
        frames.append(Frame(f.frame_id, f.width, f.height, f.intrinsics, pose))
    mesh = Mesh(place(scene.mesh.vertices), scene.mesh.faces)
    return Scene(scene.source, scene.scene_id, mesh, objects, tuple(frames))


def mirrored(scene):
    """x becomes -x in the world, and every camera looks at the mirrored room."""
    flip = np.diag([-1.0, 1, 1])
    objects = tuple(replace(o, box=OrientedBox(o.box.center @ flip, o.box.axes @ flip, o.box.extents))
                    for o in scene.objects)
    frames = []
    for frame in scene.frames:
        pose = frame.world_from_camera.copy()
        pose[:3, :3] = flip @ pose[:3, :3] @ flip  # camera x negated once more, to stay a rotation
        pose[:3, 3] = flip @ pose[:3, 3]
        frames.append(replace(frame, world_from_camera=pose))
    mesh = Mesh(scene.mesh.vertices @ flip, scene.mesh.faces)
    return replace(scene, mesh=mesh, objects=objects, frames=tuple(frames))


def write_scannet(root: Path, scene: Scene, alignment=None) -> Path:
    """Write the scene as ScanNet exports it; ``alignment`` (4, 4) is raw to aligned, the scene is aligned."""
    alignment = np.eye(4) if alignment is None else alignment
    raw = np.linalg.inv(alignment)
    name, folder = scene.scene_id, root / scene.scene_id
    for sub in ("color", "pose", "intrinsic"):
        (folder / sub).mkdir(parents=True)
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(scene.mesh.vertices @ raw[:3, :3].T + raw[:3, 3]),
        o3d.utility.Vector3iVector(scene.mesh.faces.astype(np.int32)),
    )
    o3d.io.write_triangle_mesh(str(folder / f"{name}_vh_clean_2.ply"), mesh)
    segments = np.full(len(scene.mesh.vertices), 9999)
    for item in scene.objects:
        segments[item.vertex_ids] = 7 * int(item.object_id) + 3
    segs = {"sceneId": f"scannet.{name}", "segIndices": segments.tolist()}
    (folder / f"{name}_vh_clean_2.0.010000.segs.json").write_text(json.dumps(segs))
    groups = [{"id": i, "objectId": int(o.object_id), "segments": [7 * int(o.object_id) + 3], "label": o.label}
              for i, o in enumerate(scene.objects)]
    (folder / f"{name}.aggregation.json").write_text(json.dumps({"sceneId": name, "segGroups": groups}))
    numbers = " ".join(f"{x:.9f}" for x in alignment.ravel())
    (folder / f"{name}.txt").write_text(
        f"axisAlignment = {numbers}\ncolorHeight = {scene.frames[0].height}\n"
        f"colorWidth = {scene.frames[0].width}\nsceneType = Test\n")
    for i, frame in enumerate(scene.frames):
        intrinsic = np.eye(4)
        intrinsic[:3, :3] = frame.intrinsics
        np.savetxt(folder / "intrinsic" / "intrinsic_color.txt", intrinsic)
        np.savetxt(folder / "pose" / f"{frame.frame_id}.txt", raw @ frame.world_from_camera, fmt="%.9f")
        (folder / "color" / f"{frame.frame_id}.jpg").write_bytes(flat_jpeg(frame.width, frame.height, i))
    return folder


def flat_jpeg(width, height, shade=0):
    """A grey gradient with a shade of its own, crossed by stripes: a frame without edges would count as blurred."""
    pixels = (np.add.outer(np.arange(height), np.arange(width)) // 3 + 20 * shade) % 256
    pixels[:, np.arange(width) % 16 < 8] //= 2
    buffer = BytesIO()
    Image.fromarray(np.repeat(pixels[..., None], 3, axis=2).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
