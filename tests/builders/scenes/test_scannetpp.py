"""ScanNet++ on disk: round trips through each stream, the captured living room, official splits, and broken files."""

import json
import os
import shutil
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes import may_be_passed_on, open_source
from builders.scenes.scannetpp import ScanNetPPSource
from tests.builders.scenes.captured import assert_same, captured_boxes, captured_room
from tests.builders.scenes.write_scannetpp import FISHEYE, SCENE_ID, write_scannetpp


@pytest.fixture(scope="module")
def room():
    return captured_room()


@pytest.fixture(scope="module")
def both(room, tmp_path_factory):
    """A scene with iPhone and undistorted DSLR frames; not to be changed."""
    root = tmp_path_factory.mktemp("scannetpp")
    write_scannetpp(root, room, dslr="undistorted")
    return root


@pytest.fixture(scope="module")
def boxes_written(tmp_path_factory):
    """The same of a few boxes."""
    root = tmp_path_factory.mktemp("boxes")
    write_scannetpp(root, captured_boxes(), dslr="undistorted")
    return root


@pytest.fixture
def changeable(boxes_written, tmp_path):
    return shutil.copytree(boxes_written, tmp_path / "copy")


def iphone_name(frame_id):
    return f"frame_{int(frame_id):06d}"


def dslr_name(frame_id):
    return f"DSC{int(frame_id):05d}.JPG"


def test_the_iphone_stream_is_the_scene_it_was(room, both):
    source = ScanNetPPSource(both)
    scene = source.load(SCENE_ID)
    assert_same(scene, room.scene, iphone_name)
    assert scene.dropped == {}
    assert source.read_color(scene, scene.frames[1]) == room.color[1]
    depth = Image.open(BytesIO(source.read_depth(scene, scene.frames[1])))
    np.testing.assert_array_equal(np.asarray(depth), room.depth[1])
    # half as many pixels see as far to each side: the field of view and the place of the axis in it stay
    color, small = scene.frames[0].intrinsics, scene.frames[0].depth_intrinsics
    assert small[0, 0] == color[0, 0] / 2 and (small[0, 2] + 0.5) / 320 == (color[0, 2] + 0.5) / 640


def test_the_undistorted_dslr_stream_is_the_scene_it_was(room, both):
    source = open_source(f"scannetpp_dslr={both}")
    scene = source.load(SCENE_ID)
    assert (source.name, scene.source) == ("scannetpp", "scannetpp")
    assert_same(scene, room.scene, dslr_name)
    assert source.read_color(scene, scene.frames[2]) == room.color[2]
    assert source.read_depth(scene, scene.frames[2]) is None


