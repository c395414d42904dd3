"""Where the time of one scene goes, and how far it is from the floor: the same library calls without our code.

    python scripts/benchmarks/generation.py                                    # a procedural room
    python scripts/benchmarks/generation.py --source scannet=/data/scannet/scans --scene-id scene0011_00

Builds one part of SPAR-Bench several times, in turns with ``generation_floor.py`` on the recorded workload, and prints
medians. Rooms are generated and rendered beforehand: making the scan is not what is measured. Ratios within one run can
be compared between machines; seconds cannot.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import typer

from builders.command import run_command
from builders.errors import InputError
from builders.hub import parts
from builders.hub.parquet import writer_options
from builders.hub.parts import ensure_part, part_path, table_path
from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.scannet import ScanNetSource
from builders.spar import pictures, scenes_to_rows, visibility
from builders.spar.spar_bench import SparBench

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

FLOOR = Path(__file__).with_name("generation_floor.py")


@app.command(help=__doc__)
def main(
    source: Annotated[str, typer.Option(metavar="NAME[=ROOT]", help="Where the scene comes from.")] = "procedural",
    scene_id: Annotated[str, typer.Option(help="Which scene; default: the first.")] = "",
    per_task: Annotated[int, typer.Option(min=1, help="Rows per task.")] = 50,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each side.")] = 5,
) -> None:
    builder = SparBench(sources=(source,), scenes=1, scene_ids=(scene_id,) if scene_id else (), renderer="raycast",
                        bench_scenes="all", pixels="embedded", per_task=per_task)
    (ref,) = builder.refs
    scans = ref.source != "procedural"
    with tempfile.TemporaryDirectory() as name:
        workload = Path(name) / "workload"
        workload.mkdir()
        with remembered_rooms():
            with recorded(workload):
                outcome = ensure_part(builder, Path(name) / "record", ref)
            if outcome.quarantined:
                raise InputError(outcome.quarantined)
            part = table_path(part_path(Path(name) / "record", ref))
            record_rows(part, workload, scan_files(builder, ref) if scans else [])
            ours, floors = [], []
            for run in range(repeats):
                floors.append(json.loads(subprocess.check_output([sys.executable, FLOOR, workload], text=True)))
                ours.append(timed_part(builder, Path(name) / str(run), ref))
    print_result(ref.name, outcome.rows, ours, floors)


@contextmanager
def remembered_rooms() -> Iterator[None]:
    """Procedural rooms and their pictures are made once; scans are read each time."""
    load, read = ProceduralSource.load, ProceduralSource.read_color
    kept: dict[Any, Any] = {}

    def load_once(self: ProceduralSource, scene_id: str) -> Any:
        return kept.get(scene_id) or kept.setdefault(scene_id, load(self, scene_id))

    def read_once(self: ProceduralSource, scene: Any, frame: Any) -> bytes:
        key = scene.scene_id, frame.frame_id
        return kept.get(key) or kept.setdefault(key, read(self, scene, frame))

    with patch.object(ProceduralSource, "load", load_once), patch.object(ProceduralSource, "read_color", read_once):
        yield


@contextmanager
def recorded(workload: Path) -> Iterator[None]:
    """Write down what a build asks of the libraries: mesh, rays, decoded frames, and which of them are encoded."""
    plan: dict[str, list] = {"encoded": []}
    frames: dict[bytes, int] = {}
    counts = {"rays": 0}
    init, cast, of_row = visibility.Observer.__init__, visibility.Observer._cast, pictures.Pictures.of_row

    def record_mesh(self: Any, scene: Any) -> None:
        mesh = scene.mesh
        np.savez(workload / "mesh.npz", vertices=mesh.vertices.astype(np.float32), faces=mesh.faces.astype(np.uint32))
        init(self, scene)

    def record_rays(self: Any, frame: Any, directions: Any) -> Any:
        rays = np.concatenate([np.broadcast_to(frame.center, directions.shape), directions], axis=1)
        np.save(workload / f"rays_{counts['rays']:05d}.npy", rays.astype(np.float32))
        counts["rays"] += 1
        return cast(self, frame, directions)

    def record_pictures(self: Any, row: Any) -> Any:
        result = of_row(self, row)
        marked = {item["image_index"] for item in row["objects"] if item["color"]}
        for view, frame_id in enumerate(row["frame_ids"]):
            data = self._encoded[frame_id]
            if data not in frames:
                frames[data] = len(frames)
                (workload / f"frame_{frames[data]:05d}").write_bytes(data)
            if view in marked:
                plan["encoded"].append(frames[data])
        return result

    with (
        patch.object(visibility.Observer, "__init__", record_mesh),
        patch.object(visibility.Observer, "_cast", record_rays),
        patch.object(pictures.Pictures, "of_row", record_pictures),
    ):
        yield
    (workload / "plan.json").write_text(json.dumps(plan))


def record_rows(part: Path, workload: Path, files: list[str]) -> None:
    """The finished rows, as an Arrow file the floor writes again with the same options."""
    table = pa.parquet.read_table(part)
    with pa.OSFile(str(workload / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    plan = json.loads((workload / "plan.json").read_text())
    plan |= {"files": files, "options": writer_options(table.schema)}
    (workload / "plan.json").write_text(json.dumps(plan))


def scan_files(builder: SparBench, ref: Any) -> list[str]:
    """Files of a scan that every reader has to read, besides pictures."""
    folder = ScanNetSource(ref.spec.partition("=")[2])._folder(ref.scene_id)
    names = [p for p in folder.rglob("*") if p.suffix in (".ply", ".json") or p.parent.name in ("pose", "intrinsic")]
    return [str(p) for p in names if "depth" not in p.name and "extrinsic" not in p.name]


def timed_part(builder: SparBench, folder: Path, ref: Any) -> dict[str, float]:
    """Seconds of one build of the part, whole and by stage."""
    spent: dict[str, float] = defaultdict(float)
    source = type(builder.open(ref.spec))
    stages: list[tuple[Any, str, str]] = [
        (source, "load", "read scan"),
        (scenes_to_rows, "build_record", "keyframes and visibility"),
        (scenes_to_rows, "task_rows", "questions and verification"),
        (pictures.Pictures, "of_row", "pictures"),
        (parts.TableWriter, "__exit__", "write rows"),
    ]

    def watched(function: Callable, stage: str) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            if stage.startswith("questions"):
                result = list(result)
            spent[stage] += time.perf_counter() - start
            return result

        return call

    patches = [patch.object(owner, name, watched(getattr(owner, name), stage)) for owner, name, stage in stages]
    for one in patches:
        one.start()
    try:
        start = time.perf_counter()
        ensure_part(builder, folder, ref)
        spent["whole"] = time.perf_counter() - start
    finally:
        for one in patches:
            one.stop()
    report = parts.read_report(part_path(folder, ref))
    return dict(spent) | {"frames": report["keyframes"]}


def print_result(name: str, rows: int, ours: list[dict], floors: list[dict]) -> None:
    middle = {key: statistics.median(run[key] for run in ours) for key in ours[0]}
    whole, frames = middle.pop("whole"), int(middle.pop("frames"))
    print(f"{name}: {rows} rows from {frames} keyframes, medians of {len(ours)} runs")
    print(f"  whole scene          {whole:8.3f} s   {whole / frames:.4f} s per frame, {whole / rows:.5f} s per row")
    for stage, spent in middle.items():
        print(f"    {stage:<27}{spent:8.3f} s   {spent / whole:6.1%}")
    other = whole - sum(middle.values())
    print(f"    {'rest (tables, spec)':<27}{other:8.3f} s   {other / whole:6.1%}")
    steps = {step: statistics.median(f["steps"][step] for f in floors) for step in floors[0]["steps"]}
    floor = statistics.median(sum(f["steps"].values()) for f in floors)
    print(f"  floor                {floor:8.3f} s")
    for step, spent in steps.items():
        share = statistics.median(f["share"].get(step, 1.0) for f in floors)
        print(f"    {step:<27}{spent:8.3f} s   {share:6.1%} of single-call throughput" if step in floors[0]["share"]
              else f"    {step:<27}{spent:8.3f} s")
    ratios = sorted(run["whole"] / sum(f["steps"].values()) for run, f in zip(ours, floors, strict=True))
    print(f"  ratio to the floor   {statistics.median(ratios):8.2f}     ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"  peak memory          {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB")


if __name__ == "__main__":
    run_command(app)
