"""How rows are written: pictures once per row group, row groups cut by what they expand to."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Image, List, Value

from builders.hub import parquet
from builders.hub.files import sha256_of
from builders.hub.parquet import TableWriter, image_bytes_per_row
from builders.hub.parts import read_rows

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


def test_row_groups_are_cut_by_different_pictures_whatever_tables_bring_them(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "HELD_BYTES", 500_000)
    rows = table(100, 60)
    for step in (100, 7, 1):
        with TableWriter(tmp_path / f"{step}.parquet", SCHEMA) as writer:
            for start in range(0, 100, step):
                writer.write(rows.slice(start, step))
    assert len({sha256_of(path) for path in tmp_path.iterdir()}) == 1
    groups = pq.ParquetFile(tmp_path / "7.parquet")
    read = [groups.read_row_group(i)["image"].to_pylist() for i in range(groups.num_row_groups)]
    different = [40_000 * len({image["path"] for row in group for image in row}) for group in read]
    assert max(different) <= 500_000 and min(different[:-1]) > 400_000
    assert pq.read_table(tmp_path / "7.parquet").equals(rows)


def test_shared_pictures_are_held_once(tmp_path):
    rows = table(400, 10)
    before = pa.total_allocated_bytes()
    with TableWriter(tmp_path / "a.parquet", SCHEMA) as writer:
        for start in range(0, 400, 20):
            writer.write(rows.slice(start, 20))
        held = pa.total_allocated_bytes() - before
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 1
    assert held < 100_000 and sum(image_bytes_per_row(rows)) == 32_000_000


def test_chosen_rows_of_a_part_come_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "HELD_BYTES", 500_000)
    rows = table(100, 60)
    with TableWriter(tmp_path / "rows.parquet", SCHEMA) as writer:
        writer.write(rows)
    chosen = np.array([0, 1, 5, 29, 30, 31, 62, 99])
    tables = list(read_rows(tmp_path, "rows", chosen))
    assert pa.concat_tables(tables).equals(rows.take(pa.array(chosen)))
    assert [len(one) for one in tables] == [3, 3, 1, 1]


def test_missing_pictures_count_nothing(tmp_path):
    rows = pa.Table.from_pylist([{"id": 0, "image": [None, None], "note": ""}, {"id": 1, "image": [], "note": None}],
                                schema=SCHEMA)
    assert image_bytes_per_row(rows) == [0, 0]
    with TableWriter(tmp_path / "a.parquet", SCHEMA) as writer:
        writer.write(rows)
    assert pq.read_table(tmp_path / "a.parquet").equals(rows)


def test_a_failed_write_does_not_hide_its_cause(tmp_path):
    with pytest.raises(RuntimeError, match="cause"), TableWriter(tmp_path / "a.parquet", SCHEMA):
        raise RuntimeError("cause")
