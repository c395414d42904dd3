"""The published JSONL tree: what we write is read by a loader made from the release's description alone, what we read
comes back as it was, and the release's quirks cost no row without a word."""

import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, load_dataset
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import InputError
from builders.hub.parquet import TableWriter
from builders.scenes import open_source
from builders.spar.jsonl.conversion import OWN_COLUMNS, record_of, row_of
from builders.spar.jsonl.export import export_jsonl
from builders.spar.jsonl.layout import Malformed, picture_name, scene_and_frame
from builders.spar.jsonl.read import LONGEST_LINE, import_jsonl
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import BENCH_FEATURES, SPAR_FEATURES, task_rows
from builders.spar.tasks import TASKS
from tests.builders.toy import flat_jpeg

SCHEMA = Features(SPAR_FEATURES).arrow_schema
MATRIX = [[577.87, 0.0, 319.5], [0.0, 577.87, 239.5], [0.0, 0.0, 1.0]]

DRAWN = {
    "obj_spatial_relation_oo": ["red_bbox", "blue_bbox"],
    "depth_prediction_oc": ["red_point", "blue_point"],
    "depth_prediction_oo": ["red_point", "blue_point", "green_point"],
    "distance_prediction_oc": ["red_point"],
    "distance_prediction_oo": ["red_point", "blue_point"],
    "distance_infer_center_oo": ["red_point", "blue_point", "green_point"],
    "spatial_volume_infer": ["red_bbox"],
    "spatial_imagination_oc": ["red_bbox", "blue_bbox", "green_bbox"],
    "spatial_imagination_oo": ["red_bbox", "blue_bbox", "green_bbox", "yellow_bbox"],
    "position_matching": ["red_bbox"],
    "depth_prediction_oc_mv": ["red_point", "blue_point"],
    "depth_prediction_oo_mv": ["red_point", "blue_point", "green_point"],
    "distance_prediction_oc_mv": ["red_point"],
    "distance_prediction_oo_mv": ["red_point", "blue_point"],
    "distance_infer_center_oo_mv": ["red_point", "green_point", "blue_point"],
    "obj_spatial_relation_oc_mv": ["red_bbox", "blue_bbox", "green_bbox"],
    "obj_spatial_relation_oo_mv": ["red_bbox", "blue_bbox", "green_bbox"],
    "spatial_imagination_oc_mv": ["green_bbox", "blue_bbox", "red_bbox"],
    "spatial_imagination_oo_mv": ["green_bbox", "blue_bbox", "red_bbox", "yellow_bbox"],
    "distance_prediction_oo_video": ["red_point", "blue_point"],
    "spatial_imagination_oc_video": ["green_bbox", "blue_bbox", "red_bbox"],
    "spatial_imagination_oo_video": ["green_bbox", "blue_bbox", "red_bbox", "yellow_bbox"],
    "obj_frame_locate": ["red_bbox"],
    "spatial_imagination_map_mv": "bbox_list",
    "distance_infer_center_oo_video": "point_list",
}
"""Type -> what the released drawing code draws, in the order of the image indices."""

ANY_OF = ("obj_spatial_relation_oc_mv", "obj_spatial_relation_oo_mv")
"""Types that use two colours (one colour) of three; the indices count those that are there."""


def released_markers(record):
    """{(image, colour or number, marker)} as the released code draws them."""
    keys = DRAWN.get(record["type"], [])
    form = "point" if "point" in "".join(keys) else "bbox"
    index = record.get(f"{form}_img_idx")
    if isinstance(keys, str):
        return {(index[0][i], i, tuple(marker)) for i, marker in enumerate(record[keys][0])}
    if record["type"] in ANY_OF:
        keys = [key for key in keys if record.get(key)]
    several = len(record["image"]) > 1 and record["type"] != "position_matching"
    return {(index[0][i] if several else 0, key.split("_")[0], tuple(record[key][0])) for i, key in enumerate(keys)}


def row_markers(row):
    numbered = isinstance(DRAWN.get(row["task"]), str)
    marked = [item for item in row["objects"] if item["color"] and (item["point"] or item["bbox"])]
    return {(item["image_index"], i if numbered else item["color"], tuple(item["point"] or item["bbox"]))
            for i, item in enumerate(marked)}


def released_records(tree):
    """(index key, record) by way of the index, as a trainer's loader reads."""
    for index in sorted((tree / "data_jsons").glob("*.json")):
        for key, entry in json.loads(index.read_text()).items():
            path = tree / entry["annotation"]
            lines = path.read_text(encoding="utf-8").splitlines() if path.stat().st_size else []
            assert entry["length"] == len(lines) == int(path.stem.split("_")[-1])
            for line in lines:
                record = json.loads(line)
                assert all((tree / entry["root"] / name).is_file() for name in record["image"])
                yield key, record


