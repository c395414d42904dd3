"""Rows of our datasets as training samples, read from their Parquet files one row group at a time, in any order.

Pictures stay as they are stored, each once in a row group, so that reading a group takes milliseconds.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import InputError
from builders.spar.attach import row_filler
from recipes.answerers.prompts import prompt_of
from recipes.finetuning.mix import Source
from recipes.finetuning.plan import Strata, strata_of
from recipes.finetuning.samples import Message, Sample
from recipes.finetuning.tables import chosen, column_of
from recipes.questions import Row, locate
from recipes.shortcut_questions import cv_bench_question, embspatial_question

_STORED_ONCE = ("image.bytes", "image.list.element.bytes")
"""Columns of pictures, as Parquet names them."""
_KEPT_GROUPS = 8


class OwnRows:
    """The questions of a folder of ``scripts/build.py``, or of the repository it was pushed to."""

    def __init__(self, source: Source, prompts: str, scans: Sequence[str] = ()) -> None:
        """
        Args:
            prompts: a form of ``recipes/answerers/prompts.yaml``.
            scans: ``NAME=ROOT`` of scans, for pictures that rows only refer to.

        Raises:
            InputError: no such dataset, config, split or column, or nothing in it fits.
        """
        found = locate(source.dataset, source.revision or None, source.config, source.split)
        self.provenance: dict[str, Any] = {
            "dataset": source.dataset, "revision": found.commit, "manifest_sha256": found.manifest_sha256,
            "config": found.config, "split": source.split}
        self._name, self._prompts = source.name, prompts
        self._filled = row_filler(*scans) if scans else None
        self._files = found.files
        try:
            self._metadata = [pq.read_metadata(path) for path in self._files]
        except (OSError, ValueError) as error:
            raise InputError(f"{source.dataset}: cannot be read ({error}); build or download it again") from error
        self._groups = [(file, group) for file, about in enumerate(self._metadata)
                        for group in range(about.num_row_groups)]
        sizes = [self._metadata[file].row_group(group).num_rows for file, group in self._groups]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._kept: OrderedDict[int, pa.Table] = OrderedDict()
        self.strata: Strata = self._strata(source)

    def sample(self, row: int) -> Sample:
        held = self._row(row)
        views = held["image"] if isinstance(held["image"], list) else [held["image"]]
        encoded = [view and view["bytes"] for view in views]
        if self._filled and None in encoded:
            encoded = self._filled(held | {"image": [None] * len(encoded)})["image"]
        question, answer = asked_and_answered(held, self._prompts)
        return Sample(
            uid=held.get("uid") or f"{self._name}/{row}",
            task=str(held.get("task") or held.get("relation") or held.get("template") or ""),
            messages=conversation(question, answer, len(views)),
            views=encoded,
            objects=() if "id" in held else held.get("objects") or (),  # in SPAR-Bench markers are in the pictures
            problem="" if answer else "has no answer",
        )

    def _strata(self, source: Source) -> Strata:
        columns = [*source.where, *(["heuristic"] if source.balance else [])]
        rows, tags = np.arange(self._starts[-1]), None
        if columns:
            table = pa.concat_tables([self._columns(path, columns, source) for path in self._files])
            rows = rows[chosen(table, source)]
            tags = column_of(table, "heuristic", source)[rows] if source.balance else None
        if not len(rows):
            raise InputError(f"{source.name}: no row of {source.dataset} has {dict(source.where)}")
        return strata_of(rows, tags)

    def _columns(self, path: Any, columns: list[str], source: Source) -> pa.Table:
        names = pq.read_schema(path).names
        if absent := [name for name in columns if name not in names]:
            raise InputError(f"{source.name}: {source.dataset} has no column {absent[0]!r}; it has: {', '.join(names)}")
        return pq.read_table(path, columns=columns)

    def _row(self, row: int) -> Row:
        group = int(np.searchsorted(self._starts, row, "right")) - 1
        if group not in self._kept:
            file, number = self._groups[group]
            about = self._metadata[file]
            paths = [about.schema.column(column).path for column in range(about.num_columns)]
            with pq.ParquetFile(self._files[file], metadata=about,
                                read_dictionary=[path for path in paths if path in _STORED_ONCE]) as held:
                self._kept[group] = held.read_row_group(number)
            if len(self._kept) > _KEPT_GROUPS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(group)
        return self._kept[group].slice(row - int(self._starts[group]), 1).to_pylist()[0]


def asked_and_answered(row: Row, prompts: str) -> tuple[str, str]:
    """What a model is asked, and what it is to answer.

    Example:
        >>> asked_and_answered({"question": "Is it?", "answer": "Yes"}, "bare")
        ('Is it?', 'Yes')
    """
    if "answer_options" in row:
        row = row | embspatial_question(row)
    elif "choices" in row:
        row = row | cv_bench_question(row)
    return prompt_of(row, prompts), str(row["answer"] or "")


def conversation(question: str, answer: str, pictures: int) -> list[Message]:
    """One turn each: pictures and question, as the recipes ask; then the answer."""
    asked = [*({"type": "image"} for _ in range(pictures)), {"type": "text", "text": question}]
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": [{"type": "text", "text": answer}]}]
