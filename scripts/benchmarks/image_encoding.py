"""What storing shared pictures once saves: file size, write and streaming time, against plain Parquet.

    python scripts/benchmarks/image_encoding.py [--rows 1440] [--per-row 2] [--frames 48]

Rows that refer to unmarked frames, each frame shared by many rows, are written twice: as every Vantage shard, and with
dictionary encoding off. Both files are read back and compared, and streamed with ``datasets`` in turns.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from builders.hub.parquet import ROW_GROUP_BYTES, TableWriter, image_bytes_per_row, writer_options
from builders.scenes.procedural.source import ProceduralSource

FEATURES = datasets.Features({"id": datasets.Value("int64"), "image": datasets.List(datasets.Image())})


def main(
    rows: Annotated[int, typer.Option(min=1)] = 1440,
    per_row: Annotated[int, typer.Option(min=1, help="Pictures of a row.")] = 2,
    frames: Annotated[int, typer.Option(min=1, help="Different pictures.")] = 48,
    repeats: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    pictures = room_frames(frames)
    data = [{"id": i, "image": [pictures[(i + k) % frames] for k in range(per_row)]} for i in range(rows)]
    table = pa.Table.from_pylist(data, schema=FEATURES.arrow_schema)
    plain_bytes = sum(image_bytes_per_row(table))
    unique_bytes = sum(len(picture["bytes"]) for picture in pictures)
    print(f"{rows} rows, {rows * per_row} pictures, {frames} different ones, each shared by {rows * per_row // frames}")
    print(f"plain {plain_bytes / 1e6:.1f} MB, unique {unique_bytes / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writers: dict[str, Callable[[Path], None]] = {
            "shared": lambda path: write_shared(table, path),
            "plain": lambda path: write_plain(table, path),
        }
        seconds: dict[str, list[float]] = {f"{what} {kind}": [] for what in ("write", "stream") for kind in writers}
        for _ in range(repeats):
            for kind, write in writers.items():
                seconds[f"write {kind}"].append(timed(write, folder / f"{kind}.parquet"))
                seconds[f"stream {kind}"].append(timed(stream, folder / f"{kind}.parquet"))
        for kind in writers:
            path = folder / f"{kind}.parquet"
            groups = pq.ParquetFile(path).metadata.num_row_groups
            print(f"{kind:<7} stored {path.stat().st_size / 1e6:8.1f} MB in {groups} row groups, "
                  f"written in {statistics.median(seconds[f'write {kind}']):.2f} s, "
                  f"streamed in {statistics.median(seconds[f'stream {kind}']):.2f} s (medians of {repeats})")
        equal = pq.read_table(folder / "shared.parquet").equals(table)
        ratios = sorted(a / b for a, b in zip(seconds["stream shared"], seconds["stream plain"], strict=True))
        print(f"streaming time shared / plain: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        print(f"rows read back equal: {equal}")


def room_frames(count: int) -> list[dict[str, Any]]:
    """Rendered views of procedural rooms."""
    source = ProceduralSource(renderer="raycast")
    found: list[dict[str, Any]] = []
    for scene_id in source.scene_ids():
        scene = source.load(scene_id)
        for frame in scene.frames:
            if len(found) == count:
                return found
            found.append({"bytes": source.read_color(scene, frame), "path": f"{scene_id}_{frame.frame_id}.jpg"})
    return found


def write_shared(table: pa.Table, path: Path) -> None:
    with TableWriter(path, table.schema) as writer:
        writer.write(table)


def write_plain(table: pa.Table, path: Path) -> None:
    """The same options and row groups, without dictionaries."""
    per_group = max(1, ROW_GROUP_BYTES * len(table) // sum(image_bytes_per_row(table)))
    pq.write_table(table, path, row_group_size=per_group, **writer_options(table.schema) | {"use_dictionary": False})


def stream(path: Path) -> None:
    """Read every row's encoded pictures, as a training loop would before decoding."""
    dataset = datasets.load_dataset("parquet", data_files=str(path), split="train", streaming=True)
    features = datasets.Features({"id": datasets.Value("int64"), "image": datasets.List(datasets.Image(decode=False))})
    for _ in dataset.cast(features):
        pass


def timed(function: Callable[[Path], None], path: Path) -> float:
    start = time.perf_counter()
    function(path)
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
