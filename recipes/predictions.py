"""``predictions.parquet``: one row per answered question.

Columns: ``id`` (the row's ``uid``), ``raw_text``, ``answer``, ``status``, ``margin``, ``seconds``; and once the run is
scored ``score`` (0 to 1), ``group`` and ``parts`` (``items.py``), empty for questions that were not scored. The file's
metadata names the run it belongs to: answers of another model or dataset are never mixed in.

While questions are asked, answers are kept in parts beside the file, ``predictions.part-*.parquet``: each gets its name
only when whole, so that a killed process loses what it was at and nothing else. Several processes may add to one
folder; each, when it ends, folds all parts into the file. A lock keeps a part from being folded while it grows.
"""

import json
import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from builders.errors import InputError
from builders.hub.files import replacing
from recipes.answerers.answerer import FAILED, Answer
from recipes.items import Item, Items
from recipes.questions import Row

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
_RUN_KEY, _COUNTS_KEY = b"vantage.run", b"vantage.counts"
_PART_ROWS = 1000
"""Answers of a part: it is written anew, with more of them, until it has so many."""
_SAVING_SHARE = 0.05
"""Of the time, at most: a model's batches, which take long, are all saved at once; quick answers are saved together."""

Run = dict[str, Any]
"""What the answers depend on: model, seed, dataset."""
Answers = dict[str, Answer]
"""``uid`` -> answer."""
Counts = Mapping[str, float]
"""What happened on the way, such as tokens and retries, by name."""


class _Held(NamedTuple):
    """What a file holds."""

    run: Run
    answers: Answers
    counts: dict[str, Counts]
    """Name of a part -> what happened while it was filled. A part may grow on after it was folded: it counts once."""