def test_the_fisheye_stream_keeps_the_cameras_and_says_what_its_pictures_show(room, tmp_path):
    write_scannetpp(tmp_path, room, dslr="fisheye", iphone=False)
    source = ScanNetPPSource(tmp_path)  # no iPhone frames: the DSLR camera's are taken
    scene = source.load(SCENE_ID)
    lens = scene.frames[0].intrinsics
    straight = tuple(replace(frame, intrinsics=lens) for frame in room.scene.frames)
    assert_same(scene, replace(room.scene, frames=straight), dslr_name)
    assert lens[0, 2] == 319.5 and lens[1, 2] == 239.5
    with Image.open(BytesIO(source.read_color(scene, scene.frames[0]))) as picture:
        assert picture.size == (640, 480) and np.asarray(picture).min(axis=2)[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 0


def test_undistorted_poses_without_their_pictures_do_not_hide_the_fisheye_ones(room, tmp_path):
    folder = write_scannetpp(tmp_path, room, dslr="fisheye", iphone=False) / "dslr" / "nerfstudio"
    shutil.copy(folder / "transforms.json", folder / "transforms_undistorted.json")
    assert len(ScanNetPPSource(tmp_path).load(SCENE_ID).frames) == 3


def bent(angle):
    """Of a ray at this angle from the axis: its distance from the principal point, in focal lengths."""
    powers = [angle ** (2 * i + 1) for i in range(5)]
    return sum(k * p for k, p in zip((1, *FISHEYE.values()), powers, strict=True))


def pattern(x, y):
    """A colour for each direction (x, y, 1), finer than a pixel's error would leave unchanged."""
    return 127.5 + 60 * np.sin(40 * x) + 60 * np.sin(40 * y)


def test_undistorted_pictures_show_what_a_pinhole_camera_would(room, tmp_path):
    """A world painted by direction, seen by a fisheye camera by its formula, solved here by bisection."""
    folder = write_scannetpp(tmp_path, room, dslr="fisheye", iphone=False)
    f, (cx, cy) = room.scene.frames[0].intrinsics[0, 0], room.scene.frames[0].intrinsics[:2, 2]
    v, u = np.mgrid[:480, :640]
    across, down = (u - cx) / f, (v - cy) / f
    wanted = np.hypot(across, down)
    low, high = np.zeros_like(wanted), np.full_like(wanted, 1.4)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = np.where(bent(middle) < wanted, middle, low), np.where(bent(middle) < wanted, high, middle)
    stretch = np.tan(low) / np.maximum(wanted, 1e-12)
    grey = pattern(across * stretch, down * stretch)
    picture = Image.fromarray(np.repeat(grey[..., None], 3, axis=2).round().astype(np.uint8))
    picture.save(folder / "dslr" / "resized_images" / "DSC00000.JPG", quality=100, subsampling=0)
    source = ScanNetPPSource(tmp_path)
    scene = source.load(SCENE_ID)
    shown = np.asarray(Image.open(BytesIO(source.read_color(scene, scene.frames[0]))).convert("L"), dtype=float)
    lens = scene.frames[0].intrinsics
    seen = pattern((u - lens[0, 2]) / lens[0, 0], (v - lens[1, 2]) / lens[1, 1])
    error = np.abs(shown - seen)
    half_a_pixel_off = np.abs(pattern((u - lens[0, 2] + 0.5) / lens[0, 0], (v - lens[1, 2]) / lens[1, 1]) - seen)
    assert np.quantile(error, 0.99) < 3 < np.median(half_a_pixel_off) / 0.4
    assert error.mean() < half_a_pixel_off.mean() / 2


def test_living_room_agrees_with_independent_measurements(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    objects = {str(o["scannetpp_objectId"]): o for o in expected["objects"]}
    for spec, stream in (("scannetpp", "scannetpp_iphone"), ("scannetpp_dslr", "scannetpp_dslr")):
        scene = open_source(f"{spec}={scenes_root / 'scannetpp'}").load("9e0a51c3d7")
        assert {o.object_id for o in scene.objects} == set(objects)
        for item in scene.objects:
            fact = objects[item.object_id]
            assert (item.label, item.structural, len(item.vertex_ids)) == (
                fact["label"], fact["structural"], fact["vertices"])
            np.testing.assert_allclose(item.box.center, fact["center"], atol=0.001)
            np.testing.assert_allclose(item.box.extents, fact["extents_full"], atol=0.001)
            cosines = np.abs((item.box.axes * np.array(fact["axes_rows"])).sum(axis=1))
            assert np.degrees(np.arccos(np.clip(cosines, 0, 1))).max() < 0.1
        frames = {f["names"][stream]: f for f in expected["frames"] if f["names"].get(stream)}
        centers = {objects[o.object_id]["uid"]: o.box.center for o in scene.objects}
        assert [f.frame_id for f in scene.frames] == sorted(frames) and len(frames) > 10
        for frame in scene.frames:
            fact = frames[frame.frame_id]
            np.testing.assert_allclose(frame.world_from_camera, fact["camera_to_world"], atol=1e-4)
            for seen in fact["objects"]:
                if seen["center_in_image"]:
                    at = frame.intrinsics @ frame.world_from_camera[:3, :3].T @ (centers[seen["uid"]] - frame.center)
                    # expected.json has pixel centres at integers, COLMAP's intrinsics at .5: half a pixel for the DSLR
                    np.testing.assert_allclose(at[:2] / at[2], seen["uv"], atol=0.01 if "iphone" in stream else 0.51)


def test_a_vertex_may_belong_to_two_instances(changeable):
    path = changeable / "data" / SCENE_ID / "scans" / "segments_anno.json"
    content = json.loads(path.read_text())
    content["segGroups"][-1]["segments"] += content["segGroups"][-2]["segments"][:1]
    content["segGroups"][-1]["obb"]["axesLengths"] = [50, 50, 50]  # holds both
    path.write_text(json.dumps(content))
    *_, second, last = ScanNetPPSource(changeable).load(SCENE_ID).objects
    both = np.intersect1d(second.vertex_ids, last.vertex_ids)
    np.testing.assert_array_equal(both, captured_boxes().scene.objects[-2].vertex_ids[::3])


def test_root_may_be_the_dataset_or_its_folder_of_scenes_and_splits_are_the_same(boxes_written, changeable):
    root = changeable
    ids = [f"{n:010x}" for n in range(4)]
    for scene_id in ids:
        (root / "data" / scene_id).mkdir()
    (root / "splits").mkdir()
    for name, listed in (("nvs_sem_train", ids[:3]), ("nvs_sem_val", ids[1:3]), ("sem_test", ids[2:3])):
        (root / "splits" / f"{name}.txt").write_text("\n".join(listed) + "\n")
    for given in (root, root / "data"):
        source = ScanNetPPSource(given)
        assert source.scene_ids() == [*ids, SCENE_ID]
        assert [source.split(i) for i in ids[:3]] == ["train", "validation", "test"]
        assert source.split(ids[3], 1.0) == "validation" and "official" in source.split_rule
    assert "no official lists" in ScanNetPPSource(boxes_written).split_rule


def test_its_pixels_are_known_not_to_be_passed_on():
    assert not ScanNetPPSource.redistributable and not may_be_passed_on(ScanNetPPSource.name)


def edit(path, change):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content) or content))


