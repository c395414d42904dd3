"""What an export takes pictures from, and what it refuses."""

import re

import pytest

from builders.errors import InputError
from builders.scenes import open_source
from builders.spar.jsonl.export import export_jsonl
from builders.spar.rows import BENCH_FEATURES
from tests.builders.spar.jsonl.made import made_row, write_frames, write_rows
from tests.builders.spar.jsonl.released import released_records
from tests.builders.toy import flat_jpeg


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


@pytest.mark.parametrize("column, name", [("scene_id", "../../x"), ("source", "/etc"), ("task", ".."),
                                          ("format_type", "a/b")])
def test_names_from_rows_cannot_leave_the_tree(tmp_path, column, name):
    write_rows(tmp_path / "in/a/train-00000-of-00001.parquet", [made_row("obj_count", image=[None]) | {column: name}])
    with pytest.raises(InputError, match=re.escape(repr(name))):
        export_jsonl(tmp_path / "in", tmp_path / "out", {})
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
