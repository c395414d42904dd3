"""The ``.sens`` file: what was written is read, exported frames give the same scene, and damage is named."""

import shutil
import struct
import tracemalloc
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from builders.errors import SceneError
from builders.scenes.scannet import ScanNetSource
from builders.scenes.sens import SensFile
from tests.builders.scenes.captured import DEPTH_SIZE, assert_boxes_tight, assert_same, captured_room
from tests.builders.scenes.write_sens import write_sens
from tests.builders.toy import write_scannet

TURNED = np.array([[0.8, -0.6, 0, 1.5], [0.6, 0.8, 0, -2], [0, 0, 1, 0.3], [0, 0, 0, 1.0]])
NAME = "scene0001_00"
HEADER = 12 + 8 + 4 * 64
"""Bytes of a file by ``write_sens`` before its codecs."""


@pytest.fixture(scope="module")
def room():
    return captured_room()


@pytest.fixture(scope="module")
def scans(room, tmp_path_factory):
    """A scan as it is downloaded: its .sens file, frame 1 of which has lost tracking, and no exported frames."""
    root = tmp_path_factory.mktemp("scannet")
    folder = write_scannet(root / "scans", room.scene, TURNED)
    for exported in ("color", "pose", "intrinsic"):
        shutil.rmtree(folder / exported)
    write_sens(folder / f"{NAME}.sens", room, TURNED, lost=[1])
    return root


@pytest.fixture
def sens(room, tmp_path):
    return write_sens(tmp_path / "scene.sens", room)


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)))


def test_a_written_file_reads_back_exactly(room, sens):
    read = SensFile(sens)
    assert len(read) == 3 and read.color_size == (640, 480) and read.depth_size == DEPTH_SIZE
    np.testing.assert_allclose(read.color_intrinsics, room.scene.frames[0].intrinsics, atol=1e-4)
    np.testing.assert_allclose(read.depth_intrinsics, room.depth_intrinsics, atol=1e-4)
    for i, frame in enumerate(room.scene.frames):
        np.testing.assert_allclose(read.poses[i], frame.world_from_camera, atol=1e-6)
        assert read.color(i) == room.color[i]
        np.testing.assert_array_equal(pixels(read.depth(i)), room.depth[i])
        assert Image.open(BytesIO(read.depth(i))).mode.startswith("I")


@pytest.mark.parametrize("form", [{"zipped": False}, {"units": 5000.0}])
def test_raw_depth_and_other_units_read_the_same(room, tmp_path, form):
    read = SensFile(write_sens(tmp_path / "scene.sens", room, **form))
    near = room.depth[0] < 65535 / 5  # what 16 bits can hold of 5,000 units to the metre
    assert near.mean() > 0.9
    np.testing.assert_array_equal(pixels(read.depth(0))[near], room.depth[0][near])


def test_a_scan_with_its_sens_file_is_the_scene_it_was(room, scans):
    source = ScanNetSource(scans)
    scene, seen = source.load(NAME), room.scene.frames
    assert scene.dropped == {"frames_without_tracking": 1}
    assert_same(scene, replace(room.scene, frames=(seen[0], seen[2])), boxes=False)
    assert_boxes_tight(scene, room.scene)
    np.testing.assert_allclose(scene.frames[0].depth_intrinsics, room.depth_intrinsics, atol=1e-4)
    assert source.read_color(scene, scene.frames[1]) == room.color[2]
    np.testing.assert_array_equal(pixels(source.read_depth(scene, scene.frames[1])), room.depth[2])


def test_exported_frames_are_preferred_and_give_the_same_cameras(room, scans, tmp_path):
    folder = write_scannet(tmp_path, room.scene, TURNED)
    shutil.copy(scans / "scans" / NAME / f"{NAME}.sens", folder)
    source, of_sens = ScanNetSource(tmp_path), ScanNetSource(scans).load(NAME)
    exported = {f.frame_id: f for f in source.load(NAME).frames}
    assert list(exported) == ["0", "1", "2"] and source.glance(NAME).has_depth is False
    for frame in of_sens.frames:
        np.testing.assert_allclose(frame.world_from_camera, exported[frame.frame_id].world_from_camera, atol=2e-6)
        np.testing.assert_allclose(frame.intrinsics, exported[frame.frame_id].intrinsics, atol=1e-4)


