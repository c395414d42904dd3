"""Depths: rooms whose depths can be read off, cameras inverted, a room measured elsewhere."""

import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from builders.scenes import open_source
from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks.depth import DEPTH_TASKS
from builders.spar.verify import verify
from tests.builders.spar.asked import LIMITS, rows_of, said
from tests.builders.toy import look_at, make_scene, moved, toy_room

FORMATS = ("fill", "select", "sentence")
LABELS = ["chair", "table", "lamp", "box", "sofa", "plant", "bin"]
DEPTHS = dict(zip(LABELS, (1.7, 2.2, 2.7, 3.3, 3.9, 4.6, 5.2)))
SIDES = (-0.8, 0.9, -0.3, 0.6, -1.4, 1.5, 0.1)


@pytest.fixture(scope="module")
def toy():
    record = build_record(toy_room(2), LIMITS)
    return record, [row for t in DEPTH_TASKS for f in FORMATS for row in rows_of(record, t, f)]


@pytest.fixture(scope="module")
def avenue():
    """A camera looks along +y over things that stand at the depths of ``DEPTHS``, fanned out to both sides."""
    boxes = [((x, y, 0.5), (0.24, 0.24, 0.24), 0.0) for x, y in zip(SIDES, DEPTHS.values())]
    return build_record(make_scene(boxes, [look_at((0, 0, 0.5), (0, 1, 0.5))], LABELS, floor=False), LIMITS)


@pytest.mark.parametrize("format_type", FORMATS)
def test_depths_are_those_of_the_room(avenue, format_type):
    oc, oo = DEPTH_TASKS[:2]
    for row in rows_of(avenue, oc, format_type):
        red, blue = (DEPTHS[o["label"]] for o in row["objects"])
        assert f"{red:.1f} meters" in row["question"]
        assert row["answer_exact"] == pytest.approx([blue])
        assert f"{blue:.1f}" in said(row)
    rows = rows_of(avenue, oo, format_type)
    for row in rows:
        red, blue, green = (DEPTHS[o["label"]] for o in row["objects"])
        assert f"{red:.1f} meters" in row["question"]
        assert row["answer_exact"] == pytest.approx([abs(blue - green)])
        if format_type == "sentence":
            assert ("deeper" if blue > green else "shallower") in row["answer"]
            assert ("shallower" if blue > green else "deeper") not in row["answer"]
    assert len(rows) > 10


def test_options_over_several_images_are_depths_of_the_same_object_elsewhere():
    record = build_record(open_source("procedural", 0, "raycast").load("room_000001"), Limits())
    rows = rows_of(record, DEPTH_TASKS[2], "select", limits=Limits())
    assert len(rows) >= 5
    for row in rows:
        blue = record.objects[row["objects"][1]["object_id"]].item.box.center
        cameras = [np.linalg.inv(record.frame(view).world_from_camera) for view in record.stills]
        assert set(row["options"]) <= {f"{(camera @ [*blue, 1])[2]:.1f}" for camera in cameras}


def test_options_are_depths_of_namesakes_where_a_reference_is_as_deep():
    """A lamp among chairs, seen thrice: at 2.7 m, at 2.8 m, and from so far off that nothing is as near as 2.8 m."""
    chairs = {name: depth for name, depth in DEPTHS.items() if name != "lamp"}
    boxes = [((x, y, 0.5), (0.24, 0.24, 0.24), 0.0) for x, y in zip(SIDES, DEPTHS.values())]
    labels = [name if name == "lamp" else "chair" for name in DEPTHS]
    eyes = [(0, -back, 0.5) for back in (0, 0.1, 1.6)]
    poses = [look_at(eye, (0, 9, 0.5)) for eye in eyes]
    limits = replace(LIMITS, keyframe_translation=0.05)
    record = build_record(make_scene(boxes, poses, labels, floor=False), limits)
    rows = [row for seed in range(5) for row in rows_of(record, DEPTH_TASKS[0], "select", limits=limits, seed=seed)]
    assert {row["objects"][1]["label"] for row in rows} == {"chair"}  # the lamp has no namesake
    lamps = [row for row in rows if row["objects"][0]["label"] == "lamp" and row["frame_ids"] != ["20"]]
    near, behind = ({f"{depth + back:.1f}" for depth in chairs.values()} for back in (0, 0.1))
    assert len(lamps) >= 5 and all(set(row["options"]) <= near | behind for row in lamps)
    assert any(set(row["options"]) - (near if row["frame_ids"] == ["0"] else behind) for row in lamps)


