"""Benchmarks in the exact published schemas, with boxes whose tags are known from how they were placed."""

import base64
import csv
import io
import json

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

SIZES = {"mp3d": (640, 480), "ai2thor": (300, 300), "scannet": (1296, 968)}
LAYOUTS = {"mp3d": "xywh", "ai2thor": "xyxy", "scannet": "xyxy"}
NAMES = ("chair", "table", "lamp", "sofa")


def jpeg(width, height, seed=0):
    colors = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colors).resize((width, height)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def box(center_y, height, layout, image, left=10):
    """A box of this height around ``center_y``, wide to the right border, so that only one layout keeps it inside."""
    top, bottom, right = center_y - height / 2, center_y + height / 2, image[0]
    numbers = [left, top, right - left, height] if layout == "xywh" else [left, top, right, bottom]
    return [int(n) if n == int(n) else n for n in numbers]


def depth_row(source, number, relation, centers, answer=0, size=None, height=20, names=NAMES):
    """A close or far row; ``centers`` are the heights of the four objects' centres in pixels, in option order."""
    size = size or SIZES[source]
    word = {"far": "farthest", "close": "closest"}[relation]
    return {
        "data_source": source,
        "scene_id": f"{source}_scene",
        "question_id": f"{source}_{number}",
        "question": f"Among the listed objects in the image, which one is the {word}?",
        "relation": relation,
        "image": jpeg(*size, seed=number),
        "answer_options": list(names),
        "answer": answer,
        "objects": [{"name": name, "bbox": box(y, height, LAYOUTS[source], size)} for name, y in zip(names, centers)],
    }


def direction_row(source, number, relation):
    """A row about a direction: two objects, four sentences."""
    size = SIZES[source]
    first, second = NAMES[:2]
    words = ("above", "under", "left of", "right of")
    return depth_row(source, number, "far", (50, 100, 150, 200)) | {
        "relation": relation,
        "question": f"What is the spatial relationship between {first} and {second} in the image?",
        "answer_options": [f"The {first} is {word} the {second}." for word in words],
        "objects": [{"name": name, "bbox": box(y, 20, LAYOUTS[source], size)}
                    for name, y in ((first, 50), (second, 90))],
    }


def write_json(path, rows):
    text = [row | {"image": base64.b64encode(row["image"]).decode()} if isinstance(row["image"], bytes) else row
            for row in rows]
    path.write_text(json.dumps(text))
    return path


def write_parquet(path, rows, objects="list of dicts"):
    """As the Hub's copy: images as structs; objects as a list of dicts, or a dict of lists as older ``datasets`` do."""
    rows = [row | {"image": {"bytes": row["image"], "path": None}} for row in rows]
    item = {"name": pa.string(), "bbox": pa.list_(pa.float64())}
    if objects == "dict of lists":
        kind = pa.struct([(name, pa.list_(inner)) for name, inner in item.items()])
        rows = [row | {"objects": {name: [o[name] for o in row["objects"]] for name in item}} for row in rows]
    else:
        kind = pa.list_(pa.struct(list(item.items())))
    schema = pa.schema([
        ("question_id", pa.string()), ("question", pa.string()), ("image", datasets.Image().pa_type),
        ("answer_options", pa.list_(pa.string())), ("answer", pa.int64()), ("relation", pa.string()),
        ("data_source", pa.string()), ("scene_id", pa.string()), ("objects", kind)])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=3)
    return path


def write_tsv(path, rows):
    """As the probing code reads it: letters, an option per column, ``below`` for ``under``, no boxes."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["index", "question_id", "category", "question", "image", "answer", "A", "B", "C", "D"])
        for index, row in enumerate(rows):
            writer.writerow([index, row["question_id"], "below" if row["relation"] == "under" else row["relation"],
                             row["question"], base64.b64encode(row["image"]).decode(), "ABCD"[row["answer"]],
                             *row["answer_options"]])
    return path


COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255)}
CV_COLUMNS = ("idx", "type", "task", "image", "question", "choices", "answer", "prompt", "filename", "source",
              "source_dataset", "source_filename", "target_class", "target_size", "bbox")


def cv_row(idx, red, blue, answer="(A)", size=(640, 480), task="Depth", drawn=True, names=("sink", "bottle"),
           source="SUNRGBD"):
    """A CV-Bench row; ``red`` and ``blue`` are x1, y1, x2, y2 in pixels, drawn into the picture as PNG."""
    image = Image.new("RGB", size, (200, 190, 170))
    draw = ImageDraw.Draw(image)
    for (x1, y1, x2, y2), color in ((red, "red"), (blue, "blue")) if drawn else ():
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=COLORS[color], width=3)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    question = (f"Which object is closer to the camera taking this photo, the {names[0]} (highlighted by a red box) or "
                f"the {names[1]} (highlighted by a blue box)?")
    return {
        "idx": idx, "type": "3D", "task": task, "image": buffer.getvalue(), "question": question,
        "choices": list(names), "answer": answer, "prompt": question + " Select from the following choices.",
        "filename": f"img/3D/depth/omni3d_{idx}.png", "source": "Omni3D", "source_dataset": source,
        "source_filename": f"{idx}.jpg", "target_class": None, "target_size": None, "bbox": [list(red), list(blue)],
    }


def write_cv_parquet(path, rows, without=()):
    """As published, less the columns named."""
    text, number = pa.string(), pa.float64()
    kinds = dict.fromkeys(CV_COLUMNS, text) | {
        "idx": pa.int64(), "image": datasets.Image().pa_type, "choices": pa.list_(text), "target_size": number,
        "bbox": pa.list_(pa.list_(number))}
    schema = pa.schema([(name, kinds[name]) for name in CV_COLUMNS if name not in without])
    rows = [row | {"image": {"bytes": row["image"], "path": row["filename"]}} for row in rows]
    rows = [{name: row[name] for name in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=2)
    return path
