"""What cameras see, against analytic pictures and against measurements made elsewhere."""

import json
from dataclasses import replace

import numpy as np
import pytest

from builders.scenes.scannet import ScanNetSource
from builders.scenes.scene import Mesh
from builders.spar.geometry import box_to_px1000, camera_coordinates, iou, pixel_rays, points_to_px1000, project
from builders.spar.keyframes import keyframes
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.visibility import Observer
from tests.builders.toy import HEIGHT, INTRINSICS, WIDTH, look_at, make_scene, toy_room

AHEAD = look_at((0, -4, 0.5), (0, 0, 0.5))  # looks along +y, so world x is right and world z is up in the image


def observe(boxes, pose=AHEAD):
    scene = make_scene(boxes, [pose], floor=False)
    observer, (frame,) = Observer(scene), scene.frames
    return {o.object_id: o for o in observer.observe(frame, observer.look(frame))}


def only(scene, item):
    """The scene with nothing but one object."""
    faces = scene.mesh.faces[np.isin(scene.mesh.faces, item.vertex_ids).all(axis=1)]
    return replace(scene, objects=(item,), mesh=Mesh(scene.mesh.vertices, faces))


def test_a_facing_box_covers_the_pixels_its_front_face_projects_to():
    (seen,) = observe([((0.3, 0, 0.6), (0.8, 0.4, 0.5), 0.0)]).values()
    z = 4 - 0.2  # distance to the front face
    left, right = 159.5 + 260 * (0.3 - 0.4) / z, 159.5 + 260 * (0.3 + 0.4) / z
    top, bottom = 119.5 - 260 * (0.6 + 0.25 - 0.5) / z, 119.5 - 260 * (0.6 - 0.25 - 0.5) / z
    assert seen.bbox == pytest.approx([left, top, right, bottom], abs=1.0)
    assert seen.vertex_bbox == pytest.approx([left, top, right, bottom], abs=0.1)
    assert seen.area * WIDTH * HEIGHT == pytest.approx((right - left) * (bottom - top), rel=0.03)
    assert seen.center_camera == pytest.approx([0.3, -0.1, 4.0])
    assert seen.center_pixel == pytest.approx([159.5 + 260 * 0.3 / 4, 119.5 - 260 * 0.1 / 4])
    assert seen.center_on_object and seen.in_image_fraction == 1
    assert seen.unhidden_fraction > 0.95  # all but vertices on the outline that round to a pixel beside it


def test_an_object_behind_another_is_seen_as_far_as_it_sticks_out():
    front = ((0, -1, 0.5), (1.0, 0.2, 1.0), 0.0)
    seen = observe([front, ((0, 1, 0.5), (0.5, 0.2, 0.5), 0.0), ((0.9, 1, 0.5), (1.0, 0.2, 0.5), 0.0)])
    assert "1" not in seen  # wholly covered
    # at depth 4.9 the screen's right edge (x = 0.5 at depth 3.1 in front, 2.9 at its near side) hides up to x = 0.845
    edge = 159.5 + 260 * 0.5 / 2.9
    assert seen["2"].bbox[0] == pytest.approx(edge, abs=1.0)
    assert 0.1 < seen["2"].visible_fraction < 0.5
    assert seen["2"].center_on_object  # the centre, x = 0.9, is just free


def test_the_unhidden_fraction_is_the_share_of_the_outline_that_others_leave():
    """Pixels of each object / those of the same picture with the object alone in it; its vertices are a coarse grid."""
    room = toy_room(1, frames=6)
    alone = [Observer(only(room, item)) for item in room.objects]
    observer, compared = Observer(room), []
    for frame in room.frames:
        for seen in observer.observe(frame, observer.look(frame)):
            outline = int(alone[int(seen.object_id)].look(frame).pixels[0])
            compared.append((seen.unhidden_fraction, seen.area * WIDTH * HEIGHT / outline))
    ours, pictured = np.array(compared).T
    assert (pictured < 0.75).sum() > 5 and (pictured == 1).sum() > 5
    assert np.abs(ours - pictured).max() < 0.12


