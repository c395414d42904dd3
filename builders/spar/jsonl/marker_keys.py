"""Markers: the objects of a row that a question shows, as keys of a published record, and read from them. No I/O.

Each is wrapped in one more list than it needs: ``red_point`` [[u, v]], ``red_bbox`` [[x1, y1, x2, y2]],
``point_img_idx`` and ``bbox_img_idx`` [[image index, ...]], ``point_list`` and ``bbox_list`` [[marker, ...]].
Coordinates are those of our rows: 0-1000 over the picture's width or height.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from builders.spar.jsonl.layout import Malformed, task_type
from builders.spar.rows import Row

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


def markers_of(row: Row) -> dict[str, Any]:
    """The keys of the row's record that hold its markers.

    Raises:
        ValueError: the layout cannot hold them.
    """
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
    found: dict[str, Any] = {}
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


def objects_of(record: Mapping[str, Any], kind: str, images: int) -> Iterator[Row]:
    """The markers of a record, in the order of its keys (ours: the order of the row's objects).

    Args:
        kind: the record's ``type``.
        images: how many it has.

    Raises:
        Malformed: and why.
    """
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


def is_index(value: Any, below: int) -> bool:
    """Whether a value from a file is a whole number from 0 on and below ``below``."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below


def _index_order(kind: str) -> tuple[str, ...]:
    special = _INDEX_ORDER.get(kind, ())
    return (*special, *(color for color in _COLORS if color not in special))


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
    if not all(is_index(n, images) for n in index):
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