def made_row(task, colors=(), views=(), frames=1, form="point", **more):
    """A row with markers of these colours, each in the view of the same place."""
    objects = [{"object_id": str(i), "label": "chair", "color": color, "image_index": view,
                "point": [10 * i, 5] if form == "point" else None,
                "bbox": [i, 2, 30 + i, 40] if form == "bbox" else None}
               for i, (color, view) in enumerate(zip(colors, views, strict=True))]
    images = TASKS[task].img_type if task in TASKS else "single_view"
    return {"uid": f"scannet/scene0000_00/{task}/fill/0", "source": "scannet", "scene_id": "scene0000_00",
            "frame_ids": [str(10 * i) for i in range(frames)], "task": task, "level": "low", "img_type": images,
            "relation": "oo", "format_type": "fill", "question": "How far?", "answer": "1.5", "options": [],
            "answer_value": [1.5], "answer_exact": [1.4999], "unit": ["m"], "metric": "mra", "heuristic": "",
            "vertical_gap": None, "objects": objects, "template_id": "t/q1"} | more


def write_rows(path, rows, schema=SCHEMA):
    path.parent.mkdir(parents=True, exist_ok=True)
    with TableWriter(path, schema) as writer:
        writer.write(pa.Table.from_pylist(rows, schema=schema))


def write_frames(folder, frame_ids, depth=True, source="scannet", scene="scene0000_00", matrix=MATRIX):
    rows = [{"frame_id": f, "scene_id": scene, "source": source, "image": {"bytes": flat_jpeg(64, 48, i), "path": None},
             "depth": {"bytes": b"\x89PNG depth %d" % i, "path": None} if depth else None, "intrinsics": matrix,
             "depth_intrinsics": matrix, "world_from_camera": [[0.1, 0, 0, 1 / 3]] * 4}
            for i, f in enumerate(frame_ids)]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "train-00000-of-00001.parquet")


def read_back(folder):
    tables = [pq.read_table(path) for path in sorted(folder.glob("*/*.parquet"))]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: row["uid"])


def tree_hash(folder):
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


def write_tree(root, lines, task="depth_prediction_oc", form="fill", count=None, split="train", source="scannet"):
    folder = root / "spar" / source / "qa_jsonl" / split / task / form
    folder.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path = folder / f"{form}_{len(lines) if count is None else count}.jsonl"
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    return path


def published(**more):
    """A record as the release has it."""
    return {"id": "scene0261_00_16", "image": ["scene0261_00/image_color/543.jpg"], "type": "depth_prediction_oc",
            "conversations": [{"from": "human", "value": "How deep?"}, {"from": "gpt", "value": "1.7"}],
            "red_point": [[553, 397]], "blue_point": [[120, 44]]} | more


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


@pytest.mark.parametrize("task, colors, index", [
    ("depth_prediction_oo_mv", {"green": 1, "blue": 2, "red": 0}, [0, 2, 1]),
    ("distance_infer_center_oo_mv", {"red": 0, "blue": 2, "green": 1}, [0, 1, 2]),
    ("spatial_imagination_oo_mv", {"red": 0, "yellow": 2, "green": 1, "blue": 2}, [1, 2, 0, 2]),
    ("obj_spatial_relation_oo_mv", {"green": 0, "blue": 2}, [2, 0]),
])
def test_image_indices_follow_the_order_of_each_type(task, colors, index):
    form = "bbox" if "spatial" in task else "point"
    row = made_row(task, tuple(colors), tuple(colors.values()), frames=3, form=form)
    names = [picture_name(f, None, "jpg") for f in row["frame_ids"]]
    record = record_of(row, 0, names, [], plain=True)
    assert record[f"{form}_img_idx"] == [index]
    assert row_markers(row_of(record, "scannet", task, "fill")) == row_markers(row)


@pytest.mark.parametrize("colors", [("blue", "blue", "blue"), ("red", "green", "blue"), ("blue", "red", "green")])
def test_numbered_markers_are_one_list_and_keep_colours_of_their_own(colors):
    row = made_row("distance_infer_center_oo_video", colors, (5, 0, 4), frames=6)
    record = record_of(row, 7, [picture_name(f, i, "jpg") for i, f in enumerate(row["frame_ids"])], [], plain=True)
    assert record["point_list"] == [[[0, 5], [10, 5], [20, 5]]] and record["point_img_idx"] == [[5, 0, 4]]
    assert record["id"] == "scene0000_00_7" and record["image"][5] == "scene0000_00/video_color/frame5_50.jpg"
    back = row_of(record, "scannet", row["task"], "fill")
    assert row_markers(back) == row_markers(row)
    assert tuple(item["color"] for item in back["objects"]) == colors


