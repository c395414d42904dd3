"""What maps to what between our rows and the published SPAR-7M layout: names of files, records, markers. No I/O.

    spar/<source>/images/<scene>/image_color/<frame>.jpg               stills
    spar/<source>/images/<scene>/video_color/frame{i}_<frame>.jpg      pictures of video questions, i from 0
    spar/<source>/images/<scene>/{image,video}_depth, pose, video_pose, intrinsic, video_idx.txt
    spar/<source>/qa_jsonl/{train,val}/<task>/<format>/<format>_<rows>.jsonl
    data_jsons/<name>.json                                             index: <source>_<task>_<format> -> file, length

A record holds ``id``, ``conversations`` (question, answer), ``image`` and ``depth`` (relative to ``images/``), ``type``
and markers, each wrapped in one more list than it needs: ``red_point`` [[u, v]], ``red_bbox`` [[x1, y1, x2, y2]],
``point_img_idx`` and ``bbox_img_idx`` [[image index, ...]], ``point_list`` and ``bbox_list`` [[marker, ...]].

What a record cannot hold is in ``LOST`` and ``GUESSED``. Our exporter keeps it under the key ``vantage``, which readers
of the published files pass over; reading a record with this key gives the row back whole, and where markers and the key
disagree, the key holds.

Frame ids are file names without suffix. In the release's ScanNet++ part these are ranks for stills and numbers of
source frames for videos; nothing in the tree tells which rank is which frame.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from builders.spar.choices import LETTERS
from builders.spar.rows import Row
from builders.spar.tasks import TASKS

Record = dict[str, Any]

OWN_KEY = "vantage"
PUBLISHED_SPLIT = {"train": "train", "validation": "val", "test": "val"}
SPLIT = {"train": "train", "val": "validation"}

LOST = {
    "answer_exact": "the unrounded answer",
    "heuristic": "the consistent / counter tag",
    "vertical_gap": "the gap that the tag depends on",
    "template_id": "which sentences the question is made of",
    "objects.object_id": "which instance is meant",
    "objects.label": "what it is called, outside the question's text",
    "objects (unmarked)": "objects that the question names without a marker",
}
"""Columns that a published record has no place for: null or empty after import."""

GUESSED = {
    "uid": "numbered anew within source, scene, task and format",
    "answer_value": "read off the answer of fill and select questions whose quantity is known; empty for others",
    "unit": "parallel to answer_value",
    "options": "the lettered lines at the end of a select question",
    "level, img_type, relation, metric": "from the task registry",
    "objects.color (lists)": "blue, as the released drawing code shows them, where the list is all there is",
    "split": "train and validation; a benchmark's test rows come back as validation",
}
"""Columns that import derives from the rest of a record."""

OWN_COLUMNS = ("uid", "level", "img_type", "relation", "options", "answer_value", "answer_exact", "unit", "metric",
               "heuristic", "vertical_gap", "objects", "template_id")
"""Columns under ``vantage``: all that a record lacks, or has only for a reader who knows the task."""

_TYPE = {"nav_video": "nav"}
"""Task folder -> ``type``, where the two differ."""

_COLORS = ("red", "blue", "green", "yellow")
_IMAGINATION = ("green", "blue", "red", "yellow")
_INDEX_ORDER = {
    "distance_infer_center_oo_mv": ("red", "green", "blue"),
    "spatial_imagination_oc_mv": _IMAGINATION,
    "spatial_imagination_oo_mv": _IMAGINATION,
    "spatial_imagination_oc_video": _IMAGINATION,
    "spatial_imagination_oo_video": _IMAGINATION,
}
"""Type -> colours in the order of ``*_img_idx``; the others go red, blue, green (the released ``draw_marker.py``)."""

_LISTS = {"spatial_imagination_map_mv": "bbox", "distance_infer_center_oo_video": "point"}
"""Types whose markers are one numbered list (``bbox_list``, ``point_list``), which the released drawing code takes.
Where our questions name them by colours of their own, the keys of the colours are written too, in the same order."""
_LIST_COLOR = "blue"

_FIRST_IMAGE = ("position_matching",)
"""Types of several images whose marker is always on the first one, so that no index is written."""

_UNITS = {
    "depth_prediction": ("m",),
    "distance_prediction": ("m",),
    "position_matching": ("px1000",) * 4,
    "camera_motion_infer": ("px1000", "px1000", "m"),
    "spatial_volume_infer": ("cm",) * 3,
    "room_size": ("m2",),
    "obj_count": ("count",),
}
"""Start of the type -> units of the numbers that its fill answers and options consist of."""

_LONGEST_NAME = 255

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPTION = re.compile(r"([A-Z])[.:)] ?(.*)", re.DOTALL)
_VIDEO_NAME = re.compile(r"frame(\d+)_(.+)", re.DOTALL)


class Malformed(ValueError):
    """A record that cannot be read, and why."""


def task_folder(task: str) -> str:
    return next((folder for folder, kind in _TYPE.items() if task == kind), task)


def task_type(task: str) -> str:
    return _TYPE.get(task, task)


def is_video(row: Row) -> bool:
    """Whether the row's pictures are the frames of its scene's video; a walk has frames of its own, kept as stills."""
    return row["img_type"] == "video" and task_type(row["task"]) != _TYPE["nav_video"]


def picture_name(frame_id: str, position: int | None, suffix: str) -> str:
    """A picture's name within its scene; ``position`` is its place in a video, None for stills.

    Example:
        >>> picture_name("543", None, "jpg"), picture_name("70", 2, "jpg")
        ('image_color/543.jpg', 'video_color/frame2_70.jpg')
    """
    return f"{'image' if position is None else 'video'}_color/{frame_stem(frame_id, position)}.{suffix}"


def frame_stem(frame_id: str, position: int | None) -> str:
    """A frame's file name without suffix; what cannot be in a file name is percent-encoded."""
    stem = quote(frame_id, safe=" +,=@")
    return stem if position is None else f"frame{position}_{stem}"


