"""What is asked about and what is left out: labels, scenes, frames, and how often."""

import hashlib
import shutil
from collections import Counter
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from builders.errors import InputError
from builders.hub.dataset import ROWS
from builders.hub.folder import build_folder
from builders.scenes.procedural.source import ProceduralSource
from builders.spar.image_quality import quality_problem
from builders.spar.labels import EXCLUDED_LABELS, clean_label, with_asked_labels
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.scene_lists import SceneList, read_scene_list
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench
from tests.builders.toy import LABELS, look_at, make_scene, toy_room, write_scannet

LIMITS = Limits()


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i in range(3):
        write_scannet(root, toy_room(seed=i, scene_id=f"scene{i:04d}_00"))
    return root


@pytest.fixture
def copy(scans, tmp_path):
    return shutil.copytree(scans, tmp_path / "scans")


def bench(root, **settings):
    return SparBench(**(dict(sources=(f"scannet={root}",), bench_scenes="all", per_task=9) | settings))


def rows_of(builder, scene=0):
    tables, report = builder.build_scene(builder.refs[scene])
    return tables[ROWS].to_pylist(), report


# Labels


@pytest.mark.parametrize("raw, clean", [
    ("Office_Chair", "office chair"), ("  tv   stand ", "tv stand"), ("chair 2", "chair"), ("chair#12", "chair"),
    ("object17", "object"), ("lamp [broken]", "lamp"), ("table; wooden", "table wooden"), ("children's bed",) * 2,
    ("", ""), ("???", ""), ("42", ""), ("(none)", ""), ("a remark that goes on and on about what may be seen here", ""),
])
def test_labels_are_cleaned(raw, clean):
    assert clean_label(raw) == clean


@given(st.text(max_size=60))
def test_a_clean_label_is_stable_and_never_breaks_a_sentence(raw):
    label = clean_label(raw)
    assert clean_label(label) == label
    assert not set(label) & set("{}[]()<>,;:\n\t_") and "  " not in label and label == label.strip().lower()


@pytest.mark.parametrize("label", EXCLUDED_LABELS)
def test_the_default_list_is_written_as_labels_are_compared(label):
    assert clean_label(label) == label


def test_unasked_labels_still_occlude():
    """A wall between camera and chair: by any excluded name it hides the chair, and nothing can be asked of it."""
    boxes = [((0, 0, 0.5), (0.5, 0.5, 1), 0.0), ((0, -1, 0.5), (0.9, 0.1, 1), 0.0), ((1.2, 0, 0.5), (0.5, 0.5, 1), 0.0)]
    poses = [look_at((0, -3, 0.8), (0.5, 0, 0.5))]
    for label in ("Object", "WALL", "other_furniture", "??", "unknown 3"):
        record = build_record(make_scene(boxes, poses, ["chair", label, "table"]), LIMITS)
        assert set(record.objects) == {"0", "2"} and set(record.images[0].objects) == {"2"}
    without = make_scene([boxes[0], boxes[2]], poses, ["chair", "table"])
    assert set(build_record(without, LIMITS).images[0].objects) == {"0", "1"}


def test_left_out_labels_are_counted_by_reason():
    boxes = [((i, 0, 0.5), (0.5, 0.5, 1), 0.0) for i in range(6)]
    scene = make_scene(boxes, [look_at((0, -3, 1), (0, 0, 0))], ["Chair", "chair_2", "object", "misc", "?", "table"])
    asked = with_asked_labels(scene)
    assert asked.dropped == {"labels_cleaned": 1, "labels_excluded": 2, "labels_odd": 1}
    assert [o.label for o in asked.objects if not o.structural] == ["chair", "chair", "table"]


def test_an_excluded_label_never_occurs_and_the_setting_replaces_the_default(scans, copy):
    path = copy / "scene0000_00" / "scene0000_00.aggregation.json"
    path.write_text(path.read_text().replace('"sofa"', '"object"'))
    rows, report = rows_of(bench(copy))
    words = " ".join(row["question"] + " ".join(row["options"]) + row["answer"] for row in rows)
    assert "object (" not in words and "sofa" not in words and report.dropped["labels_excluded"] == 1
    assert {o["label"] for row in rows for o in row["objects"]} == set(LABELS) - {"sofa"}
    rows, _ = rows_of(bench(copy, excluded_labels="Lamp, chair"))
    assert {o["label"] for row in rows for o in row["objects"]} == set(LABELS) - {"sofa", "lamp", "chair"} | {"object"}


