"""Structured3D on disk: our own scenes written and read back, mistakes in reading, the captured room, broken trees."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import shapely
from PIL import Image

from builders.errors import InputError, SceneError
from builders.scenes.scannet import ScanNetSource
from builders.scenes.structured3d import NYU40, Structured3DSource
from builders.spar.geometry import camera_coordinates, project
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks import TASKS
from tests.builders.scenes.rendered import assert_same_boxes_and_cameras, rendered_room
from tests.builders.scenes.write_structured3d import MISTAKES, ROOM, instance_id, write_structured3d
from tests.builders.spar.asked import rows_of, said

SEMANTICS = [label for label in range(3, 40) if label != 22] * 3
FRAMES = f"2D_rendering/{ROOM}/perspective/full"


def as_structured3d(room):
    """What a reader must make of the room."""
    shown = set(np.unique(np.concatenate([one.ravel() for one in room.shown])).tolist())
    objects = tuple(replace(item, object_id=str(instance_id(i)), label=NYU40[SEMANTICS[i]])
                    for i, item in enumerate(room.scene.objects) if i in shown and not item.structural)
    frames = tuple(replace(f, frame_id=f"{ROOM}_{f.frame_id}") for f in room.scene.frames)
    return replace(room.scene, objects=objects, frames=frames)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("structured3d")
    write_structured3d(root, rendered_room(), SEMANTICS)
    return root


@pytest.fixture
def scenes(written, tmp_path):
    """A copy to break."""
    shutil.copytree(written, tmp_path / "copy")
    return tmp_path / "copy"


def load(root, scene_id="scene_00001"):
    return Structured3DSource(root).load(scene_id)


def test_a_written_scene_reads_back_as_the_scene_it_was(written):
    room, scene = rendered_room(), load(written)
    assert_same_boxes_and_cameras(scene, as_structured3d(room))
    hidden = sum(not o.structural for o in room.scene.objects) - len(scene.objects)
    assert scene.dropped == ({"boxes_without_pixels": hidden} if hidden else {})
    assert scene.visibility_basis == "instance_map"
    source = Structured3DSource(written)
    for number, frame in enumerate(scene.frames):
        again = scene.maps.instances(frame)
        names = [o.object_id for o in scene.objects]
        wanted = [names.index(str(instance_id(i))) if str(instance_id(i)) in names and not o.structural else -1
                  for i, o in enumerate(room.scene.objects)]
        np.testing.assert_array_equal(again, np.append(wanted, -1)[room.shown[number]])
        np.testing.assert_array_equal(np.rint(scene.maps.depth(frame) * 1000), room.depth[number])
        assert source.read_color(scene, frame).startswith(b"\x89PNG") and source.read_depth(scene, frame)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_convention_read_wrongly_does_not_pass_the_round_trip(tmp_path, mistake):
    write_structured3d(tmp_path, rendered_room(), SEMANTICS, wrong=mistake)
    with pytest.raises((AssertionError, SceneError)):
        assert_same_boxes_and_cameras(load(tmp_path), as_structured3d(rendered_room()))


def test_points_behind_the_camera_stay_behind_it(written):
    scene = load(written)
    frame = scene.frames[0]
    behind = frame.center - 2 * frame.world_from_camera[:3, 2]
    assert camera_coordinates(behind, frame)[2] == pytest.approx(-2)
    shown = {o for image in build_record(scene, Limits()).images for o in image.objects}
    assert shown  # and nothing of them lies behind its camera
    for image in build_record(scene, Limits()).images:
        assert all(seen.center_camera[2] > 0 for seen in image.objects.values())


def test_splits_are_the_official_ranges(tmp_path):
    for number in (0, 2999, 3000, 3249, 3250, 3499, 3500):
        (tmp_path / f"scene_{number:05d}").mkdir()
    source = Structured3DSource(tmp_path)
    assert [source.split(s) for s in source.scene_ids()][:6] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    assert source.split("scene_03500", 0.0) == "train" and source.split("scene_03500", 1.0) == "validation"


def test_root_may_be_the_dataset_folder_or_that_of_the_scenes(written, tmp_path):
    shutil.copytree(written, tmp_path / "Structured3D")
    assert Structured3DSource(tmp_path).scene_ids() == Structured3DSource(tmp_path / "Structured3D").scene_ids()
    with pytest.raises(InputError, match="no scene_XXXXX folder"):
        Structured3DSource(written / "scene_00001")


def test_room_size_is_that_of_the_annotated_floor(written):
    room, scene = rendered_room(), load(written)
    (floor,) = scene.rooms
    assert floor.frame_ids == tuple(f.frame_id for f in scene.frames)
    known = shapely.Polygon(room.polygon)
    assert shapely.Polygon(floor.polygon).symmetric_difference(known).area < 1e-6
    limits = Limits(video_frames=4, min_room_shown=0.5)
    rows = rows_of(build_record(scene, limits, video=True), TASKS["room_size"], "fill", limits=limits)
    assert rows[0]["answer_exact"] == pytest.approx([known.area])
    for without in (replace(floor, polygon=np.zeros((0, 2))), None):  # a film of a room that nobody has measured
        unknown, scene_without = Counter(), replace(scene, rooms=(without,) if without else ())
        assert not rows_of(build_record(scene_without, limits, video=True), TASKS["room_size"], "fill", limits=limits,
                           rejected=unknown)
        assert unknown["room_unknown"] == 1
    rejected, strict = Counter(), replace(limits, min_room_shown=0.99)
    assert not rows_of(build_record(scene, strict, video=True), TASKS["room_size"], "fill", limits=strict,
                       rejected=rejected)
    assert rejected["room_shown_in_part"] == 1


def _break_boxes(change):
    def damage(folder):
        path = folder / "bbox_3d.json"
        boxes = json.loads(path.read_text())
        change(boxes)
        path.write_text(json.dumps(boxes))
    return damage


def _replace_image(name, pixels):
    return lambda folder: Image.fromarray(pixels).save(folder / FRAMES / "1" / name)


def _pose(**changes):
    def damage(folder):
        path = folder / FRAMES / "1" / "camera_pose.txt"
        numbers = path.read_text().split()
        for place, value in changes.items():
            numbers[int(place[1:])] = value
        path.write_text(" ".join(numbers))
    return damage


@pytest.mark.parametrize("file, damage, says", [
    ("bbox_3d.json", lambda f: (f / "bbox_3d.json").unlink(), "missing"),
    ("bbox_3d.json", lambda f: (f / "bbox_3d.json").write_text("[{"), "not readable as JSON"),
    ("bbox_3d.json", lambda f: (f / "bbox_3d.json").write_text("{}"), "list of boxes"),
    ("bbox_3d.json", _break_boxes(lambda b: b[3].pop("coeffs")), "box 3: expected ID"),
    ("bbox_3d.json", _break_boxes(lambda b: b[3].update(basis=[[1, 0, 0]] * 3)), "box 3.*orthonormal"),
    ("scene_00001", _break_boxes(lambda b: b[3].update(centroid=[4e6, 0, 0])), "400. m.*another unit"),
    ("camera_pose.txt", _pose(_3="0.5"), "view and up"),
    ("camera_pose.txt", _pose(_0="nan"), "NaN"),
    ("camera_pose.txt", _pose(_9="3.0"), "half the angles"),
    ("camera_pose.txt", _pose(_11=""), "12 numbers, found 11|1x12 numbers, found 11"),
    ("depth.png", _replace_image("depth.png", np.zeros((480, 640), np.uint8)), "16 bits of depth, found mode L"),
    ("depth.png", _replace_image("depth.png", np.zeros((240, 320), np.uint16)), "320x240"),
    ("instance.png", _replace_image("instance.png", np.zeros((480, 640), np.uint8)), "expected 16 bits, found 8"),
    ("instance.png", _replace_image("instance.png", np.zeros((9, 9), np.uint16)), "9x9 pixels"),
    ("semantic.png", lambda f: (f / FRAMES / "1" / "semantic.png").write_bytes(b"GIF89a"), "not a whole PNG"),
    ("annotation_3d.json", lambda f: (f / "annotation_3d.json").write_text("{}"), "expected junctions"),
])
def test_a_broken_file_is_named_with_what_is_wrong(scenes, file, damage, says):
    damage(scenes / "scene_00001")
    with pytest.raises(SceneError, match=says) as caught:
        load(scenes)
    assert file in str(caught.value) and "\n" not in str(caught.value)


def test_half_downloaded_frames_and_odd_ids_are_left_out_and_counted(scenes):
    folder = scenes / "scene_00001"
    (folder / FRAMES / "0" / "camera_pose.txt").unlink()
    (folder / FRAMES / "1" / "instance.png").unlink()
    (folder / FRAMES / "2" / "depth.png").unlink()
    (folder / "annotation_3d.json").unlink()
    (folder / "unknown.bin").write_bytes(b"\x80\x04.")  # a pickle, were it read
    path = folder / "bbox_3d.json"
    boxes = json.loads(path.read_text())
    whole = {o.object_id for o in load(scenes).objects}
    names = [str(box["ID"]) for box in boxes]
    seen = [i for i, name in enumerate(names) if name in whole]
    boxes.append(boxes[seen[0]])  # the same box twice is one box
    boxes.append(boxes[seen[1]] | {"coeffs": [100, 100, 100]})  # two boxes for one id are none
    boxes.append(boxes[seen[0]] | {"ID": 4000})  # never rendered
    del boxes[seen[2]]
    path.write_text(json.dumps(boxes))
    before = load(scenes)
    assert {o.object_id for o in before.objects} == whole - {names[seen[1]], names[seen[2]]}
    assert before.dropped["frames_without_camera_pose"] == before.dropped["frames_without_instance"] == 1
    assert before.dropped["boxes_with_an_id_twice"] == 2 and before.dropped["instances_without_box"] == 2
    assert before.dropped["boxes_without_pixels"] >= 1
    assert [f.frame_id for f in before.frames] == [f"{ROOM}_2", f"{ROOM}_3"]
    assert before.dropped["rooms_without_outline"] == 1 and [len(r.polygon) for r in before.rooms] == [0]
    assert Structured3DSource(scenes).read_depth(before, before.frames[0]) is None
    for frame in (2, 3):
        shutil.rmtree(folder / FRAMES / str(frame))
    with pytest.raises(SceneError, match=r"no whole frame .* 1 frames_without_instance"):
        load(scenes)


def test_no_link_leads_out_of_the_root(scenes, tmp_path):
    path = scenes / "scene_00001" / FRAMES / "0" / "depth.png"
    path.replace(tmp_path / "outside.png")
    path.symlink_to(tmp_path / "outside.png")
    with pytest.raises(SceneError, match=r"depth\.png: leads out of"):
        load(scenes)
    with pytest.raises(InputError, match="no scene"):
        load(scenes, "../outside")


def test_living_room_agrees_with_independent_measurements(scenes_root):
    scene = load(scenes_root / "structured3d", "scene_03400")
    expected = json.loads((scenes_root / "expected.json").read_text())
    objects = {str(o["structured3d_ID"]): o for o in expected["objects"] if not o["structural"]}
    assert {o.object_id for o in scene.objects} == set(objects)
    for item in scene.objects:
        fact = objects[item.object_id]
        assert item.label == NYU40[fact["nyu40"]]
        np.testing.assert_allclose(item.box.center, fact["center"], atol=1e-5)
        np.testing.assert_allclose(item.box.extents, fact["extents_full"], atol=1e-5)
        cosines = np.abs((item.box.axes * np.array(fact["axes_rows"])).sum(axis=1))
        assert np.degrees(np.arccos(np.clip(cosines, 0, 1))).max() < 0.1
    frames = {f["names"]["structured3d"].replace("/", "_"): f for f in expected["frames"]
              if f["names"].get("structured3d")}
    assert {f.frame_id for f in scene.frames} == set(frames)
    by_uid = {objects[o.object_id]["uid"]: o for o in scene.objects}
    for frame in scene.frames:
        fact = frames[frame.frame_id]
        np.testing.assert_allclose(frame.world_from_camera, fact["camera_to_world"], atol=1e-6)
        for told in fact["objects"]:
            if told["center_in_image"] and told["uid"] in by_uid:
                center = camera_coordinates(by_uid[told["uid"]].box.center, frame)
                assert project(center, frame.intrinsics) == pytest.approx(told["uv"], abs=0.01)


def test_living_room_gives_the_same_golds_as_in_the_scannet_layout(scenes_root):
    """Of every task: where frames, formats and objects are shared, so are the exact answers."""
    expected = json.loads((scenes_root / "expected.json").read_text())
    name = {str(o["structured3d_ID"]): str(o["scannet_objectId"]) for o in expected["objects"] if not o["structural"]}
    number = {f["names"]["structured3d"].replace("/", "_"): f["names"]["scannet"] for f in expected["frames"]
              if f["names"].get("structured3d")}
    scene = load(scenes_root / "structured3d", "scene_03400")
    other = ScanNetSource(scenes_root / "scannet").load("scene9001_00")
    wanted = set(number.values())
    other = replace(other, frames=tuple(f for f in other.frames if f.frame_id in wanted))
    scene = replace(scene, objects=tuple(replace(o, object_id=name[o.object_id], label=next(
        x.label for x in other.objects if x.object_id == name[o.object_id])) for o in scene.objects), frames=tuple(
        replace(f, frame_id=number[f.frame_id]) for f in scene.frames), maps=_Renamed(scene, number))
    limits = Limits(keyframe_translation=0.05, min_in_image_fraction=0.2, min_visible_fraction=0.05,
                    min_visible_fraction_maps=0.05)
    mapped, scanned = (build_record(one, limits) for one in (scene, other))
    compared = Counter()
    for task in TASKS.values():
        if task.name == "position_matching":  # whose golds are boxes of visible pixels
            continue
        for form in task.formats:
            for row in rows_of(mapped, task, form, 60, limits=limits):
                try:
                    second = task.recompute(row, scanned, limits)
                except KeyError:  # an object that the other basis does not show well enough in some view
                    compared["not shown"] += 1
                    continue
                assert not isinstance(second, str), (task.name, second)
                assert row["answer_exact"] == pytest.approx(second.exact.tolist(), abs=1e-4)
                if second.text is not None and form != "sentence":
                    assert said(row) == second.text or _on_a_boundary(second.exact)
                compared[task.name] += 1
    assert len(compared) > 12 and compared["not shown"] < 0.05 * sum(compared.values()) > 15


def _on_a_boundary(exact):
    """Whether some number lies so near a rounding boundary that layouts may print it differently."""
    return bool((np.abs(np.abs(exact) * 10 % 1 - 0.5) < 0.01).any())


class _Renamed:
    """Maps of a scene whose frames have other names."""

    def __init__(self, scene, number):
        self._maps, self._of = scene.maps, {number[f.frame_id]: f for f in scene.frames}

    def instances(self, frame):
        return self._maps.instances(self._of[frame.frame_id])

    def depth(self, frame):
        return self._maps.depth(self._of[frame.frame_id])