def test_pictures_follow_the_file_when_it_is_replaced(room, scans, tmp_path):
    root = shutil.copytree(scans, tmp_path / "copy")
    source, path = ScanNetSource(root), root / "scans" / NAME / f"{NAME}.sens"
    scene = source.load(NAME)
    assert source.read_color(scene, scene.frames[0]) == room.color[0]
    write_sens(path, replace(room, color=(room.color[2], room.color[1], room.color[0] + bytes(7))), TURNED)
    assert source.read_color(scene, scene.frames[0]) == room.color[2]


def rewritten(path, at, form, *values):
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, at, *values)
    path.write_bytes(data)


@pytest.mark.parametrize("damage, says", [
    (lambda p: p.unlink(), "missing"),
    (lambda p: p.write_bytes(b"hello"), "ends in its header"),
    (lambda p: p.write_bytes(p.read_bytes()[:HEADER]), "ends in its header"),
    (lambda p: p.write_bytes(p.read_bytes()[:-20_000]), "ends after 2 of 3 frames"),
    (lambda p: p.write_bytes(p.read_bytes()[: HEADER + 60]), "ends after 0 of 3 frames"),
    (lambda p: rewritten(p, 0, "<I", 3), "not a .sens file of version 4"),
    (lambda p: rewritten(p, 4, "<Q", 2**60), "not a .sens file"),
    (lambda p: rewritten(p, HEADER, "<i", 0), "colour codec 0"),
    (lambda p: rewritten(p, HEADER + 4, "<i", 2), "depth codec 2"),
    (lambda p: rewritten(p, HEADER + 8, "<I", 2**31), "pixels; the header is damaged"),
    (lambda p: rewritten(p, HEADER + 24, "<f", 0), "units of depth per metre"),
    (lambda p: rewritten(p, HEADER + 28, "<Q", 2**62), f"ends after 3 of {2**62} frames"),
    (lambda p: rewritten(p, HEADER + 36 + 80, "<Q", 2**63), "ends after 0 of 3 frames"),
])
def test_damage_is_named(sens, damage, says):
    damage(sens)
    with pytest.raises(SceneError, match=says) as caught:
        SensFile(sens)
    assert str(sens) in str(caught.value) and "\n" not in str(caught.value)


def test_damaged_pictures_are_named_by_frame_and_bombs_are_not_unpacked(room, tmp_path):
    bomb = zlib.compress(bytes(10**8))
    for stored, says in ((b"xx", "damaged depth"), (bomb, "expected 153600"), (zlib.compress(b"abc"), "3 bytes")):
        path = write_sens(tmp_path / "scene.sens", replace(room, color=(room.color[0][:-500], *room.color[1:])))
        data = path.read_bytes()
        start = HEADER + 36
        color, depth = struct.unpack_from("<QQ", data, start + 80)
        head = data[: start + 88] + struct.pack("<Q", len(stored)) + data[start + 96 : start + 96 + color]
        path.write_bytes(head + stored + data[start + 96 + color + depth :])
        read = SensFile(path)
        with pytest.raises(SceneError, match=f"frame 0: .*{says}"):
            read.depth(0)
        with pytest.raises(SceneError, match="frame 0: not a whole PNG or JPEG"):
            read.color(0)
        assert read.color(1) == room.color[1]


def test_a_large_file_is_never_in_memory(room, tmp_path):
    """Forty frames of a megabyte: a reader that held them, or two of them at once for each one read, would show."""
    noise = room.color[0][:-2] + np.random.default_rng(0).bytes(10**6) + room.color[0][-2:]
    frames = tuple(replace(room.scene.frames[0], frame_id=str(i)) for i in range(40))
    many = replace(room, color=(noise,) * 40, scene=replace(room.scene, frames=frames), depth=room.depth[:1] * 40)
    path = write_sens(tmp_path / "scene.sens", many)
    assert path.stat().st_size > 4e7
    tracemalloc.start()
    try:
        read = SensFile(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
        for i in range(40):
            assert len(read.color(i)) == len(noise)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
