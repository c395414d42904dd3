"""Shards: rows chosen from parts, written in selection order under their final names only when all are complete."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from builders.hub.dataset import ROWS, HubBuilder, Selection
from builders.hub.parquet import TableWriter, encoded_images
from builders.hub.parts import read_part

SHARD_BYTES = 500_000_000
"""A shard is closed once its file has grown beyond this."""

SHARD_NAME = re.compile(r"[a-z]+-\d{5}-of-\d{5}\.parquet")


@dataclass
class ImageBytes:
    """What embedding the pictures costs."""

    references: int = 0
    """Pictures in rows."""
    plain: int = 0
    """Bytes if each row stored its own copy."""
    unique: int = 0
    """Bytes of different pictures."""
    _seen: set[bytes] = field(default_factory=set, repr=False)

    def add(self, table: pa.Table) -> None:
        for data in encoded_images(table):
            self.references += 1
            self.plain += len(data)
            digest = hashlib.blake2b(data, digest_size=16).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                self.unique += len(data)

    def close(self) -> None:
        """Forget the pictures: the digests of all configs together would grow with the dataset."""
        self._seen.clear()


@dataclass(frozen=True)
class WrittenSplit:
    """The files of one config and split."""

    config: str
    split: str
    files: dict[str, int]
    """Path relative to the folder -> rows, in order."""
    images: ImageBytes
    answers: Counter[tuple[str, ...]]
    """(task, format, what, value) -> how often."""


def write_split(builder: HubBuilder, parts: Sequence[Path], selection: Selection, staging: Path) -> WrittenSplit:
    """Write one selection below ``staging`` as ``<config>/<split>-00000-of-0000N.parquet``."""
    folder = staging / selection.config
    folder.mkdir(parents=True, exist_ok=True)
    schema = builder.config_features(selection.config).arrow_schema
    images = ImageBytes()
    answers: Counter[tuple[str, ...]] = Counter()
    counts: list[int] = []
    tables = _selected(builder, parts, selection)
    table = next(tables, None)
    while table is not None:
        open_name = folder / f"{len(counts):05d}.open"
        rows = 0
        with TableWriter(open_name, schema) as writer:
            while table is not None and (not rows or open_name.stat().st_size < SHARD_BYTES):
                images.add(table)
                if selection.table == ROWS:
                    answers.update(builder.tally(table))
                writer.write(table)
                rows += len(table)
                table = next(tables, None)
        counts.append(rows)
    files = {}
    for number, rows in enumerate(counts):
        name = f"{selection.split}-{number:05d}-of-{len(counts):05d}.parquet"
        (folder / f"{number:05d}.open").rename(folder / name)
        files[f"{selection.config}/{name}"] = rows
    images.close()
    return WrittenSplit(selection.config, selection.split, files, images, answers)


def _selected(builder: HubBuilder, parts: Sequence[Path], selection: Selection) -> Iterator[pa.Table]:
    """The selected rows slice by slice; one part is in memory at a time."""
    first_row = 0
    for part, rows in selection.picks:
        table = read_part(parts[part], selection.table).take(pa.array(rows, pa.int64()))
        yield from builder.finish(selection.config, table, first_row, partial(read_part, parts[part]))
        first_row += len(rows)
