"""The file forms of a benchmark give the same rows; what is no benchmark ends with one line that says what to do."""

import base64
import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import InputError
from builders.tagged import files
from builders.tagged.embspatial_tagged import EmbSpatialTagged
from builders.tagged.files import JsonRows, open_rows
from tests.builders.tagged.made import SIZES, depth_row, direction_row, write_json, write_parquet, write_tsv

PUBLISHED = ("question_id", "data_source", "scene_id", "question", "relation", "answer_options", "answer", "objects")


@pytest.fixture(scope="module")
def rows():
    made = [depth_row(source, n, ("far", "close")[n % 2], (h * 0.2, h * 0.5, h * 0.6, h * 0.8), answer=n % 4)
            for source, (_, h) in SIZES.items() for n in range(4)]
    return [*made, direction_row("mp3d", 50, "under"), direction_row("scannet", 51, "above")]


def read(path, **settings):
    builder = EmbSpatialTagged(sources=(f"file={path}",), **settings)
    return list(builder.as_streaming_dataset("test").decode(False))


def write_jsonl(path, rows):
    lines = [json.dumps(row | {"image": base64.b64encode(row["image"]).decode()}, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("form", ["json", "jsonl", "list of dicts", "dict of lists", "shards", "tsv"])
def test_every_form_gives_the_published_columns_unchanged(form, rows, tmp_path):
    settings = {}
    if form in ("json", "jsonl"):
        path = (write_json if form == "json" else write_jsonl)(tmp_path / f"bench.{form}", rows)
    elif form == "tsv":
        path = write_tsv(tmp_path / "bench.tsv", rows)
        settings = {"boxes": str(write_json(tmp_path / "boxes.json", rows[::-1]))}
    elif form == "shards":
        (tmp_path / "data").mkdir()
        path = tmp_path / "data"
        write_parquet(path / "test-00000-of-00002.parquet", rows[:5])
        write_parquet(path / "test-00001-of-00002.parquet", rows[5:], "dict of lists")
    else:
        path = write_parquet(tmp_path / "bench.parquet", rows, form)
    got = read(path, **settings)
    assert [{name: row[name] for name in PUBLISHED} for row in got] == [
        {name: row[name] for name in PUBLISHED} for row in rows]
    assert [row["image"]["bytes"] for row in got] == [row["image"] for row in rows]
    assert all(bool(row["heuristic"]) == (row["relation"] in ("close", "far")) for row in got)


def test_json_objects_are_found_wherever_blocks_end(rows, tmp_path, monkeypatch):
    question = 'Wo ist „{Stuhl}, [Tisch"\\ ]}?\u2028 é'
    odd = [row | {"image": base64.b64encode(row["image"]).decode(), "question": question} for row in rows[:4]]
    path = tmp_path / "bench.json"
    path.write_bytes(b"\xef\xbb\xbf \n" + json.dumps(odd, ensure_ascii=False, indent=1).encode())
    for block in (61, 1000, 1 << 20):
        monkeypatch.setattr(files, "_BLOCK", block)
        held = JsonRows(path)
        assert list(held.rows()) == odd and list(held.rows(1, 3)) == odd[1:3]


def test_tsv_cells_may_hold_line_breaks_and_quotes(tmp_path):
    path = tmp_path / "a.tsv"
    cells = [["a", "b"], ['x "1"\ny', "é"], ["2\t3", ""], ["last", "z"]]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter="\t").writerows(cells)
    held = open_rows(path)
    assert list(held.rows()) == [{"a": a, "b": b or None} for a, b in cells[1:]]
    assert [next(held.rows(i, i + 1))["a"] for i in (2, 0, 1)] == ["last", 'x "1"\ny', "2\t3"]


def test_parquet_rows_are_read_from_the_middle(tmp_path):
    pq.write_table(pa.table({"n": range(500), "m": range(500)}), tmp_path / "a.parquet", row_group_size=130)
    held = open_rows(tmp_path / "a.parquet")
    for start, stop in ((0, 500), (0, 1), (129, 131), (37, 401), (499, 500)):
        assert [row["n"] for row in held.rows(start, stop, ["n"])] == list(range(start, stop))


def damaged(tmp_path, rows):
    tsv = write_tsv(tmp_path / "bench.tsv", rows)
    whole = write_json(tmp_path / "bench.json", rows).read_text()
    (tmp_path / "cut.json").write_text(whole[: len(whole) // 2])
    (tmp_path / "words.json").write_text("no benchmark")
    (tmp_path / "numbers.json").write_text("[1, 2]")
    (tmp_path / "empty.json").write_text("[]")
    (tmp_path / "other.json").write_text('[{"a": 1}]')
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "folder").mkdir()
    (tmp_path / "boxless.json").write_text(json.dumps([{"question_id": "mp3d_0"}]))
    (tmp_path / "latin.tsv").write_bytes("question_id\tquestion\timage\tanswer\nä\tb\tc\tA\n".encode("latin-1"))
    return tsv


@pytest.mark.parametrize("name, settings, says", [
    ("none.json", {}, "no such file"),
    ("cut.json", {}, "what begins at byte"),
    ("words.json", {}, "expected a JSON array of objects"),
    ("numbers.json", {}, "expected JSON objects"),
    ("empty.json", {}, "no column question_id"),
    ("other.json", {}, "no column question_id, question, image, answer (its columns: a)"),
    ("notes.txt", {}, "ends in .parquet, .json, .jsonl, .tsv"),
    ("bad.parquet", {}, "not readable as Parquet"),
    ("folder", {}, "holds no Parquet file"),
    ("latin.tsv", {}, "not readable as UTF-8 TSV"),
    ("bench.tsv", {}, "add --set boxes=PATH"),
    ("bench.tsv", {"boxes": "none.json"}, "no such file"),
    ("bench.tsv", {"boxes": "boxless.json"}, "no row has a question_id and objects with boxes"),
])
def test_what_is_no_benchmark_is_said_in_one_line(name, settings, says, rows, tmp_path):
    damaged(tmp_path, rows)
    settings = {key: str(tmp_path / value) for key, value in settings.items()}
    with pytest.raises(InputError) as error:
        read(tmp_path / name, **settings)
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("settings, says", [
    ({"sources": ("hub=",)}, "expected hub, hub=REPO, hub=REPO@REVISION or file=PATH"),
    ({"sources": ("lidar",)}, "expected procedural, hub, hub=REPO"),
    ({"sources": ("hub", "procedural")}, "expected one"),
    ({"policy": "best"}, "random_distractor, row_order_random, nearest_in_height, all_distractors"),
    ({"box_formats": "mp3d"}, "expected SOURCE=xywh or SOURCE=xyxy"),
    ({"box_slack": -1.0}, "expected a number of 0 or more"),
    ({"sources": ("file=a.json",), "scenes": 3}, "apply to procedural rooms"),
    ({"scene_ids": ("room_x",)}, "no such room"),
    ({"sources": ("file=a.json",), "renderer": "raycast"}, "apply to procedural rooms"),
    ({"boxes": "a.json"}, "apply to a published benchmark"),
    ({"box_formats": "procedural=xywh"}, "apply to a published benchmark"),
    ({"per_relation": 0}, "at least 1"),
])
def test_wrong_settings_are_refused(settings, says):
    with pytest.raises(InputError) as error:
        assert EmbSpatialTagged(**settings).refs
    assert says in str(error.value)