def test_two_markers_of_one_colour_are_refused_where_the_layout_has_one_place():
    with pytest.raises(ValueError, match="second or unknown red_point"):
        record_of(made_row("depth_prediction_oo", ("red", "red"), (0, 0)), 0, ["image_color/0.jpg"], [], plain=False)


def test_navigation_has_a_folder_and_a_type_of_its_own(tmp_path):
    row = made_row("nav_video", frames=2, format_type="sentence", img_type="video", image=[None, None])
    write_rows(tmp_path / "in/nav_video/train-00000-of-00001.parquet", [row])
    export_jsonl(tmp_path / "in", tmp_path / "out", {})
    (path,) = (tmp_path / "out").rglob("*.jsonl")
    assert path == tmp_path / "out/spar/scannet/qa_jsonl/train/nav_video/sentence/sentence_1.jsonl"
    assert json.loads(path.read_text())["type"] == "nav"
    import_jsonl(tmp_path / "out", tmp_path / "again")
    assert read_back(tmp_path / "again") == [row]


def test_frames_give_pictures_depth_cameras_and_the_video_list(tmp_path):
    still = made_row("depth_prediction_oc", ("red", "blue"), (0, 0), frame_ids=["30"], image=[None])
    video = made_row("obj_count", frames=3, img_type="video", uid="v", image=[None] * 3)
    walk = made_row("nav_video", frames=2, img_type="video", uid="w", format_type="sentence", image=[None] * 2)
    write_rows(tmp_path / "in/a/train-00000-of-00001.parquet", [still, walk, video])
    write_frames(tmp_path / "in/frames", ["0", "10", "20", "30", "40"])
    result = export_jsonl(tmp_path / "in", tmp_path / "out", {})
    assert (result.rows, result.pictures, result.missing) == (3, 6, [])
    scene = tmp_path / "out/spar/scannet/images/scene0000_00"
    assert (scene / "image_color/30.jpg").read_bytes() == flat_jpeg(64, 48, 3)
    assert (scene / "video_color/frame2_20.jpg").read_bytes() == flat_jpeg(64, 48, 2)
    assert (scene / "video_idx.txt").read_text() == "0\n10\n20\n"
    assert not (scene / "image_color/40.jpg").exists()  # no question shows it
    numbers = [[float(x) for x in line.split()] for line in (scene / "pose/30.txt").read_text().splitlines()]
    assert numbers == [[0.1, 0, 0, 1 / 3]] * 4
    assert (scene / "video_pose/frame1_10.txt").is_file() and (scene / "video_depth/frame1_10.png").is_file()
    assert (scene / "intrinsic/intrinsic_color.txt").read_text().startswith("577.87 0.0 319.5\n")
    record = next(record for _, record in released_records(tmp_path / "out") if record["type"] == "depth_prediction_oc")
    assert record["depth"] == ["scene0000_00/image_depth/30.png"]


def test_pictures_with_markers_burnt_in_are_not_taken_for_the_frame(tmp_path):
    views = [{"bytes": flat_jpeg(32, 24, i), "path": None} for i in range(2)]
    row = made_row("depth_prediction_oc_mv", ("red", "blue"), (0, 0), frames=2, id=0, image=views)
    write_rows(tmp_path / "in/default/test-00000-of-00001.parquet", [row], BENCH_FEATURES.arrow_schema)
    result = export_jsonl(tmp_path / "in", tmp_path / "out", {})
    assert result.pictures == 1 and result.missing == ["scannet/scene0000_00/image_color/0.jpg"]
    assert (tmp_path / "out/spar/scannet/images/scene0000_00/image_color/10.jpg").read_bytes() == views[1]["bytes"]
    assert (tmp_path / "out/spar/scannet/qa_jsonl/val/depth_prediction_oc_mv/fill/fill_1.jsonl").is_file()


def test_scans_give_the_pictures_that_rows_refer_to(tmp_path):
    source = open_source("procedural", 0, "raycast")
    scene = source.load("room_000000")
    frame = scene.frames[3]
    row = made_row("obj_count", source="procedural", scene_id="room_000000", frame_ids=[frame.frame_id], image=[None])
    write_rows(tmp_path / "in/a/train-00000-of-00001.parquet", [row])
    assert export_jsonl(tmp_path / "in", tmp_path / "without", {}).missing
    result = export_jsonl(tmp_path / "in", tmp_path / "with", {"procedural": source})
    assert result.pictures == 1 and not result.missing
    (picture,) = (tmp_path / "with/spar/procedural/images/room_000000").rglob("*.jpg")
    assert picture.read_bytes() == source.read_color(scene, frame)


