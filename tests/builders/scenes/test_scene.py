"""The typed scene: boxes against independent geometry, and values that must never enter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon

from builders.scenes.boxes import gravity_aligned_box
from builders.scenes.scene import Frame, Mesh, OrientedBox, Scene
from tests.builders.toy import grid_box, look_at, toy_room

angles = st.floats(0, 3.1)
lengths = st.floats(0.1, 3.0)


@given(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), lengths, lengths, angles, angles)
def test_overlap_of_upright_boxes_equals_overlap_of_their_outlines(shift, length, width, yaw_a, yaw_b):
    a, points_a, _ = grid_box((0, 0, 0), (1.0, 0.6, 1.0), yaw_a)
    b, points_b, _ = grid_box((*shift, 0.2), (length, width, 1.0), yaw_b)
    outlines = [Polygon(p[p[:, 2] == p[:, 2].min()][:, :2]).convex_hull for p in (points_a, points_b)]
    area = outlines[0].intersection(outlines[1]).area
    if area > 1e-6 or outlines[0].distance(outlines[1]) > 1e-6:
        assert a.overlaps(b) == b.overlaps(a) == (area > 0)


def test_boxes_one_above_the_other_do_not_overlap():
    a, _, _ = grid_box((0, 0, 0), (1, 1, 1))
    b, _, _ = grid_box((0, 0, 1.01), (1, 1, 1), 0.7)
    assert not a.overlaps(b)


@given(angles, st.floats(0.3, 2), st.floats(0.3, 2), st.floats(0.3, 2))
def test_minimum_area_box_recovers_the_box_its_points_fill(yaw, length, width, height):
    box, points, _ = grid_box((1, -2, 3), (length, width, height), yaw)
    found = gravity_aligned_box(points)
    np.testing.assert_allclose(found.center, box.center, atol=1e-6)
    np.testing.assert_allclose(found.extents, [max(length, width), min(length, width), height], atol=1e-6)
    assert np.linalg.det(found.axes) == pytest.approx(1)
    # every corner of one is a corner of the other
    gaps = np.linalg.norm(found.corners()[:, None] - box.corners()[None], axis=2).min(axis=1)
    assert gaps.max() < 1e-6


@pytest.mark.parametrize(
    "points", [np.zeros((0, 3)), np.zeros((5, 3)), np.eye(3)[:2], np.c_[np.arange(4), np.zeros((4, 2))]]
)
def test_points_without_volume_have_no_box(points):
    with pytest.raises(ValueError):
        gravity_aligned_box(points)


def test_values_that_would_poison_a_dataset_are_refused():
    box = dict(center=(0, 0, 0), axes=np.eye(3), extents=(1, 1, 1))
    for change in ({"center": (np.nan, 0, 0)}, {"extents": (1, 0, 1)}, {"axes": np.ones((3, 3))}):
        with pytest.raises(ValueError):
            OrientedBox(**(box | change))
    with pytest.raises(ValueError, match="rotation"):
        Frame("0", 10, 10, np.eye(3), np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(ValueError, match="zeros below them"):
        Frame("0", 10, 10, np.array([[500, 0, 5], [1, 500, 5], [0, 0, 1]]), np.eye(4))
    with pytest.raises(ValueError, match="infinite"):
        Frame("0", 10, 10, np.eye(3), np.full((4, 4), -np.inf))
    with pytest.raises(ValueError, match="vertex index"):
        Mesh(np.zeros((3, 3)), np.array([[0, 1, 3]]))
    room = toy_room()
    with pytest.raises(ValueError, match="not unique"):
        Scene("scannet", "x", room.mesh, room.objects * 2, room.frames)


def test_a_scene_cannot_be_changed():
    room = toy_room()
    with pytest.raises(ValueError):
        room.objects[0].box.center[0] = 5
    with pytest.raises(ValueError):
        room.frames[0].world_from_camera[0, 0] = 5


def test_look_at_puts_the_target_on_the_optical_axis():
    pose = look_at((3, 1, 2), (0, 0, 0.5))
    target = np.linalg.inv(pose) @ (0, 0, 0.5, 1)
    assert target[:2] == pytest.approx([0, 0], abs=1e-9) and target[2] > 0