def scene_and_frame(path: str) -> tuple[str, str]:
    """The scene and the frame id of a record's picture.

    Raises:
        Malformed: the path could lead out of the images folder.

    Example:
        >>> scene_and_frame("scene0261_00/video_color/frame2_70.jpg")
        ('scene0261_00', '70')
    """
    parts = path.split("/")
    odd = any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in parts)
    if odd or len(parts) < 2 or any(c in path for c in "\\:\0"):
        raise Malformed(f"image: refused path {path!r:.200}; expected <scene>/<folder>/<frame> below images/")
    stem = parts[-1].rpartition(".")[0] or parts[-1]
    if parts[1:-1] == ["video_color"]:
        match = _VIDEO_NAME.fullmatch(stem)
        return parts[0], unquote(match[2] if match else stem)
    return parts[0], unquote("/".join([*(parts[1:-1] if parts[1:-1] != ["image_color"] else []), stem]))


def record_of(row: Row, number: int, images: Sequence[str], depths: Sequence[str], plain: bool) -> Record:
    """The record of a row.

    Args:
        number: running number of the row within its scene. The release counts anew in each task, so its ids repeat;
            ours counts on over all tasks, formats and splits of a source.
        images, depths: paths relative to ``images/``; ``depths`` may be empty.
        plain: leave the key ``vantage`` out.

    Raises:
        ValueError: the layout cannot hold the row's markers.
    """
    record: Record = {
        "id": f"{row['scene_id']}_{number}",
        "conversations": [{"from": "human", "value": row["question"]}, {"from": "gpt", "value": row["answer"]}],
        "image": [f"{row['scene_id']}/{name}" for name in images],
    }
    if depths:
        record["depth"] = [f"{row['scene_id']}/{name}" for name in depths]
    record["type"] = task_type(row["task"])
    record |= _markers(row)
    if not plain:
        record[OWN_KEY] = {name: row[name] for name in OWN_COLUMNS}
    return record