def first_pose(matrix, key="aligned_pose"):
    return lambda content: content["frame_000000"].update({key: matrix})


def boxes(change):
    return lambda content: [change(group["obb"]) for group in content["segGroups"]] and None


def resized(path, size, mode=None):
    image = Image.open(path)
    image.convert(mode or image.mode).resize(size).save(path)


ANNO, POSES = "scans/segments_anno.json", "iphone/pose_intrinsic_imu.json"


@pytest.mark.parametrize("name, damage, says", [
    ("scans/mesh_aligned_0.05.ply", lambda p: p.unlink(), "missing"),
    ("scans/mesh_aligned_0.05.ply", lambda p: p.write_bytes(p.read_bytes()[:-100]), "truncated"),
    ("scans/segments.json", lambda p: p.unlink(), "missing"),
    ("scans/segments.json", lambda p: p.write_text('{"segIndices": [1, 2]}'), "2 segment indices for"),
    (ANNO, lambda p: p.unlink(), "missing"),
    (ANNO, lambda p: p.write_text(p.read_text()[:1000]), "not readable as JSON"),
    (ANNO, lambda p: p.write_text('{"segGroups": [{"objectId": 1}]}'), "label"),
    (ANNO, lambda p: edit(p, lambda c: c["segGroups"][1].update(objectId=0)), "occurs twice"),
    (ANNO, lambda p: edit(p, boxes(lambda b: b.update(normalizedAxes=[1, 1, 0, 0, 1, 0, 0, 0, 1]))), "orthonormal"),
    (ANNO, lambda p: edit(p, boxes(lambda b: b.update(centroid=[1000 * x for x in b["centroid"]]))), "in metres"),
    (POSES, lambda p: p.unlink(), "missing"),
    (POSES, lambda p: p.write_text("[]"), "entry for each frame"),
    (POSES, lambda p: edit(p, first_pose(np.diag([2.0, 1, 1, 1]).tolist())), "not a rotation"),
    (POSES, lambda p: edit(p, first_pose([[1, 2]])), "reshape"),
    (POSES, lambda p: edit(p, first_pose(np.zeros((3, 3)).tolist(), "intrinsic")), "focal lengths"),
    ("iphone/rgb", shutil.rmtree, "toolkit"),
    ("iphone/depth/frame_000000.png", lambda p: resized(p, (100, 240)), "another shape"),
    ("iphone/depth", lambda p: [resized(one, (320, 240), "L") for one in p.iterdir()], "16 bits"),
])
def test_a_broken_file_is_named_with_what_is_wrong(changeable, name, damage, says):
    shutil.rmtree(changeable / "data" / SCENE_ID / "dslr")
    damage(changeable / "data" / SCENE_ID / name)
    with pytest.raises(SceneError, match=says) as caught:
        ScanNetPPSource(changeable).load(SCENE_ID)
    assert name.split("/")[1].split(".")[0] in str(caught.value) and "\n" not in str(caught.value)


TRANSFORMS = "dslr/nerfstudio/transforms_undistorted.json"


