"""Parquet as every Vantage file is written: image bytes once per row group, small row groups, page index.

Rows that share a picture repeat its bytes. Dictionary encoding stores them once, if the dictionary page may grow large
enough (the default limit of 1 MB falls back to plain without a word). A reader expands one row group at a time, so row
groups are cut by their EXPANDED size.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROW_GROUP_BYTES = 100_000_000
"""Upper bound of the expanded image bytes of a row group (one row may exceed it alone)."""

_DICTIONARY_BYTES = 4 * ROW_GROUP_BYTES


class TableWriter:
    """Appends tables to one Parquet file. Use as a context manager; the file is complete when it closes."""

    def __init__(self, path: Path, schema: pa.Schema, metadata: dict[str, str] | None = None):
        if metadata:
            schema = schema.with_metadata({**(schema.metadata or {}), **metadata})
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, **writer_options(schema))
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0

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
            if self._pending_bytes and self._pending_bytes + size > ROW_GROUP_BYTES:
                self._pending.append(table.slice(start, row - start))
                self._flush()
                start = row
            self._pending_bytes += size
        self._pending.append(table.slice(start))

    def _flush(self) -> None:
        rows = pa.concat_tables(self._pending) if self._pending else None
        if rows:
            self._writer.write_table(rows.replace_schema_metadata(self._schema.metadata), row_group_size=len(rows))
        self._pending, self._pending_bytes = [], 0


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """Keyword arguments of ``pyarrow.parquet`` writers for tables with this schema."""
    leaves = _leaves(schema)
    return {
        "compression": {name: "NONE" if _is_image(name) else "ZSTD" for name in leaves},
        "use_dictionary": True,
        "dictionary_pagesize_limit": _DICTIONARY_BYTES,
        "write_page_index": True,
        "write_page_checksum": True,
        "write_statistics": [name for name in leaves if not _is_image(name)],
    }


def image_bytes_per_row(table: pa.Table) -> list[int]:
    """Embedded image bytes of each row, as a reader will expand them."""
    if "image" not in table.column_names or not len(table):
        return [0] * len(table)
    column = table["image"].combine_chunks()
    if not pa.types.is_list(column.type):
        return pc.fill_null(pc.binary_length(pc.struct_field(column, "bytes")), 0).to_pylist()
    lengths = pc.fill_null(pc.binary_length(pc.struct_field(pc.list_flatten(column), "bytes")), 0).to_pylist()
    counts = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    sizes, position = [], 0
    for count in counts:
        sizes.append(sum(lengths[position : position + count]))
        position += count
    return sizes


def encoded_images(table: pa.Table) -> Iterator[bytes]:
    """The bytes of every embedded image, in row order."""
    if "image" in table.column_names:
        for chunk in table["image"].chunks:
            structs = chunk.flatten() if pa.types.is_list(chunk.type) else chunk
            yield from (item.as_py() for item in pc.struct_field(structs, "bytes") if item.is_valid)


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


def _is_image(path: str) -> bool:
    return path.startswith("image.") and path.endswith(".bytes")
