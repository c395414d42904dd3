"""Verdicts of people on rows: which ones must not be published.

A review list has the columns ``uid``, ``verdict`` (``accept``, ``reject``, or empty: not reviewed yet, which keeps the
row) and ``note``; every other column is for the reader's eyes and ignored. CSV, or JSONL if its name ends so.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builders.errors import InputError
from builders.hub.manifest import read_manifest

COLUMNS = ("uid", "verdict", "note")
VERDICTS = ("accept", "reject", "")

_EXAMPLES = 3


@dataclass(frozen=True)
class Review:
    """A review list, and the hash of the file it came from."""

    verdicts: Mapping[str, str] = field(default_factory=dict)
    """By uid."""
    sha256: str = ""

    @property
    def rejected(self) -> frozenset[str]:
        return frozenset(uid for uid, verdict in self.verdicts.items() if verdict == "reject")

    def outcome(self, uids: Collection[str]) -> dict[str, Any]:
        """What the manifest says of it.

        Args:
            uids: those of the list that are of rows the scenes gave, published or not.
        """
        unknown = [uid for uid in self.verdicts if uid not in uids]
        counts = Counter(verdict for uid, verdict in self.verdicts.items() if uid in uids)
        return {
            "sha256": self.sha256,
            "accepted": counts["accept"],
            "rejected": counts["reject"],
            "unreviewed": counts[""],
            "unknown": len(unknown),
            "unknown_first": unknown[:_EXAMPLES],
        }


def read_review(path: str) -> Review:
    """Read a review list. An empty path gives an empty review.

    Raises:
        InputError: the file cannot be read, lacks a column, or a line has no uid, one that occurred before, or a
            verdict that is none of ``VERDICTS``.
    """
    if not path:
        return Review()
    try:
        data = Path(path).read_bytes()
        text = data.decode("utf-8-sig")  # spreadsheets put a byte-order mark before CSV
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"review: {path} cannot be read as text ({error})") from error
    verdicts: dict[str, str] = {}
    entries = _json_lines(text, path) if path.lower().endswith(".jsonl") else _csv_rows(text, path)
    for number, entry in entries:
        uid, verdict = entry.get("uid"), entry.get("verdict")
        if not isinstance(uid, str) or not uid.strip():
            raise InputError(f"review: {path}, line {number}: no uid")
        verdict = verdict.strip().lower() if isinstance(verdict, str) else verdict
        if verdict not in VERDICTS:
            raise InputError(f"review: {path}, line {number}: verdict {verdict!r}; expected accept, reject or nothing")
        if uid.strip() in verdicts:
            raise InputError(f"review: {path}, line {number}: {uid.strip()} occurs twice")
        verdicts[uid.strip()] = verdict
    return Review(verdicts, hashlib.sha256(data).hexdigest())


def rows_to_review(folder: Path) -> Iterator[dict[str, str]]:
    """``uid``, ``question`` and ``answer`` of every question of a built folder, in its order, each once.

    Raises:
        InputError: the folder is no finished dataset, or its rows have no uid.
    """
    seen: set[str] = set()
    for name in read_manifest(folder)["files"]:
        if not {"uid", "question", "answer"} <= set(pq.read_schema(folder / name).names):
            continue
        for row in pq.read_table(folder / name, columns=["uid", "question", "answer"]).to_pylist():
            if row["uid"] not in seen:
                seen.add(row["uid"])
                yield row
    if not seen:
        raise InputError(f"{folder}: holds no rows with uid, question and answer; review lists are for SPAR datasets")


def write_review(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write a list for a reviewer to fill in, a line for each row; returns how many.

    Args:
        rows: with ``uid``, and more columns to read beside it (the same ones in every row).

    Raises:
        InputError: the file exists; it may hold verdicts.
    """
    lines = [dict.fromkeys(COLUMNS, "") | dict(row) for row in rows]
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            if path.suffix.lower() == ".jsonl":
                file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            else:
                writer = csv.DictWriter(file, list(lines[0]) if lines else COLUMNS)
                writer.writeheader()
                writer.writerows(lines)
    except FileExistsError:
        raise InputError(f"{path}: exists, and may hold verdicts; choose another --out") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    return len(lines)


def _json_lines(text: str, path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"review: {path}, line {number}: not JSON ({error})") from error
        if not isinstance(entry, dict):
            raise InputError(f"review: {path}, line {number}: expected an object with uid and verdict")
        yield number, entry


def _csv_rows(text: str, path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = {"uid", "verdict"} - set(reader.fieldnames or ())
        if missing:
            raise InputError(f"review: {path}, line 1: no column {sorted(missing)[0]!r}; expected {', '.join(COLUMNS)}")
        twice = [name for name, count in Counter(reader.fieldnames or ()).items() if name in COLUMNS and count > 1]
        if twice:
            raise InputError(f"review: {path}, line 1: two columns {twice[0]!r}")
        for entry in reader:
            if None in entry or None in entry.values():
                raise InputError(f"review: {path}, line {reader.line_num}: expected {len(reader.fieldnames or ())} "
                                 "columns as in line 1")
            yield reader.line_num, entry
    except csv.Error as error:
        raise InputError(f"review: {path}, line {reader.reader.line_num}: not CSV ({error})") from error
