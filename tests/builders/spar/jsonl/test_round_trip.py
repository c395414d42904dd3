"""Rows of every task go out and come back as they were, and a reader of the release finds what it looks for."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from builders.scenes import open_source
from builders.spar.jsonl.export import export_jsonl
from builders.spar.jsonl.read import import_jsonl
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from tests.builders.spar.jsonl.made import SCHEMA, made_row, read_back, write_rows
from tests.builders.spar.jsonl.released import released_markers, released_records, row_markers
from tests.builders.toy import flat_jpeg


def tree_hash(folder):
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """(folder in the form of spar_7m, its rows): rows of every task and format that a procedural room gives."""
    source, limits = open_source("procedural", 0, "raycast"), Limits()
    scene = source.load(source.scene_ids()[0])
    record = build_record(scene, limits, video=True)
    pictures = {f.frame_id: {"bytes": flat_jpeg(40, 30, i), "path": f"{scene.scene_id}_{f.frame_id}.jpg"}
                for i, f in enumerate(scene.frames)}
    folder, rows = tmp_path_factory.mktemp("room"), []
    for task in TASKS.values():
        made = [row | {"image": [pictures[f] for f in row["frame_ids"]]} for form in task.formats
                for row in task_rows(task, form, record, limits, 1, ("jsonl", "1", 0), Counter())]
        if made:
            write_rows(folder / task.name / "train-00000-of-00001.parquet", made)
        rows += made
    return folder, sorted(rows, key=lambda row: row["uid"])


@pytest.fixture(scope="module")
def trees(room, tmp_path_factory):
    """The room exported, with and without our key."""
    out = tmp_path_factory.mktemp("trees")
    export_jsonl(room[0], out / "own", {})
    export_jsonl(room[0], out / "plain", {}, plain=True)
    return out


def test_one_scene_exported_and_read_back_gives_the_same_rows_in_all_columns(room, trees, tmp_path):
    result = import_jsonl(trees / "own", tmp_path / "again")
    assert not result.malformed and not result.missing_pictures
    got = read_back(tmp_path / "again")
    assert {row["task"] for row in got} == set(TASKS)
    assert pa.Table.from_pylist(got, schema=SCHEMA).equals(pa.Table.from_pylist(room[1], schema=SCHEMA))


def test_plain_records_give_back_all_that_the_layout_holds(room, trees, tmp_path):
    assert not any("vantage" in record for _, record in released_records(trees / "plain"))
    import_jsonl(trees / "plain", tmp_path / "again")
    held = ("source", "scene_id", "frame_ids", "task", "level", "img_type", "relation", "format_type", "question",
            "answer", "options", "metric", "image")
    by_text = {(row["task"], row["question"], tuple(row["frame_ids"])): row for row in room[1]}
    got = read_back(tmp_path / "again")
    assert len(got) == len(room[1]) and len({row["uid"] for row in got}) == len(got)
    recovered = Counter()
    for row in got:
        before = by_text[row["task"], row["question"], tuple(row["frame_ids"])]
        assert {name: row[name] for name in held} == {name: before[name] for name in held}
        assert row_markers(row) == row_markers(before)
        assert (row["answer_exact"], row["heuristic"], row["vertical_gap"], row["template_id"]) == ([], "", None, "")
        if row["answer_value"]:
            assert (row["answer_value"], row["unit"]) == (before["answer_value"], before["unit"])
            recovered[row["format_type"]] += 1
    assert recovered["fill"] and recovered["select"] and set(recovered) == {"fill", "select"}


@pytest.mark.parametrize("form", ["own", "plain"])
def test_a_reader_of_the_release_finds_index_pictures_and_markers(room, trees, form):
    rows = {(row["task"], row["question"], tuple(row["frame_ids"])): row for row in room[1]}
    seen, ids = Counter(), set()
    for key, record in released_records(trees / form):
        human, gpt = record["conversations"]
        frames = tuple(Path(name).stem.rpartition("_")[2] for name in record["image"])
        row = rows[key.removeprefix("procedural_").rpartition("_")[0], human["value"], frames]
        assert (human["from"], gpt["from"], gpt["value"]) == ("human", "gpt", row["answer"])
        assert record["type"] == ("nav" if row["task"] == "nav_video" else row["task"])
        assert released_markers(record) == row_markers(row), key
        seen[key] += 1
        ids.add(record["id"])
    assert seen.total() == len(room[1]) == len(ids)  # also: ids unique over all tasks
    assert all(name.startswith("room_") for name in ids)


def test_the_same_folder_gives_the_same_bytes(room, trees, tmp_path):
    export_jsonl(room[0], tmp_path / "twice", {})
    assert tree_hash(tmp_path / "twice") == tree_hash(trees / "own")


def test_navigation_has_a_folder_and_a_type_of_its_own(tmp_path):
    row = made_row("nav_video", frames=2, format_type="sentence", img_type="video", image=[None, None])
    write_rows(tmp_path / "in/nav_video/train-00000-of-00001.parquet", [row])
    export_jsonl(tmp_path / "in", tmp_path / "out", {})
    (path,) = (tmp_path / "out").rglob("*.jsonl")
    assert path == tmp_path / "out/spar/scannet/qa_jsonl/train/nav_video/sentence/sentence_1.jsonl"
    assert json.loads(path.read_text())["type"] == "nav"
    import_jsonl(tmp_path / "out", tmp_path / "again")
    assert read_back(tmp_path / "again") == [row]
