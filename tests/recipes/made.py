"""Small dataset folders, made by hand: rows with tiny pictures, a manifest, and nothing of the builders' geometry."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from builders.spar.rows import BENCH_FEATURES
from builders.spar.tasks import TASKS

Row = dict[str, Any]

CHAIR = {"object_id": "1", "label": "chair", "color": "red", "image_index": 0, "point": [5, 5], "bbox": None}
"""One asked object."""


def make_row(
    task: str, number: int, answer: str, options: Sequence[str] = (), scene: str = "room_0", **other: Any
) -> Row:
    """A row as a builder would write it, without geometry."""
    entry = TASKS[task]
    format_type = "select" if options else "fill"
    row = {
        "id": number,
        "img_type": entry.img_type,
        "format_type": format_type,
        "task": task,
        "source": "made",
        "image": [None] * entry.views,
        "question": "\n".join(["Where?", *(f"{letter}. {text}" for letter, text in zip("ABCD", options))]),
        "answer": answer,
        "uid": f"made/{scene}/{task}/{format_type}/{number}",
        "scene_id": scene,
        "frame_ids": [str(view) for view in range(entry.views)],
        "level": entry.level,
        "relation": entry.relation,
        "options": list(options),
        "answer_value": [1.0] if options else [float(answer)],
        "answer_exact": [1.0] if options else [float(answer)],
        "unit": ["m"],
        "metric": entry.metric(format_type),
        "heuristic": "",
        "vertical_gap": None,
        "objects": [CHAIR],
        "template_id": "t",
    }
    return row | other


def jpeg(level: int) -> bytes:
    """A tiny grey picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def make_folder(folder: Path, rows: Sequence[Row], rows_per_group: int = 7) -> Path:
    """A finished dataset folder with these rows in default/test, in two shards of small row groups."""
    (folder / "default").mkdir(parents=True)
    half = len(rows) // 2
    files = {}
    for shard, part in enumerate((rows[:half], rows[half:])):
        name = f"default/test-{shard:05d}-of-00002.parquet"
        table = pa.Table.from_pylist(list(part), schema=BENCH_FEATURES.arrow_schema)
        pq.write_table(table, folder / name, row_group_size=rows_per_group)
        files[name] = {"sha256": "0" * 64, "bytes": (folder / name).stat().st_size, "rows": len(part)}
    manifest = {
        "schema_version": 1,
        "dataset": "spar_bench",
        "version": "9.9.9",
        "settings": {"sources": ["made"], "pixels": {"made": "embedded"}, "renderer": None, "seed": 3,
                     "limits": {"min_area": 0.1}},
        "licences": {"made": "none"},
        "rows": {"default/test": len(rows)},
        "files": files,
        "rejected": {"depth_prediction_oc": {"similar_depth": 4321}},
        "scenes": [{"keyframes": 2, "frames_read": 5, "candidates": 99}],
        "quarantined": [],
        "environment": {"python": "3"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def mixed_rows(count: int, scenes: int, seed: int = 0) -> list[Row]:
    """``count`` rows of each of four tasks: two numbers, four options, two options."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        scene = f"room_{i % scenes}"
        rows += [
            make_row("depth_prediction_oc", i, f"{rng.integers(5, 40) / 10:.1f}", scene=scene),
            make_row("distance_prediction_oo", i, f"{rng.integers(1, 30) / 10:.1f}", scene=scene),
            make_row("obj_spatial_relation_oo", i, "ABCD"[rng.choice(4, p=[0.4, 0.3, 0.2, 0.1])],
                     ("left", "right", "above", "below"), scene=scene),
            make_row("distance_infer_center_oo", i, "AB"[rng.integers(2)], ("chair", "lamp"), scene=scene),
        ]
    return rows
