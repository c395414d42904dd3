"""Where the time of one scene goes, and how far it is from the floor: the same library calls without our code.

    python scripts/benchmarks/generation.py                                    # a procedural room
    python scripts/benchmarks/generation.py --source scannet=/data/scannet/scans --scene-id scene0011_00
    python scripts/benchmarks/generation.py --dataset spar_bench

Builds one part of SPAR-7M (every task in every format) or SPAR-Bench several times, in turns with
``generation_floor.py`` on the recorded workload, and prints medians. Rooms are generated and rendered beforehand:
making the scan is not what is measured. Ratios within one run can be compared between machines; seconds cannot.
"""

import gc
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
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import typer

from builders.command import run_command
from builders.errors import InputError
from builders.hub import parts
from builders.hub.engine import map_parts
from builders.hub.parquet import writer_options
from builders.hub.parts import ensure_part, part_path
from builders.scenes import scannet
from builders.scenes.procedural.source import ProceduralSource
from builders.scenes.scannet import ScanNetSource
from builders.scenes.scene import Frame
from builders.spar import pictures, scenes_to_rows, visibility
from builders.spar.config import SparBuilder
from builders.spar.frame_tables import stored_camera
from builders.spar.image_quality import QUALITY_SIDE
from builders.spar.records import SceneRecord
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
FLOOR = Path(__file__).with_name("generation_floor.py")


class Dataset(StrEnum):
    """What can be built."""

    spar_7m = "spar_7m"
    spar_bench = "spar_bench"


@app.command(help=__doc__)
def main(
    dataset: Annotated[Dataset, typer.Option(help="What is built.")] = Dataset.spar_7m,
    source: Annotated[str, typer.Option(metavar="NAME[=ROOT]", help="Where the scene comes from.")] = "procedural",
    scene_id: Annotated[str, typer.Option(help="Which scene; default: the first.")] = "",
    per_task: Annotated[int, typer.Option(min=1, help="Rows per task and format.")] = 30,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each side.")] = 5,
) -> None:
    builder = builder_of(dataset, per_task, sources=(source,), scenes=1, scene_ids=(scene_id,) if scene_id else (),
                         renderer="raycast", pixels="embedded")
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
            record_tables(part_path(Path(name) / "record", ref), workload, scan_files(builder, ref) if scans else [])
            ours, floors = [], []
            gc.collect()
            gc.freeze()  # as the processes that build scenes do
            for run in range(repeats):
                floors.append(json.loads(subprocess.check_output([sys.executable, FLOOR, workload], text=True)))
                ours.append(timed_part(builder, Path(name) / str(run), ref))
    print_result(ref.name, outcome.rows, ours, floors)


def builder_of(dataset: Dataset, per_task: int, **settings: Any) -> SparBuilder:
    if dataset is Dataset.spar_7m:
        return Spar7M(max_per_task=per_task, **settings)
    return SparBench(per_task=per_task, bench_scenes="all", **settings)


@contextmanager
def remembered_rooms() -> Iterator[None]:
    """Procedural rooms, their pictures and depth maps are made once; scans are read each time."""
    kept: dict[Any, Any] = {}

    def once(name: str) -> Any:
        make = getattr(ProceduralSource, name)

        def remembered(self: ProceduralSource, *asked: Any) -> Any:
            key = name, *(one if isinstance(one, str) else getattr(one, "frame_id", "") for one in asked)
            if key not in kept:
                kept[key] = make(self, *asked)
            return kept[key]

        return patch.object(ProceduralSource, name, remembered)

    with once("load"), once("read_color"), once("read_depth"):
        yield


