"""Rows of ours and records of the release, made by hand, and files of both."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from builders.hub.parquet import TableWriter
from builders.spar.rows import SPAR_FEATURES
from builders.spar.tasks import TASKS
from tests.builders.toy import flat_jpeg

SCHEMA = Features(SPAR_FEATURES).arrow_schema
MATRIX = [[577.87, 0.0, 319.5], [0.0, 577.87, 239.5], [0.0, 0.0, 1.0]]


def made_row(task, colors=(), views=(), frames=1, form="point", **more):
    """A row with markers of these colours, each in the view of the same place."""
    objects = [{"object_id": str(i), "label": "chair", "color": color, "image_index": view,
                "point": [10 * i, 5] if form == "point" else None,
                "bbox": [i, 2, 30 + i, 40] if form == "bbox" else None}
               for i, (color, view) in enumerate(zip(colors, views, strict=True))]
    images = TASKS[task].img_type if task in TASKS else "single_view"
    return {"uid": f"scannet/scene0000_00/{task}/fill/0", "source": "scannet", "scene_id": "scene0000_00",
            "frame_ids": [str(10 * i) for i in range(frames)], "task": task, "level": "low", "img_type": images,
            "relation": "oo", "format_type": "fill", "question": "How far?", "answer": "1.5", "options": [],
            "answer_value": [1.5], "answer_exact": [1.4999], "unit": ["m"], "metric": "mra", "heuristic": "",
            "vertical_gap": None, "objects": objects, "template_id": "t/q1"} | more


def write_rows(path, rows, schema=SCHEMA):
    path.parent.mkdir(parents=True, exist_ok=True)
    with TableWriter(path, schema) as writer:
        writer.write(pa.Table.from_pylist(rows, schema=schema))


def write_frames(folder, frame_ids):
    """A shard of the ``frames`` config."""
    rows = [{"frame_id": f, "scene_id": "scene0000_00", "source": "scannet",
             "image": {"bytes": flat_jpeg(64, 48, i), "path": None},
             "depth": {"bytes": b"\x89PNG depth %d" % i, "path": None},
             "intrinsics": MATRIX, "depth_intrinsics": MATRIX, "world_from_camera": [[0.1, 0, 0, 1 / 3]] * 4}
            for i, f in enumerate(frame_ids)]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "train-00000-of-00001.parquet")


def read_back(folder):
    tables = [pq.read_table(path) for path in sorted(folder.glob("*/*.parquet"))]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: row["uid"])


def write_tree(root, lines, task="depth_prediction_oc", form="fill", count=None, split="train"):
    """One file of the published tree; ``count`` is what its name claims to hold."""
    folder = root / "spar/scannet/qa_jsonl" / split / task / form
    folder.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path = folder / f"{form}_{len(lines) if count is None else count}.jsonl"
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    return path


def published(**more):
    """A record as the release has it."""
    return {"id": "scene0261_00_16", "image": ["scene0261_00/image_color/543.jpg"], "type": "depth_prediction_oc",
            "conversations": [{"from": "human", "value": "How deep?"}, {"from": "gpt", "value": "1.7"}],
            "red_point": [[553, 397]], "blue_point": [[120, 44]]} | more
