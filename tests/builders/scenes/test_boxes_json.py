"""Scenes described by JSON: our own rooms written and read back, mistakes, the repository's example, broken files."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from builders.errors import InputError, SceneError
from builders.scenes.boxes_json import BoxesJsonSource
from builders.scenes.procedural.source import ProceduralSource
from tests.builders.scenes.rendered import assert_same_boxes_and_cameras, rendered_room
from tests.builders.scenes.write_boxes_json import MISTAKES, write_boxes_json

EXAMPLE = Path(__file__).parents[3] / "examples" / "scenes"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("json")
    write_boxes_json(root, rendered_room())
    return root


@pytest.fixture
def scenes(written, tmp_path):
    """A copy to break."""
    shutil.copytree(written, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_written_scene_reads_back_as_the_scene_it_was(written):
    room, source = rendered_room(), BoxesJsonSource(written)
    scene = source.load("kitchen")
    assert_same_boxes_and_cameras(scene, room.scene, atol=1e-12)
    assert scene.visibility_basis == "instance_map" and source.split("kitchen") == "train"
    np.testing.assert_array_equal(scene.rooms[0].polygon, room.polygon)
    for number, frame in enumerate(scene.frames):
        np.testing.assert_array_equal(scene.maps.instances(frame), room.shown[number])
        depth = scene.maps.depth(frame)
        assert depth.shape == (480, 640)
        np.testing.assert_allclose(depth[::2, ::2] * 1000, room.depth[number][::2, ::2], atol=1e-3)
        assert source.read_color(scene, frame).startswith(b"\x89PNG")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_convention_got_wrong_does_not_pass_the_round_trip(tmp_path, mistake):
    write_boxes_json(tmp_path, rendered_room(), wrong=mistake)
    with pytest.raises((AssertionError, SceneError)):
        assert_same_boxes_and_cameras(BoxesJsonSource(tmp_path).load("kitchen"), rendered_room().scene)


@pytest.mark.parametrize("maps, basis", [
    (("depth", "instances"), "instance_map"), (("instances",), "instance_map"), (("depth",), "depth_map"),
    ((), "boxes"),
])
def test_the_best_basis_that_the_files_allow_is_taken(tmp_path, maps, basis):
    write_boxes_json(tmp_path, rendered_room(), maps=maps)
    assert BoxesJsonSource(tmp_path).load("kitchen").visibility_basis == basis


def test_the_example_is_the_procedural_room_it_says_it_is():
    """Whoever changes the rooms runs scripts/example_scene.py again."""
    source = BoxesJsonSource(EXAMPLE)
    (name,) = source.scene_ids()
    scene, room = source.load(name), ProceduralSource(renderer="raycast").load("room_000001")
    shown = {frame.frame_id for frame in scene.frames}
    room = replace(room, frames=tuple(f for f in room.frames if f.frame_id in shown), instructions=())
    for read, made in zip(scene.objects, room.objects, strict=True):
        assert (read.object_id, read.label, read.structural) == (made.object_id, made.label, made.structural)
        np.testing.assert_allclose(read.box.corners(), made.box.corners(), atol=1e-5)
    for a, b in zip(scene.frames, room.frames, strict=True):
        np.testing.assert_allclose(a.world_from_camera, b.world_from_camera, atol=1e-6)
    assert sum(p.stat().st_size for p in EXAMPLE.rglob("*") if p.is_file()) < 500_000
    assert source.split(name) == "validation"


def test_root_may_be_a_folder_of_scenes_or_the_one_above_or_one_scene(written, tmp_path):
    shutil.copytree(written, tmp_path / "scenes")
    for root in (written, tmp_path, tmp_path / "scenes", written / "kitchen"):
        assert BoxesJsonSource(root).scene_ids() == ["kitchen"]
    with pytest.raises(InputError, match=r"no \*/scene.json"):
        BoxesJsonSource(written / "kitchen" / "images")


def _set(place, **changes):
    """Change an entry: ("objects", 3), ("frames", 0), ("rooms", 0), or () for the scene."""
    def damage(described):
        entry = described
        for key in place:
            entry = entry[key]
        entry.update(changes)
    return damage


@pytest.mark.parametrize("damage, says", [
    (_set((), format="x"), '"format": "vantage-scene-1"'),
    (_set((), split="dev"), "split 'dev'"),
    (_set((), colour=1), "unknown key 'colour'"),
    (_set((), objects=3), "list under 'objects'"),
    (_set((), frames=[]), "no frame with a pose"),
    (_set(("objects", 3), extent=1), r"objects\[3\].*unknown key 'extent'"),
    (_set(("objects", 3), center=[1, 2]), r"objects\[3\].*3 finite numbers under 'center'"),
    (_set(("objects", 3), center=[1, 2, float("nan")]), "finite numbers under 'center'"),
    (_set(("objects", 3), center=["a", 2, 3]), "numbers under 'center'"),
    (_set(("objects", 2), axes=[[1, 0, 0]] * 3), r"objects\[2\].*orthonormal"),
    (_set(("objects", 3), extents=[1, 0, 1]), "three positive lengths"),
    (_set(("objects", 3), label=None), "a name under 'label'"),
    (_set(("objects", 3), structural="yes"), "true or false"),
    (_set(("objects", 3), instance="7"), "whole number under 'instance'"),
    (_set(("objects", 13), instance=312), "one value under 'instance'"),
    (_set(("objects", 13), instance=None), "has no 'instance'"),
    (_set(("objects", 3), id="floor"), "not unique"),
    (_set(("frames", 1), intrinsics={"fx": 1}), "finite numbers under 'fy'"),
    (_set(("frames", 1), intrinsics={"fx": -1, "fy": 1, "cx": 0, "cy": 0}), "focal lengths"),
    (_set(("frames", 1), world_from_camera=[[1, 0, 0, 0]] * 4), "not a rotation"),
    (_set(("frames", 1), image="images/none.png"), "none.png: missing"),
    (_set(("frames", 1), image="../other.png"), "leads out of"),
    (_set(("frames", 1), image="/etc/passwd"), "leads out of"),
    (_set(("frames", 1), depth="../../depth.png"), "leads out of"),
    (_set(("frames", 1), depth_intrinsics=None), "320x240 pixels of depth, 640x480 of colour"),
    (_set(("frames", 1), depth="images/1.png"), "16 bits of depth, found mode RGB"),
    (_set(("frames", 1), instances=None), "all or none"),
    (_set(("rooms", 0), polygon=[[0, 0], [1, 1]]), "three corners"),
    (_set(("objects", 3), center=[4000, 0, 0]), "another unit"),
])
def test_a_wrong_description_is_named_with_what_is_wrong(scenes, damage, says):
    path = scenes / "kitchen" / "scene.json"
    described = json.loads(path.read_text())
    damage(described)
    path.write_text(json.dumps(described))
    with pytest.raises(SceneError, match=says) as caught:
        BoxesJsonSource(scenes).load("kitchen")
    assert "kitchen" in str(caught.value) and "\n" not in str(caught.value)


def test_frames_without_pose_are_left_out_and_counted_and_splits_may_be_left_open(scenes):
    path = scenes / "kitchen" / "scene.json"
    described = json.loads(path.read_text())
    described["frames"][0]["world_from_camera"] = None
    del described["split"]
    path.write_text(json.dumps(described))
    source = BoxesJsonSource(scenes)
    scene = source.load("kitchen")
    assert len(scene.frames) == 3 and scene.dropped == {"frames_without_pose": 1}
    assert (source.split("kitchen", 0.0), source.split("kitchen", 1.0)) == ("train", "validation")
    path.write_text("[")
    with pytest.raises(SceneError, match="not readable as JSON"):
        source.load("kitchen")


def test_no_link_leads_out_of_the_root(scenes, tmp_path):
    (scenes / "kitchen").rename(tmp_path / "elsewhere")
    (scenes / "kitchen").symlink_to(tmp_path / "elsewhere")
    source = BoxesJsonSource(scenes)
    for call in (source.load, source.glance, source.fingerprint):
        with pytest.raises(SceneError, match="kitchen: leads out of"):
            call("kitchen")
    with pytest.raises(InputError, match="no scene"):
        source.load("../elsewhere")


def test_fingerprint_changes_with_a_number_of_the_description(scenes):
    source, path = BoxesJsonSource(scenes), scenes / "kitchen" / "scene.json"
    before = source.fingerprint("kitchen")
    text = path.read_text()
    path.write_text(text.replace('"split": "train"', '"split": "tests"'))
    assert len(path.read_text()) == len(text) and source.fingerprint("kitchen") != before