def _markers(row: Row) -> Record:
    kind = task_type(row["task"])
    marked = [(item, form) for item in row["objects"] if item["color"] for form in ("point", "bbox") if item[form]]
    if kind in _LISTS and marked:
        form = _LISTS[kind]
        chosen = [item for item, its in marked if its == form]
        named = {f"{item['color']}_{form}": [item[form]] for item in chosen}
        return (named if len(named) == len(chosen) else {}) | {
            f"{form}_list": [[item[form] for item in chosen]],
            f"{form}_img_idx": [[item["image_index"] for item in chosen]],
        }
    found: Record = {}
    carriers: dict[str, dict[str, int]] = {"point": {}, "bbox": {}}
    for item, form in marked:
        key = f"{item['color']}_{form}"
        if key in found or item["color"] not in _COLORS:
            raise ValueError(f"{row['uid']}: a record of type {kind} cannot hold a second or unknown {key}")
        found[key] = [item[form]]
        carriers[form][item["color"]] = item["image_index"]
    if len(row["frame_ids"]) > 1:
        for form, by_color in carriers.items():
            if by_color and not (kind in _FIRST_IMAGE and set(by_color.values()) == {0}):
                found[f"{form}_img_idx"] = [[by_color[color] for color in _index_order(kind) if color in by_color]]
    return found


def _index_order(kind: str) -> tuple[str, ...]:
    special = _INDEX_ORDER.get(kind, ())
    return (*special, *(color for color in _COLORS if color not in special))


def row_of(record: Any, source: str, folder: str, format_type: str) -> Row:
    """The row of a record; ``image`` holds the record's paths, ``uid`` is empty unless the record has ours.

    Args:
        folder, format_type: names of the folders the file lies in.

    Raises:
        Malformed: and why.
    """
    if not isinstance(record, dict):
        raise Malformed(f"expected an object, found {type(record).__name__}")
    kind = record.get("type", task_type(folder))
    if kind not in (task_type(folder), folder):
        raise Malformed(f"type {kind!r} in the folder of {folder}")
    question, answer = _conversation(record.get("conversations"))
    paths = record.get("image")
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise Malformed("image: expected a list of paths")
    places = [scene_and_frame(path) for path in paths]
    if len({scene for scene, _ in places}) > 1:
        raise Malformed("image: pictures of more than one scene")
    options = _options(question) if format_type == "select" else []
    value, unit = _value(kind, format_type, answer, options)
    task = TASKS.get(folder) or TASKS.get(kind)
    video = any(path.split("/")[1] == "video_color" for path in paths)
    several = "multi_view" if len(paths) > 1 else "single_view"
    row: Row = {
        "uid": "", "source": source, "scene_id": places[0][0], "frame_ids": [frame for _, frame in places],
        "task": task.name if task else folder, "level": task.level if task else "",
        "img_type": task.img_type if task else "video" if video else several,
        "relation": task.relation if task else "", "format_type": format_type, "question": question, "answer": answer,
        "options": options, "answer_value": value, "answer_exact": [], "unit": unit,
        "metric": task.metric(format_type) if task else "", "heuristic": "", "vertical_gap": None,
        "objects": list(_objects(record, kind, len(paths))), "template_id": "",
        "image": paths,
    }
    return row | _own(record, len(paths))


def _own(record: Record, images: int) -> Row:
    own = record.get(OWN_KEY, {})
    if not isinstance(own, dict):
        raise Malformed(f"{OWN_KEY}: expected an object")
    own = {name: own[name] for name in OWN_COLUMNS if name in own}
    objects = own.get("objects", [])
    if not isinstance(objects, list):
        raise Malformed(f"{OWN_KEY}: objects: expected a list")
    for item in objects:
        if not isinstance(item, dict) or not _is_index(item.get("image_index"), images):
            raise Malformed(f"{OWN_KEY}: objects: expected an image_index below {images}")
    return own


