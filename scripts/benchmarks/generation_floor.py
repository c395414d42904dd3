"""The least that making one scene's rows can cost: the same library calls on the same data, and nothing of ours.

Reads the folder that ``generation.py`` records (scan files, mesh, rays, vertices, what pixels show, frames, tables),
repeats the work with open3d, numpy, scipy, shapely, Pillow and pyarrow alone, and prints seconds and processor seconds
per step as JSON, with the share of each library's single-call throughput. Beside the floor: the first hits again, with
a ray for every pixel of every frame looked at.
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
import shapely
from PIL import Image
from scipy import ndimage


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


def rectangles(outlines):
    for points in outlines:
        shapely.oriented_envelope(shapely.linestrings(points))


def accelerator(vertices, faces):
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(vertices), o3d.core.Tensor(faces))
    scene.cast_rays(o3d.core.Tensor(np.array([[0, 0, 0, 0, 0, 1]], np.float32)))  # builds it
    return scene


def pinhole_rays(scene, camera, step=1):
    """Through every ``step``-th pixel of every ``step``-th row."""
    intrinsics = np.array(camera["intrinsics"])
    intrinsics[:2] /= step
    intrinsics[:2, 2] += 0.5  # open3d's first pixel has its centre at (0.5, 0.5)
    pose = np.linalg.inv(camera["world_from_camera"])
    return scene.create_rays_pinhole(intrinsics, pose, -(-camera["width"] // step), -(-camera["height"] // step))


def make_rays(scene, cameras):
    for camera in cameras:
        pinhole_rays(scene, camera, camera["step"])


def cast(scene, batches):
    for rays in batches:
        scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()


def test_ways(scene, batches):
    for rays in batches:
        scene.test_occlusions(o3d.core.Tensor(rays), tfar=1.0).numpy()


def cast_every_pixel(scene, cameras):
    """(2,) seconds and processor seconds; rays are made one frame at a time, which is not counted."""
    rays = (pinhole_rays(scene, camera).numpy() for camera in cameras)
    return sum(seconds(cast, scene, [of_frame])[0] for of_frame in rays)


def project(vertices, cameras):
    """Vertices (3, N) of the objects that each camera sees, metres, to its pixels."""
    for points, camera in zip(vertices, cameras, strict=True):
        pose = np.array(camera["world_from_camera"])
        pixels = np.array(camera["intrinsics"]) @ (pose[:3, :3].T @ (points - pose[:3, 3:]))
        pixels[:2] /= pixels[2]


def bound(shown):
    for objects in shown:
        ndimage.find_objects(objects)


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


def convert(rows, tables):
    for name, table in tables.items():
        pa.Table.from_pylist(rows[name], schema=table.schema)


def write(tables, folder, options):
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", **options[name])


def main(folder):
    plan = json.loads((folder / "plan.json").read_text())
    mesh = np.load(folder / "mesh.npz")
    batches, ways, vertices, shown, outlines = (
        [np.load(path) for path in sorted(folder.glob(f"{kind}_*.npy"))]
        for kind in ("rays", "ways", "vertices", "shown", "outline"))
    frames = [path.read_bytes() for path in sorted(folder.glob("frame_*"))]
    images = {number: opened(frames[number]) for number in set(plan["encoded"])}
    tables = {path.stem: pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in folder.glob("*.arrow")}
    rows = {name: table.to_pylist() for name, table in tables.items()}
    convert(rows, tables)  # the first call looks for pandas
    write(tables, folder, plan["options"])  # first touch of the memory maps
    steps = {"read scan": seconds(read_scan, plan["files"])[0] if plan["files"] else np.zeros(2)}
    steps["boxes of objects"], _ = seconds(rectangles, outlines)
    steps["build accelerator"], scene = seconds(accelerator, mesh["vertices"], mesh["faces"])
    steps["make rays of grids"], _ = seconds(make_rays, scene, plan["cameras"])
    steps["cast rays"], _ = seconds(cast, scene, batches)
    steps["bound what is seen"], _ = seconds(bound, shown)
    steps["project vertices"], _ = seconds(project, vertices, plan["cameras"])
    steps["test occlusions"], _ = seconds(test_ways, scene, ways)
    steps["decode pictures"], _ = seconds(decode, frames, plan["decoded"])
    steps["encode marked"], _ = seconds(encode, [images[number] for number in plan["encoded"]])
    steps["rows to Arrow"], _ = seconds(convert, rows, tables)
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
