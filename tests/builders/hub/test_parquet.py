"""How rows are written: pictures once per row group, row groups cut by what they expand to."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Image, List, Value

from builders.hub import parquet
from builders.hub.parquet import TableWriter, encoded_images, image_bytes_per_row

SCHEMA = Features({"id": Value("int64"), "image": List(Image()), "note": Value("string")}).arrow_schema


def table(rows, unique, size=40_000):
    rng = np.random.default_rng(0)
    pictures = [{"bytes": rng.bytes(size), "path": f"{i}.jpg"} for i in range(unique)]
    data = [{"id": i, "image": [pictures[i % unique], pictures[(i + 1) % unique]], "note": "x" * (i % 7)}
            for i in range(rows)]
    return pa.Table.from_pylist(data, schema=SCHEMA)


def test_shared_pictures_cost_their_unique_bytes_and_read_back_equal(tmp_path):
    rows = table(200, 10)
    with TableWriter(tmp_path / "a.parquet", SCHEMA) as writer:
        writer.write(rows.slice(0, 50))
        writer.write(rows.slice(50))
    unique, plain = 10 * 40_000, sum(image_bytes_per_row(rows))
    assert plain == 400 * 40_000
    assert (tmp_path / "a.parquet").stat().st_size < 1.1 * unique
    assert pq.read_table(tmp_path / "a.parquet").equals(rows)


def test_row_groups_are_cut_by_expanded_bytes_across_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 1_000_000)
    rows = table(100, 5)
    with TableWriter(tmp_path / "a.parquet", SCHEMA) as writer:
        for start in range(0, 100, 7):
            writer.write(rows.slice(start, 7))
    groups = pq.ParquetFile(tmp_path / "a.parquet")
    sizes = [sum(image_bytes_per_row(groups.read_row_group(i))) for i in range(groups.num_row_groups)]
    assert max(sizes) <= 1_000_000 and min(sizes[:-1]) > 900_000
    assert pq.read_table(tmp_path / "a.parquet").equals(rows)


def test_missing_pictures_count_nothing(tmp_path):
    rows = pa.Table.from_pylist([{"id": 0, "image": [None, None], "note": ""}, {"id": 1, "image": [], "note": None}],
                                schema=SCHEMA)
    assert image_bytes_per_row(rows) == [0, 0] and list(encoded_images(rows)) == []
    with TableWriter(tmp_path / "a.parquet", SCHEMA) as writer:
        writer.write(rows)
    assert pq.read_table(tmp_path / "a.parquet").equals(rows)


def test_a_failed_write_does_not_hide_its_cause(tmp_path):
    with pytest.raises(RuntimeError, match="cause"), TableWriter(tmp_path / "a.parquet", SCHEMA):
        raise RuntimeError("cause")