def read_predictions(path: Path, run: Run | None = None) -> Answers:
    """The answers of a file; none if it does not exist.

    Args:
        run: what the file must belong to; None takes any.

    Raises:
        InputError: not readable, or of another run.
    """
    try:
        held = _read(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{error}; delete it to answer again") from error
    if run is not None:
        _check_run(path, held, run)
    return held.answers


def write_predictions(path: Path, run: Run, answers: Answers, rows: Iterable[Row]) -> None:
    """Write the answers in the order of the rows, under the final name only when complete."""
    with _alone(path):
        _write(path, _Held(run, {row["uid"]: answers[row["uid"]] for row in rows if row["uid"] in answers}, {}))


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
    with _alone(path), replacing(path) as temporary:
        pq.write_table(pa.table(arrays, schema=SCHEMA.with_metadata(table.schema.metadata)), temporary,
                       write_page_checksum=True)


class PredictionStore:
    """The answers of one run: its file, and the parts of the processes that are at work on it."""

    def __init__(self, path: Path, run: Run) -> None:
        """
        Args:
            path: of ``predictions.parquet``.
        """
        self._path = path
        self._run = run
        self._answers: Answers = {}
        self._counts: Counts = {}
        self._counted: Counts = {}
        self._new_part()
        self._is_saved = True
        self._due = 0.0

    def read(self) -> Answers:
        """All answers so far, of every process.

        Raises:
            InputError: the folder belongs to another run.
        """
        return self._read_all()[0]

    def add(self, answers: Mapping[str, Answer], counts: Counts) -> None:
        """Keep these answers, in a moment at the latest.

        Args:
            counts: what happened since this store was made.
        """
        self._is_saved = self._is_saved and not answers and counts == self._counts
        self._answers |= answers
        self._counts = counts
        if perf_counter() >= self._due:
            self._save()

    def fold(self, rows: Iterable[Row], counts: Counts) -> tuple[Answers, Counts]:
        """Make one file of the parts, with its answers in the order of the rows.

        Args:
            counts: what happened since this store was made.

        Returns:
            All answers, and what happened over all processes and starts.
        """
        self.add({}, counts)
        self._save()
        with _alone(self._path):
            answers, by_part, parts = self._read_all()
            if parts:
                ordered = {row["uid"]: answers[row["uid"]] for row in rows if row["uid"] in answers}
                _write(self._path, _Held(self._run, ordered, by_part))
                for part in parts:
                    part.unlink(missing_ok=True)
        self._answers = {}
        self._new_part()
        total: Counter[str] = Counter()
        for of_part in by_part.values():
            total.update(of_part)
        return answers, dict(total)

    def _save(self) -> None:
        if self._is_saved:
            return
        start = perf_counter()
        since = {name: count - self._counted.get(name, 0) for name, count in self._counts.items()}
        with _alone(self._path):
            _write(self._part, _Held(self._run, self._answers, {self._part.name: since}))
        self._is_saved = True
        if len(self._answers) >= _PART_ROWS:
            self._answers = {}
            self._new_part()
        now = perf_counter()
        self._due = now + (now - start) / _SAVING_SHARE

    def _new_part(self) -> None:
        self._part = self._path.with_suffix(f".part-{uuid.uuid4().hex}.parquet")
        self._counted = self._counts

    def _read_all(self) -> tuple[Answers, dict[str, Counts], list[Path]]:
        """Answers, counts by part, and the parts that there are. The file is read after the parts: what another process
        folds meanwhile is then in the file."""
        answers: Answers = {}
        counts: dict[str, Counts] = {}
        parts = sorted(self._path.parent.glob(f"{self._path.stem}.part-*.parquet"))
        for path in (*parts, self._path):
            held = self._read_whole(path)
            answers |= {uid: answer for uid, answer in held.answers.items()
                        if uid not in answers or answers[uid].status == FAILED}
            counts = held.counts | counts
        return answers, counts, parts

    def _read_whole(self, path: Path) -> _Held:
        """What a file holds. One that is damaged (a full disk, a power cut) is set aside, not deleted."""
        try:
            held = _read(path)
        except FileNotFoundError:
            return _Held(self._run, {}, {})
        except OSError as error:
            aside = path.with_suffix(".unreadable")
            with suppress(FileNotFoundError):  # another process was faster
                path.replace(aside)
            logger.warning("%s; it is now %s, and its questions are asked again", error, aside.name)
            return _Held(self._run, {}, {})
        _check_run(path, held, self._run)
        return held


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock that everybody takes who writes the file or its parts; and sweep what killed writers have left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_suffix(".lock")
    with FileLock(lock):
        for left in path.parent.glob(f".{path.stem}.*.tmp"):
            left.unlink()
        yield
        lock.unlink(missing_ok=True)  # who waits for it notices, and makes it anew


def _check_run(path: Path, held: _Held, run: Run) -> None:
    if held.run != run:
        differing = ", ".join(sorted(key for key in held.run.keys() | run.keys() if held.run.get(key) != run.get(key)))
        raise InputError(f"{path}: holds answers of another run (other {differing}); choose another --out or delete it")


def _read(path: Path) -> _Held:
    """Check and read a file.

    Raises:
        OSError: damaged.
    """
    try:
        with path.open("rb") as file:  # opened once: by its path, a part replaced meanwhile would be read half and half
            table = pq.read_table(file, page_checksum_verification=True)
        metadata = table.schema.metadata or {}
        own = table.select([name for name in table.column_names if name not in _OF_ITEMS])
        answers = {row.pop("id"): Answer(**row) for row in own.to_pylist()}
        return _Held(json.loads(metadata[_RUN_KEY]), answers, json.loads(metadata.get(_COUNTS_KEY, b"{}")))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OSError(f"{path}: not readable as predictions ({type(error).__name__})") from error


def _write(path: Path, held: _Held) -> None:
    told = {_RUN_KEY: json.dumps(held.run, sort_keys=True), _COUNTS_KEY: json.dumps(held.counts)}
    records = [{"id": uid} | asdict(answer) for uid, answer in held.answers.items()]
    table = pa.Table.from_pylist(records, schema=SCHEMA.with_metadata(told))
    with replacing(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)