# Frames


def test_frames_that_show_nothing_are_told_apart():
    rng = np.random.default_rng(0)
    tiles = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8))
    sharp = tiles.resize((640, 480), Image.Resampling.NEAREST)
    assert quality_problem(sharp, LIMITS) is None
    assert quality_problem(sharp.point(lambda v: v // 16), LIMITS) == "image_too_dark"
    assert quality_problem(Image.new("RGB", (640, 480), (200, 200, 200)), LIMITS) == "image_blank"
    assert quality_problem(sharp.filter(ImageFilter.GaussianBlur(8)), LIMITS) == "image_too_blurred"
    # the same picture passes and fails alike at every resolution
    for width in (320, 1280):
        other = sharp.resize((width, width * 3 // 4))
        assert quality_problem(other, LIMITS) is None
        assert quality_problem(other.filter(ImageFilter.GaussianBlur(width / 80)), LIMITS) == "image_too_blurred"


def test_generated_frames_pass():
    source = ProceduralSource(renderer="raycast")
    scene = source.load("room_000003")
    images = [Image.open(BytesIO(source.read_color(scene, frame))) for frame in scene.frames[::12]]
    assert [quality_problem(image, LIMITS) for image in images] == [None] * len(images)


def test_captured_frames_pass_and_blurred_ones_do_not(scenes_root):
    for path in sorted(scenes_root.glob("scannet/scans/*/color/*.jpg"))[::10]:
        with Image.open(path) as image:
            assert quality_problem(image, LIMITS) is None
            assert quality_problem(image.filter(ImageFilter.GaussianBlur(6)), LIMITS) == "image_too_blurred"


def test_a_dark_frame_is_not_shown_and_the_others_are(copy):
    limits = Limits(min_unhidden_fraction=0)  # a toy room's boxes stand in front of one another
    before, _ = rows_of(bench(copy, limits=limits))
    dark = Counter(f for row in before for f in row["frame_ids"]).most_common(1)[0][0]
    path = copy / "scene0000_00" / "color" / f"{dark}.jpg"
    Image.open(path).point(lambda v: v // 40).save(path, quality=90)
    rows, report = rows_of(bench(copy, limits=limits))
    assert dark not in {f for row in rows for f in row["frame_ids"]}
    assert report.dropped["frames_too_dark"] == 1 and report.unreadable == []
    assert sum(reasons.get("image_too_dark", 0) for reasons in report.rejected.values()) > 0
    # what is asked is what was asked before, less the dark frame's and with others in their places
    left = {row["task"] for row in before} - {row["task"] for row in rows}
    assert len(left) <= 1 and {row["task"] for row in rows} <= {row["task"] for row in before}
    seeing = replace(limits, min_brightness=0, min_contrast=0, min_sharpness=0)
    assert rows_of(bench(copy, limits=seeing))[0] == before


@pytest.mark.parametrize("damage", ["truncated", "another size", "no image"])
def test_a_broken_frame_costs_that_frame_only(scans, copy, tmp_path, damage):
    frame, color = "0", copy / "scene0000_00" / "color"  # the first frame of the scan: keyframing starts from it
    path = color / f"{frame}.jpg"
    data = path.read_bytes()
    if damage == "another size":
        frame = "30"
        Image.open(color / "30.jpg").resize((160, 120)).save(color / "30.jpg")
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"nothing")
    rows, report = rows_of(bench(copy))
    assert frame not in {f for row in rows for f in row["frame_ids"]} and len(rows) > 70
    assert report.unreadable == [frame] and report.dropped["frames_unreadable"] == 1
    # the same as from a scan that never had the frame
    never = shutil.copytree(scans, tmp_path / "never")
    for part in ("color", "pose"):
        (next((never / "scene0000_00" / part).glob(f"{frame}.*"))).unlink()
    assert rows == rows_of(bench(never))[0]


def test_a_broken_frame_does_not_cost_the_videos(tmp_path):
    write_scannet(tmp_path, toy_room(frames=40))
    settings = dict(sources=(f"scannet={tmp_path}",), tasks="distance_prediction_oo_video", max_per_task=3)
    before, _ = rows_of(Spar7M(**settings))
    broken = before[0]["frame_ids"][5]
    (tmp_path / "scene0001_00" / "color" / f"{broken}.jpg").write_bytes(b"")
    rows, report = rows_of(Spar7M(**settings))
    assert len(rows) == len(before) == 6 and report.unreadable == [broken]  # too few things for options
    assert {len(row["frame_ids"]) for row in rows} == {32}
    assert broken not in {f for row in rows for f in row["frame_ids"]}


# Caps


def test_no_frame_comes_first_more_often_than_the_cap(scans):
    free, _ = rows_of(bench(scans, candidates=40))
    capped, report = rows_of(bench(scans, candidates=40, limits=Limits(max_per_frame=2)))

    def most(rows):
        return max(Counter((row["task"], row["frame_ids"][0]) for row in rows).values())

    assert most(capped) == 2 < most(free)
    assert any(reasons.get("frame_asked_often") for reasons in report.rejected.values())
    # capped questions spread further: as many frames as before come first
    for task in ("depth_prediction_oc", "position_matching"):
        firsts = [{row["frame_ids"][0] for row in rows if row["task"] == task} for rows in (free, capped)]
        assert firsts[1] >= firsts[0]


def test_candidates_of_a_scene_are_capped(scans):
    rows, report = rows_of(bench(scans, candidates=4))
    assert max(Counter(row["task"] for row in rows).values()) == 4
    assert report.made["depth_prediction_oc"] == {"fill": 4}


# Scenes


def test_excluded_scenes_are_not_built_and_the_manifest_tells_the_list_by_its_hash(scans, tmp_path):
    path = tmp_path / "their_test_scenes.txt"
    path.write_text("# another benchmark\nscannet/scene0001_00  # by source\n\nscene0002_00\nscene9999_00\n")
    result = build_folder(bench(scans, exclude=str(path), per_task=3), tmp_path / "out", progress=False)
    assert [s["scene_id"] for s in result.manifest["scenes"]] == ["scene0000_00"]
    told = result.manifest["settings"]["exclude"]
    assert told == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "listed": 3, "removed": 2}
    assert path.name not in (tmp_path / "out" / "manifest.json").read_text()
    assert "excluded_labels" in result.manifest["settings"] and "wall" in result.manifest["settings"]["excluded_labels"]


def test_a_list_with_a_byte_order_mark_excludes_its_first_scene_too(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("scene0000_00\r\nscene0001_00\r\n", encoding="utf-8-sig")
    assert read_scene_list(str(path)).scenes == {"scene0000_00", "scene0001_00"}


def test_a_scene_of_another_source_is_not_excluded():
    scenes = SceneList(frozenset({"scannetpp/a", "b"}))
    assert scenes.holds("scannetpp", "a") and not scenes.holds("scannet", "a") and scenes.holds("scannet", "b")


@pytest.mark.parametrize("text, says", [
    ("scene0000_00\nscene0001_00 scene0002_00\n", "line 2"), ("a/b/c\n", "line 1"), ("../scene0000_00\n", "line 1"),
    ("scene0000_00,scene0001_00\n", "line 1"),  # would match no scene, and exclude none
    (b"\xff\xfe", "cannot be read as text"),
])
def test_a_list_that_is_none_is_refused(tmp_path, text, says):
    path = tmp_path / "list.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=says):
        read_scene_list(str(path))
    with pytest.raises(InputError, match="cannot be read"):
        read_scene_list(str(tmp_path / "none.txt"))


def test_excluding_every_scene_is_an_error(scans, tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("\n".join(f"scene{i:04d}_00" for i in range(3)))
    with pytest.raises(InputError, match="leaves no scene"):
        _ = bench(scans, exclude=str(path)).refs