@pytest.mark.parametrize("change, says", [
    (lambda c: c.update(camera_model="OPENCV"), "camera_model 'OPENCV'"),
    (lambda c: c.pop("fl_x"), "fl_x"),
    (lambda c: c.update(w=0), "positive"),
    (lambda c: c["frames"][0].pop("file_path"), "file_path"),
    (lambda c: c["frames"][0].update(file_path="../../../secret.JPG"), "not the name of a file"),
    (lambda c: c["frames"][0].update(file_path="/etc/passwd"), "not the name of a file"),
    (lambda c: c["frames"][0].update(transform_matrix=np.ones((4, 4)).tolist()), "not a rotation"),
    (lambda c: c.update(frames=[], test_frames=[]), "none of the pictures"),
    (lambda c: [1], "expected intrinsics and frames"),
])
def test_broken_transforms_are_named(changeable, change, says):
    path = changeable / "data" / SCENE_ID / TRANSFORMS
    content = json.loads(path.read_text())
    changed = change(content)
    path.write_text(json.dumps(changed if isinstance(changed, list) else content))
    with pytest.raises(SceneError, match=says):
        ScanNetPPSource(changeable, dslr=True).load(SCENE_ID)


def test_one_depth_map_of_eight_bits_costs_no_other(changeable):
    resized(changeable / "data" / SCENE_ID / "iphone" / "depth" / "frame_000000.png", (320, 240), "L")
    source = ScanNetPPSource(changeable)
    first, second, _ = (scene := source.load(SCENE_ID)).frames
    assert source.read_depth(scene, second)
    with pytest.raises(SceneError, match=r"frame_000000\.png: expected 16 bits"):
        source.read_depth(scene, first)


def test_what_a_scene_can_do_without_is_left_out_and_counted(changeable):
    folder = changeable / "data" / SCENE_ID

    def broken_poses(content):
        content["frame_000000"]["aligned_pose"] = [[float("-inf")] * 4] * 4
        content["frame_000009"] = content.pop("frame_000001")

    def broken_groups(content):
        first, second, third, fourth = content["segGroups"][-4:]
        first["segments"], second["label"] = [10**6], " "
        third["obb"]["axesLengths"][2] = 0
        fourth["obb"]["centroid"][0] += 50

    edit(folder / POSES, broken_poses)
    edit(folder / ANNO, broken_groups)
    edit(folder / TRANSFORMS, lambda c: c["frames"][0].update(is_bad=True))
    (folder / "iphone" / "rgb" / "notes.txt").write_text("an extra file")
    (folder / "extra").mkdir()
    whole = ScanNetPPSource(changeable)
    scene = whole.load(SCENE_ID)
    assert [f.frame_id for f in scene.frames] == ["frame_000002"]
    groups = {"boxes_of_unknown_instances": 1, "objects_nameless": 1, "objects_without_volume": 1,
              "boxes_off_their_instances": 1}
    frames = {"frames_without_tracking": 1, "frames_without_pose": 1, "poses_without_picture": 1}
    assert scene.dropped == frames | groups
    of_dslr = ScanNetPPSource(changeable, dslr=True).load(SCENE_ID)
    assert len(of_dslr.frames) == 2 and of_dslr.dropped == {"frames_marked_bad": 1} | groups


def test_no_link_leads_out_of_the_root(boxes_written, changeable, tmp_path):
    folder = changeable / "data" / SCENE_ID
    picture = folder / "iphone" / "rgb" / "frame_000002.jpg"
    secret = shutil.copy(picture, tmp_path / "secret.jpg")
    picture.unlink()
    os.symlink(secret, picture)
    source = ScanNetPPSource(changeable)
    scene = source.load(SCENE_ID)
    with pytest.raises(SceneError, match=r"frame_000002\.jpg: leads out of"):
        source.read_color(scene, scene.frames[2])
    with pytest.raises(SceneError, match="leads out of"):
        source.read_color(scene, replace(scene.frames[0], frame_id="../../../../../secret"))
    os.symlink(boxes_written / "data" / SCENE_ID, changeable / "data" / "ffffffffff")
    with pytest.raises(SceneError, match="leads out of"):
        ScanNetPPSource(changeable).load("ffffffffff")
    with pytest.raises(InputError, match="no scene"):
        source.load("../x")


def test_a_room_in_millimetres_is_refused(tmp_path):
    room = captured_boxes()
    scene = room.scene
    large = replace(scene, mesh=replace(scene.mesh, vertices=scene.mesh.vertices * 1000))
    write_scannetpp(tmp_path, replace(room, scene=large))
    with pytest.raises(SceneError, match=r"the mesh measures .* must be in metres"):
        ScanNetPPSource(tmp_path).load(SCENE_ID)
