"""The rows of EmbSpatial-Bench: its columns from any of its file forms, and the depth questions among them.

Published columns after FlagEval/EmbSpatial-Bench; the JSON has the same names; the TSV calls the relation ``category``,
answers with a letter, has an option per column and no boxes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from datasets import Features, Image, List, Value

from builders.errors import InputError
from builders.tagged.boxes import Box, Votes, has_area, lies_inside, read_box
from builders.tagged.cells import items, numbers, text, whole
from builders.tagged.files import Raw
from builders.tagged.policies import Question

FEATURES = Features({
    "question_id": Value("string"),
    "data_source": Value("string"),
    "scene_id": Value("string"),
    "question": Value("string"),
    "relation": Value("string"),
    "image": Image(),
    "answer_options": List(Value("string")),
    "answer": Value("int64"),
    "objects": List({"name": Value("string"), "bbox": List(Value("float64"))}),
})

NEEDED = ("question_id", "question", "image", "answer")
RELATIONS = ("above", "under", "left", "right", "close", "far")
LETTERS = "ABCDEFGH"
KNOWN = (*FEATURES, "category", *LETTERS)
"""All columns that rows are made from."""

_SPELLINGS = {"below": "under", "beneath": "under"}
"""Of the TSV -> published."""
_NAMELESS = ("", "unknown", "n/a", "nan", "none")
_FROM_BOXES = ("data_source", "scene_id", "objects")


def published_row(raw: Raw, boxes: Mapping[str, Raw]) -> Raw:
    """The published columns of a row, without its picture.

    Args:
        boxes: question_id -> a row that has what the TSV lacks.
    """
    question_id = text(raw.get("question_id")) or ""
    joined = boxes.get(question_id, {})
    raw = {**raw, **{name: joined[name] for name in _FROM_BOXES if not raw.get(name) and name in joined}}
    options = items(raw.get("answer_options")) or [raw[letter] for letter in LETTERS if letter in raw]
    relation = text(raw.get("relation") or raw.get("category"))
    return {
        "question_id": question_id,
        "data_source": text(raw.get("data_source")) or question_id.rpartition("_")[0] or None,
        "scene_id": text(raw.get("scene_id")),
        "question": text(raw.get("question")),
        "relation": _SPELLINGS.get(relation or "", relation),
        "answer_options": [text(option) for option in options],
        "answer": _index(raw.get("answer")),
        "objects": _objects(raw.get("objects")),
    }


def _index(answer: Any) -> int | None:
    """0-based number of the option: as it is, or of its letter.

    Example:
        >>> _index(2), _index("C"), _index("2"), _index(float("nan"))
        (2, 2, 2, None)
    """
    said = (text(answer) or "").strip().strip("().").upper()
    return LETTERS.index(said) if len(said) == 1 and said in LETTERS else whole(said)


def _objects(cell: Any) -> list[Raw]:
    """Name and box of each object, from a list of dicts or a dict of lists."""
    if isinstance(cell, Mapping):
        names, boxes = (items(cell.get(name)) for name in ("name", "bbox"))
        cell = [{"name": name, "bbox": box} for name, box in zip_longest(names, boxes)]
    return [{"name": text(item.get("name")), "bbox": numbers(item.get("bbox"))}
            for item in items(cell) if isinstance(item, Mapping)]


def read_boxes(rows: Iterable[Raw], path: str) -> dict[str, Raw]:
    """question_id -> row, of a file that has boxes; an id that occurs twice is left without.

    Raises:
        InputError: no row has boxes.
    """
    found = [(text(row.get("question_id")) or "", row | {"objects": _objects(row.get("objects"))}) for row in rows]
    times = Counter(question_id for question_id, _ in found)
    held = {question_id: row for question_id, row in found if row["objects"] and times[question_id] == 1}
    if not held:
        raise InputError(f"boxes={path}: no row has a question_id and objects with boxes; give the JSON or the Parquet")
    return held


def votes(rows: Sequence[Raw], slack: float) -> dict[str, Votes]:
    """Source -> how its boxes lie in their images. Boxes of images that cannot be decoded have no vote."""
    found: dict[str, Votes] = {}
    for row in rows:
        held = found.setdefault(row["data_source"] or "", Votes())
        if row["height"]:
            for item in row["objects"]:
                held.add(item["bbox"], row["width"], row["height"], slack)
    return {source: held for source, held in found.items() if held.boxes}


def problems(rows: Sequence[Raw], formats: Mapping[str, str], slack: float) -> list[list[str]]:
    """What is odd about each row, in order of gravity; empty for a row as it should be.

    Args:
        formats: source -> box format.
        slack: see ``lies_inside``.
    """
    ids = Counter(row["question_id"] for row in rows)
    return [_problems_of(row, ids[row["question_id"]]) + _box_problems(row, formats, slack) for row in rows]


def _box_problems(row: Raw, formats: Mapping[str, str], slack: float) -> list[str]:
    """Each reason for which some of the row's boxes cannot be used, once."""
    if not row["height"]:
        return []
    read = (_read(item["bbox"], row, formats[row["data_source"] or ""], slack) for item in row["objects"])
    return sorted({box for box in read if isinstance(box, str)})