def test_what_is_mostly_hidden_is_in_the_image_but_not_asked_about():
    """At the depth of the boxes behind, the one in front hides what is to the left of x = 0.845."""
    front = ((0, -1, 0.5), (1.0, 0.2, 1.0), 0.0)
    behind = [((x, 1, 0.5), (1.0, 0.2, 0.9), 0.0) for x in (0.7, 1.1)]  # a third, three quarters stick out
    limits = Limits(min_visible_fraction=0)
    for box, asked in zip(behind, (False, True)):
        record = build_record(make_scene([front, box], [AHEAD], ["screen", "crate"], floor=False), limits)
        assert ("1" in record.images[0].objects) == asked and record.images[0].glimpsed["1"] > limits.min_area
        assert record.unseen.get("mostly_hidden", 0) == (not asked)


def test_what_leaves_the_image_or_lies_behind_the_camera_counts_as_unseen():
    # depth 4, image half width 159.5 / 260 * 4 = 2.45: this box is cut in the middle of its width
    seen = observe([((2.46, 0, 0.5), (1.0, 0.2, 0.5), 0.0), ((0, -8, 0.5), (1, 1, 1), 0.0)])
    assert set(seen) == {"0"}
    assert seen["0"].in_image_fraction == pytest.approx(0.5, abs=0.1)
    assert seen["0"].bbox[2] == WIDTH - 0.5  # the outer edge of the last pixel


def test_marker_cover_is_the_share_of_the_disc_on_the_object():
    # a pole six pixels wide; the disc's pixels are counted one by one
    (seen,) = observe([((0, 0, 0.5), (6 / 260 * 3.95, 0.1, 2.0), 0.0)]).values()
    radius = 0.018 * HEIGHT
    disc = [(x, y) for x in range(-9, 10) for y in range(-9, 10) if x * x + y * y <= radius**2]
    middle = round(159.5)  # numpy and Python round halves alike
    on_pole = [x for x, _ in disc if 159.5 - 3 <= middle + x <= 159.5 + 3]
    assert seen.center_on_object and seen.marker_cover == pytest.approx(len(on_pole) / len(disc), abs=0.01)
    assert 0.5 < seen.marker_cover < 0.8


def test_living_room_visibility_agrees_with_independent_ray_casts(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    uid = {str(o["scannet_objectId"]): o["uid"] for o in expected["objects"]}
    facts = {f["names"]["scannet"]: {o["uid"]: o for o in f["objects"]} for f in expected["frames"]
             if f["names"].get("scannet")}
    scene = ScanNetSource(scenes_root / "scannet").load("scene9001_00")
    observer, compared = Observer(scene), 0
    for frame in scene.frames[::5]:
        for seen in observer.observe(frame, observer.look(frame)):
            fact = facts[frame.frame_id][uid[seen.object_id]]
            assert seen.visible_fraction == pytest.approx(fact["visible_fraction"], abs=0.01)
            assert seen.in_image_fraction == pytest.approx(fact["in_image_fraction"], abs=0.01)
            assert seen.center_camera[2] == pytest.approx(fact["z"], abs=0.001)
            if fact["center_in_image"]:
                assert seen.center_pixel == pytest.approx(fact["uv"], abs=0.01)
                compared += 1
    assert compared > 50


def test_a_large_picture_shows_what_rays_through_all_of_its_pixels_show(monkeypatch):
    room = toy_room()
    scale = np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1.0]])  # edges scale, not centres: 4 (x + 0.5) - 0.5
    frames = [replace(f, width=4 * WIDTH, height=4 * HEIGHT, intrinsics=scale @ f.intrinsics) for f in room.frames[:3]]
    observer = Observer(room)
    quick = [observer.look(frame) for frame in frames]
    monkeypatch.setattr("builders.spar.visibility._GRID_ROWS", 4 * HEIGHT)
    for frame, sight in zip(frames, quick, strict=True):
        every = observer.look(frame)
        assert len(every.surface) > 10 * len(sight.surface) > 10_000  # a ray for each pixel, and for each cell
        assert (every.objects != sight.objects).mean() < 1e-4
        assert sight.pixels == pytest.approx(every.pixels, abs=20)


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_every_pixel_is_counted_once_whether_or_not_cells_fill_the_picture(cut):
    room = toy_room()
    scale = np.array([[5, 0, 2], [0, 5, 2], [0, 0, 1.0]])
    frames = [replace(f, width=5 * WIDTH - cut, height=5 * HEIGHT - 2 * cut, intrinsics=scale @ f.intrinsics)
              for f in room.frames[:3]]
    observer = Observer(room)
    for frame in frames:
        sight = observer.look(frame)
        assert sight.objects.shape == (frame.height, frame.width)
        assert len(sight.depth) < frame.height / 2  # cells of several pixels
        assert sight.pixels.tolist() == [(sight.objects == i).sum() for i in range(len(room.objects))]


