"""Rows of a dataset of conversations that is read as it comes, for those too large to be downloaded first.

``datasets`` streams the rows, shuffled by shards and in a buffer. The stream is a function of the seed, and always read
from its beginning: row n is the same whoever asks, after an interruption too (going on takes as long as reading up to
there; pictures that are passed over are not decoded). Every process and worker reads the whole stream, for its share.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from builders.errors import InputError
from recipes.finetuning.conversations import Unreadable
from recipes.finetuning.general_rows import Form, loaded, undecoded
from recipes.finetuning.mix import Source
from recipes.finetuning.samples import Sample

BUFFER = 1000
"""Rows among which the next one is drawn."""


class StreamedRows:
    """Conversations in the order of a stream that begins again, in another order, when it has ended. Rows that cannot
    be read or do not fit are passed over."""

    strata = None

    def __init__(self, source: Source, seed: int) -> None:
        """
        Raises:
            InputError: the dataset cannot be opened, or has no conversations.
        """
        held = loaded(source)
        columns = held.column_names or list(next(iter(held.take(1)), {}))
        self._form = Form.of(source, columns)
        self._name, self._where = source.name, source.where
        if absent := [name for name in source.where if name not in columns]:
            raise InputError(f"{source.name}: {source.dataset} has no column {absent[0]!r}; it has: "
                             f"{', '.join(columns)}")
        # One shard after the other: several at once are read by threads, whose end takes five seconds each time.
        self._rows = undecoded(held).shuffle(seed=seed, buffer_size=BUFFER, max_buffer_input_shards=1)
        self._next = 0
        self._stream: Iterator[Sample] = iter(())
        self.provenance: dict[str, Any] = {
            "dataset": source.dataset, "revision": source.revision or None, "config": ",".join(source.config),
            "split": source.split, "stream": True}

    def sample(self, row: int) -> Sample:
        if row < self._next or self._next == 0:
            self._stream, self._next = self._readable(), 0
        for number in range(self._next, row + 1):
            sample = next(self._stream)
            self._next = number + 1
        return replace(sample, uid=f"{self._name}/{row}")

    def _readable(self) -> Iterator[Sample]:
        for turn in count():
            self._rows.set_epoch(turn)
            found = False
            for batch in self._rows.iter(1):  # not as an iterator: in a worker of torch that gives a part of the rows
                row = {name: held[0] for name, held in batch.items()}
                if self._fits(row):
                    try:
                        yield self._form.sample(row, "", self._name)
                    except Unreadable:
                        continue
                    found = True
            if not found:
                raise InputError(f"{self._name}: no row of the stream can be read as a conversation, or none has "
                                 f"{dict(self._where)}")

    def _fits(self, row: Mapping[str, Any]) -> bool:
        return all(str(row[name]) in map(str, values) for name, values in self._where.items())
