"""spar_7m as a folder: a config per task with its own columns, splits by scene, pictures stored once, and a folder that
can be held against its own cameras and boxes."""

import hashlib
import shutil

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import attach_images
from builders.errors import InputError
from builders.hub import parquet
from builders.hub.dataset import SceneRef, Selection
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.spar import frame_tables
from builders.spar.limits import Limits
from builders.spar.rows import SPAR_FEATURES
from builders.spar.spar_7m import Spar7M
from builders.spar.spar_bench import SparBench
from builders.spar.tasks import TASKS
from builders.spar.wording import asks_briefly
from scripts.verify import own_problems, read_tables, wrong_golds
from tests.builders.spar.asked import slots_of
from tests.builders.toy import toy_room, write_scannet

TASK_SET = "depth_prediction_oc,distance_prediction_oc_mv,distance_prediction_oo_video,obj_spatial_relation_oo"
SCENES = ("scene0000_00", "scene0001_00", "scene0011_00")
"""Two of the official training list, one of the validation list."""
LIMITS = Limits(video_frames=8, min_sharpness=0.0, min_contrast=0.0)


def spar(root, **settings):
    defaults = dict(sources=(f"scannet={root}",), pixels="embedded", max_per_task=4, tasks=TASK_SET, limits=LIMITS)
    return Spar7M(**(defaults | settings))


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    for i, scene_id in enumerate(SCENES):
        scene = toy_room(seed=i, scene_id=scene_id)
        folder = write_scannet(root, scene)
        np.savetxt(folder / "intrinsic" / "intrinsic_depth.txt", np.diag([130.0, 130, 1, 1]))
        (folder / "depth").mkdir()
        for frame in scene.frames[:-1]:  # the last frame has no depth
            millimetres = np.full((120, 160), 1000 + int(frame.frame_id), np.uint16)
            Image.fromarray(millimetres).save(folder / "depth" / f"{frame.frame_id}.png")
    return root


@pytest.fixture(scope="module")
def folder(scans, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "spar"
    build_folder(spar(scans), out, progress=False)
    return out


def load(folder, config, split="train", **options):
    return datasets.load_dataset(str(folder), config, split=split, **options)


def hashes(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.glob("*/*.parquet"))}


def test_each_task_is_a_config_with_the_published_columns_and_every_format(folder):
    for name in TASK_SET.split(","):
        rows = load(folder, name)
        assert rows.features == datasets.Features(SPAR_FEATURES)
        assert set(rows["task"]) == {name} and set(rows["format_type"]) <= set(TASKS[name].formats)
        assert [len(row["image"]) for row in rows] == [len(ids) for ids in rows["frame_ids"]]
        counts = {}
        for row in rows:
            key = row["scene_id"], row["format_type"]
            counts[key] = counts.get(key, 0) + 1
        assert max(counts.values()) <= 4
    assert set(load(folder, "obj_spatial_relation_oo")["format_type"]) == {"select", "sentence", "judge"}
    video = load(folder, "distance_prediction_oo_video")[0]
    assert len(video["image"]) == 8 and video["img_type"] == "video"


def test_splits_follow_the_official_lists_and_share_no_scene(folder):
    held = {split: {scene for config in (*TASK_SET.split(","), "frames", "objects")
                    for scene in load(folder, config, split)["scene_id"]} for split in ("train", "validation")}
    assert held == {"train": set(SCENES[:2]), "validation": {SCENES[2]}}
    told = read_manifest(folder)["splits"]
    assert told["scenes"] == {"train": 2, "validation": 1} and told["scenes_in_both"] == []
    assert "official" in told["rules"]["scannet"]


def test_a_scene_in_both_splits_stops_the_build(scans):
    builder = spar(scans)
    ref = SceneRef(f"scannet={scans}", "scannet", SCENES[0])
    picks = [(0, np.array([0]))]
    with pytest.raises(AssertionError, match="in both splits"):
        builder.manifest_extras([Selection("a", "train", picks), Selection("a", "validation", picks)], [ref])