def _problems_of(row: Raw, times: int) -> list[str]:
    found = []
    options = row["answer_options"]
    names = [item["name"] for item in row["objects"]]
    if not row["question_id"]:
        found.append("no_question_id")
    elif times > 1:
        found.append("duplicate_id")
    if not row["height"]:
        found.append("image_unreadable")
    if row["answer"] is None or not 0 <= row["answer"] < len(options):
        found.append("answer_is_no_option")
    if row["relation"] not in RELATIONS:
        found.append("relation_unknown")
    if not names:
        found.append("no_boxes")
    if row["relation"] in ("close", "far"):
        if 0 < len(names) < 4:
            found.append("fewer_than_four_boxes")
        known = [_key(option) for option in options if option is not None]
        found += ["missing_option"] * (None in options)
        found += ["unknown_option"] * any(option in _NAMELESS for option in known)
        found += ["duplicate_option"] * (len(set(known)) < len(known))
    found += ["duplicate_object"] * (len(set(map(_key, names))) < len(names))
    return found


_FATAL = ("no_question_id", "duplicate_id", "image_unreadable", "answer_is_no_option", "no_boxes")
"""Problems that leave a row without a tag, whatever pair is chosen."""


def depth_question(row: Raw, found: Sequence[str], box_format: str, slack: float) -> Question | None:
    """The row as a question about depth; None for one about a direction.

    Args:
        found: its problems.
        box_format: of its source.
    """
    if row["relation"] not in ("close", "far"):
        return None
    options, answer = row["answer_options"], row["answer"]
    in_range = answer is not None and 0 <= answer < len(options)
    target = options[answer] if in_range and _has_name(options[answer]) else ""
    others = tuple(option for i, option in enumerate(options) if i != answer and _has_name(option))
    placed: dict[str, Box] = {}
    unplaced = {"": "unknown_option"}
    for name in filter(None, (target, *others)) if row["height"] else ():
        place = _place(name, row, box_format, slack)
        if isinstance(place, str):
            unplaced[name] = place
        else:
            placed[name] = place
    return Question(row["question_id"], row["height"] or 0, row["relation"] == "far", target, others, placed, unplaced,
                    next((problem for problem in found if problem in _FATAL), ""))


def _has_name(option: str | None) -> bool:
    return option is not None and _key(option) not in _NAMELESS


def _key(name: str | None) -> str:
    return " ".join((name or "").lower().split())


def _place(name: str, row: Raw, box_format: str, slack: float) -> Box | str:
    """The object's box, or why it has none."""
    if sum(_key(option) == _key(name) for option in row["answer_options"]) > 1:
        return "duplicate_option"
    named = [item for item in row["objects"] if _key(item["name"]) == _key(name)]
    if len(named) != 1:
        return "duplicate_object" if named else "option_without_box"
    return _read(named[0]["bbox"], row, box_format, slack)


def _read(numbers: Sequence[float], row: Raw, box_format: str, slack: float) -> Box | str:
    """Edges of a box, or why it is of no use."""
    box = read_box(numbers, box_format)
    if box is None:
        return "box_malformed"
    if not has_area(box):
        return "box_without_area"
    return box if lies_inside(box, row["width"], row["height"], slack) else "box_outside_image"
