"""``predictions.parquet``: one row per answered question, saved while the run goes on, so that it can be resumed.

Columns: ``id`` (the row's ``uid``), ``raw_text``, ``answer``, ``status``, ``margin``, ``seconds``; and once the run is
scored ``score`` (0 to 1), ``group`` and ``parts`` (``items.py``), empty for questions that were not scored. The file's
metadata names the run it belongs to: answers of another model or dataset are never mixed in. A question whose status is
``failed`` is asked again by the next run.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from builders.errors import InputError
from builders.hub.files import replacing
from recipes.answerers.answerer import FAILED, Answer, Answerer, Interrupted
from recipes.items import Item, Items
from recipes.questions import Questions, Row

logger = logging.getLogger(__name__)

FILE_NAME = "predictions.parquet"
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("raw_text", pa.string()),
        ("answer", pa.string()),
        ("status", pa.string()),
        ("margin", pa.float64()),
        ("seconds", pa.float64()),
        ("score", pa.float64()),
        ("group", pa.string()),
        ("parts", pa.list_(pa.string())),
    ]
)
_OF_ITEMS = ("score", "group", "parts")
"""Columns that scoring fills."""
_RUN_KEY = b"vantage.run"
_SAVE_EVERY = 5.0
"""Seconds: the most work a killed process can lose, besides the batch it was at."""

Run = dict[str, Any]
"""What the answers depend on: model, seed, dataset."""
Answers = dict[str, Answer]
"""``uid`` -> answer."""


def read_predictions(path: Path, run: Run | None = None) -> Answers:
    """The answers of a file; none if it does not exist.

    Args:
        run: what the file must belong to; None takes any.

    Raises:
        InputError: not readable, or of another run.
    """
    if not path.exists():
        return {}
    try:
        table = pq.read_table(path)
        held = json.loads((table.schema.metadata or {})[_RUN_KEY])
        own = [name for name in table.column_names if name not in _OF_ITEMS]
        answers = {row.pop("id"): Answer(**row) for row in table.select(own).to_pylist()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = type(error).__name__
        raise InputError(f"{path}: not readable as predictions ({what}); delete it to answer again") from error
    if run is not None and held != run:
        differing = ", ".join(sorted(key for key in held.keys() | run.keys() if held.get(key) != run.get(key)))
        raise InputError(f"{path}: holds answers of another run (other {differing}); choose another --out or delete it")
    return answers


def read_items(path: Path) -> Items:
    """What each question of a scored run scored; none where the run has not been scored, or by an earlier version.

    Raises:
        InputError: not readable.
    """
    try:
        if not path.exists() or not {*_OF_ITEMS} <= set(pq.read_schema(path).names):
            return {}
        rows = pq.read_table(path, columns=["id", *_OF_ITEMS]).to_pylist()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as predictions ({error}); run its recipe again") from error
    return {row["id"]: Item(row["score"], row["group"], tuple(row["parts"]))
            for row in rows if row["score"] is not None}


def write_items(path: Path, items: Items) -> None:
    """Fill in what each question scored; a file that says so already is left as it is."""
    if read_items(path) == items:
        return
    table = pq.read_table(path)
    found = [items.get(uid) for uid in table["id"].to_pylist()]
    columns = {name: [item and getattr(item, name) for item in found] for name in _OF_ITEMS}
    arrays = [pa.array(columns[field.name], field.type) if field.name in columns else table[field.name]
              for field in SCHEMA]
    with replacing(path) as temporary:
        pq.write_table(pa.table(arrays, schema=SCHEMA.with_metadata(table.schema.metadata)), temporary)


def write_predictions(path: Path, run: Run, answers: Answers, rows: Iterable[Row]) -> None:
    """Write the answers in the order of the rows, under the final name only when complete."""
    records = [{"id": row["uid"]} | asdict(answers[row["uid"]]) for row in rows if row["uid"] in answers]
    table = pa.Table.from_pylist(records, schema=SCHEMA.with_metadata({_RUN_KEY: json.dumps(run, sort_keys=True)}))
    with replacing(path) as temporary:
        pq.write_table(table, temporary)


def answer_all(
    answerer: Answerer, questions: Questions, limit: int, path: Path, run: Run, batch_size: int, progress: bool = True
) -> Answers:
    """Answer the first ``limit`` questions (0: all) that a metric scores, less those that ``path`` holds already.

    Raises:
        InputError: ``path`` belongs to another run.
    """
    answers = _resumed(path, run)
    asked = questions.scored(limit)
    todo = [position for position in asked if questions.rows[position]["uid"] not in answers]
    saved = monotonic()
    try:
        done = len(asked) - len(todo)
        with tqdm(total=len(asked), initial=done, desc="answers", unit="q", disable=not progress) as bar:
            for start in range(0, len(todo), batch_size):
                batch = todo[start : start + batch_size]
                rows = _with_images(questions, batch) if answerer.reads_images else [questions.rows[p] for p in batch]
                try:
                    answers |= zip((row["uid"] for row in rows), answerer.answer(rows), strict=True)
                except Interrupted as interrupted:
                    answers |= interrupted.given
                    raise
                bar.update(len(batch))
                if monotonic() - saved > _SAVE_EVERY:
                    write_predictions(path, run, answers, questions.rows)
                    saved = monotonic()
    finally:
        if todo:
            write_predictions(path, run, answers, questions.rows)
    return answers


def _resumed(path: Path, run: Run) -> Answers:
    """The answers given already. A file that cannot be read (a full disk, a power cut) is set aside, not deleted."""
    try:
        pq.read_metadata(path)
    except FileNotFoundError:
        return {}
    except (OSError, pa.ArrowInvalid):
        aside = path.with_suffix(".unreadable")
        path.replace(aside)
        logger.warning("%s is damaged; it is now %s, and all questions are answered again", path, aside.name)
        return {}
    return {uid: answer for uid, answer in read_predictions(path, run).items() if answer.status != FAILED}


def _with_images(questions: Questions, positions: list[int]) -> list[Row]:
    return [questions.rows[position] | {"image": views} for position, views in questions.views(positions)]
