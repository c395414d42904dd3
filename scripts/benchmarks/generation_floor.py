"""The least that making one scene's rows can cost: the same library calls on the same data, and nothing of ours.

Reads the folder that ``generation.py`` records (scan files, mesh, rays, frames, tables), repeats the work with open3d,
Pillow and pyarrow alone, and prints seconds per step as JSON, with the share of each library's single-call throughput.
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
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


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


def cast(scene, batches, ways):
    for rays in batches:
        scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    for rays in ways:
        scene.test_occlusions(o3d.core.Tensor(rays), tfar=1.0).numpy()


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
    started = time.process_time()
    steps = {"read scan": seconds(read_scan, plan["files"])[0] if plan["files"] else 0.0}
    steps["build accelerator"], scene = seconds(accelerator, mesh["vertices"], mesh["faces"])
    steps["cast rays"], _ = seconds(cast, scene, batches, ways)
    steps["decode pictures"], _ = seconds(decode, frames, plan["decoded"])
    steps["encode marked"], _ = seconds(encode, [images[number] for number in plan["encoded"]])
    steps["write tables"], _ = seconds(write, tables, folder, plan["options"])
    cpu = time.process_time() - started
    at_once, _ = seconds(cast, scene, [np.concatenate(batches)], [np.concatenate(ways)])
    again, _ = seconds(write, tables, folder, plan["options"])
    share = {"cast rays": at_once / steps["cast rays"], "write tables": again / steps["write tables"]}
    if plan["encoded"]:
        one_image, _ = seconds(encode, [images[plan["encoded"][0]]] * len(plan["encoded"]))
        share["encode marked"] = one_image / steps["encode marked"]
    print(json.dumps({"steps": steps, "share": share, "cpu": cpu}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
