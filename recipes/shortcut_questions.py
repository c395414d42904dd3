"""The rows of a dataset with consistent / counter tags, in the one form that answerers, graders and scores take.

Besides the dataset's columns, every row has ``uid`` (``question_id``, ``idx``, or SPAR's), ``kind`` (what it asks: a
relation of EmbSpatial-Bench, a task of CV-Bench or SPAR), ``image_id`` (rows with the same picture have the same) and,
as in SPAR, ``answer`` (a letter), ``options`` and ``metric``. A row that cannot be answered (no picture, no valid gold,
an id that another row has too) has an empty ``metric``: it is left out, and counted.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from string import ascii_uppercase
from typing import Any

from builders.errors import InputError
from builders.heuristic import TAGS
from recipes.questions import Questions, Row, open_manifest, open_questions
from recipes.scoring import form_of


def open_shortcuts(
    dataset: str, revision: str | None = None, configs: Sequence[str] = (), split: str = ""
) -> Questions:
    """The questions of ``embspatial_tagged`` or ``cv_bench_tagged``; or those of SPAR that have a tag.

    Args:
        configs: none: ``default`` where the dataset has it, else all; ``depth`` has the rows with a tag.
        split: empty: ``test``; of config ``depth``, or where there is no ``test``, those of the three tags that exist
            (a tag that no row has, has no split).

    Raises:
        InputError: another dataset, no such config or split, or no row with a tag.
    """
    questions = _opened(dataset, revision, configs, split)
    name = questions.manifest["dataset"]
    if name in _FORMS:
        rows = _tagged_rows(questions, _FORMS[name])
    elif questions.rows and {"heuristic", "metric"} <= questions.rows[0].keys():
        rows = [_spar_row(row) for row in questions.rows]
    else:
        raise InputError(f"{dataset}: holds {name}; expected {', '.join(_FORMS)}, spar_bench or spar_7m (for "
                         "spatial_tunnel see recipes/spatial_tunnel.py)")
    if not any(row["heuristic"] and row["metric"] for row in rows):
        raise InputError(f"{dataset}: {questions.config}/{questions.split}: no row that can be scored has a tag")
    return replace(questions, rows=rows)


def _opened(dataset: str, revision: str | None, configs: Sequence[str], split: str) -> Questions:
    held = open_manifest(dataset, revision)["rows"]
    tags = [tag for tag in TAGS if f"depth/{tag}" in held]
    if tags and not configs and (split in TAGS or (not split and "default/test" not in held)):
        configs = ["depth"]
    if split or list(configs) != ["depth"] or not tags:
        return open_questions(dataset, revision, configs, split or "test")
    parts = [open_questions(dataset, revision, "depth", tag) for tag in tags]
    return replace(parts[0], split=",".join(tags), files=tuple(file for part in parts for file in part.files),
                   rows=[row for part in parts for row in part.rows])


# ---------------------------------------------------------------- tagged benchmarks


def in_common_form(row: Row) -> Row:
    """A row of any dataset with ``uid``, ``options`` and ``answer`` (text), whatever its own names for them are."""
    if "answer_options" in row:
        return row | embspatial_question(row)
    if "choices" in row:
        return row | cv_bench_question(row)
    return row if "uid" in row else row | {"uid": str(row["index"])}  # SPAR; SpatialTunnel


def embspatial_question(row: Row) -> Row:
    """What the common form adds to a row of EmbSpatial-Bench."""
    answer = row["answer"]
    return {
        "uid": row["question_id"],
        "kind": row["relation"] or "",
        "options": [option or "" for option in row["answer_options"]],
        "answer_index": answer,
        "answer": _letter(answer, len(row["answer_options"])),
    }


def _embspatial(row: Row, manifest: dict[str, Any]) -> Row:
    read_as = manifest["tags"]["box_formats"].get(row["data_source"] or "", {})
    return embspatial_question(row) | {
        "box_format": read_as.get("decided", ""),
        "box_slack": manifest["settings"]["box_slack"],
    }


def cv_bench_question(row: Row) -> Row:
    """What the common form adds to a row of CV-Bench."""
    letter = (row["answer"] or "").strip().strip("()").upper()
    options = [choice or "" for choice in row["choices"]]
    return {
        "uid": "" if row["idx"] is None else str(row["idx"]),
        "kind": row["task"] or "",
        "options": options,
        "answer": letter if letter and letter in ascii_uppercase[: len(options)] else "",
    }


def _cv_bench(row: Row, manifest: dict[str, Any]) -> Row:
    return cv_bench_question(row)


_Form = Callable[[Row, dict[str, Any]], Row]
"""(Row, manifest) -> what the common form adds."""

_FORMS: dict[str, _Form] = {"embspatial_tagged": _embspatial, "cv_bench_tagged": _cv_bench}


def _letter(index: int | None, count: int) -> str:
    return ascii_uppercase[index] if index is not None and 0 <= index < count else ""


def _tagged_rows(questions: Questions, form: _Form) -> list[Row]:
    formed = [row | form(row, questions.manifest) for row in questions.rows]
    times = Counter(row["uid"] for row in formed)
    rows = []
    for position, (data,) in questions.views(range(len(formed))):  # in row order
        row = formed[position]
        answerable = row["question"] and row["answer"] and row["uid"] and times[row["uid"]] == 1 and data
        rows.append(row | {
            "task": row["kind"],
            "format_type": "select",
            "metric": "choice_accuracy" if answerable else "",
            "image_id": hashlib.sha256(data).hexdigest()[:16] if data else f"row {position}",
        })
    return rows


# ---------------------------------------------------------------- SPAR


def _spar_row(row: Row) -> Row:
    """With a tag, as it is; without one it is not asked."""
    return row | {
        "kind": form_of(row).short,
        "metric": row["metric"] if row["heuristic"] else "",
        "image_id": "/".join((row["source"], row["scene_id"], *row["frame_ids"])),
    }