def test_a_failed_or_refused_export_leaves_nothing_new(tmp_path):
    two = [made_row("obj_count", image=[{"bytes": flat_jpeg(32, 24, shade), "path": None}]) for shade in (0, 3)]
    write_rows(tmp_path / "in/a/train-00000-of-00001.parquet", two)
    with pytest.raises(InputError, match="two different pictures"):
        export_jsonl(tmp_path / "in", tmp_path / "out", {})
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("keep")
    with pytest.raises(InputError, match="empty or new"):
        export_jsonl(tmp_path / "in", tmp_path / "out", {})
    assert (tmp_path / "out/mine.txt").read_text() == "keep"


@pytest.mark.parametrize("row", [{"scene_id": "../../x"}, {"source": "/etc"}, {"task": ".."}, {"format_type": "a/b"}])
def test_names_from_rows_cannot_leave_the_tree(tmp_path, row):
    write_rows(tmp_path / "in/a/train-00000-of-00001.parquet", [made_row("obj_count", image=[None]) | row])
    with pytest.raises(InputError):
        export_jsonl(tmp_path / "in", tmp_path / "out", {})
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_reads_the_release_with_its_quirks(tmp_path):
    options = "Which depth?\nA. 2.2\nB. 2.3\nC. 2.1\nD. 1.4\nYour answer can only include one of options A, B, C or D."
    asked = [{"from": "human", "value": options}, {"from": "gpt", "value": "D"}]
    write_tree(tmp_path, [published(), b"", published(extra={"a": 1}, blue_point=[120, 44]), b"  \r",
                          published(red_point=[[[1003, -2]]], green_point=None)], count=76837)
    write_tree(tmp_path, [published(conversations=asked)], form="select", split="val")
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert not result.malformed and len(result.notes) == 1 and "holds 3 readable" in result.notes[0]
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
    write_tree(tmp_path, [b"x" * (2 * LONGEST_LINE + 5), published()])
    result = import_jsonl(tmp_path, tmp_path / "out")
    assert result.rows.total() == 1 and ":1: longer than" in result.malformed[0]


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
    versions = set()
    for answer in ("1.7", "1.8"):
        turns = [{"from": "human", "value": "How deep?"}, {"from": "gpt", "value": answer}]
        write_tree(tmp_path / answer, [published(conversations=turns)])
        import_jsonl(tmp_path / answer, tmp_path / f"out{answer}")
        versions.add(json.loads((tmp_path / f"out{answer}/manifest.json").read_text())["version"])
    assert len(versions) == 2


def test_every_column_is_in_the_record_or_under_our_key():
    in_record = {"source", "scene_id", "frame_ids", "task", "format_type", "question", "answer", "image"}
    assert set(SPAR_FEATURES) == in_record | set(OWN_COLUMNS)


texts = st.text(st.characters(exclude_categories=["Cs"]))
marker = st.lists(st.integers(-5, 1005), min_size=2, max_size=2)


@given(question=texts, answer=texts, frame=st.text(min_size=1, max_size=20), places=st.permutations(range(3)),
       points=st.lists(marker, min_size=3, max_size=3), colors=st.permutations(["red", "blue", "green"]),
       exact=st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_any_row_survives(question, answer, frame, places, points, colors, exact):
    if any("\ud800" <= c <= "\udfff" for c in frame):
        frame = "7"
    row = made_row("depth_prediction_oo_mv", colors, places, frames=3, question=question, answer=answer,
                   answer_exact=exact)
    row["frame_ids"][1] = frame
    for item, point in zip(row["objects"], points, strict=True):
        item["point"] = point
    for position in (False, True):
        names = [picture_name(f, i if position else None, "jpg") for i, f in enumerate(row["frame_ids"])]
        assert not any("/" in name.removeprefix("image_color/").removeprefix("video_color/") for name in names)
        record = json.loads(json.dumps(record_of(row, 0, names, [], plain=False), ensure_ascii=False))
        back = row_of(record, "scannet", row["task"], "fill")
        assert {name: back[name] for name in row} == row
        plain = row_of({k: v for k, v in record.items() if k != "vantage"}, "scannet", row["task"], "fill")
        assert plain["frame_ids"] == row["frame_ids"] and row_markers(plain) == row_markers(row)


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                           lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner,
                                                                                         max_size=2), max_leaves=6)


@given(key=st.sampled_from(["image", "conversations", "type", "red_point", "point_img_idx", "bbox_list", "vantage"]),
       value=json_values)
def test_odd_values_are_read_or_refused_but_never_break_the_import(key, value):
    try:
        row = row_of(published(**{key: value}), "scannet", "depth_prediction_oc", "fill")
    except Malformed:
        return
    assert len(row["frame_ids"]) == len(row["image"])
    assert all(0 <= item["image_index"] < len(row["image"]) for item in row["objects"])


@given(st.text(max_size=30))
def test_a_path_that_is_accepted_stays_below_the_images(path):
    try:
        scene_and_frame(path)
    except Malformed:
        return
    root = Path("/images")
    assert (root / path).resolve().is_relative_to(root) and (root / path).resolve() != root
