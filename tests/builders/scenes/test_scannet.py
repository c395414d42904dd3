"""ScanNet on disk: the captured living room against facts measured elsewhere, our own scans, and broken ones."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes import open_source
from builders.scenes.scannet import ScanNetSource, official_split
from tests.builders.toy import moved, toy_room, write_scannet

TURNED = np.array([[0.8, -0.6, 0, 1.5], [0.6, 0.8, 0, -2], [0, 0, 1, 0.3], [0, 0, 0, 1.0]])


@pytest.fixture
def scans(tmp_path):
    write_scannet(tmp_path, toy_room(), TURNED)
    return tmp_path


def test_living_room_agrees_with_independent_measurements(scenes_root):
    scene = ScanNetSource(scenes_root / "scannet").load("scene9001_00")
    expected = json.loads((scenes_root / "expected.json").read_text())
    objects = {str(o["scannet_objectId"]): o for o in expected["objects"]}
    assert {o.object_id for o in scene.objects} == set(objects)
    for item in scene.objects:
        fact = objects[item.object_id]
        assert item.label == fact["label"] and item.structural == fact["structural"]
        assert len(item.vertex_ids) == fact["vertices"]
        np.testing.assert_allclose(item.box.center, fact["center"], atol=1e-3)
        np.testing.assert_allclose(item.box.extents, fact["extents_full"], atol=1e-3)
        cosines = np.abs((item.box.axes * np.array(fact["axes_rows"])).sum(axis=1))
        assert np.degrees(np.arccos(np.clip(cosines, 0, 1))).max() < 0.1
    frames = {f["names"]["scannet"]: f for f in expected["frames"] if f["names"].get("scannet")}
    assert {f.frame_id for f in scene.frames} == set(frames)  # frame 100 has no finite pose
    assert scene.dropped == {"frames_without_tracking": 1}
    for frame in scene.frames:
        np.testing.assert_allclose(frame.world_from_camera, frames[frame.frame_id]["camera_to_world"], atol=1e-4)


def test_a_written_scan_reads_back_as_the_scene_it_was(scans):
    room, scene = toy_room(), ScanNetSource(scans).load("scene0001_00")
    np.testing.assert_allclose(scene.mesh.vertices, room.mesh.vertices, atol=1e-6)
    assert len(scene.objects) == len(room.objects)
    for a, b in zip(scene.objects, room.objects):
        assert (a.object_id, a.label, a.structural) == (b.object_id, b.label, b.structural)
        np.testing.assert_allclose(a.box.center, b.box.center, atol=1e-6)
        np.testing.assert_array_equal(a.vertex_ids, b.vertex_ids)
    assert [f.frame_id for f in scene.frames] == [f.frame_id for f in room.frames]  # 0, 10, 20, ... in number order
    for a, b in zip(scene.frames, room.frames):
        np.testing.assert_allclose(a.world_from_camera, b.world_from_camera, atol=1e-6)
        np.testing.assert_allclose(a.intrinsics, b.intrinsics)


def test_intrinsics_follow_images_exported_at_half_size(scans):
    folder = scans / "scene0001_00"
    for path in (folder / "color").iterdir():
        Image.open(path).resize((160, 120)).save(path, "JPEG")
    frame = ScanNetSource(scans).load("scene0001_00").frames[0]
    assert (frame.width, frame.height) == (160, 120)
    # the image centre stays the image centre, and the field of view stays the field of view
    assert frame.intrinsics[0, 2] == pytest.approx(79.5) and frame.intrinsics[1, 2] == pytest.approx(59.5)
    assert 160 / frame.intrinsics[0, 0] == pytest.approx(320 / 260)


def test_root_may_be_the_scans_folder_or_the_one_above(tmp_path):
    write_scannet(tmp_path / "scans", toy_room())
    assert ScanNetSource(tmp_path).scene_ids() == ScanNetSource(tmp_path / "scans").scene_ids() == ["scene0001_00"]


@pytest.mark.parametrize("spec, says", [
    ("scannet", "--source scannet=/path/to/scans"),
    ("scannet=/no/such/folder", "not a folder"),
    ("lidar=/tmp", "procedural, scannet"),
])
def test_sources_that_cannot_be_opened_say_what_to_give(spec, says):
    with pytest.raises(InputError, match=says):
        open_source(spec)


def test_empty_root_is_refused(tmp_path):
    with pytest.raises(InputError, match="no sceneXXXX_YY folder"):
        ScanNetSource(tmp_path)


@pytest.mark.parametrize("scene_id", ["../../x", "/etc", "scene0001_00/../../x", "scene0002_00"])
def test_only_scenes_of_the_root_are_read(scans, scene_id):
    source = ScanNetSource(scans)
    for call in (source.load, source.fingerprint):
        with pytest.raises(InputError, match="no scene"):
            call(scene_id)


def _edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("name, damage, says", [
    ("scene0001_00_vh_clean_2.ply", lambda p: p.unlink(), "missing"),
    ("scene0001_00_vh_clean_2.ply", lambda p: p.write_bytes(p.read_bytes()[:200]), "truncated"),
    ("scene0001_00_vh_clean_2.ply", lambda p: p.write_bytes(p.read_bytes()[:-100]), "truncated"),
    ("scene0001_00_vh_clean_2.ply", lambda p: p.write_bytes(b"hello"), "0 vertices"),
    ("scene0001_00_vh_clean_2.0.010000.segs.json", lambda p: _edit_json(p, segIndices=[1, 2, 3]), "3 segment indices"),
    ("scene0001_00_vh_clean_2.0.010000.segs.json", lambda p: p.unlink(), "missing"),
    ("scene0001_00.aggregation.json", lambda p: p.write_text("{"), "not readable as JSON"),
    ("scene0001_00.aggregation.json", lambda p: _edit_json(p, segGroups=[{"label": "chair"}]), "objectId"),
    ("scene0001_00.txt", lambda p: p.unlink(), "axisAlignment"),
    ("scene0001_00.txt", lambda p: p.write_bytes(bytes(range(200, 255))), "name = value"),
    ("scene0001_00.txt", lambda p: p.write_text("axisAlignment = 1 0 0"), "16 numbers"),
    ("scene0001_00.txt", lambda p: p.write_text("axisAlignment =" + " 1 0 0 0" * 4), "a rotation and a shift"),
    ("intrinsic/intrinsic_color.txt", lambda p: p.write_text("1 2 3"), "4x4 numbers"),
    ("intrinsic/intrinsic_color.txt", lambda p: p.write_text("nan " * 16), "NaN"),
    ("intrinsic/intrinsic_color.txt", lambda p: p.write_text("0 " * 16), "focal lengths"),
    ("pose/0.txt", lambda p: p.write_text("1 0 0 0 " * 4), "rotation"),
])
def test_a_broken_file_is_named_with_what_is_wrong(scans, name, damage, says):
    damage(scans / "scene0001_00" / name)
    with pytest.raises(SceneError, match=says) as caught:
        ScanNetSource(scans).load("scene0001_00")
    assert name.split("/")[-1].split(".")[0] in str(caught.value) and "\n" not in str(caught.value)


def _add_depth(folder, size=(320, 240), mode=np.uint16):
    (folder / "depth").mkdir()
    shutil.copy(folder / "intrinsic" / "intrinsic_color.txt", folder / "intrinsic" / "intrinsic_depth.txt")
    for path in (folder / "color").iterdir():
        Image.fromarray(np.full(size[::-1], 200, mode)).save(folder / "depth" / f"{path.stem}.png")


@pytest.mark.parametrize("form, says", [
    ({"mode": np.uint8}, "16 bits of depth, found mode L"),
    ({"size": (100, 240)}, "100x240 pixels, pictures 320x240: another shape"),
])
def test_depth_that_is_none_is_named(scans, form, says):
    _add_depth(scans / "scene0001_00", **form)
    with pytest.raises(SceneError, match=says):
        ScanNetSource(scans).load("scene0001_00")


def test_one_depth_map_of_another_size_is_named_and_the_others_are_read(scans):
    _add_depth(scans / "scene0001_00")
    Image.fromarray(np.full((120, 160), 200, np.uint16)).save(scans / "scene0001_00" / "depth" / "10.png")
    source = ScanNetSource(scans)
    scene = source.load("scene0001_00")
    assert source.read_depth(scene, scene.frames[0]) and scene.frames[0].depth_intrinsics[0, 0] == pytest.approx(260)
    with pytest.raises(SceneError, match=r"10\.png: 160x120 pixels of depth, expected 320x240"):
        source.read_depth(scene, scene.frames[1])


@pytest.mark.parametrize("scale, what", [(1000, "mesh measures 8000 m"), (0.01, "mesh measures 0.08 m")])
def test_wrong_units_are_named(tmp_path, scale, what):
    write_scannet(tmp_path, moved(toy_room(), scale=scale))
    with pytest.raises(SceneError, match=what):
        ScanNetSource(tmp_path).load("scene0001_00")


def test_poses_in_other_units_than_the_mesh_are_named(scans):
    for path in (scans / "scene0001_00" / "pose").iterdir():
        pose = np.loadtxt(path)
        pose[:3, 3] *= 1000
        np.savetxt(path, pose)
    with pytest.raises(SceneError, match=r"half of the cameras are more than .* m away from the mesh"):
        ScanNetSource(scans).load("scene0001_00")


def test_labels_outside_the_label_map_only_occlude(scans):
    lines = ["id\traw_category\tcategory\tcount\tnyu40id\tnyu40class"]
    for i, (raw, known_as) in enumerate([("Chair", "chair"), ("table", "table"), ("box", "wall"), ("floor", "floor"),
                                         ("sofa", "sofa"), ('plant"', "x"), ("plant", "x"), ("bin", "bin")]):
        lines.append(f"{i}\t{raw}\t{raw}\t1\t{i}\t{known_as}")
    (scans / "scannetv2-labels.combined.tsv").write_text("\n".join(lines))
    source = ScanNetSource(scans)
    before, scene = source.fingerprint("scene0001_00"), source.load("scene0001_00")
    assert {o.label for o in scene.objects if o.structural} == {"floor", "lamp", "box"}  # lamp: not in the map
    assert scene.dropped == {"objects_of_unknown_label: lamp": 1}
    (scans / "scannetv2-labels.combined.tsv").write_text("name\tclass\nchair\tchair\n")
    assert source.fingerprint("scene0001_00") != before
    with pytest.raises(SceneError, match=r"labels\.combined\.tsv: expected .* raw_category"):
        source.load("scene0001_00")


def test_no_link_leads_out_of_the_root(scans, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder = scans / "scene0001_00"
    shutil.move(folder / f"{folder.name}.txt", elsewhere / "a.txt")
    (folder / f"{folder.name}.txt").symlink_to(elsewhere / "a.txt")
    write_scannet(elsewhere, toy_room(), TURNED)
    (scans / "scene0002_00").symlink_to(elsewhere / "scene0001_00")
    for scene_id in ("scene0001_00", "scene0002_00"):
        with pytest.raises(SceneError, match="leads out of"):
            ScanNetSource(scans).load(scene_id)
    inside = scans / "shared.txt"  # a link within the root is as good as a file
    shutil.move(elsewhere / "a.txt", inside)
    (folder / f"{folder.name}.txt").unlink()
    (folder / f"{folder.name}.txt").symlink_to(inside)
    assert len(ScanNetSource(scans).load("scene0001_00").objects) == 9


def test_frames_without_usable_pose_are_dropped_and_counted(scans):
    pose = scans / "scene0001_00" / "pose"
    (pose / "0.txt").write_text("-inf " * 16)
    (pose / "10.txt").write_text("nan " * 16)
    (pose / "20.txt").unlink()
    scene = ScanNetSource(scans).load("scene0001_00")
    assert len(scene.frames) == 11
    assert scene.dropped == {"frames_without_tracking": 2, "frames_without_pose": 1}
    for path in pose.iterdir():
        path.write_text("-inf " * 16)
    with pytest.raises(SceneError, match="no frame has a finite pose"):
        ScanNetSource(scans).load("scene0001_00")


def test_instances_without_volume_or_name_are_left_out_and_counted(scans):
    path = scans / "scene0001_00" / "scene0001_00.aggregation.json"
    groups = json.loads(path.read_text())["segGroups"]
    groups[0]["segments"] = [123456]  # no vertex has this segment
    groups[1]["label"] = " "
    groups[2]["label"] = None
    _edit_json(path, segGroups=groups)
    scene = ScanNetSource(scans).load("scene0001_00")
    assert len(scene.objects) == 6
    assert scene.dropped == {"objects_without_volume": 1, "objects_nameless": 2}


def test_a_truncated_picture_is_named(scans):
    path = scans / "scene0001_00" / "color" / "30.jpg"
    path.write_bytes(path.read_bytes()[:1000])
    source = ScanNetSource(scans)
    scene = source.load("scene0001_00")
    with pytest.raises(SceneError, match=r"30\.jpg"):
        source.read_color(scene, next(f for f in scene.frames if f.frame_id == "30"))


def test_official_lists_have_the_published_sizes_and_share_no_scene():
    lists = [official_split(s) for s in ("train", "validation", "test")]
    assert [len(one) for one in lists] == [1201, 312, 100]
    assert len(frozenset.union(*lists)) == 1613


def test_splits_follow_the_lists_and_unlisted_rooms_stay_together(tmp_path):
    for name in ("scene0568_00", "scene0000_00", "scene0707_00", "scene9005_00", "scene9005_01"):
        (tmp_path / name).mkdir()
    source = ScanNetSource(tmp_path)
    assert [source.split(s) for s in source.scene_ids()[:3]] == ["train", "validation", "test"]
    assert source.split("scene9005_00") == source.split("scene9005_01")


def test_fingerprint_changes_with_the_files(scans):
    source = ScanNetSource(scans)
    before = source.fingerprint("scene0001_00")
    assert before == source.fingerprint("scene0001_00")
    (scans / "scene0001_00" / "color" / "0.jpg").unlink()
    assert source.fingerprint("scene0001_00") != before