def test_unlisted_scenes_are_split_by_the_share_asked_for_as_in_the_benchmark(tmp_path):
    shares = {}
    for share in (0.0, 0.1, 0.2, 1.0):
        builder = Spar7M(validation_share=share, renderer="raycast", scenes=500)
        source = builder.open("procedural")
        ids = [ref.scene_id for ref in builder.refs]
        shares[share] = {i for i in ids if builder.split_of(source, i) == "validation"}
    assert not shares[0.0] and len(shares[1.0]) == 500 and shares[0.1] < shares[0.2]
    assert 30 < len(shares[0.1]) < 70 and 75 < len(shares[0.2]) < 125
    tested = {ref.scene_id for ref in SparBench(renderer="raycast", scenes=20).refs}
    assert tested <= shares[0.2]  # at equal settings no test room is trained on
    with pytest.raises(InputError, match="share from 0 to 1"):
        Spar7M(validation_share=1.5)


def test_frames_hold_source_bytes_cameras_and_depth(scans, folder):
    scene = toy_room(seed=0, scene_id=SCENES[0])
    frames = {row["frame_id"]: row for row in load(folder, "frames").cast_column("image", datasets.Image(decode=False))
              if row["scene_id"] == SCENES[0]}
    poses = {f.frame_id: f.world_from_camera for f in scene.frames}
    for frame_id, row in frames.items():
        assert row["image"]["bytes"] == (scans / SCENES[0] / "color" / f"{frame_id}.jpg").read_bytes()
        assert np.allclose(row["world_from_camera"], poses[frame_id], atol=1e-8)
        assert np.allclose(row["depth_intrinsics"], np.diag([130.0, 130, 1]))
        assert (row["width"], row["height"]) == (320, 240)
    last = scene.frames[-1].frame_id
    assert last in frames and frames[last]["depth"] is None
    first = frames[scene.frames[0].frame_id]["depth"]
    assert first.size == (160, 120) and set(np.unique(np.array(first))) == {1000}


def test_objects_hold_the_boxes_and_the_frames_that_show_them(folder):
    boxes = {o.object_id: o.box for o in toy_room(seed=0).objects if not o.structural}
    objects = [row for row in load(folder, "objects") if row["scene_id"] == SCENES[0]]
    assert {row["object_id"] for row in objects} == set(boxes) and not {row["label"] for row in objects} & {"floor"}
    frames = {row["frame_id"] for row in load(folder, "frames").remove_columns(["image", "depth"])
              if row["scene_id"] == SCENES[0]}
    for row in objects:
        signs = np.array(np.meshgrid(*[[-0.5, 0.5]] * 3)).reshape(3, -1).T
        corners = row["center"] + (signs * row["extents"]) @ row["axes"]
        gaps = np.linalg.norm(corners[:, None] - boxes[row["object_id"]].corners()[None], axis=2)
        assert gaps.min(axis=1).max() < 1e-3
        assert set(row["frame_ids"]) <= frames
    shown = {(row["scene_id"], o["object_id"], row["frame_ids"][o["image_index"]])
             for row in load(folder, "depth_prediction_oc") for o in row["objects"]}
    told = {(row["scene_id"], row["object_id"], f) for row in load(folder, "objects") for f in row["frame_ids"]}
    assert shown and shown <= told


def test_row_pictures_are_the_frames_pictures_stored_once_and_never_marked(folder):
    frames = {(row["scene_id"], row["frame_id"]): row["image"]["bytes"]
              for split in ("train", "validation")
              for row in load(folder, "frames", split).cast_column("image", datasets.Image(decode=False))}
    images = read_manifest(folder)["images"]
    for name in TASK_SET.split(","):
        for path in (folder / name).glob("*.parquet"):
            for row in pq.read_table(path, columns=["scene_id", "frame_ids", "image"]).to_pylist():
                assert [i["bytes"] for i in row["image"]] == [frames[row["scene_id"], f] for f in row["frame_ids"]]
        told = images[f"{name}/train"]
        assert told["unique_bytes"] < told["plain_bytes"]
        assert told["stored_bytes"] < told["unique_bytes"] + 60_000
    part = pq.read_table(folder / ".build" / "parts" / "scannet" / SCENES[0] / "rows.parquet")
    assert parquet.image_bytes_per_row(part) == [0] * len(part)


