"""Answers given elsewhere: a Parquet, JSON Lines or CSV file with ``id`` and ``raw_text`` (or ``answer``)."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from math import nan
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builders.errors import InputError
from recipes.answerers.answerer import Answer, answer_from_text
from recipes.answerers.yes_no import answer_of_lean, answer_of_margin, answer_of_yes_no_text
from recipes.questions import Row

MISSING = Answer("", None, "missing", None, 0.0)
"""Stands for a question the file does not answer."""

_TEXT_COLUMNS = ("raw_text", "answer")


def read_given_answers(path: Path, rows: Sequence[Row]) -> dict[str, Answer]:
    """``uid`` -> answer for every row that a metric scores, ``MISSING`` where the file has none.

    Args:
        rows: all questions of the split; answers to those that ask for a sentence are not looked at.

    Raises:
        InputError: unreadable, without the columns, an id twice, or an id the dataset does not have.
    """
    texts = _texts(path)
    known = {row["uid"]: row for row in rows}
    if unknown := [given for given in texts if given not in known]:
        raise InputError(f"{path}: {len(unknown)} of {len(texts)} ids are not in the dataset, the first is "
                         f"{unknown[0]!r}; an id is the row's uid, such as {rows[0]['uid']!r}")
    return {
        uid: answer_from_text(row, texts[uid], 0.0) if uid in texts else MISSING
        for uid, row in known.items()
        if row["metric"]
    }


def read_given_margins(path: Path, rows: Sequence[Row]) -> dict[str, Answer]:
    """``uid`` -> answer to a yes/no question, ``MISSING`` where the file has none. The file has ``margin`` (logit_yes -
    logit_no), ``raw_text`` or both; a text alone is a certain answer, so that v is then exact match.

    Raises:
        InputError: unreadable, without the columns, an id twice or unknown, or a margin that is no number.
    """
    given: dict[str, Answer] = {}
    known = {row["uid"] for row in rows}
    for number, record in enumerate(_records(path), 1):
        uid = str(record.get("id"))
        if uid not in known or uid in given:
            what = "occurs more than once" if uid in given else "is no question of the dataset"
            raise InputError(f"{path}: row {number}: the id {uid!r} {what}; an id is such as {rows[0]['uid']!r}")
        text = str(record.get("raw_text") or record.get("answer") or "")
        if record.get("margin") not in (None, ""):
            margin = _margin(path, number, record["margin"])
            given[uid] = answer_of_lean(margin, text, 0.0) if text else answer_of_margin(margin, 0.0)
        else:
            given[uid] = answer_of_yes_no_text(text, 0.0)
    if not given:
        raise InputError(f"{path}: holds no answers")
    return {uid: given.get(uid, MISSING) for uid in known}


def _margin(path: Path, number: int, value: Any) -> float:
    try:
        margin = float(value)
    except (TypeError, ValueError):
        margin = nan
    if margin != margin:
        raise InputError(f"{path}: row {number}: the margin is {value!r}; expected logit_yes - logit_no")
    return margin


def _records(path: Path) -> list[dict[str, Any]]:
    if path.suffix not in _READERS:
        raise InputError(f"{path}: expected a file ending in {', '.join(_READERS)}")
    try:
        return _READERS[path.suffix](path)
    except FileNotFoundError:
        raise InputError(f"--predictions {path}: no such file") from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as {path.suffix[1:]} ({error})") from error


def _texts(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for number, record in enumerate(_records(path), 1):
        column = next((name for name in _TEXT_COLUMNS if name in record), None)
        if "id" not in record or column is None:
            raise InputError(f"{path}: row {number} has the columns {', '.join(map(str, record))}; expected id and "
                             "raw_text")
        given = str(record["id"])
        counts[given] += 1
        texts[given] = "" if record[column] is None else str(record[column])
    if repeated := [given for given, count in counts.items() if count > 1]:
        raise InputError(f"{path}: {len(repeated)} ids occur more than once, the first is {repeated[0]!r}; keep one "
                         "answer each")
    if not texts:
        raise InputError(f"{path}: holds no answers")
    return texts


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    names = [name for name in pq.read_schema(path).names if name in ("id", "margin", *_TEXT_COLUMNS)]
    return pq.read_table(path, columns=names).to_pylist()


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    records = []
    with path.open(encoding="utf-8-sig") as file:  # lines end at a line feed; a string may hold other separators
        for number, line in enumerate(file, 1):
            if line.strip():
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError(f"line {number} is not an object")
                records.append(record)
    return records


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


_READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".parquet": _read_parquet,
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
}
