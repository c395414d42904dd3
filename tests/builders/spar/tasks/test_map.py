"""Bird's-eye maps: positions worked out by hand, symmetries, and another route over a measured room."""

import json
import re
from collections import Counter

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from builders.spar.tasks.map import map_positions
from builders.spar.verify import verify
from tests.builders.toy import frame, look_at, toy_room

TASK = TASKS["spatial_imagination_map_mv"]
LIMITS = Limits(min_in_image_fraction=0.3)


def rows_of(record, limits=LIMITS, rejected=None):
    rejected = Counter() if rejected is None else rejected
    return list(task_rows(TASK, "sentence", record, limits, 60, ("t", "1", 0), rejected))


def test_positions_worked_out_by_hand():
    """A camera at (1, 1) that looks along +x, and down: +x is ahead, -y is to its right, heights do not matter."""
    first = frame(look_at((1, 1, 1.5), (3, 1, 0)))
    points = np.array([(3, 1, 0.2), (1, 0, 2.5), (0, 3, 1.5), (1, 1, 0)])
    assert map_positions(points, first) == pytest.approx(np.array([(0, 2), (1, 0), (-2, -1), (0, 0)]), abs=1e-12)


def test_maps_do_not_depend_on_the_world_and_swap_sides_in_a_mirror():
    rng = np.random.default_rng(0)
    points, pose = rng.normal(size=(6, 3)), look_at((2, -1, 1.4), (0, 0.5, 0.6))
    found = map_positions(points, frame(pose))
    turn = np.eye(4)
    turn[:3, :3], turn[:3, 3] = Rotation.from_euler("z", 1.1).as_matrix(), (3, -2, 0.7)
    moved = points @ turn[:3, :3].T + turn[:3, 3]
    assert map_positions(moved, frame(turn @ pose)) == pytest.approx(found)
    flip = np.diag([-1.0, 1, 1, 1])
    assert map_positions(points * (-1, 1, 1), frame(flip @ pose @ flip)) == pytest.approx(found * (-1, 1))


def test_rows_need_all_images_and_list_every_object_once():
    record = build_record(toy_room(), LIMITS)
    made = rows_of(record)
    assert len(made) >= 20
    counts = Counter()
    images = {i.frame.frame_id: i for i in record.images}
    for row in made:
        names = [o["object_id"] for o in row["objects"]]
        assert len(set(names)) == len(names) and 3 <= len(names) <= 7
        assert {o["color"] for o in row["objects"]} == {"blue"}
        assert {o["image_index"] for o in row["objects"]} == {0, 1, 2}
        for frame_id in row["frame_ids"]:
            assert not set(names) <= set(images[frame_id].objects)
        for n, item in enumerate(row["objects"]):
            assert f"object{n} ({item['label']})" in row["question"]
            assert item["object_id"] in images[row["frame_ids"][item["image_index"]]].objects
        said = re.findall(r"object(\d): \((-?\d+\.\d), (-?\d+\.\d)\)", row["answer"])
        assert [int(n) for n, _, _ in said] == list(range(len(names)))
        assert [float(number) for _, x, y in said for number in (x, y)] == row["answer_value"]
        counts[len(names)] += 1
    assert len(counts) >= 3


def test_maps_of_the_living_room_follow_from_measured_poses_and_centers(scenes_root):
    """Distances on the ground and the side of the viewing direction, from expected.json alone."""
    expected = json.loads((scenes_root / "expected.json").read_text())
    center = {str(o["scannet_objectId"]): np.array(o["center"]) for o in expected["objects"]}
    poses = {f["names"].get("scannet"): np.array(f["camera_to_world"]) for f in expected["frames"]}
    made = rows_of(build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits()), Limits())
    assert len(made) >= 15
    for row in made:
        pose = poses[row["frame_ids"][0]]
        back = np.linalg.inv(pose)
        found = np.array(row["answer_exact"]).reshape(-1, 2)
        for item, (x, y) in zip(row["objects"], found, strict=True):
            offset = center[item["object_id"]] - pose[:3, 3]
            assert np.hypot(x, y) == pytest.approx(np.hypot(*offset[:2]), abs=0.01)
            ahead = np.cross(np.cross((0, 0, 1), pose[:3, 2]), (0, 0, 1))
            assert y == pytest.approx(offset @ ahead / np.linalg.norm(ahead), abs=0.01)
            in_camera = (back @ [*center[item["object_id"]], 1])[0]
            assert abs(in_camera) < 0.15 or np.sign(x) == np.sign(in_camera)  # hardly any roll in this capture


def test_a_camera_that_looks_straight_down_gives_no_map():
    rejected = Counter()
    assert rows_of(build_record(toy_room(), LIMITS), Limits(min_in_image_fraction=0.3, max_map_pitch=1), rejected) == []
    assert rejected["looks_up_or_down"] > 0


def test_the_second_route_accepts_every_row_and_catches_lies():
    record = build_record(toy_room(2), LIMITS)
    made = rows_of(record)
    for row in made:
        assert verify(row, record, LIMITS) is None
        exact = row["answer_exact"]
        assert verify(row | {"answer_exact": [exact[1], exact[0], *exact[2:]]}, record, LIMITS)
        assert verify(row | {"frame_ids": row["frame_ids"][::-1]}, record, LIMITS)
        swapped = row["answer"].replace("object0:", "objectX:").replace("object1:", "object0:")
        assert verify(row | {"answer": swapped.replace("objectX:", "object1:")}, record, LIMITS)
        pairs = re.findall(r"\(-?\d+\.\d, -?\d+\.\d\)", row["answer"])
        if pairs[0] != pairs[1]:  # the same words in another order
            text = row["answer"].replace(pairs[0], "#", 1).replace(pairs[1], pairs[0], 1).replace("#", pairs[1], 1)
            assert verify(row | {"answer": text}, record, LIMITS) == "map differs"
    assert len(made) >= 20
