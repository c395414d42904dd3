"""The rows of CV-Bench: its columns, and its Depth questions with the boxes of both objects.

A Depth question names one object "highlighted by a red box" and one "by a blue box"; the boxes are drawn into the
picture, and the column ``bbox`` has them as numbers (``cv_bench_boxes.py`` holds the two against each other).
"""

import re
from pathlib import Path

from datasets import Features, Image, List, Value

from builders.tagged.boxes import Box
from builders.tagged.cells import items, number, numbers, text, whole
from builders.tagged.files import Raw
from builders.tagged.images import decoded, encoded
from builders.tagged.policies import Question
from builders.tagged.rectangles import find_rectangle

FEATURES = Features({
    "idx": Value("int64"),
    "type": Value("string"),
    "task": Value("string"),
    "image": Image(),
    "question": Value("string"),
    "choices": List(Value("string")),
    "answer": Value("string"),
    "prompt": Value("string"),
    "filename": Value("string"),
    "source": Value("string"),
    "source_dataset": Value("string"),
    "source_filename": Value("string"),
    "target_class": Value("string"),
    "target_size": Value("float64"),
    "bbox": List(List(Value("float64"))),
})

NEEDED = ("task", "question", "choices", "answer")
COLORS = ("red", "blue")

_NAMED = re.compile(r".*\bthe (.+?) \(highlighted by a red box\) or the (.+?) \(highlighted by a blue box\)")


def published_row(raw: Raw) -> Raw:
    """The published columns of a row, without its picture; those that the file lacks are None."""
    texts = {name: text(raw.get(name)) for name, feature in FEATURES.items() if feature == Value("string")}
    boxes = raw.get("bbox")
    return texts | {
        "idx": whole(raw.get("idx")),
        "choices": [text(choice) for choice in items(raw["choices"])],
        "target_size": number(raw.get("target_size")),
        "bbox": None if boxes is None else [numbers(box) for box in items(boxes)],
    }


def measured(row: Raw, raw: Raw, folder: Path) -> tuple[bytes | None, Raw]:
    """The row's picture, its size, and, of Depth rows, the drawn rectangles.

    Args:
        folder: where ``filename`` leads from, for files without pictures (JSON Lines).
    """
    data = encoded(raw.get("image"), folder / row["filename"] if row["filename"] else None)
    image = decoded(data)
    if image is None:
        return None, {"width": None, "height": None, "red": None, "blue": None}
    found = {color: find_rectangle(image, color) if is_depth(row) else None for color in COLORS}
    return data, {"width": image.width, "height": image.height, **found}


def is_depth(row: Raw) -> bool:
    return (row["task"] or "").lower() == "depth"


def problem_of(row: Raw, times: int) -> str:
    """Why a Depth row can have no tag, whatever its boxes; empty otherwise.

    Args:
        times: how often its ``idx`` occurs.
    """
    if row["idx"] is not None and times > 1:
        return "duplicate_id"
    if not row["height"]:
        return "image_unreadable"
    if len(row["choices"]) != 2 or None in row["choices"] or _chosen(row) is None:
        return "answer_is_no_option"
    named = _NAMED.search(row["question"] or "")
    if not named or sorted(named.groups()) != sorted(row["choices"]):
        return "question_unknown"
    return ""


def depth_question(row: Raw, boxes: tuple[Box, Box] | str, problem: str) -> Question:
    """A Depth row as a question about its two objects.

    Args:
        boxes: red and blue; or why there are none.
        problem: why the row can have no tag, if so.
    """
    named = _NAMED.search(row["question"] or "")
    if problem or named is None or isinstance(boxes, str):
        return Question("", 0, False, "", (), {}, {}, problem or str(boxes))
    names, near = list(named.groups()), _chosen(row)
    if names[0] == names[1]:  # equal choices stand in the order of the question
        names = [f"{name} ({color} box)" for name, color in zip(names, COLORS, strict=True)]
    elif near is not None:
        near = names.index(row["choices"][near])
    assert near is not None  # else the row has a problem
    return Question("", row["height"], False, names[near], (names[1 - near],), dict(zip(names, boxes, strict=True)))


def _chosen(row: Raw) -> int | None:
    """0-based number of the answer: ``(A)`` is 0."""
    letter = (row["answer"] or "").strip().strip("()").upper()
    return "AB".index(letter) if letter in ("A", "B") else None
