"""How long the first picture of a ``.sens`` file takes, and how much memory a scan: the file must never be read whole.

    python scripts/benchmarks/sens.py

Writes a file of the released kind (500 frames: colour 1296x968 as JPEG, depth 640x480 zipped), and reads it in fresh
processes, frame by frame, colour and depth: by ``SensFile`` alone, and as a scan by ``ScanNetSource``, where the reader
of meshes (open3d) takes most of the memory. Prints peak resident megabytes (Linux), and seconds beside those of the
floor: reading each frame's bytes, decoding the JPEG no further than its head, unzipping the depth and writing it as the
16-bit PNG that every source gives.
"""

import json
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from builders.command import run_command
from builders.scenes.sens import SensFile

COLOR, DEPTH = (1296, 968), (640, 480)
_DRAWN = 8
"""Different pictures; frames repeat them."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    frames: Annotated[int, typer.Option(min=1)] = 500,
    of: Annotated[str, typer.Option(help="Read this file in this process; without it, one is made.")] = "",
    reader: Annotated[str, typer.Option(help="With --of: floor, file or scan.")] = "file",
) -> None:
    if of:
        print(json.dumps(measured(Path(of), reader)))
        return
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "scene0000_00" / "scene0000_00.sens"
        path.parent.mkdir()
        write_sens(path, frames)
        write_rest(path.parent)
        print(f"{frames} frames, {path.stat().st_size / 1e6:.0f} MB")
        floor: dict[str, float] = {}
        for how in ("floor", "file", "scan"):
            command = [sys.executable, __file__, "--of", str(path), "--reader", how]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            floor = floor or found
            print(f"{how:<6} first picture {found['first']:.3f} s ({found['first_wall']:.3f} s by the clock); all "
                  f"{found['all']:.2f} s, {found['all'] / floor['all']:.2f} x floor; resident {found['before']:.0f} MB "
                  f"before, {found['peak']:.0f} MB at most")


def measured(path: Path, reader: str) -> dict[str, float]:
    """Processor seconds (and those of the clock) to the first picture, and to all; megabytes before and at most."""
    reading = {"floor": bare_frames, "file": file_frames, "scan": scan_frames}[reader]
    before, start, clock = peak(), time.process_time(), time.perf_counter()
    first = first_wall = 0.0
    for _ in reading(path):
        first_wall = first_wall or time.perf_counter() - clock
        first = first or time.process_time() - start
    return {"before": before, "first": first, "first_wall": first_wall, "all": time.process_time() - start,
            "peak": peak()}


def peak() -> float:
    """Most that was resident so far. (``ru_maxrss`` would count what the parent process had at the fork.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def bare_frames(path: Path) -> Iterator[None]:
    """The same work with struct, zlib and Pillow, and no check."""
    with path.open("rb") as file:
        file.seek(12)  # no name
        file.seek(4 * 64 + 8 + 16 + 4, 1)
        for _ in range(int.from_bytes(file.read(8), "little")):
            color, depth = struct.unpack("<64x16xQQ", file.read(96))
            Image.open(BytesIO(file.read(color)))
            pixels = np.frombuffer(zlib.decompress(file.read(depth)), "<u2").reshape(DEPTH[::-1])
            Image.fromarray(pixels).save(BytesIO(), "PNG", compress_level=1)
            yield


def file_frames(path: Path) -> Iterator[None]:
    sens = SensFile(path)
    for i in range(len(sens)):
        sens.color(i)
        sens.depth(i)
        yield


def scan_frames(path: Path) -> Iterator[None]:
    from builders.scenes.scannet import ScanNetSource

    source = ScanNetSource(path.parent.parent)
    scene = source.load(path.stem)
    for frame in scene.frames:
        source.read_color(scene, frame)
        source.read_depth(scene, frame)
        yield


def write_sens(path: Path, frames: int) -> None:
    rng = np.random.default_rng(0)
    colors, depths = [], []
    for _ in range(_DRAWN):
        light = np.kron(rng.integers(0, 256, (44, 54, 3)), np.ones((22, 24, 1))) + rng.normal(0, 6, (*COLOR[::-1], 3))
        buffer = BytesIO()
        Image.fromarray(light.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        colors.append(buffer.getvalue())
        millimetres = np.add.outer(np.arange(DEPTH[1]), np.arange(DEPTH[0])) * 3 + rng.integers(0, 8, DEPTH[::-1])
        depths.append(zlib.compress(millimetres.astype("<u2").tobytes()))
    camera = np.eye(4)
    camera[:2, :3] = [[1170, 0, 647.5], [0, 1170, 483.5]]
    small = np.eye(4)
    small[:2, :3] = [[577, 0, 319.5], [0, 577, 239.5]]
    with path.open("wb") as file:
        file.write(struct.pack("<IQ", 4, 0))
        for matrix in (camera, np.eye(4), small, np.eye(4)):
            file.write(matrix.astype("<f4").tobytes())
        file.write(struct.pack("<iiIIIIfQ", 2, 1, *COLOR, *DEPTH, 1000.0, frames))
        for i in range(frames):
            color, depth = colors[i % _DRAWN], depths[i % _DRAWN]
            file.write(np.eye(4, dtype="<f4").tobytes() + struct.pack("<QQQQ", i, i, len(color), len(depth)))
            file.write(color + depth)


def write_rest(folder: Path) -> None:
    """The other files of a scan: one object, a box."""
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh.create_box(1, 2, 3)
    o3d.io.write_triangle_mesh(str(folder / f"{folder.name}_vh_clean_2.ply"), mesh)
    (folder / f"{folder.name}_vh_clean_2.0.010000.segs.json").write_text(json.dumps({"segIndices": [0] * 8}))
    group = {"objectId": 0, "label": "box", "segments": [0]}
    (folder / f"{folder.name}.aggregation.json").write_text(json.dumps({"segGroups": [group]}))
    (folder / f"{folder.name}.txt").write_text("sceneType = none\n")


if __name__ == "__main__":
    run_command(app)
