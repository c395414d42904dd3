"""Parquet as every Vantage file is written: image bytes once per row group, small row groups, page index.

Rows that share a picture repeat its bytes. Dictionary encoding stores them once, if the dictionary page may grow large
enough (the default limit of 1 MB falls back to plain without a word). A reader expands one row group at a time, so row
groups are cut by their EXPANDED size; a writer holds each different picture once, so they are cut by that size, too.
Where they are cut depends on the rows alone, not on the tables that bring them.
"""

import base64
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builders.hub.shared_pictures import (
    NUMBERED,
    Pictures,
    image_columns,
    is_image_type,
    pictures_of,
    with_bytes,
    with_type_of_bytes,
)

ROW_GROUP_BYTES = 100_000_000
"""Upper bound of the expanded image bytes of a row group (one row may exceed it alone)."""

HELD_BYTES = 24_000_000
"""Upper bound of its different pictures, likewise: while it is written, about four times that is in memory."""

ROW_GROUP_ROWS = 10_000
"""Rows of a row group at most: rows without pictures would otherwise gather in memory until the file ends."""

_DICTIONARY_BYTES = 4 * ROW_GROUP_BYTES


class TableWriter:
    """Appends tables to one Parquet file. Use as a context manager; the file is complete when it closes."""

    def __init__(self, path: Path, schema: pa.Schema, metadata: dict[str, str] | None = None):
        schema = schema.with_metadata({**(schema.metadata or {}), **(metadata or {})})
        self._images = image_columns(schema)
        self._schema = pa.schema([
            field.with_type(with_type_of_bytes(field.type, NUMBERED)) if field.name in self._images else field
            for field in schema])
        self._writer = pq.ParquetWriter(path, self._schema, store_schema=False, **writer_options(schema))
        told = {"ARROW:schema": base64.b64encode(schema.serialize())}  # what readers are given: bytes, not numbers
        self._writer.add_key_value_metadata({**(schema.metadata or {}), **told})
        self._group = _RowGroup(self._images)

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, table: pa.Table, pictures: Mapping[str, Pictures] | None = None) -> None:
        """Append rows; row groups are cut between rows, wherever they came from.

        Args:
            pictures: ``pictures_of(table)``, where it is known.
        """
        pictures = pictures_of(table) if pictures is None else pictures
        start = 0
        for row, size in enumerate(image_bytes_per_row(table)):
            added = size - self._group.shared(row, pictures)
            if not self._group.takes(size, added):
                self._group.append(table, start, row, pictures)
                self._flush()
                start, added = row, size - self._group.shared(row, pictures)
            self._group.show(row, size, added, pictures)
        self._group.append(table, start, len(table), pictures)

    def _flush(self) -> None:
        count, rows = self._group.rows, self._group.table(self._schema)
        self._group = _RowGroup(self._images)  # so that the pictures are not held beside those in ``rows``
        if count:
            self._writer.write_table(rows, row_group_size=count)
            del rows
            pa.default_memory_pool().release_unused()


