"""Writes the Structured3D layout from its published description: the writer knows nothing of our reader."""

import json
from dataclasses import dataclass

import numpy as np
from PIL import Image

from builders.scenes.scene import Scene

ROOM = "2193"
WALL, FLOOR, CEILING = 1, 2, 22
MISTAKES = ("metres", "full_extents", "axes_in_columns", "full_angles", "y_not_flipped", "world_to_camera",
            "instances_by_order")
"""Conventions got wrong: what a reader that makes the mistake would take a right tree for, the writer writes."""


@dataclass(frozen=True)
class Rendered:
    """A scene and what its pictures show, pixel by pixel."""

    scene: Scene
    color: tuple[np.ndarray, ...]
    """(height, width, 3) of each frame."""
    shown: tuple[np.ndarray, ...]
    """(height, width) index into the scene's objects, -1 for none."""
    depth: tuple[np.ndarray, ...]
    """(height, width) uint16, millimetres."""
    polygon: np.ndarray
    """(P, 2) the floor in plan."""


def instance_id(number):
    """Of an object of the list: numbers with gaps, not in its order."""
    return 5 + (number * 7) % 211


def write_structured3d(root, room: Rendered, semantics, scene_id="scene_00001", wrong="", height=2.5):
    """Write ``root/<scene_id>``.

    Args:
        semantics: NYU40 id of each object; structural ones are background.
        wrong: one of ``MISTAKES``.
    """
    folder, scene = root / scene_id, room.scene
    unit = 1 if wrong == "metres" else 1000
    taken = [i for i, item in enumerate(scene.objects) if not item.structural]
    ids = {i: place if wrong == "instances_by_order" else instance_id(i) for place, i in enumerate(taken)}
    boxes = []
    for i in taken:
        box = scene.objects[i].box
        boxes.append({
            "ID": instance_id(i),
            "basis": (box.axes.T if wrong == "axes_in_columns" else box.axes).tolist(),
            "coeffs": (unit * box.extents / (1 if wrong == "full_extents" else 2)).tolist(),
            "centroid": (unit * box.center).tolist(),
        })
    folder.mkdir(parents=True)
    (folder / "bbox_3d.json").write_text(json.dumps(boxes))
    (folder / "annotation_3d.json").write_text(json.dumps(annotation(1000 * room.polygon, 1000 * height)))
    for number, frame in enumerate(scene.frames):
        inner = folder / "2D_rendering" / ROOM / "perspective" / "full" / str(number)
        inner.mkdir(parents=True)
        (inner / "camera_pose.txt").write_text(_camera_line(frame, unit, wrong))
        Image.fromarray(room.color[number]).save(inner / "rgb_rawlight.png", compress_level=1)
        Image.fromarray(room.depth[number]).save(inner / "depth.png", compress_level=1)
        instances, labels = _maps(room.shown[number], scene, ids, semantics)
        Image.fromarray(instances).save(inner / "instance.png", compress_level=1)
        Image.fromarray(labels).save(inner / "semantic.png", compress_level=1)
    return folder


def _camera_line(frame, unit, wrong):
    pose = np.linalg.inv(frame.world_from_camera) if wrong == "world_to_camera" else frame.world_from_camera
    up = pose[:3, 1] if wrong == "y_not_flipped" else -pose[:3, 1]
    halves = [np.arctan(side / 2 / focal) for side, focal in
              ((frame.width, frame.intrinsics[0, 0]), (frame.height, frame.intrinsics[1, 1]))]
    angles = [2 * half for half in halves] if wrong == "full_angles" else halves
    return " ".join(f"{x:.8f}" for x in [*unit * pose[:3, 3], *pose[:3, 2], *up, *angles, 1])


def _maps(shown, scene, ids, semantics):
    """Every third row of what is well seen carries another label: most of an instance's pixels decide."""
    instances = np.full(shown.shape, 65535, np.uint16)
    labels = np.zeros(shown.shape, np.uint8)
    for i, item in enumerate(scene.objects):
        here = shown == i
        if item.structural:
            labels[here] = {"wall": WALL, "floor": FLOOR, "ceiling": CEILING}[item.label]
            continue
        instances[here], labels[here] = ids[i], semantics[i]
        if here.sum() > 1000:
            labels[::3][here[::3]] = 39 if semantics[i] != 39 else 38
    return instances, labels


def annotation(corners, height):
    """Planes, lines and junctions of one room (P, 2) in mm, with its floor as the last plane but one."""
    count = len(corners)
    junctions = [{"ID": i, "coordinate": [*corners[i % count].tolist(), height * (i // count)]}
                 for i in range(2 * count)]
    ends = [(i, (i + 1) % count) for i in range(count)]                          # around the floor
    ends += [(count + a, count + b) for a, b in ends] + [(i, count + i) for i in range(count)]
    lines_of = [[i, count + i, 2 * count + i, 2 * count + (i + 1) % count] for i in range(count)]     # walls
    lines_of += [list(range(count)), list(range(count, 2 * count))]
    kinds = ["wall"] * count + ["floor", "ceiling"]
    plane_line = np.zeros((len(kinds), len(ends)), int)
    for plane, lines in enumerate(lines_of):
        plane_line[plane, lines] = 1
    line_junction = np.zeros((len(ends), 2 * count), int)
    for line, pair in enumerate(ends):
        line_junction[line, list(pair)] = 1
    return {
        "junctions": junctions,
        "lines": [{"ID": i, "point": [0, 0, 0], "direction": [1, 0, 0]} for i in range(len(ends))],
        "planes": [{"ID": i, "type": kind, "normal": [0, 0, 1], "offset": 0} for i, kind in enumerate(kinds)],
        "semantics": [{"ID": 0, "type": "bedroom", "planeID": list(range(len(kinds)))},
                      {"ID": 1, "type": "door", "planeID": [0]}],
        "planeLineMatrix": plane_line.tolist(),
        "lineJunctionMatrix": line_junction.tolist(),
        "cuboids": [], "manhattan": [],
    }