def test_pictures_are_filled_in_slices(monkeypatch):
    jpegs = [bytes([n]) * 1000 for n in range(6)]
    one = frame_tables.FRAME_FEATURES.arrow_schema.field("image")
    frames = pa.table({"frame_id": [str(n) for n in range(6)]}).append_column(
        one, pa.array([{"bytes": b, "path": None} for b in jpegs], one.type))
    wanted = [["0"], ["5", "1"], ["2"] * 5, [], ["3", "gone"], ["4"]]
    image = datasets.Features({"image": datasets.List(datasets.Image())}).arrow_schema.field("image")
    rows = pa.table({"frame_ids": wanted}).append_column(image, pa.array([[]] * 6, image.type))
    monkeypatch.setattr(frame_tables, "_SLICE_BYTES", 3000)
    slices = list(frame_tables.with_pictures([rows], frames))
    assert [len(s) for s in slices] == [2, 1, 3]
    given = [[i and i["bytes"] for i in row] for s in slices for row in s["image"].to_pylist()]
    assert given == [[None if f == "gone" else jpegs[int(f)] for f in row] for row in wanted]


def test_streaming_gives_the_same_rows(folder):
    for config in ("depth_prediction_oc", "frames", "objects"):
        loaded = load(folder, config).to_list()
        assert list(load(folder, config, streaming=True).decode(False))[:5] == _undecoded(folder, config)[:5]
        assert len(loaded) == read_manifest(folder)["rows"][f"{config}/train"]


def _undecoded(folder, config):
    rows = load(folder, config)
    for name, feature in rows.features.items():
        if isinstance(feature, datasets.Image):
            rows = rows.cast_column(name, datasets.Image(decode=False))
        elif feature == datasets.List(datasets.Image()):
            rows = rows.cast_column(name, datasets.List(datasets.Image(decode=False)))
    return list(rows)


def test_two_workers_and_a_resumed_build_give_the_same_bytes(scans, folder, tmp_path):
    build_folder(spar(scans), tmp_path / "two", workers=2, progress=False)
    assert hashes(tmp_path / "two") == hashes(folder)
    assert (tmp_path / "two" / "manifest.json").read_text() == (folder / "manifest.json").read_text()
    parts = tmp_path / "two" / ".build" / "parts" / "scannet"
    shutil.rmtree(parts / SCENES[0])
    (parts / SCENES[1] / "frames.parquet").unlink()  # a part that lacks one table is no part
    shutil.rmtree(tmp_path / "two" / "frames")
    again = build_folder(spar(scans), tmp_path / "two", progress=False)
    assert again.reused == 1 and hashes(tmp_path / "two") == hashes(folder)


def test_one_config_alone(scans, folder, tmp_path):
    shutil.copytree(folder / ".build", tmp_path / "out" / ".build")
    result = build_folder(spar(scans), tmp_path / "out", only_config="depth_prediction_oc", progress=False)
    assert result.reused == 3
    one = {p: h for p, h in hashes(folder).items() if p.startswith("depth_prediction_oc/")}
    assert hashes(tmp_path / "out") == one and len(one) == 2
    with pytest.raises(InputError, match="these configs have rows: depth_prediction_oc"):
        build_folder(spar(scans), tmp_path / "out", only_config="position_matching", progress=False)


def test_a_build_without_validation_scenes_has_no_such_split(scans, tmp_path):
    build_folder(spar(scans, scenes=1), tmp_path / "out", progress=False)
    assert datasets.load_dataset(str(tmp_path / "out"), "frames").keys() == {"train"}
    assert "A split without a scene does not exist" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(ValueError, match="Unknown split"):
        load(tmp_path / "out", "depth_prediction_oc", "validation")


