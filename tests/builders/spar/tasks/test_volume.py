"""Sizes of objects: boxes with known sides, however turned or tilted, and a measured room."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from builders.scenes.scannet import ScanNetSource
from builders.scenes.scene import OrientedBox
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from builders.spar.tasks.volume import box_size
from builders.spar.verify import numbers_in, verify
from tests.builders.toy import toy_room

TASK = TASKS["spatial_volume_infer"]
LIMITS = Limits()


def rows_of(record, format_type, limits=LIMITS):
    return list(task_rows(TASK, format_type, record, limits, 100, ("t", "1", 0), Counter()))


@given(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0.1, 3), st.floats(-4, 4), st.permutations([0, 1, 2]))
def test_an_upright_box_has_its_own_sides_however_it_is_turned(a, b, height, yaw, order):
    axes = Rotation.from_euler("z", yaw).as_matrix().T
    box = OrientedBox((1, 2, 3), axes[order], np.array([a, b, height])[order])
    assert box_size(box) == pytest.approx((max(a, b), min(a, b), height))


def test_a_tilted_box_is_measured_along_gravity():
    """Two meters long, half a turn of a right angle about its long axis: width and height are diagonals."""
    for yaw in (0, 30, 70):
        axes = (Rotation.from_euler("z", yaw, degrees=True) * Rotation.from_euler("x", 45, degrees=True)).as_matrix().T
        assert box_size(OrientedBox((0, 0, 0), axes, (2, 1, 1))) == pytest.approx((2, 2**0.5, 2**0.5))


@pytest.mark.parametrize("format_type", TASK.formats)
def test_toy_sizes_are_the_extents_the_boxes_were_made_with(format_type):
    record = build_record(toy_room(), LIMITS)
    made = rows_of(record, format_type)
    assert len(made) >= 10
    for row in made:
        extents = record.objects[row["objects"][0]["object_id"]].item.box.extents
        length, width, height = 100 * max(extents[:2]), 100 * min(extents[:2]), 100 * extents[2]
        assert row["answer_exact"] == pytest.approx([length, width, height])
        assert row["unit"] == ["cm"] * 3 and row["answer_value"] == np.round(row["answer_exact"]).tolist()
        if format_type == "fill":
            assert row["answer"] == f"{length:.0f}, {width:.0f}, {height:.0f}" and row["metric"] == "number_list"
        else:
            assert set(row["answer_value"]) <= set(numbers_in(row["answer"]))


def test_sizes_of_the_living_room_agree_with_independent_measurements(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    extents = {str(o["scannet_objectId"]): o["extents_full"] for o in expected["objects"]}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), LIMITS)
    made = rows_of(record, "fill")
    assert len(made) >= 8
    for row in made:
        assert row["answer_exact"] == pytest.approx(100 * np.array(extents[row["objects"][0]["object_id"]]), abs=1)


def test_objects_cut_off_or_hidden_are_not_asked():
    record = build_record(toy_room(), LIMITS)
    for limits, bound, key in ((Limits(min_measured_in_image=1.0), 1.0, "in_image_fraction"),
                               (Limits(min_measured_visible=0.45), 0.45, "visible_fraction"),
                               (Limits(min_measured_visible=0), 0.75, "unhidden_fraction")):
        rejected = Counter()
        made = list(task_rows(TASK, "fill", record, limits, 100, ("t", "1", 0), rejected))
        images = {i.frame.frame_id: i for i in record.images}
        fractions = [getattr(images[r["frame_ids"][0]].objects[r["objects"][0]["object_id"]], key) for r in made]
        assert min(fractions) >= bound
        assert rejected["cut_off"] + rejected["too_occluded"] + rejected["partly_hidden"] > 0
    assert rows_of(record, "fill", Limits(min_dimension=0.6)) == []


@pytest.mark.parametrize("format_type", TASK.formats)
def test_the_second_route_catches_swapped_and_changed_sides(format_type):
    record = build_record(toy_room(1), LIMITS)
    for row in rows_of(record, format_type):
        assert verify(row, record, LIMITS) is None
        length, width, height = row["answer_exact"]
        assert verify(row | {"answer_exact": [width, length, height]}, record, LIMITS)
        assert verify(row | {"answer_exact": [length, width, height + 0.3]}, record, LIMITS)
        other = next(i for i in record.objects if i != row["objects"][0]["object_id"])
        assert verify(row | {"objects": [row["objects"][0] | {"object_id": other}]}, record, LIMITS)
        shorter = f"{row['answer_value'][0]:.0f}"
        assert verify(row | {"answer": row["answer"].replace(shorter, "7")}, record, LIMITS)