def _conversation(turns: Any) -> tuple[str, str]:
    if not isinstance(turns, list) or len(turns) != 2 or not all(isinstance(turn, dict) for turn in turns):
        raise Malformed("conversations: expected two turns")
    said = [turn.get("value") for who in ("human", "gpt") for turn in turns if turn.get("from") == who]
    texts = [str(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else v for v in said]
    if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        raise Malformed("conversations: expected a text from 'human' and one from 'gpt'")
    return texts[0], texts[1]


def _options(question: str) -> list[str]:
    """The last block of lines that are lettered from A on.

    Example:
        >>> _options("Which? Pick one.\\nA. left, , behind\\nB. right, above, ")
        ['left, , behind', 'right, above, ']
    """
    found: list[str] = []
    for line in question.split("\n"):
        match = _OPTION.fullmatch(line)
        if match and match[1] == "A":
            found = [match[2]]
        elif match and 0 < len(found) < len(LETTERS) and match[1] == LETTERS[len(found)]:
            found.append(match[2])
    return found if len(found) > 1 else []


def _value(kind: str, format_type: str, answer: str, options: Sequence[str]) -> tuple[list[float], list[str]]:
    """The numbers of an answer and their units; empty where the layout does not tell."""
    units = next((units for start, units in _UNITS.items() if kind.startswith(start)), ())
    text = answer if format_type == "fill" else ""
    if format_type == "select" and len(answer) == 1 and answer in LETTERS[: len(options)]:
        text = options[LETTERS.index(answer)]
    numbers = _NUMBER.findall(text)
    return ([float(x) for x in numbers], list(units)) if numbers and len(numbers) == len(units) else ([], [])


def _objects(record: Record, kind: str, images: int) -> Iterator[Row]:
    """The markers of a record, in the order of its keys (ours: the order of the row's objects)."""
    for form, size in (("point", 2), ("bbox", 4)):
        index = _indices(record, f"{form}_img_idx", images)
        keys = [key for key, value in record.items() if key in {f"{c}_{form}" for c in _COLORS} and not _absent(value)]
        order = [key.partition("_")[0] for key in keys] if kind in _LISTS else _index_order(kind)
        present = [color for color in order if f"{color}_{form}" in keys]
        for key in keys:
            color = key.partition("_")[0]
            where = _carrier(index, present.index(color), key, kind, images)
            yield _object(color, where, form, _marker(key, record[key], size))
        key = f"{form}_list"
        if not keys and not _absent(record.get(key)):
            for n, marker in enumerate(_unwrap(record[key], 2)):
                where = _carrier(index, n, key, kind, images)
                yield _object(_LIST_COLOR, where, form, _marker(key, marker, size))


def _object(color: str, image_index: int, form: str, marker: list[int]) -> Row:
    return {"object_id": None, "label": None, "color": color, "image_index": image_index,
            "point": marker if form == "point" else None, "bbox": marker if form == "bbox" else None}


def _carrier(index: list[int], n: int, key: str, kind: str, images: int) -> int:
    """The image that shows marker ``n``. One index serves all markers, as the released drawing code takes it."""
    if images == 1 or (kind in _FIRST_IMAGE and not index):
        return 0
    if len(index) == 1:
        return index[0]
    if n >= len(index):
        raise Malformed(f"{key}: no *_img_idx says which of {images} images shows it")
    return index[n]


def _indices(record: Mapping[str, Any], key: str, images: int) -> list[int]:
    value = record.get(key)
    if _absent(value):
        return []
    index = _unwrap(value, 1)
    if not all(_is_index(n, images) for n in index):
        raise Malformed(f"{key}: expected indices below {images}, found {value!r:.80}")
    return index


def _marker(key: str, value: Any, size: int) -> list[int]:
    """Scaled coordinates as they are, also beyond the border (the release has such)."""
    numbers = _unwrap(value, 1)
    whole = len(numbers) == size and all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) < 1e6 and x == int(x) for x in numbers)
    if not whole:
        raise Malformed(f"{key}: expected {size} whole numbers, found {value!r:.80}")
    return [int(x) for x in numbers]


def _unwrap(value: Any, depth: int) -> list[Any]:
    """``value`` without the redundant outer lists that it has beyond ``depth`` levels of its own."""
    while _depth(value) > depth and len(value) == 1:
        value = value[0]
    if _depth(value) != depth:
        raise Malformed(f"expected a list of {depth} levels, found {value!r:.80}")
    return value


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0] if value else None
    return depth


def _absent(value: Any) -> bool:
    return value is None or value in ([], [[]])


def _is_index(value: Any, below: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