def test_pixel_scale_has_the_image_at_0_to_1000():
    corners = np.array([[-0.5, -0.5], [639.5, 479.5], [319.5, 239.5], [-100, 900]])
    assert points_to_px1000(corners, 640, 480).tolist() == [[0, 0], [1000, 1000], [500, 500], [0, 1000]]
    assert box_to_px1000(np.array([-0.5, -0.5, 639.5, 239.5]), 640, 480).tolist() == [0, 0, 1000, 500]


def test_projection_is_the_pinhole_matrix():
    rng = np.random.default_rng(0)
    frame = toy_room().frames[3]
    points = rng.uniform(-1, 1, (50, 3))
    homogeneous = np.c_[points, np.ones(50)] @ np.linalg.inv(frame.world_from_camera).T
    matrix = homogeneous[:, :3] @ INTRINSICS.T
    np.testing.assert_allclose(project(camera_coordinates(points, frame), INTRINSICS), matrix[:, :2] / matrix[:, 2:])


def test_rays_lead_to_what_is_projected_to_their_pixels_at_depth_one():
    slanted = np.array([[500, 3, 300.2], [0, 510, 203.7], [0, 0, 1]])  # a skewed lens
    frame = replace(toy_room().frames[3], intrinsics=slanted)
    u, v = np.arange(-40, 680, 90), np.arange(0, 480, 50)[:, None]
    origins, ways = np.split(pixel_rays(u, v, frame), 2, axis=-1)
    ends = camera_coordinates(origins.astype(float) + ways, frame)
    np.testing.assert_allclose(ends[..., 2], 1, atol=1e-6)
    np.testing.assert_allclose(project(ends, slanted), np.stack(np.broadcast_arrays(u, v), axis=-1), atol=1e-3)
    np.testing.assert_allclose(origins, np.broadcast_to(frame.center, origins.shape), atol=1e-6)


def test_iou_of_known_boxes():
    a = np.array([0, 0, 4, 4.0])
    assert iou(a, a) == 1 and iou(a, np.array([4, 0, 8, 4.0])) == 0
    assert iou(a, np.array([2, 0, 6, 4.0])) == pytest.approx(8 / 24)


def test_keyframes_are_far_enough_from_each_other_and_near_every_dropped_frame():
    rng = np.random.default_rng(1)
    path = np.cumsum(rng.normal(0, 0.12, (80, 3)), axis=0) + (0, -4, 1.5)
    scene = make_scene([((0, 0, 0.5), (1, 1, 1), 0)], [look_at(p, (0, 0, 0.5)) for p in path])

    def alike(a, b):
        turn = np.linalg.norm(np.cross(a.world_from_camera[:3, 2], b.world_from_camera[:3, 2]))  # not the formula used
        rotation = np.linalg.inv(a.world_from_camera[:3, :3]) @ b.world_from_camera[:3, :3]
        angle = np.degrees(np.abs(np.angle(np.linalg.eigvals(rotation)))).max()
        assert angle >= np.degrees(np.arcsin(min(1, turn))) - 1e-6
        return np.linalg.norm(a.center - b.center) <= 0.3 and angle <= 15

    kept = keyframes(scene.frames, 0.3, 15)
    assert 3 < len(kept) < 60
    assert not any(alike(a, b) for i, a in enumerate(kept) for b in kept[:i])
    dropped = [f for f in scene.frames if f not in kept]
    assert all(any(alike(f, k) for k in kept) for f in dropped)
    assert keyframes((), 0.3, 15) == ()
