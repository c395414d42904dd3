"""Parquet as every Vantage file is written: image bytes once per row group, small row groups, page index.

Rows that share a picture repeat its bytes. Dictionary encoding stores them once, if the dictionary page may grow large
enough (the default limit of 1 MB falls back to plain without a word). A reader expands one row group at a time, so row
groups are cut by their EXPANDED size.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

ROW_GROUP_BYTES = 100_000_000
"""Upper bound of the expanded image bytes of a row group (one row may exceed it alone)."""

ROW_GROUP_ROWS = 10_000
"""Rows of a row group at most: rows without pictures would otherwise gather in memory until the file ends."""

_DICTIONARY_BYTES = 4 * ROW_GROUP_BYTES


class TableWriter:
    """Appends tables to one Parquet file. Use as a context manager; the file is complete when it closes."""

    def __init__(self, path: Path, schema: pa.Schema, metadata: dict[str, str] | None = None):
        if metadata:
            schema = schema.with_metadata({**(schema.metadata or {}), **metadata})
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, **writer_options(schema))
        self._pending: list[pa.Table] = []
        self._pending_bytes = self._pending_rows = 0

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Append rows; row groups are cut between rows, wherever they came from."""
        sizes = image_bytes_per_row(table)
        start = 0
        for row, size in enumerate(sizes):
            too_large = self._pending_bytes and self._pending_bytes + size > ROW_GROUP_BYTES
            if too_large or self._pending_rows == ROW_GROUP_ROWS:
                self._pending.append(table.slice(start, row - start))
                self._flush()
                start = row
            self._pending_bytes += size
            self._pending_rows += 1
        self._pending.append(table.slice(start))

    def _flush(self) -> None:
        rows = pa.concat_tables(self._pending) if self._pending else None
        if rows:
            self._writer.write_table(rows.replace_schema_metadata(self._schema.metadata), row_group_size=len(rows))
        self._pending, self._pending_bytes, self._pending_rows = [], 0, 0


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """Keyword arguments of ``pyarrow.parquet`` writers for tables with this schema."""
    leaves = _leaves(schema)
    images = {name for name in leaves if name.endswith(".bytes") and name.split(".")[0] in _image_columns(schema)}
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
    for name in _image_columns(table.schema):
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


def encoded_images(table: pa.Table) -> Iterator[bytes]:
    """The bytes of every embedded image, column by column, in row order."""
    for name in _image_columns(table.schema):
        for chunk in table[name].chunks:
            structs = chunk.flatten() if pa.types.is_list(chunk.type) else chunk
            yield from (item.as_py() for item in pc.struct_field(structs, "bytes") if item.is_valid)


def picture_columns(schema: pa.Schema) -> list[str]:
    """Columns of images, depth maps, or lists of them: what makes rows heavy."""
    return [field.name for field in schema if _is_image_type(field.type) or _is_map_type(field.type)]


def _image_columns(schema: pa.Schema) -> list[str]:
    """Columns of ``datasets.Image`` or lists of it."""
    return [field.name for field in schema if _is_image_type(field.type)]


def _is_map_type(kind: pa.DataType) -> bool:
    """Lists of 2-D arrays."""
    return pa.types.is_list(kind) and pa.types.is_list(kind.value_type) and pa.types.is_list(kind.value_type.value_type)


def _is_image_type(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_list(kind) else kind
    return pa.types.is_struct(kind) and [child.name for child in kind] == ["bytes", "path"]


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
