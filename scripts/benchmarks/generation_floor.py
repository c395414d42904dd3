"""The least that making one scene's rows can cost: the same library calls on the same data, and nothing of ours.

Reads the folder that ``generation.py`` records (scan files, mesh, rays, frames, tables), repeats the work with open3d,
Pillow and pyarrow alone, and prints seconds and processor seconds per step as JSON, with the share of each library's
single-call throughput. Beside the floor: the first hits again, with a ray for every pixel of every frame looked at.
"""

import json
import sys
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import open3d as o3d
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def seconds(function, *arguments):
    """(2,) seconds and processor seconds, and what the function returns."""
    start = np.array([time.perf_counter(), time.process_time()])
    result = function(*arguments)
    return np.array([time.perf_counter(), time.process_time()]) - start, result


def read_scan(paths):
    for path in paths:
        if path.endswith(".ply"):
            o3d.io.read_triangle_mesh(path)
        elif path.endswith(".json"):
            json.loads(Path(path).read_text())
        else:
            np.array([float(word) for word in Path(path).read_text().split()])


def accelerator(vertices, faces):
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(vertices), o3d.core.Tensor(faces))
    scene.cast_rays(o3d.core.Tensor(np.array([[0, 0, 0, 0, 0, 1]], np.float32)))  # builds it
    return scene


def cast(scene, batches):
    for rays in batches:
        scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()


def test_ways(scene, batches):
    for rays in batches:
        scene.test_occlusions(o3d.core.Tensor(rays), tfar=1.0).numpy()


def cast_every_pixel(scene, cameras):
    """(2,) seconds and processor seconds; rays are made one frame at a time, which is not counted."""
    spent = np.zeros(2)
    for camera in cameras:
        intrinsics = np.array(camera["intrinsics"])
        intrinsics[:2, 2] += 0.5  # open3d's first pixel has its centre at (0.5, 0.5)
        pose = np.linalg.inv(camera["world_from_camera"])
        rays = scene.create_rays_pinhole(intrinsics, pose, camera["width"], camera["height"]).numpy()
        spent += seconds(cast, scene, [rays])[0]
    return spent


def decode(frames, asked):
    for number, side in asked:
        image = Image.open(BytesIO(frames[number]))
        if side:
            image.draft(None, (side, side))
        image.load()


def opened(data):
    image = Image.open(BytesIO(data))
    image.load()
    return image


def encode(images):
    for image in images:
        image.save(BytesIO(), "JPEG", quality=95, subsampling=0)


def write(tables, folder, options):
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", **options[name])


def main(folder):
    plan = json.loads((folder / "plan.json").read_text())
    mesh = np.load(folder / "mesh.npz")
    batches, ways = ([np.load(path) for path in sorted(folder.glob(f"{kind}_*.npy"))] for kind in ("rays", "ways"))
    frames = [path.read_bytes() for path in sorted(folder.glob("frame_*"))]
    images = {number: opened(frames[number]) for number in set(plan["encoded"])}
    tables = {path.stem: pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in folder.glob("*.arrow")}
    write(tables, folder, plan["options"])  # first touch of the memory maps
    steps = {"read scan": seconds(read_scan, plan["files"])[0] if plan["files"] else np.zeros(2)}
    steps["build accelerator"], scene = seconds(accelerator, mesh["vertices"], mesh["faces"])
    steps["cast rays"], _ = seconds(cast, scene, batches)
    steps["test occlusions"], _ = seconds(test_ways, scene, ways)
    steps["decode pictures"], _ = seconds(decode, frames, plan["decoded"])
    steps["encode marked"], _ = seconds(encode, [images[number] for number in plan["encoded"]])
    steps["write tables"], _ = seconds(write, tables, folder, plan["options"])
    again = {"cast rays": seconds(cast, scene, [np.concatenate(batches)]),
             "test occlusions": seconds(test_ways, scene, [np.concatenate(ways)]),
             "write tables": seconds(write, tables, folder, plan["options"])}
    if plan["encoded"]:
        again["encode marked"] = seconds(encode, [images[plan["encoded"][0]]] * len(plan["encoded"]))
    share = {step: spent[0] / steps[step][0] for step, (spent, _) in again.items()}
    every_pixel = cast_every_pixel(scene, plan["cameras"]).tolist()
    spent = {step: both.tolist() for step, both in steps.items()}
    print(json.dumps({"steps": spent, "share": share, "every_pixel": every_pixel}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