class _RowGroup:
    """Rows that are held until they are written together, and the pictures they show."""

    def __init__(self, images: list[str]):
        self.rows = self._expanded = self._held = 0
        self._tables: list[pa.Table] = []
        self._numbers: dict[str, dict[bytes, int]] = {name: {} for name in images}
        """Column -> digest of a picture -> its number here."""
        self._data: dict[str, list[bytes]] = {name: [] for name in images}
        """Column -> pictures by number."""

    def shared(self, row: int, pictures: Mapping[str, Pictures]) -> int:
        """Bytes of the row's pictures that are here already, or that it shows again."""
        shared = 0
        for name, held in pictures.items():
            shown = held.of_row(row)
            fresh = {one for one in shown if held.digests[one] not in self._numbers[name]}
            shared += sum(held.sizes[one] for one in shown) - sum(held.sizes[one] for one in fresh)
        return shared

    def takes(self, size: int, added: int) -> bool:
        """Whether there is room for a row of this expanded size, which adds so many bytes of its own."""
        full = self._expanded + size > ROW_GROUP_BYTES or self._held + added > HELD_BYTES
        return self.rows < ROW_GROUP_ROWS and not (full and self._expanded)

    def show(self, row: int, size: int, added: int, pictures: Mapping[str, Pictures]) -> None:
        """Count the row, and keep its pictures."""
        self.rows += 1
        self._expanded += size
        self._held += added
        for name, held in pictures.items():
            numbers, data = self._numbers[name], self._data[name]
            for one in held.of_row(row):
                if numbers.setdefault(held.digests[one], len(data)) == len(data):
                    data.append(held.data[one].as_py())

    def append(self, table: pa.Table, start: int, stop: int, pictures: Mapping[str, Pictures]) -> None:
        """Keep rows that have been counted, with numbers in place of pictures."""
        table = table.slice(start, stop - start)
        for name, held in pictures.items():
            numbers = pa.array([self._numbers[name].get(digest) for digest in held.digests], pa.int32())
            column = with_bytes(held.column.slice(start, stop - start), numbers.take)
            table = table.set_column(table.schema.get_field_index(name), name, column)
        self._tables.append(table)

    def table(self, schema: pa.Schema) -> pa.Table:
        """All rows, for the writer."""
        rows = pa.concat_tables(self._tables)
        for name, data in self._data.items():
            named = partial(pa.DictionaryArray.from_arrays, dictionary=pa.array(data, pa.binary()))
            column = with_bytes(rows[name].combine_chunks(), named)
            rows = rows.set_column(rows.schema.get_field_index(name), name, column)
        return rows.cast(schema)


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """Keyword arguments of ``pyarrow.parquet`` writers for tables with this schema."""
    leaves = _leaves(schema)
    images = {name for name in leaves if name.endswith(".bytes") and name.split(".")[0] in image_columns(schema)}
    return {
        "compression": {name: "NONE" if name in images else "ZSTD" for name in leaves},
        "use_dictionary": True,
        "dictionary_pagesize_limit": _DICTIONARY_BYTES,
        "write_page_index": True,
        "write_page_checksum": True,
        "write_statistics": [name for name in leaves if name not in images],
    }


def image_bytes_per_row(table: pa.Table) -> list[int]:
    """Embedded bytes of pictures and depth maps of each row, as a reader will expand them."""
    sizes = np.zeros(len(table), dtype=np.int64)
    for name in (field.name for field in table.schema if _is_map_type(field.type)):
        sizes += [table[name].slice(row, 1).nbytes for row in range(len(table))]
    for name in image_columns(table.schema):
        start = 0
        for chunk in table[name].chunks:
            lengths = _lengths(chunk)
            if pa.types.is_list(chunk.type):
                counts = pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False)
                ends = np.concatenate([[0], np.cumsum(lengths)])[np.concatenate([[0], np.cumsum(counts)])]
                lengths = np.diff(ends)
            sizes[start : start + len(chunk)] += lengths
            start += len(chunk)
    return sizes.tolist()


def _lengths(images: pa.Array) -> NDArray[np.int64]:
    structs = images.flatten() if pa.types.is_list(images.type) else images
    return pc.fill_null(pc.binary_length(pc.struct_field(structs, "bytes")), 0).to_numpy(zero_copy_only=False)


def picture_columns(schema: pa.Schema) -> list[str]:
    """Columns of images, depth maps, or lists of them: what makes rows heavy."""
    return [field.name for field in schema if is_image_type(field.type) or _is_map_type(field.type)]


def _is_map_type(kind: pa.DataType) -> bool:
    """Lists of 2-D arrays."""
    return pa.types.is_list(kind) and pa.types.is_list(kind.value_type) and pa.types.is_list(kind.value_type.value_type)


def _leaves(schema: pa.Schema) -> list[str]:
    """Parquet column paths, as the writer's per-column options name them."""
    names: list[str] = []

    def walk(path: str, kind: pa.DataType) -> None:
        if pa.types.is_struct(kind):
            for child in kind:
                walk(f"{path}.{child.name}", child.type)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            walk(f"{path}.list.element", kind.value_type)
        else:
            names.append(path)

    for column in schema:
        walk(column.name, column.type)
    return names
