"""A row as a published record, a record as a row, and which columns get lost between the two. No I/O.

A record holds ``id``, ``conversations`` (question, answer), ``image`` and ``depth`` (relative to ``images/``), ``type``
and markers (``marker_keys``). What it cannot hold is in ``LOST`` and ``GUESSED``. Our exporter keeps it under the key
``vantage``, which readers of the published files pass over; reading a record with this key gives the row back whole,
and where markers and the key disagree, the key holds.
"""

import re
from collections.abc import Sequence
from typing import Any

from builders.spar.choices import LETTERS
from builders.spar.jsonl.layout import Malformed, scene_and_frame, task_type
from builders.spar.jsonl.marker_keys import is_index, markers_of, objects_of
from builders.spar.rows import Row
from builders.spar.tasks import TASKS

Record = dict[str, Any]

OWN_KEY = "vantage"

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

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPTION = re.compile(r"([A-Z])[.:)] ?(.*)", re.DOTALL)


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
    record |= markers_of(row)
    if not plain:
        record[OWN_KEY] = {name: row[name] for name in OWN_COLUMNS}
    return record


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
        "objects": list(objects_of(record, kind, len(paths))), "template_id": "",
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
        if not isinstance(item, dict) or not is_index(item.get("image_index"), images):
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
        >>> _options("Which? Pick one.\\nA. left, , behind\\nB. right, above,")
        ['left, , behind', 'right, above,']
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
