"""Reading a tree: the release's quirks cost no row, and what cannot be read is told by its place."""

import json
import os
import tracemalloc

import pytest
from datasets import load_dataset

from builders.hub.check import folder_problems, licence_problems
from builders.hub.manifest import read_manifest
from builders.spar.jsonl.read import LONGEST_LINE, import_jsonl
from tests.builders.spar.jsonl.made import published, read_back, write_tree
from tests.builders.toy import flat_jpeg


def test_reads_the_release_with_its_quirks(tmp_path):
    options = "Which depth?\nA. 2.2\nB. 2.3\nC. 2.1\nD. 1.4\nYour answer can only include one of options A, B, C or D."
    asked = [{"from": "human", "value": options}, {"from": "gpt", "value": "D"}]
    write_tree(tmp_path, [published(), b"", published(extra={"a": 1}, blue_point=[120, 44]), b"  \r",
                          published(red_point=[[[1003, -2]]], green_point=None)], count=76837)
    write_tree(tmp_path, [published(conversations=asked)], form="select", split="val")
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert not result.malformed and len(result.notes) == 1 and "holds 3 readable" in result.notes[0]
    manifest = read_manifest(tmp_path / "out")
    assert folder_problems(tmp_path / "out", manifest) == []
    assert "names no licence" in licence_problems(manifest)[0]
    data = load_dataset(str(tmp_path / "out"), "depth_prediction_oc")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 3, "validation": 1}
    rows = data["train"].to_list()
    assert [row["uid"][-1] for row in rows] == ["0", "1", "2"]  # ids repeat in the release, ours do not
    first = rows[0]
    assert (first["source"], first["scene_id"], first["frame_ids"]) == ("scannet", "scene0261_00", ["543"])
    assert (first["answer_value"], first["unit"], first["metric"], first["level"]) == ([1.7], ["m"], "mra", "low")
    assert rows[1]["objects"] == first["objects"]
    assert rows[2]["objects"][0]["point"] == [1003, -2]  # the release has markers past the border
    assert first["objects"][0]["object_id"] is None and first["image"] == [None]
    chosen = data["validation"][0]
    assert (chosen["options"], chosen["answer_value"]) == (["2.2", "2.3", "2.1", "1.4"], [1.4])


@pytest.mark.parametrize("line, reason", [
    (b'{"id": "scene', "Unterminated"),
    (b"\xff\xfe", "decode"),
    (b"[" * 100_000, "nested too deeply"),
    (b"[1]", "expected an object"),
    (published(image=["../../etc/passwd"]), "refused path"),
    (published(image=["/etc/passwd"]), "refused path"),
    (published(image=["scene0261_00/../x/1.jpg"]), "refused path"),
    (published(image=["C:\\x\\1.jpg"]), "refused path"),
    (published(image=["s" * 300 + "/image_color/1.jpg"]), "refused path"),
    (published(image=["a/image_color/1.jpg", "b/image_color/1.jpg"]), "more than one scene"),
    (published(image=[]), "list of paths"),
    (published(type="obj_count"), "in the folder of depth_prediction_oc"),
    (published(conversations=[{"from": "human", "value": "?"}]), "two turns"),
    (published(conversations=[{"from": ["x"], "value": "?"}, {"from": "gpt", "value": "?"}]), "'human'"),
    (published(red_point=[["left", 3]]), "2 whole numbers"),
    (published(red_point=[[1, 2, 3]]), "2 whole numbers"),
    (published(red_point="middle"), "expected a list"),
    (published(image=["s/image_color/1.jpg", "s/image_color/2.jpg"]), "img_idx"),
    (published(image=["s/image_color/1.jpg", "s/image_color/2.jpg"], point_img_idx=[[0, 2]]), "indices below 2"),
    (published(vantage={"objects": None}), "objects"),
    (published(vantage={"answer_value": ["x"]}), "x"),
    (b'{"a": NaN}', "not a number"),
])
def test_a_line_that_cannot_be_read_is_told_by_its_place(tmp_path, line, reason):
    write_tree(tmp_path, [published(), b"", line, published()])
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert result.rows.total() == 2 == len(read_back(tmp_path / "out"))
    (told,) = result.malformed
    assert told.startswith("spar/scannet/qa_jsonl/train/depth_prediction_oc/fill/fill_4.jsonl:3: ") and reason in told
    assert (tmp_path / "out/malformed.txt").read_text() == told + "\n"


def test_what_is_no_file_of_records_is_told_and_costs_no_row(tmp_path):
    write_tree(tmp_path, [published()])
    folder = next(tmp_path.glob("spar/*/qa_jsonl/train/*/fill"))
    (folder / "a.jsonl").mkdir()
    (folder / "b.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "c.jsonl")
    write_tree(tmp_path, [published(type="README.md")], task="README.md")
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert result.rows.total() == 1 and len(result.malformed) == 4
    assert sum("is no file" in line for line in result.malformed) == 3


def test_one_uid_names_one_row(tmp_path):
    write_tree(tmp_path, [published(vantage={"uid": "a"}), published(), published(vantage={"uid": "a"})])
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert result.rows.total() == 2 and [m.partition(":3: ")[2] for m in result.malformed] == ["uid a occurs twice"]


def test_an_endless_line_is_passed_over_without_being_read_whole(tmp_path):
    length = 8 * LONGEST_LINE + 5
    write_tree(tmp_path, [b"x" * length, published()])
    tracemalloc.start()
    try:
        result = import_jsonl(tmp_path, tmp_path / "out")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.rows.total() == 1 and ":1: longer than" in result.malformed[0]
    assert most < length / 2


def test_copies_of_other_tasks_in_a_wrong_folder_are_told_not_imported(tmp_path):
    write_tree(tmp_path, [published()])
    write_tree(tmp_path, [published()], task="view_change_infer/depth_prediction_oc")
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert result.rows == {"depth_prediction_oc/train": 1}
    assert "view_change_infer/depth_prediction_oc/fill/fill_1.jsonl: not in" in result.malformed[0]


@pytest.mark.parametrize("pixels, embedded", [("auto", False), ("referenced", False), ("embedded", True)])
def test_pictures_of_licensed_scans_are_embedded_only_when_asked_for(tmp_path, pixels, embedded):
    write_tree(tmp_path, [published()])
    picture = tmp_path / "spar/scannet/images/scene0261_00/image_color/543.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(flat_jpeg(32, 24))
    import_jsonl(tmp_path, tmp_path / "out", pixels)
    wanted = {"bytes": flat_jpeg(32, 24), "path": "scene0261_00_543.jpg"} if embedded else None
    assert read_back(tmp_path / "out")[0]["image"] == [wanted]


def test_other_rows_get_another_version_so_that_no_cache_serves_the_old_ones(tmp_path):
    versions = []
    for n, answer in enumerate(("1.7", "1.8", "1.7")):
        turns = [{"from": "human", "value": "How deep?"}, {"from": "gpt", "value": answer}]
        write_tree(tmp_path / f"in{n}", [published(conversations=turns)])
        import_jsonl(tmp_path / f"in{n}", tmp_path / f"out{n}")
        versions.append(json.loads((tmp_path / f"out{n}/manifest.json").read_text())["version"])
    assert versions[0] == versions[2] != versions[1]
