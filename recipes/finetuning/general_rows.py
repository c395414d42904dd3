"""Rows of any dataset of conversations as training samples: from the Hub, a folder, or a JSON file as trainers take it.

``datasets`` keeps the rows on disk and maps them into memory; pictures are decoded when it is their turn. All rows are
looked at once in the beginning (not their pictures), so that those that cannot be read are counted before training.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from builders.errors import InputError
from recipes.finetuning.conversations import COLUMNS, PICTURE_COLUMNS, Unreadable, read_conversation
from recipes.finetuning.mix import Source
from recipes.finetuning.plan import Strata, strata_of
from recipes.finetuning.samples import Sample
from recipes.finetuning.tables import chosen, column_of

_BATCH = 1000


class GeneralRows:
    """Conversations of one dataset."""

    def __init__(self, source: Source, progress: bool = True) -> None:
        """
        Raises:
            InputError: the dataset cannot be loaded, or no row of it is a conversation that can be read.
        """
        held = loaded(source)
        self._name = source.name
        self._form = Form.of(source, held.column_names)
        self._rows = undecoded(held)
        readable, problems = self._look(progress)
        fits = chosen(self._table(list(source.where)), source) if source.where else np.ones(len(held), np.bool_)
        self.provenance: dict[str, Any] = {
            "dataset": source.dataset, "revision": source.revision or None,
            "fingerprint": held._fingerprint, "config": ",".join(source.config), "split": source.split,
            "left_out": dict(problems.most_common())}
        if not readable.any():
            reason, count = problems.most_common(1)[0] if problems else ("it is empty", 0)
            raise InputError(f"{source.name}: no row of {source.dataset} can be read as a conversation (of {count}: "
                             f"{reason}); expected a column {' or '.join(COLUMNS)}")
        rows = np.flatnonzero(readable & fits)
        if not len(rows):
            raise InputError(f"{source.name}: no readable row of {source.dataset} has {dict(source.where)}")
        tags = column_of(self._table(["heuristic"]), "heuristic", source)[rows] if source.balance else None
        self.strata: Strata = strata_of(rows, tags)

    def sample(self, row: int) -> Sample:
        return self._form.sample(self._rows[row], f"{self._name}/{row}", self._name)

    def _look(self, progress: bool) -> tuple[np.ndarray, Counter[str]]:
        """(N,) which rows can be read, and why the others cannot."""
        readable, problems = np.zeros(len(self._rows), np.bool_), Counter[str]()
        for row, (turns, pictures) in enumerate(tqdm(self._texts(), total=len(self._rows), unit="row",
                                                     desc=f"looking at {self._name}", disable=not progress)):
            try:
                read_conversation(turns, pictures)
                readable[row] = True
            except Unreadable as problem:
                problems[str(problem)] += 1
        return readable, problems

    def _texts(self) -> Iterator[tuple[Any, int]]:
        """Turns and number of pictures of each row; the pictures themselves are not touched."""
        turns_in, pictures_in = self._form.turns, self._form.pictures
        columns = [turns_in, *([pictures_in] if pictures_in else [])]
        for table in self._rows.select_columns(columns).with_format("arrow").iter(_BATCH):
            turns = chain.from_iterable(chunk.to_pylist() for chunk in table[turns_in].chunks)
            yield from zip(turns, _numbers(table[pictures_in]) if pictures_in else [0] * len(table), strict=True)

    def _table(self, columns: list[str]) -> pa.Table:
        known = [name for name in columns if name in self._rows.column_names]
        return self._rows.select_columns(known or [self._form.turns]).with_format("arrow")[:]


@dataclass(frozen=True)
class Form:
    """Where the rows of a dataset have their conversations and pictures."""

    folder: Path
    """From which paths of pictures count."""
    turns: str
    pictures: str | None

    @classmethod
    def of(cls, source: Source, columns: Sequence[str]) -> "Form":
        """
        Raises:
            InputError: no column of conversations.
        """
        turns = next((name for name in COLUMNS if name in columns), None)
        if turns is None:
            raise InputError(f"{source.name}: {source.dataset} has no column of conversations ({', '.join(COLUMNS)}); "
                             f"it has: {', '.join(columns)}")
        path = Path(source.dataset)
        pictures = next((name for name in PICTURE_COLUMNS if name in columns), None)
        return cls(path if path.is_dir() else path.parent, turns, pictures)

    def sample(self, row: Mapping[str, Any], uid: str, task: str) -> Sample:
        """
        Raises:
            Unreadable: the row is no conversation.
        """
        held = row[self.pictures] if self.pictures else None
        views = held if isinstance(held, list) else [] if held is None else [held]
        return Sample(uid, task, read_conversation(row[self.turns], len(views)), [self._encoded(v) for v in views])

    def _encoded(self, view: Any) -> Any:
        """The bytes of a picture, or where it is."""
        if isinstance(view, dict):
            if view.get("bytes") is not None:
                return view["bytes"]
            view = view.get("path")
        return self.folder / view if isinstance(view, str) else view


def loaded(source: Source) -> Any:
    """The dataset of a source, in memory or as a stream.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    path = Path(source.dataset)
    try:
        if path.suffix in (".json", ".jsonl"):
            return datasets.load_dataset("json", data_files=str(path), split="train", streaming=source.stream)
        return datasets.load_dataset(source.dataset, *source.config, split=source.split,
                                     revision=source.revision or None, streaming=source.stream)
    except (OSError, ValueError, TypeError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        problem = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"{source.name}: {source.dataset} cannot be loaded ({problem})") from error


def undecoded(held: Any) -> Any:
    """The dataset with its pictures as they are stored."""
    raw = datasets.Image(decode=False)
    for name, feature in (held.features or {}).items():
        if isinstance(feature, datasets.Image):
            held = held.cast_column(name, raw)
        elif isinstance(feature, datasets.List) and isinstance(feature.feature, datasets.Image):
            held = held.cast_column(name, datasets.List(raw))
    return held


def _numbers(column: pa.ChunkedArray) -> list[int]:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    return pc.cast(pc.is_valid(column), pa.int64()).to_pylist()

