"""Choosing rows by the values of their columns, of any table."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builders.errors import InputError
from recipes.finetuning.mix import Source


def chosen(table: pa.Table, source: Source) -> NDArray[np.bool_]:
    """(N,) whether a row has, in every column of ``where``, one of the values named.

    Raises:
        InputError: no such column, or one that holds no plain values.
    """
    fits = np.ones(len(table), np.bool_)
    for column, values in source.where.items():
        wanted = pa.array([str(value) for value in values])
        fits &= pc.is_in(_texts(table, column, source), value_set=wanted).to_numpy(zero_copy_only=False)
    return fits


def column_of(table: pa.Table, column: str, source: Source) -> NDArray[np.str_]:
    """(N,) values as text; missing ones are empty.

    Raises:
        InputError: as ``chosen``.
    """
    encoded = _texts(table, column, source).dictionary_encode()
    return np.array(encoded.dictionary.to_pylist(), np.str_)[encoded.indices.to_numpy()]


def _texts(table: pa.Table, column: str, source: Source) -> pa.Array:
    if column not in table.column_names:
        raise InputError(f"{source.name}: {source.dataset} has no column {column!r}; it has: "
                         f"{', '.join(table.column_names)}")
    try:
        texts = pc.fill_null(pc.cast(table[column], pa.string()), "")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{source.name}: column {column!r} of {source.dataset} holds no plain values") from error
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