def test_the_manifest_counts_answers_and_questions(folder):
    manifest = read_manifest(folder)
    rows = [row for split in ("train", "validation")
            for row in load(folder, "obj_spatial_relation_oo", split).remove_columns("image")]
    for split in ("train", "validation"):
        told = manifest["answers"][f"obj_spatial_relation_oo/{split}"]["obj_spatial_relation_oo"]
        chosen = [row for row in load(folder, "obj_spatial_relation_oo", split).remove_columns("image")
                  if row["format_type"] == "select"]
        assert told["select"]["answer"] == {a: n for a in "ABCD" if (n := [r["answer"] for r in chosen].count(a))}
        firsts = [slots_of(row["options"]["ABCD".index(row["answer"])])[0] or "-" for row in chosen]
        assert told["select"]["word 1"] == {w: n for w in ("-", "left", "right") if (n := firsts.count(w))}
        assert set(told["judge"]["answer"]) <= {"Yes", "No"}
    assert len(rows) == sum(manifest["rows"][f"obj_spatial_relation_oo/{s}"] for s in ("train", "validation"))
    counted = [n for name, n in manifest["rows"].items() if name.split("/")[0] in TASKS]
    assert manifest["questions"] == sum(counted)


def test_the_card_tells_configs_splits_and_loads_what_it_says(folder):
    card = (folder / "README.md").read_text()
    told = datasets.load_dataset_builder(str(folder), "frames")
    assert str(told.config.version) == read_manifest(folder)["version"]
    rows = read_manifest(folder)["rows"]
    for config in ("frames", "depth_prediction_oc"):
        line = next(line for line in card.split("\n") if line.startswith(f"| {config} |"))
        assert line.endswith(f"| {rows[f'{config}/train']} | {rows[f'{config}/validation']} |")
    assert asks_briefly("depth_prediction_oc") in card
    assert '"depth_prediction_oc", split="train"' in card and "attach_images" not in card
    assert str(folder) not in card


def test_referenced_rows_get_pictures_from_scans_or_from_frames(scans, folder, tmp_path):
    out = tmp_path / "out"
    build_folder(spar(scans, pixels="referenced"), out, progress=False)
    name = "distance_prediction_oc_mv"
    bare, full = load(out, name), load(folder, name)
    assert bare["uid"][:] == full["uid"][:]
    assert bare[0]["image"] == [None] * len(bare[0]["frame_ids"])
    empty = load(out, "frames")
    assert empty[0]["image"] is None and empty[0]["depth"] is None and empty[0]["world_from_camera"]
    frames = datasets.load_dataset(str(folder), "frames")
    for filled in (attach_images(bare, f"scannet={scans}"), attach_images(bare, frames),
                   attach_images(load(out, name, streaming=True), frames["train"])):
        for row, true in zip(filled, full, strict=True):
            assert all((np.array(a) == np.array(b)).all() for a, b in zip(row["image"], true["image"], strict=True))
    marked = attach_images(bare, frames, markers=True)[0]["image"]
    assert any((np.array(a) != np.array(b)).any() for a, b in zip(marked, full[0]["image"], strict=True))
    whole = attach_images(empty, f"scannet={scans}")[0]
    assert whole["image"].size == (320, 240) and whole["depth"].size == (160, 120)
    with pytest.raises(InputError, match="frames lack"):
        attach_images(bare, frames["validation"])[0]
    with pytest.raises(InputError, match="lacks the column"):
        attach_images(bare, load(out, "objects"))


def test_benchmark_rows_from_frames_equal_embedded_ones(scans, folder, tmp_path):
    settings = dict(sources=(f"scannet={scans}",), bench_scenes="all", per_task=4, tiny_per_task=1, limits=LIMITS)
    for pixels in ("embedded", "referenced"):
        builder = SparBench(**settings, pixels=pixels)
        build_folder(builder, tmp_path / pixels, only_config="tiny", progress=False)
    true, bare = (datasets.load_dataset(str(tmp_path / p), "tiny", split="test") for p in ("embedded", "referenced"))
    for row, full in zip(attach_images(bare, datasets.load_dataset(str(folder), "frames")), true, strict=True):
        assert all((np.array(a) == np.array(b)).all() for a, b in zip(row["image"], full["image"], strict=True))


