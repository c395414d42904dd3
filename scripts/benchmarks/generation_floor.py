"""The least that making one scene's rows can cost: the same library calls on the same data, and nothing of ours.

Reads the folder that ``generation.py`` records (scan files, mesh, rays, frames, rows), repeats the work with open3d,
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


def cast(scene, batches):
    for rays in batches:
        scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()


def decode(frames):
    images = []
    for data in frames:
        image = Image.open(BytesIO(data))
        image.load()
        images.append(image)
    return images


def encode(images):
    for image in images:
        image.save(BytesIO(), "JPEG", quality=95, subsampling=0)


def write(table, path, options):
    pq.write_table(table, path, **options)


def main(folder):
    plan = json.loads((folder / "plan.json").read_text())
    mesh = np.load(folder / "mesh.npz")
    batches = [np.load(path) for path in sorted(folder.glob("rays_*.npy"))]
    frames = [path.read_bytes() for path in sorted(folder.glob("frame_*"))]
    with pa.memory_map(str(folder / "rows.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
    target = folder / "floor.parquet"
    write(table, target, plan["options"])  # first touch of the memory map
    steps = {"read scan": seconds(read_scan, plan["files"])[0] if plan["files"] else 0.0}
    steps["build accelerator"], scene = seconds(accelerator, mesh["vertices"], mesh["faces"])
    steps["cast rays"], _ = seconds(cast, scene, batches)
    steps["decode frames"], images = seconds(decode, frames)
    steps["encode marked"], _ = seconds(encode, [images[i] for i in plan["encoded"]])
    steps["write rows"], _ = seconds(write, table, target, plan["options"])
    everything = np.concatenate(batches)
    at_once, _ = seconds(cast, scene, [everything])
    one_image, _ = seconds(encode, images[:1] * len(plan["encoded"]))
    again, _ = seconds(write, table, target, plan["options"])
    share = {"cast rays": at_once / steps["cast rays"], "encode marked": one_image / max(steps["encode marked"], 1e-9),
             "write rows": again / steps["write rows"]}
    print(json.dumps({"steps": steps, "share": share, "rays": len(everything)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
