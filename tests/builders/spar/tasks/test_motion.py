"""Motions between views: poses worked out by hand, pairs measured elsewhere, and the metric that scores them."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from builders.scenes.scannet import ScanNetSource
from builders.spar.facts import Rejected
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks import TASKS
from builders.spar.tasks.motion import motion_text, relative_motion, seen_camera
from builders.spar.verify import numbers_in, verify
from metrics._shared.motion_answers import parse_motion
from metrics.view_change._core import view_change
from tests.builders.spar.asked import LIMITS, rows_of, said
from tests.builders.toy import INTRINSICS, frame, look_at, make_scene, toy_room

VIEW_CHANGE, CAMERA = TASKS["view_change_infer"], TASKS["camera_motion_infer"]


@pytest.fixture(scope="module")
def toy():
    record = build_record(toy_room(), LIMITS)
    return record, {(t.name, f): rows_of(record, t, f) for t in (VIEW_CHANGE, CAMERA) for f in t.formats}


@pytest.mark.parametrize("eye, target, motion", [
    ((1, 2, 1.5), (9, 2, 1.5), (1, 0.5, 2, 90, 0)),  # a step ahead, to the right and up; then facing right
    ((-1, 0, 1), (-1, 5, 6), (-1, 0, 0, 0, 45)),  # to the left, looking up
    ((0, -2, 0.4), (-1, -1, 0.4), (0, -0.6, -2, -45, 0)),  # back and down, turned left
    ((0, 1, 1), (0, 2, 0), (0, 0, 1, 0, -45)),
])
def test_motions_worked_out_by_hand(eye, target, motion):
    first = frame(look_at((0, 0, 1), (0, 5, 1)))
    found, roll = relative_motion(first, frame(look_at(eye, target)))
    assert found == pytest.approx(motion, abs=1e-9) and roll == pytest.approx(0, abs=1e-9)


@given(st.floats(-169, 169), st.floats(-80, 80), st.floats(-90, 90), st.integers(0, 1000))
def test_five_numbers_and_the_roll_give_the_pose_back(yaw, pitch, roll, seed):
    """The motion is camera-relative: whatever the first pose, it rebuilds the second one by turns about y, x, z."""
    rng = np.random.default_rng(seed)
    first, relative = np.eye(4), np.eye(4)
    first[:3, :3], first[:3, 3] = Rotation.random(random_state=seed).as_matrix(), rng.normal(size=3)
    relative[:3, :3] = Rotation.from_euler("YXZ", (yaw, pitch, roll), degrees=True).as_matrix()
    relative[:3, 3] = rng.normal(size=3)
    motion, found_roll = relative_motion(frame(first), frame(first @ relative))
    x, y, z = relative[:3, 3]
    assert motion == pytest.approx((x, -y, z, yaw, pitch), abs=1e-6)
    assert found_roll == pytest.approx(roll, abs=1e-6)


def test_a_mirror_swaps_left_and_right_in_motions():
    flip = np.diag([-1.0, 1, 1, 1])
    poses = [f.world_from_camera for f in toy_room().frames]
    for a, b in pairwise(poses):
        motion, _ = relative_motion(frame(a), frame(b))
        mirror, _ = relative_motion(frame(flip @ a @ flip), frame(flip @ b @ flip))
        assert mirror == pytest.approx(np.array(motion) * (-1, 1, 1, -1, 1), abs=1e-9)


def test_motions_agree_with_measured_camera_pairs(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    scene = ScanNetSource(scenes_root / "scannet").load("scene9001_00")
    frames = {f.frame_id: f for f in scene.frames}
    name = {f["names"]["source"]: f["names"].get("scannet") for f in expected["frames"]}
    compared = 0
    for pair in expected["camera_pairs"]:
        a, b = (frames.get(name.get(pair[key])) for key in "ab")
        if a is None or b is None:
            continue
        motion, _ = relative_motion(a, b)
        right, down, forward = pair["b_center_in_a_xyz_right_down_forward"]
        assert motion[:3] == pytest.approx((right, -down, forward), abs=0.002)
        assert motion[3:] == pytest.approx((pair["yaw_right_deg"], pair["pitch_up_deg"]), abs=0.05)
        compared += 1
    assert compared >= 10


def test_golds_score_1_in_every_way_of_scoring_and_mean_what_the_metric_reads(toy):
    rows = toy[1]["view_change_infer", "fill"]
    golds = [row["answer"] for row in rows]
    assert len(rows) >= 30 and {row["metric"] for row in rows} == {"view_change"}
    for compat in (None, "spar", "lmms-eval", "vlmevalkit"):
        assert view_change(golds, golds, compat=compat)["view_change"] == 1.0
    for row in rows:
        assert list(parse_motion(row["answer"]).value) == row["answer_value"]
        assert "roll" in row["question"] or "optical axis" in row["question"]
        assert row["answer"] not in row["question"]


def test_printed_motions_are_tenths_of_meters_and_fives_of_degrees(toy):
    for (name, _), rows in toy[1].items():
        for row in rows if name == "view_change_infer" else []:
            assert np.abs(np.subtract(row["answer_value"], row["answer_exact"])).max() <= 2.5
            assert all(angle % 5 == 0 for angle in row["answer_value"][3:])
            assert not any(str(number).startswith("-0.0") for number in row["answer_value"])
    assert motion_text((0.0,) * 5) == "move_right:0.0,move_up:0.0,move_forward:0.0,rotate_up:0,rotate_right:0"


@pytest.mark.parametrize("pose, reason", [
    (look_at((0.1, -3, 1), (0.1, 0, 1)), "views_alike"),
    (look_at((0.5, -3, 1), (0.4, -8, 1)), "turned_around"),
    (look_at((0.5, -3, 1), (0.5, -2.9, 3)), "turn_undefined"),
    (look_at((0.5, -3, 1), (0.5, 0, 1)) @ np.block([[Rotation.from_euler("z", 30, degrees=True).as_matrix(),
                                                     np.zeros((3, 1))], [0, 0, 0, 1]]), "rolled"),
])
def test_views_whose_motion_five_numbers_do_not_tell_are_refused(pose, reason):
    wide = Limits(keyframe_translation=0, keyframe_rotation=0)
    scene = make_scene([((0, 0, 1), (1, 1, 1), 0.3)], [look_at((0, -3, 1), (0, 0, 1)), pose], floor=False)
    record = build_record(scene, wide)
    found = VIEW_CHANGE.measure(record, wide, np.random.default_rng(0), ((0, 1), ()))
    assert found == Rejected(reason)


def test_sentences_tell_where_the_object_goes_and_how_the_camera_moved(toy):
    record, rows = toy
    passages = Counter()
    for row in rows["view_change_infer", "sentence"]:
        (item,) = row["objects"]
        assert item["color"] == "" and item["label"] in row["question"]
        places = []
        for frame_id in row["frame_ids"]:
            image = next(i for i in record.images if i.frame.frame_id == frame_id)
            x1, y1, x2, y2 = image.objects[item["object_id"]].bbox
            u, v = (x1 + x2 + 1) / 2 / 320, (y1 + y2 + 1) / 2 / 240
            side = "left" if u < 1 / 3 else "right" if u > 2 / 3 else ""
            level = "top" if v < 1 / 3 else "bottom" if v > 2 / 3 else ""
            places.append(f"{level} {side}".strip() + " part" if level or side else "center")
        a, b = places
        said = f"stays in the {a}" if a == b else f"moves from the {a} to the {b}"
        assert f"{item['label']} {said}" in row["answer"]
        right, _, forward, yaw, pitch = row["answer_value"]
        for value, positive, negative in ((right, "meters to the right", "meters to the left"),
                                          (forward, "meters forward", "meters backward"),
                                          (yaw, "degrees to the right", "degrees to the left"),
                                          (pitch, "degrees upward", "degrees downward")):
            if value:
                number = f"{abs(value):.1f}" if "meters" in positive else f"{abs(value):.0f}"
                assert f"{number} {positive if value > 0 else negative}" in row["answer"]
        passages[a == b] += 1
    assert min(passages[True], passages[False]) >= 3


def test_a_camera_two_meters_ahead_is_seen_where_a_pinhole_shows_it():
    first = frame(look_at((0, 0, 1), (0, 5, 1)))
    u, v, depth = seen_camera(first, frame(look_at((0.5, 2, 1.2), (0, 9, 0))), LIMITS)
    assert (u, v) == pytest.approx(((159.5 + 260 / 4 + 0.5) / 320 * 1000, (119.5 - 26 + 0.5) / 240 * 1000))
    assert depth == pytest.approx(2)
    for eye in ((0.5, -2, 1.2), (0.01, 0.1, 1), (3, 2, 1), (0, 2, 3)):  # behind, too near, past the side, above
        assert seen_camera(first, frame(look_at(eye, (0, 9, 0))), LIMITS) is None


def test_the_point_at_its_depth_is_where_the_second_camera_stands(toy):
    """Back along the ray through the asked point: the answers lead to the other camera."""
    record, rows = toy
    frames = {i.frame.frame_id: i.frame for i in record.images}
    for format_type in CAMERA.formats:
        made = rows["camera_motion_infer", format_type]
        assert len(made) >= 10
        for row in made:
            first, second = (frames[i] for i in row["frame_ids"])
            u, v, depth = row["answer_exact"]
            ray = np.linalg.solve(INTRINSICS, [u * 0.32 - 0.5, v * 0.24 - 0.5, 1])
            found = first.world_from_camera @ [*(ray * depth), 1]
            assert found[:3] == pytest.approx(second.center, abs=1e-9)
            answer = said(row)
            if format_type != "sentence":
                assert numbers_in(answer) == row["answer_value"]
    assert {r["metric"] for r in rows["camera_motion_infer", "fill"]} == {"camera_position"}


def test_camera_options_are_apart_and_do_not_tell_the_answer():
    rows = [row for seed in range(10) for row in rows_of(build_record(toy_room(seed), LIMITS), CAMERA, "select", 40)]
    assert len(rows) > 150
    solvers = {
        "deepest": lambda p, _: p[2], "nearest": lambda p, _: -p[2], "central": lambda p, _: -abs(p[0] - 500),
        "highest": lambda p, _: -p[1], "leftmost": lambda p, _: -p[0],
        "in the middle": lambda p, all_: -np.linalg.norm((p - all_.mean(axis=0)) / (1000, 1000, 3)),
    }
    hits = Counter()
    for row in rows:
        points = np.array([numbers_in(option) for option in row["options"]])
        for i in range(4):
            for j in range(i):
                du, dv, deeper = np.abs(points[i] - points[j])  # as printed; limits hold for exact numbers
                assert np.hypot(du, dv) >= LIMITS.min_option_px1000 - 2 or deeper >= LIMITS.min_option_depth - 0.1
        for name, score in solvers.items():
            best = max(range(4), key=lambda i: score(points[i], points))
            hits[name] += row["answer"] == "ABCD"[best]
    limit = 0.25 + 4 * (0.25 * 0.75 / len(rows)) ** 0.5
    assert {name: n / len(rows) for name, n in hits.items() if n / len(rows) > limit} == {}


def test_the_second_route_accepts_every_row_and_catches_lies(toy):
    record, rows = toy
    opposite = {"right": "left", "left": "right", "forward": "backward", "backward": "forward", "upward": "downward"}
    for (name, format_type), made in rows.items():
        for row in made:
            assert verify(row, record, LIMITS) is None
            assert verify(row | {"answer_exact": [x + 0.01 for x in row["answer_exact"]]}, record, LIMITS)
            assert verify(row | {"frame_ids": row["frame_ids"][::-1]}, record, LIMITS)
            if name == "view_change_infer":
                for word, other in opposite.items():
                    for said in (f"_{word}:", f"meters {word}", f"to the {word}", f"degrees {word}"):
                        if said in row["answer"]:
                            lie = row["answer"].replace(said, said.replace(word, other))
                            assert verify(row | {"answer": lie}, record, LIMITS)
            elif format_type == "fill":
                assert verify(row | {"answer": row["answer"] + "1"}, record, LIMITS)
            elif format_type == "select":
                wrong = "ABCD"[("ABCD".index(row["answer"]) + 1) % 4]
                assert verify(row | {"answer": wrong}, record, LIMITS)
