"""Depth maps: millimetres along the optical axis, by a camera of their own, and nothing where there is none."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from builders.errors import SceneError
from builders.scenes import open_source
from builders.scenes.scannet import ScanNetSource
from builders.scenes.scene import Frame
from tests.builders.toy import toy_room, write_scannet


def world_points(data, frame):
    """(3, N) of all measured pixels, by the frame's stored depth camera."""
    with Image.open(BytesIO(data)) as image:
        assert image.format == "PNG" and image.mode.startswith("I")
        depth = np.array(image)
    v, u = np.nonzero(depth)
    rays = np.linalg.inv(frame.depth_intrinsics) @ np.stack([u, v, np.ones(len(u))])
    return frame.world_from_camera[:3, :3] @ (rays * depth[v, u] / 1000) + frame.center[:, None]


@pytest.fixture
def scans(tmp_path):
    """A scan whose depth was measured by another camera, and stored at half its size."""
    scene = toy_room()
    folder = write_scannet(tmp_path, scene)
    (folder / "depth").mkdir()
    np.savetxt(folder / "intrinsic" / "intrinsic_depth.txt", np.array(
        [[200.0, 0, 79.5, 0], [0, 200, 59.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    with (folder / f"{scene.scene_id}.txt").open("a") as text:
        text.write("depthHeight = 120\ndepthWidth = 160\n")
    for frame in scene.frames:
        Image.fromarray(np.full((60, 80), 2500, np.uint16)).save(folder / "depth" / f"{frame.frame_id}.png")
    return tmp_path


def read_first(root):
    source = ScanNetSource(root)
    scene = source.load("scene0001_00")
    return source.read_depth(scene, scene.frames[0]), scene.frames[0]


def test_living_room_depth_lies_on_the_mesh(scenes_root):
    source = ScanNetSource(scenes_root / "scannet")
    scene = source.load("scene9001_00")
    near_mesh = cKDTree(scene.mesh.vertices)
    for frame in scene.frames[::24]:
        points = world_points(source.read_depth(scene, frame), frame).T[::97]
        gaps, _ = near_mesh.query(points, distance_upper_bound=0.5)
        assert np.median(gaps) < 0.01 and (gaps < 0.04).mean() > 0.8


def test_depth_has_its_own_camera_and_follows_its_own_size(scans):
    data, frame = read_first(scans)
    assert data == (scans / "scene0001_00" / "depth" / "0.png").read_bytes()
    # a pixel of the small map covers four of the calibrated one: focal lengths halve, image centre stays the centre
    np.testing.assert_allclose(frame.depth_intrinsics, [[100, 0, 39.5], [0, 100, 29.5], [0, 0, 1]])
    points = world_points(data, frame)
    ahead = frame.world_from_camera[:3, 2] @ (points - frame.center[:, None])
    np.testing.assert_allclose(ahead, 2.5)


@pytest.mark.parametrize("gone", ["depth", "intrinsic/intrinsic_depth.txt", "depth/0.png"])
def test_a_scan_without_depth_is_used_without(scans, gone):
    path = scans / "scene0001_00" / gone
    for one in path.iterdir() if path.is_dir() else [path]:
        one.unlink()
    data, frame = read_first(scans)
    assert data is None and (frame.depth_intrinsics is None) == (gone != "depth/0.png")


def test_broken_and_shallow_depth_is_named(scans):
    path = scans / "scene0001_00" / "depth" / "0.png"
    whole = path.read_bytes()
    one_bit = bytearray(whole)
    one_bit[-20] ^= 1  # of the pixels: what follows are their checksum and the 12 bytes of the end
    for broken in (whole[:60], whole[:-12], bytes(one_bit), whole[:60] + bytes(len(whole) - 60)):
        path.write_bytes(broken)
        with pytest.raises(SceneError, match=r"depth/0\.png: not a whole PNG"):
            read_first(scans)
    Image.fromarray(np.full((60, 80), 200, np.uint8)).save(path)
    with pytest.raises(SceneError, match=r"depth/0\.png: expected 16 bits of depth, found mode L"):
        read_first(scans)


def test_room_depth_is_where_the_room_is():
    """Floor pixels land on the floor's plane to the millimetre; nothing lies outside the room."""
    source = open_source("procedural", 0, "raycast")
    scene = source.load("room_000001")
    floor = next(o for o in scene.objects if o.label == "floor").box.corners()[:, 2].max()
    corners = np.concatenate([o.box.corners() for o in scene.objects])
    for frame in scene.frames[::20]:
        points = world_points(source.read_depth(scene, frame), frame)
        assert points.shape[1] > 0.9 * frame.width * frame.height
        assert points[2].min() > floor - 2e-3 and (np.abs(points[2] - floor) < 2e-3).mean() > 0.02
        outside = np.maximum(corners.min(axis=0) - points.T, points.T - corners.max(axis=0))
        assert outside.max() < 2e-3


def test_a_depth_camera_is_checked_as_any_camera():
    pose = np.eye(4)
    with pytest.raises(ValueError, match="depth_intrinsics: expected positive focal lengths"):
        Frame("0", 4, 4, np.eye(3), pose, -np.eye(3))
    assert Frame("0", 4, 4, np.eye(3), pose).depth_intrinsics is None
