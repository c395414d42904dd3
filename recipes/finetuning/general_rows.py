"""Rows of any dataset of conversations as training samples: from the Hub, a folder, or a JSON file as trainers take it.

``datasets`` keeps the rows on disk and maps them into memory; pictures are decoded when it is their turn. All rows are
looked at once in the beginning (not their pictures), so that those that cannot be read are counted before training.
"""

from collections import Counter
from collections.abc import Iterator
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
        held = _loaded(source)
        self._name = source.name
        self._folder = Path(source.dataset).parent
        self._turns = _column(held, COLUMNS, source, "of conversations")
        self._pictures = next((name for name in PICTURE_COLUMNS if name in held.column_names), None)
        self._rows = _undecoded(held)
        readable, problems = self._look(progress)
        fits = chosen(self._table(list(source.where)), source) if source.where else np.ones(len(held), np.bool_)
        self.provenance: dict[str, Any] = {
            "dataset": source.dataset, "revision": _commit(held) or source.revision or None,
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
        held = self._rows[row]
        views = [self._encoded(view) for view in _listed(held[self._pictures])] if self._pictures else []
        return Sample(f"{self._name}/{row}", self._name, read_conversation(held[self._turns], len(views)), views)

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
        columns = [self._turns, *([self._pictures] if self._pictures else [])]
        for table in self._rows.select_columns(columns).with_format("arrow").iter(_BATCH):
            turns = chain.from_iterable(chunk.to_pylist() for chunk in table[self._turns].chunks)
            yield from zip(turns, _numbers(table[self._pictures]) if self._pictures else [0] * len(table), strict=True)

    def _table(self, columns: list[str]) -> pa.Table:
        known = [name for name in columns if name in self._rows.column_names]
        return self._rows.select_columns(known or [self._turns]).with_format("arrow")[:]

    def _encoded(self, view: Any) -> Any:
        """The bytes of a picture; a path counts from the folder that a JSON file is in."""
        if isinstance(view, dict):
            if view.get("bytes") is not None:
                return view["bytes"]
            view = view.get("path")
        return (self._folder / view).read_bytes() if isinstance(view, str) else view


def _loaded(source: Source) -> datasets.Dataset:
    path = Path(source.dataset)
    try:
        if path.suffix in (".json", ".jsonl"):
            return datasets.load_dataset("json", data_files=str(path), split="train")
        return datasets.load_dataset(source.dataset, *source.config, split=source.split,
                                     revision=source.revision or None)
    except (OSError, ValueError, TypeError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        problem = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"{source.name}: {source.dataset} cannot be loaded ({problem})") from error


def _column(held: datasets.Dataset, names: tuple[str, ...], source: Source, what: str) -> str:
    for name in names:
        if name in held.column_names:
            return name
    raise InputError(f"{source.name}: {source.dataset} has no column {what} ({', '.join(names)}); it has: "
                     f"{', '.join(held.column_names)}")


def _undecoded(held: datasets.Dataset) -> datasets.Dataset:
    raw = datasets.Image(decode=False)
    for name, feature in held.features.items():
        if isinstance(feature, datasets.Image):
            held = held.cast_column(name, raw)
        elif isinstance(feature, datasets.List) and isinstance(feature.feature, datasets.Image):
            held = held.cast_column(name, datasets.List(raw))
    return held


def _numbers(column: pa.ChunkedArray) -> list[int]:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    return pc.cast(pc.is_valid(column), pa.int64()).to_pylist()


def _listed(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [] if held is None else [held]


def _commit(held: datasets.Dataset) -> str | None:
    """Of a dataset from the Hub."""
    for url in held.info.download_checksums or {}:
        if url.startswith("hf://") and "@" in url:
            return url.partition("@")[2].partition("/")[0]
    return None
