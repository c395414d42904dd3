"""The pictures of a table, each different one once: rows name them by number. Pictures that rows share cost memory and
hashing once, however often they are shown."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBERED = pa.dictionary(pa.int32(), pa.binary())
"""The type of bytes that are held once, and named by number."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Those of one column, numbered from 0 in the order in which rows show them."""

    data: pa.Array
    """The bytes of each."""
    sizes: Sequence[int]
    digests: Sequence[bytes]
    column: pa.Array
    """The column, with a number in place of bytes."""
    shown: Sequence[int | None]
    """The numbers, row after row; None where a row has a place for a picture, and none in it."""
    ends: Sequence[int]
    """How many of ``shown`` each row and those before it have."""

    def of_row(self, row: int) -> list[int]:
        first = self.ends[row - 1] if row else 0
        return [number for number in self.shown[first : self.ends[row]] if number is not None]


def pictures_of(table: pa.Table) -> dict[str, Pictures]:
    """By column."""
    return {name: _pictures(table[name].combine_chunks()) for name in image_columns(table.schema)}


def _pictures(column: pa.Array) -> Pictures:
    found: list[pa.DictionaryArray] = []

    def number(data: pa.Array) -> pa.Array:
        found.append(data.dictionary_encode())
        return found[0].indices

    numbered = with_bytes(column, number)
    data, shown = found[0].dictionary, found[0].indices.to_pylist()
    digests = [hashlib.blake2b(one.as_buffer(), digest_size=16).digest() for one in data]
    ends = np.cumsum(_counts(column)).tolist()
    return Pictures(data, pc.binary_length(data).to_pylist(), digests, numbered, shown, ends)


def with_bytes(column: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """A column of pictures, or of lists of them, with something else in place of their bytes, one for one."""
    missing = column.is_null()
    if pa.types.is_list(column.type):
        offsets = pa.array(np.concatenate([[0], np.cumsum(_counts(column))]), pa.int32())
        return pa.ListArray.from_arrays(offsets, with_bytes(column.flatten(), change), mask=missing)
    changed = [change(pc.struct_field(column, "bytes")), pc.struct_field(column, "path")]
    return pa.StructArray.from_arrays(changed, ["bytes", "path"], mask=missing)


def with_type_of_bytes(kind: pa.DataType, leaf: pa.DataType) -> pa.DataType:
    """The type of such a column."""
    if pa.types.is_list(kind):
        return pa.list_(with_type_of_bytes(kind.value_type, leaf))
    return pa.struct([("bytes", leaf), ("path", kind.field("path").type)])


def _counts(column: pa.Array) -> np.ndarray:
    """How many places for pictures each row has."""
    if not pa.types.is_list(column.type):
        return np.ones(len(column), dtype=np.int64)
    return pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)


def image_columns(schema: pa.Schema) -> list[str]:
    """Columns of ``datasets.Image`` or lists of it."""
    return [field.name for field in schema if is_image_type(field.type)]


def is_image_type(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_list(kind) else kind
    return pa.types.is_struct(kind) and [child.name for child in kind] == ["bytes", "path"]
