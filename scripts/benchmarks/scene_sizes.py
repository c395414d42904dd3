"""How the cost of one scene grows with its frames and its objects: visibility, questions of all tasks, verification.

    python scripts/benchmarks/scene_sizes.py

A hall of boxes in rows, seen by a camera that walks along them, is built with 20 to 200 frames and with 10 to 100
objects. Prints processor seconds and the slope of log(seconds) over log(size): 1 is linear growth. Frames cost rays, so
their slope should be about 1 (less what a scene costs once). Objects cost rays to their vertices and along their
outlines; questions are drawn one by one and rows are capped, so that both slopes should stay below 1.
"""

import time
from collections import Counter
from typing import Annotated

import numpy as np
import typer

from builders.command import run_command
from builders.scenes.scene import Frame, Mesh, OrientedBox, Scene, SceneObject
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS

LABELS = ("chair", "table", "lamp", "box", "sofa", "plant", "bin", "shelf", "bed", "desk", "stool", "crate")
CELLS = 12
"""Quads along a side of each box face."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    frames: Annotated[list[int], typer.Option(help="Frame counts, with 30 objects.")] = [20, 50, 100, 200],  # noqa: B006
    objects: Annotated[list[int], typer.Option(help="Object counts, with 40 frames.")] = [10, 25, 50, 100],  # noqa: B006
    per_task: Annotated[int, typer.Option(min=1, help="Rows per task and format.")] = 30,
    repeats: Annotated[int, typer.Option(min=1, help="The fastest of so many runs counts.")] = 2,
) -> None:
    for what, sizes in (("frames", frames), ("objects", objects)):
        seen, asked = [], []
        for size in sizes:
            scene = hall(size if what == "objects" else 30, size if what == "frames" else 40)
            runs = [timed(scene, per_task) for _ in range(repeats)]
            seen.append(min(run[0] for run in runs))
            asked.append(min(run[1] for run in runs))
            rows = runs[0][2]
            print(f"{size:5d} {what}: visibility {seen[-1]:7.3f} s, questions {asked[-1]:7.3f} s, {rows} rows, "
                  f"{rows / (seen[-1] + asked[-1]):.0f} rows a second")
        whole = np.add(seen, asked)
        for stage, spent in (("visibility", seen), ("questions", asked), ("both", whole)):
            print(f"      {what}: slope of {stage}: {slope(sizes, spent):.2f}")


def hall(objects: int, frames: int) -> Scene:
    """Boxes in rows two metres apart on a floor, and a camera that walks around them at eye height."""
    rng = np.random.default_rng(0)
    columns = int(np.ceil(np.sqrt(objects)))
    vertices, faces, items, count = [], [], [], 0
    for i in range(objects + 1):
        if i < objects:
            extents = rng.uniform(0.3, 0.8, 3)
            center = np.array([1.6 * (i % columns), 1.6 * (i // columns), extents[2] / 2 + rng.uniform(0, 0.7)])
        else:
            extents = np.array([1.6 * columns + 4, 1.6 * columns + 4, 0.1])
            center = np.array([0.8 * columns, 0.8 * columns, -0.05])
        points, triangles = box_mesh(center, extents)
        label = LABELS[i % len(LABELS)] + ("" if i < len(LABELS) else f" {i // len(LABELS)}")
        box = OrientedBox(center, np.eye(3), extents)
        items.append(SceneObject(str(i), label, box, np.arange(count, count + len(points)), i == objects))
        vertices.append(points)
        faces.append(triangles + count)
        count += len(points)
    intrinsics = np.array([[520.0, 0, 319.5], [0, 520.0, 239.5], [0, 0, 1]])
    poses = []
    for turn in np.linspace(0, 4 * np.pi, frames, endpoint=False):
        eye = 0.8 * columns + (0.8 * columns + 1.5) * np.array([np.cos(turn), np.sin(turn)])
        at = 0.8 * columns + 0.5 * columns * np.array([np.cos(5 * turn), np.sin(5 * turn)])
        poses.append(look_at(np.array([*eye, 1.6]), np.array([*at, 0.5])))
    cameras = tuple(Frame(str(i), 640, 480, intrinsics, pose) for i, pose in enumerate(poses))
    return Scene("hall", "hall", Mesh(np.concatenate(vertices), np.concatenate(faces)), tuple(items), cameras)


def box_mesh(center: np.ndarray, extents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V, 3) vertices and (F, 3) faces of a box's surface, each side cut into CELLS x CELLS quads."""
    steps = np.linspace(-0.5, 0.5, CELLS + 1)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    corner = (np.arange(CELLS)[:, None] * (CELLS + 1) + np.arange(CELLS)).ravel()
    quads = np.stack([corner, corner + 1, corner + CELLS + 2, corner + CELLS + 1], axis=1)
    side = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    sides = [np.insert(grid, axis, end, axis=1) for axis in range(3) for end in (-0.5, 0.5)]
    faces = np.concatenate([side + i * len(grid) for i in range(6)])
    return center + np.concatenate(sides) * extents, faces


def look_at(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, (0, 0, 1.0)) / np.linalg.norm(np.cross(forward, (0, 0, 1.0)))
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose


def timed(scene: Scene, per_task: int) -> tuple[float, float, int]:
    """Processor seconds of visibility and of questions with verification, and rows."""
    limits = Limits(keyframe_translation=0, keyframe_rotation=0, max_depth=30, min_area=0.0005)
    start = time.process_time()
    record = build_record(scene, limits, video=True)
    middle = time.process_time()
    rows = 0
    for task in TASKS.values():
        for form in task.formats:
            rows += len(list(task_rows(task, form, record, limits, per_task, ("scaling",), Counter())))
    return middle - start, time.process_time() - middle, rows


def slope(sizes: list[int], spent: np.ndarray | list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(spent), 1)[0])


if __name__ == "__main__":
    run_command(app)