def test_options_of_differences_are_those_of_other_pairs(avenue):
    gaps = {f"{abs(a - b):.1f}" for a in DEPTHS.values() for b in DEPTHS.values()}
    rows = rows_of(avenue, DEPTH_TASKS[1], "select")
    assert len(rows) > 5 and all(set(row["options"]) <= gaps for row in rows)


def test_each_depth_is_taken_in_the_image_that_marks_the_object(toy):
    record, rows = toy
    frames = {image.frame.frame_id: image.frame for image in record.images}
    counted = Counter()
    for row in rows:
        depths = [(np.linalg.inv(frames[row["frame_ids"][o["image_index"]]].world_from_camera)
                   @ [*record.objects[o["object_id"]].item.box.center, 1])[2] for o in row["objects"]]
        gold = depths[1] if len(depths) == 2 else abs(depths[1] - depths[2])
        assert row["answer_exact"] == pytest.approx([gold])
        if row["img_type"] == "multi_view":
            assert len({o["image_index"] for o in row["objects"]}) == len(row["objects"])
            names = {o["object_id"] for o in row["objects"]}
            assert not any(names <= set(image.objects) for image in record.images
                           if image.frame.frame_id in row["frame_ids"])
            assert row["heuristic"] == ""
        counted[row["task"], row["format_type"]] += 1
    assert len(counted) == 4 * 3 and min(counted.values()) >= 2


def test_living_room_depths_agree_with_independent_measurements(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    uid = {str(o["scannet_objectId"]): o["uid"] for o in expected["objects"]}
    z = {(f["names"]["scannet"], o["uid"]): o["z"] for f in expected["frames"] if f["names"].get("scannet")
         for o in f["objects"]}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits())
    counted = Counter()
    for task in DEPTH_TASKS:
        for format_type in ("fill", "sentence"):
            for row in rows_of(record, task, format_type, 40, Limits()):
                seen = [z[row["frame_ids"][o["image_index"]], uid[o["object_id"]]] for o in row["objects"]]
                gold = seen[1] if len(seen) == 2 else abs(seen[1] - seen[2])
                assert row["answer_exact"] == pytest.approx([gold], abs=2e-3)
                counted[task.name] += 1
    assert min(counted[task.name] for task in DEPTH_TASKS) >= 15


def test_the_second_route_accepts_all_rows_and_catches_lies(toy):
    record, rows = toy
    turned = {"deeper": "shallower", "shallower": "deeper"}
    for row in rows:
        assert verify(row, record, LIMITS) is None
        assert verify(row | {"answer_exact": [row["answer_exact"][0] + 0.02]}, record, LIMITS)
        assert verify(row | {"question": row["question"].replace(" meters", " feet")}, record, LIMITS)
        if row["format_type"] == "sentence":
            wrong = row["answer"].replace(f"{row['answer_value'][0]:.1f}", "9.9")
            assert verify(row | {"answer": wrong}, record, LIMITS)
            if row["relation"] == "oo":
                lie = re.sub("deeper|shallower", lambda found: turned[found[0]], row["answer"])
                assert verify(row | {"answer": lie}, record, LIMITS) == "sentence without the answer"


def test_a_turned_world_changes_no_depth_and_a_doubled_one_doubles_it():
    wide = Limits(min_in_image_fraction=0.3, keyframe_translation=0, max_depth=100, min_depth_gap=0)
    golds = []
    for scene in (toy_room(2), moved(toy_room(2), yaw=0.8, shift=(3, -1, 0)), moved(toy_room(2), scale=2.0)):
        record = build_record(scene, wide)
        golds.append({(r["task"], *r["frame_ids"], *(o["object_id"] for o in r["objects"])): r["answer_exact"][0]
                      for t in DEPTH_TASKS for r in rows_of(record, t, "fill", 60, wide)})
    shared = set(golds[0]) & set(golds[1]) & set(golds[2])
    assert len(shared) > 60
    assert [golds[1][k] for k in shared] == pytest.approx([golds[0][k] for k in shared])
    assert [golds[2][k] for k in shared] == pytest.approx([2 * golds[0][k] for k in shared])
