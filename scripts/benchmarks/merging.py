"""Memory and time of merging parts: how much each row costs, and how much each byte of picture.

    python scripts/benchmarks/merging.py --scenes 100 --scenes 400                       # rows alone: bytes per row
    python scripts/benchmarks/merging.py --scenes 15 --scenes 96 --rows 240 --tasks 1 --frame-kb 350   # 2 GB of parts

Parts of spar_7m with made-up rows, and pictures padded with random bytes (as many and as incompressible as real ones),
are written into a folder and merged by the build's own code, in a process of its own for each number of scenes. Prints
the peak of resident memory, what the process took before, and what the peak grows by. Rows show two pictures each: the
shards of the second example take 6 GB.
"""

import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from PIL import Image

from builders.command import run_command
from builders.hub.dataset import ROWS, SceneReport
from builders.hub.folder import merge_folder
from builders.hub.parquet import TableWriter
from builders.hub.parts import part_path, spec_hash, table_path
from builders.hub.worker import resident
from builders.spar.frame_tables import FRAME_FEATURES, OBJECT_FEATURES
from builders.spar.spar_7m import ROW_FEATURES, Spar7M
from builders.spar.tasks import TASKS

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    scenes: Annotated[list[int], typer.Option(help="May be repeated.")],
    rows: Annotated[int, typer.Option(help="Of one scene. SPAR-7M: 16 million from 4,500.")] = 3556,
    tasks: Annotated[int, typer.Option(help="How many tasks the rows are of; each is a config.")] = 35,
    frames: Annotated[int, typer.Option(help="Of one scene.")] = 60,
    frame_kb: Annotated[int, typer.Option(help="Kilobytes of a picture; 0: pictures are referenced.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Where there is room [default: temporary files]")] = None,
) -> None:
    peaks, sizes = [], []
    for count in scenes:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            made = write_parts(Path(out), count, rows, tasks, frames, frame_kb)
            context = multiprocessing.get_context("spawn")  # a peak is of a whole process
            with context.Pool(1) as pool:
                before, peak, seconds, written = pool.apply(measured, (Path(out), count))
        peaks.append(peak - before)
        sizes.append(made / 1e9 if frame_kb else count * rows)
        print(f"{count:5d} scenes, {count * rows / 1e6:6.2f} M rows, parts {made / 1e9:.2f} GB, shards "
              f"{written / 1e9:.2f} GB: {seconds:.1f} s of processor time, peak {peak / 1e6:.0f} MB, "
              f"{before / 1e6:.0f} MB before", flush=True)
    grown, span = peaks[-1] - peaks[0], sizes[-1] - sizes[0]
    if len(scenes) > 1 and frame_kb:
        print(f"the peak grows by {grown / 1e6:.0f} MB from {sizes[0]:.2f} to {sizes[-1]:.2f} GB of parts")
    elif len(scenes) > 1:
        print(f"memory grows by {grown / span:.1f} bytes a row: 16 million rows take "
              f"{(before + peaks[0] + grown / span * (16e6 - sizes[0])) / 1e6:.0f} MB")


def builder_of(scenes: int) -> Spar7M:
    return Spar7M(sources=("procedural",), renderer="raycast", scenes=scenes)


def write_parts(out: Path, scenes: int, rows: int, tasks: int, frames: int, frame_kb: int) -> int:
    """Parts as a build leaves them; how many bytes."""
    rng = np.random.default_rng(0)
    builder = builder_of(scenes)
    asked = list(TASKS)[:tasks]
    made = {task: {"fill": rows // tasks} for task in asked}
    report = json.dumps(SceneReport(240, frames, 30, "mesh", {}, {}, {task: {} for task in asked}, made).as_dict())
    size = 0
    for ref in builder.refs:
        part, wanted = part_path(out / ".build" / "parts", ref), spec_hash(builder.part_spec(ref))
        part.mkdir(parents=True)
        for name, table in tables(ref.scene_id, rows, tasks, frames, frame_kb, rng).items():
            told = {"vantage.spec": wanted} | ({"vantage.report": report} if name == ROWS else {})
            with TableWriter(table_path(part, name), table.schema, told) as writer:
                writer.write(table)
            size += table_path(part, name).stat().st_size
    return size


def tables(
    scene: str, rows: int, tasks: int, frames: int, frame_kb: int, rng: np.random.Generator
) -> dict[str, pa.Table]:
    """One scene's."""
    names = [f"frame_{i:06d}" for i in range(frames)]
    asked = sorted(list(TASKS)[:tasks][i % tasks] for i in range(rows))
    made: list[dict[str, Any]] = [{
        "uid": f"procedural/{scene}/{task}/fill/{i}", "source": "procedural", "scene_id": scene,
        "frame_ids": [names[i * frames // rows], names[int(rng.integers(frames))]], "task": task, "level": "low",
        "img_type": "multi_view", "relation": "oo", "format_type": "fill", "answer": f"{rng.uniform(0, 9):.1f}",
        "question": f"How far is the chair ({i}) from the lamp in the second picture, in meters? " * 3, "options": [],
        "answer_value": [1.0], "answer_exact": [float(rng.uniform(0, 9))], "unit": ["m"], "metric": "mra",
        "heuristic": "consistent", "vertical_gap": 0.1, "objects": [], "template_id": "q01", "image": [],
    } for i, task in enumerate(asked)]
    eye, picture = np.eye(4).tolist(), tiny_png()
    shots = [{
        "frame_id": name, "scene_id": scene, "source": "procedural", "depth": None, "intrinsics": eye, "width": 640,
        "image": {"bytes": picture + rng.bytes(frame_kb * 1000), "path": None} if frame_kb else None, "height": 480,
        "depth_intrinsics": eye, "world_from_camera": eye,
    } for name in names]
    things = [{"scene_id": scene, "source": "procedural", "object_id": str(i), "label": "chair", "center": [0.0] * 3,
               "axes": eye, "extents": [1.0] * 3, "frame_ids": names[:9]} for i in range(30)]
    return {ROWS: pa.Table.from_pylist(made, schema=ROW_FEATURES.arrow_schema),
            "frames": pa.Table.from_pylist(shots, schema=FRAME_FEATURES.arrow_schema),
            "objects": pa.Table.from_pylist(things, schema=OBJECT_FEATURES.arrow_schema)}


def tiny_png() -> bytes:
    """A picture that can be opened, whatever bytes follow it."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def measured(out: Path, scenes: int) -> tuple[int, int, float, int]:
    """Resident bytes before a merge and at its peak, its processor time, and the bytes of the folder's shards."""
    builder = builder_of(scenes)
    before, begun = resident(), time.process_time()
    manifest = merge_folder(builder, out, progress=False).manifest
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    shutil.rmtree(out / ".build" / "parts")
    return before, peak, seconds, sum(entry["bytes"] for entry in manifest["files"].values())


if __name__ == "__main__":
    run_command(app)