@contextmanager
def recorded(workload: Path) -> Iterator[None]:
    """Write down what a build asks of the libraries: outlines of objects, mesh, rays, vertices projected, objects that
    pixels show, pictures decoded, and which of them are encoded; and through which cameras it looks."""
    plan: dict[str, list] = {"decoded": [], "encoded": [], "cameras": []}
    frames: dict[bytes, int] = {}
    init, look, visible_vertices, first_hits, hidden = (
        getattr(visibility.Observer, name)
        for name in ("__init__", "look", "_visible_vertices", "_first_hits", "_hidden"))
    box_of = scannet.gravity_aligned_box
    decode, of_row = pictures.Pictures._decode, pictures.Pictures.of_row

    def save(kind: str, array: Any) -> None:
        np.save(workload / f"{kind}_{len(list(workload.glob(f'{kind}_*'))):05d}.npy", array)

    def record_outline(points: Any) -> Any:
        save("outline", points[:, :2])
        return box_of(points)

    def record_mesh(self: Any, scene: Any) -> None:
        mesh = scene.mesh
        np.savez(workload / "mesh.npz", vertices=mesh.vertices.astype(np.float32), faces=mesh.faces.astype(np.uint32))
        init(self, scene)

    def record_camera(self: Any, frame: Frame) -> Any:
        sight = look(self, frame)
        plan["cameras"].append(stored_camera(frame) | {"step": -(-frame.height // len(sight.depth))})
        save("shown", sight.objects + 1)
        return sight

    def record_vertices(self: Any, frame: Frame, wanted: Any) -> Any:
        save("vertices", self._vertices[:, wanted[self._vertex_owner]])
        return visible_vertices(self, frame, wanted)

    def recording_rays(kind: str, cast: Any) -> Any:
        def record_rays(self: Any, rays: Any) -> Any:
            save(kind, rays.reshape(-1, 6))
            return cast(self, rays)

        return record_rays

    def number_of(data: bytes) -> int:
        if data not in frames:
            frames[data] = len(frames)
            (workload / f"frame_{frames[data]:05d}").write_bytes(data)
        return frames[data]

    def record_decoded(self: Any, frame_id: str, small: bool = False) -> Any:
        image = decode(self, frame_id, small)
        plan["decoded"].append([number_of(self._encoded[frame_id]), QUALITY_SIDE if small else 0])
        return image

    def record_encoded(self: Any, row: Any) -> Any:
        marked = {item["image_index"] for item in row["objects"] if item["color"]}
        result = of_row(self, row)
        plan["encoded"] += [number_of(self._encoded[row["frame_ids"][view]]) for view in sorted(marked)]
        return result

    with (
        patch.object(visibility.Observer, "__init__", record_mesh),
        patch.object(scannet, "gravity_aligned_box", record_outline),
        patch.object(visibility.Observer, "look", record_camera),
        patch.object(visibility.Observer, "_visible_vertices", record_vertices),
        patch.object(visibility.Observer, "_first_hits", recording_rays("rays", first_hits)),
        patch.object(visibility.Observer, "_hidden", recording_rays("ways", hidden)),
        patch.object(pictures.Pictures, "_decode", record_decoded),
        patch.object(pictures.Pictures, "of_row", record_encoded),
    ):
        yield
    (workload / "plan.json").write_text(json.dumps(plan))


def record_tables(part: Path, workload: Path, files: list[str]) -> None:
    """The finished tables, as Arrow files the floor writes again with the same options."""
    plan = json.loads((workload / "plan.json").read_text()) | {"files": files, "options": {}}
    for path in sorted(part.glob("*.parquet")):
        table = pa.parquet.read_table(path)
        plan["options"][path.stem] = writer_options(table.schema)
        with pa.OSFile(str(workload / f"{path.stem}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
    (workload / "plan.json").write_text(json.dumps(plan))


def scan_files(builder: SparBuilder, ref: Any) -> list[str]:
    """Files of a scan that every reader has to read, besides pictures."""
    folder = ScanNetSource(ref.spec.partition("=")[2])._folders.folder(ref.scene_id)
    names = [p for p in folder.rglob("*") if p.suffix in (".ply", ".json") or p.parent.name in ("pose", "intrinsic")]
    return [str(p) for p in names if "depth" not in p.name and "extrinsic" not in p.name]


def timed_part(builder: SparBuilder, folder: Path, ref: Any) -> dict[str, float]:
    """Seconds of one build of the part, whole and by stage."""
    spent: dict[str, float] = defaultdict(float)
    source = type(builder.open(ref.spec))
    stages: list[tuple[Any, str, str]] = [
        (source, "load", "read scan"),
        (scenes_to_rows, "build_record", "keyframes and visibility"),
        (scenes_to_rows, "task_rows", "questions and verification"),
        (pictures.Pictures, "problem", "looking at pictures"),
        (pictures.Pictures, "of_row", "marked pictures"),
        (parts.TableWriter, "__exit__", "write tables"),
    ]

    def watched(function: Callable, stage: str) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            if stage.startswith("questions"):
                result = list(result)
            spent[stage] += time.perf_counter() - start
            if isinstance(result, SceneRecord):
                spent["frames"] = len(result.images)
            return result

        return call

    patches = [patch.object(owner, name, watched(getattr(owner, name), stage)) for owner, name, stage in stages]
    for one in patches:
        one.start()
    try:
        start, busy = time.perf_counter(), time.process_time()
        list(map_parts(partial(ensure_part, builder, folder), [ref], workers=1))
        spent["whole"], spent["cpu"] = time.perf_counter() - start, time.process_time() - busy
    finally:
        for one in patches:
            one.stop()
    spent["questions and verification"] -= spent["looking at pictures"]
    return dict(spent)


def print_result(name: str, rows: int, ours: list[dict], floors: list[dict]) -> None:
    middle = {key: statistics.median(run[key] for run in ours) for key in ours[0]}
    whole, busy, frames = middle.pop("whole"), middle.pop("cpu"), int(middle.pop("frames"))
    seeing, asking = middle["keyframes and visibility"] / frames, rows / middle["questions and verification"]
    print(f"{name}: {rows} rows from {frames} frames, medians of {len(ours)} runs")
    print(f"  whole scene          {whole:8.3f} s   {busy:.3f} s of processor time; "
          f"{seeing:.4f} s per frame seen, {asking:.0f} verified rows a second")
    for stage, spent in middle.items():
        print(f"    {stage:<27}{spent:8.3f} s   {spent / whole:6.1%}")
    other = whole - sum(middle.values())
    print(f"    {'rest (tables, spec)':<27}{other:8.3f} s   {other / whole:6.1%}")
    steps = {step: statistics.median(f["steps"][step][0] for f in floors) for step in floors[0]["steps"]}
    wall, cpu = np.median([floor_seconds(f) for f in floors], axis=0)
    print(f"  floor                {wall:8.3f} s   {cpu:.3f} s of processor time")
    for step, spent in steps.items():
        share = statistics.median(f["share"].get(step, 1.0) for f in floors)
        print(f"    {step:<27}{spent:8.3f} s   {share:6.1%} of single-call throughput" if step in floors[0]["share"]
              else f"    {step:<27}{spent:8.3f} s")
    wall, cpu = np.median([f["every_pixel"] for f in floors], axis=0)
    print(f"  cast rays instead, one for every pixel: {wall:.3f} s, {cpu:.3f} s of processor time")
    for name, every_pixel in (("the floor", False), ("a floor with a ray for every pixel", True)):
        for clock, (what, key) in enumerate((("time", "whole"), ("processor time", "cpu"))):
            ratios = sorted(run[key] / floor_seconds(f, every_pixel)[clock]
                            for run, f in zip(ours, floors, strict=True))
            spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
            print(f"  ratio to {name:<34} {statistics.median(ratios):6.2f}   in {what} ({spread})")
    print(f"  peak memory          {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB")


def floor_seconds(floor: dict, every_pixel: bool = False) -> np.ndarray:
    """(2,) seconds and processor seconds of all steps; ``every_pixel``: as if each pixel of each frame had a ray, which
    is what a generator casts that knows no grid."""
    steps = {step: np.array(spent) for step, spent in floor["steps"].items()}
    if every_pixel:
        steps["cast rays"] = np.array(floor["every_pixel"])
    return np.sum(list(steps.values()), axis=0)


if __name__ == "__main__":
    run_command(app)
