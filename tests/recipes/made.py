"""Small dataset folders, made by hand: rows with tiny pictures, a manifest, and nothing of the builders' geometry."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import Features
from PIL import Image

from builders.spar.rows import BENCH_FEATURES, SPAR_FEATURES
from builders.spar.tasks import TASKS

Row = dict[str, Any]

CHAIR = {"object_id": "1", "label": "chair", "color": "red", "image_index": 0, "point": [5, 5], "bbox": None}
"""One asked object."""


def make_row(
    task: str, number: int, answer: str, options: Sequence[str] = (), scene: str = "room_0", format_type: str = "",
    **other: Any,
) -> Row:
    """A row as a builder would write it, without geometry."""
    entry = TASKS[task]
    format_type = format_type or ("select" if options else "fill")
    metric = entry.metric(format_type)
    views = entry.views or 32
    row = {
        "id": number,
        "img_type": entry.img_type,
        "format_type": format_type,
        "task": task,
        "source": "made",
        "image": [None] * views,
        "question": "\n".join(["Where?", *(f"{letter}. {text}" for letter, text in zip("ABCD", options))]),
        "answer": answer,
        "uid": f"made/{scene}/{task}/{format_type}/{number}",
        "scene_id": scene,
        "frame_ids": [str(view) for view in range(views)],
        "level": entry.level,
        "relation": entry.relation,
        "options": list(options),
        "answer_value": [float(answer)] if metric == "mra" else [1.0],
        "answer_exact": [float(answer)] if metric == "mra" else [1.0],
        "unit": UNITS.get(metric, ["m"]),
        "metric": metric,
        "heuristic": "",
        "vertical_gap": None,
        "objects": [CHAIR],
        "template_id": "t",
    }
    return row | other


UNITS = {"number_list": ["cm"] * 3, "view_change": ["m"] * 3 + ["deg"] * 2, "name_accuracy": [], "order_accuracy": [],
         "camera_position": ["px1000", "px1000", "m"], "box_overlap": ["px1000"] * 4, "": []}
"""Metric -> units of the gold's numbers, where it is not one length."""

NAMES = ("chair", "office chair", "bed", "lamp", "trash can")


def made_gold(metric: str, format_type: str, rng: np.random.Generator) -> str:
    """An answer as a builder would print it."""
    numbers = rng.integers(1, 40, 5).tolist()
    corner, far = rng.integers(0, 400, 2).tolist(), rng.integers(500, 1000, 2).tolist()
    names = rng.permutation(NAMES).tolist()
    return {
        "mra": f"{numbers[0] / 10}",
        "choice_accuracy": ("Yes", "No")[numbers[0] % 2] if format_type == "judge" else "ABCD"[numbers[0] % 4],
        "view_change": "move_right:{},move_down:{},move_forward:{},rotate_up:{},rotate_left:{}".format(
            *(n / 10 for n in numbers[:3]), 5 * numbers[3], 5 * numbers[4]),
        "number_list": "{}, {}, {}".format(*numbers),
        "name_accuracy": names[0],
        "order_accuracy": ", ".join(names[:3]),
        "camera_position": f"({far[0]}, {far[1]}), {numbers[0] / 10}",
        "box_overlap": f"({corner[0]}, {corner[1]}, {far[0]}, {far[1]})",
        "": "It stands left of the bed.",
    }[metric]


def rows_of_every_form(count: int, scenes: int = 3, seed: int = 0) -> list[Row]:
    """``count`` rows of every task in each of its formats, task by task."""
    rng = np.random.default_rng(seed)
    rows = []
    for task in TASKS.values():
        for format_type in task.formats:
            for i in range(count):
                options = NAMES[:4] if format_type == "select" else ()
                gold = made_gold(task.metric(format_type), format_type, rng)
                rows.append(make_row(task.name, i, gold, options, f"room_{i % scenes}", format_type))
    return rows


def jpeg(level: int) -> bytes:
    """A tiny grey picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def make_folder(folder: Path, rows: Sequence[Row], rows_per_group: int = 7) -> Path:
    """A finished dataset folder with these rows in default/test, in two shards of small row groups."""
    halves = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    parts = {f"default/test-{shard:05d}-of-00002.parquet": half for shard, half in enumerate(halves)}
    return write_folder(folder, "spar_bench", BENCH_FEATURES, parts, rows_per_group)


def make_7m_folder(folder: Path, rows: Sequence[Row]) -> Path:
    """A finished dataset folder in the layout of spar_7m: a config per task with these rows as its validation split,
    the first of each also as train; ``frames`` and ``objects``, of which nothing may be asked."""
    features = Features(SPAR_FEATURES)
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(f"{row['task']}/validation-00000-of-00001.parquet", []).append(row)
    parts |= {name.replace("validation", "train"): held[:1] for name, held in parts.items()}
    write_folder(folder, "spar_7m", features, parts)
    manifest = json.loads((folder / "manifest.json").read_text())
    configs = {task: task for task in {row["task"]: None for row in rows}}
    for name in ("frames", "objects"):
        file = f"{name}/validation-00000-of-00001.parquet"
        (folder / name).mkdir()
        pq.write_table(pa.table({"scene_id": ["room_0"], "frame_id": ["0"]}), folder / file)
        manifest["files"][file] = {"sha256": "0" * 64, "bytes": (folder / file).stat().st_size, "rows": 1}
        manifest["rows"][f"{name}/validation"] = 1
        configs[name] = name
    (folder / "manifest.json").write_text(json.dumps(manifest))
    entries = [
        {"config_name": name, "version": "9.9.9", "data_files": [
            {"split": split, "path": f"{name}/{split}-*.parquet"}
            for split in ("train", "validation") if any((folder / name).glob(f"{split}-*"))
        ]}
        for name in configs
    ]
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': entries}, sort_keys=False)}---\n")
    return folder


def write_folder(
    folder: Path, dataset: str, features: Features, parts: Mapping[str, Sequence[Row]], rows_per_group: int = 7
) -> Path:
    """Parquet files by their names, and a manifest that lists them."""
    files, counts = {}, {}
    for name, rows in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        kept = [{column: row.get(column) for column in features} for row in rows]
        pq.write_table(pa.Table.from_pylist(kept, schema=features.arrow_schema), folder / name,
                       row_group_size=rows_per_group)
        files[name] = {"sha256": "0" * 64, "bytes": (folder / name).stat().st_size, "rows": len(rows)}
        key = name.rsplit("-", 3)[0]
        counts[key] = counts.get(key, 0) + len(rows)
    manifest = {
        "schema_version": 1,
        "dataset": dataset,
        "version": "9.9.9",
        "settings": {"sources": ["made"], "pixels": {"made": "embedded"}, "renderer": None, "seed": 3,
                     "limits": {"min_area": 0.1}},
        "licences": {"made": "none"},
        "rows": counts,
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