@pytest.fixture(scope="module")
def tables(folder):
    return read_tables(folder, read_manifest(folder))


def test_a_right_folder_has_no_finding(scans, folder, tables):
    checked, findings = own_problems(tables, LIMITS)
    assert findings == [] and checked > 40
    recomputed, findings = wrong_golds(tables, read_manifest(folder), LIMITS, f"scannet={scans}")
    assert findings == [] and recomputed == read_manifest(folder)["questions"]


@pytest.mark.parametrize("lie", ["pose", "box", "focal", "split"])
def test_a_lie_in_the_tables_is_found(scans, folder, lie):
    tables = read_tables(folder, read_manifest(folder))
    scene = tables["scannet", SCENES[0]]
    if lie == "pose":
        row = next(r for r in scene.rows.values() if r["task"] == "depth_prediction_oc")
        frame = next(f for f in scene.frames if f["frame_id"] == row["frame_ids"][0])
        frame["world_from_camera"][0][3] *= -1
    elif lie == "box":
        a, b = scene.objects[:2]
        for column in ("center", "axes", "extents"):
            a[column], b[column] = b[column], a[column]
    elif lie == "focal":
        scene.frames[0]["intrinsics"][0][0] += 1
    else:
        scene.splits.add("validation")
    _, alone = own_problems(tables, LIMITS)
    _, with_scans = wrong_golds(tables, read_manifest(folder), LIMITS, f"scannet={scans}")
    if lie != "focal":  # no answer here depends on it
        assert alone and SCENES[0] in alone[0]
    if lie != "split":
        column = {"pose": "world_from_camera", "box": "center", "focal": "intrinsics"}[lie]
        assert any(finding.endswith(f": {column} differs") for finding in with_scans)


@pytest.mark.parametrize("config", ["depth_prediction_oc", "frames", "all"])
def test_the_builder_works_as_any_datasets_builder(scans, folder, tmp_path, config):
    builder = spar(scans, config_name=config, cache_dir=str(tmp_path))
    streamed = list(builder.as_streaming_dataset(split="validation"))
    builder.download_and_prepare()
    prepared = builder.as_dataset(split="validation")
    key = "frame_id" if config == "frames" else "uid"
    assert [row[key] for row in streamed] == prepared[key][:]
    if config == "all":
        assert set(prepared["task"]) == set(TASK_SET.split(","))
    else:
        assert prepared[:3] == load(folder, config, "validation")[:3]


def test_rejected_rows_are_not_streamed_and_a_changed_list_is_not_served_from_the_cache(scans, tmp_path):
    uids, listed = [], tmp_path / "review.csv"
    for rejected in ("", "scannet/scene0011_00/depth_prediction_oc/fill/1"):
        listed.write_text(f"uid,verdict\n{rejected},reject\n" if rejected else "uid,verdict\n")
        builder = spar(scans, config_name="depth_prediction_oc", review=str(listed), cache_dir=str(tmp_path))
        streamed = [row["uid"] for row in builder.as_streaming_dataset(split="validation")]
        builder.download_and_prepare()
        assert builder.as_dataset(split="validation")["uid"][:] == streamed
        uids.append(streamed)
    assert set(uids[0]) - set(uids[1]) == {rejected} and len(uids[0]) == len(uids[1]) + 1


def test_settings_are_checked():
    with pytest.raises(InputError, match="max_per_task"):
        Spar7M(max_per_task=0)
    with pytest.raises(InputError, match="'depth' is unknown; choose from depth_prediction_oc"):
        Spar7M(tasks="depth")
    forms = sum(len(TASKS[name].formats) for name in TASK_SET.split(","))
    said = Spar7M(tasks=TASK_SET, scenes=3, max_per_task=7, renderer="raycast").expectation()
    assert f"at most {3 * forms * 7} rows: 3 scenes x {forms} formats of 4 tasks x 7 rows" in said
