"""Distances: rooms whose distances can be read off, the first camera, a room measured elsewhere."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from builders.scenes import open_source
from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks import TASKS
from builders.spar.tasks.distance import DISTANCE_TASKS
from builders.spar.verify import verify
from tests.builders.spar import asked
from tests.builders.toy import look_at, make_scene, moved, toy_room

LIMITS = Limits(min_in_image_fraction=0.3, video_frames=12, max_option_centrality=1.3, min_option_distance=0.5)
rows_of = partial(asked.rows_of, limits=LIMITS)
FORMATS = ("fill", "select", "sentence")


@pytest.fixture(scope="module")
def toy():
    record = build_record(toy_room(2), LIMITS, video=True)
    return record, [row for t in DISTANCE_TASKS for f in FORMATS for row in rows_of(record, t, f)]


@pytest.fixture(scope="module")
def records():
    rooms = (open_source("procedural", 3, "raycast").load(f"room_{n:06d}") for n in range(4))
    return [build_record(room, Limits(), video=True) for room in rooms]


def test_distances_of_a_room_of_right_triangles():
    """Whole-number triangles around the camera, all at its height: 5-12-13, 12-35-37, 7-24-25."""
    places = {"chair": (0, 3, 1), "table": (1.2, 3.5, 1), "lamp": (-1, 2.4, 1), "box": (-1.4, 4.8, 1)}
    boxes = [(place, (0.2, 0.2, 0.2), 0.0) for place in places.values()]
    record = build_record(make_scene(boxes, [look_at((0, 0, 1), (0, 1, 1))], list(places), floor=False), LIMITS)
    to_camera = {"chair": 3.0, "table": 3.7, "lamp": 2.6, "box": 5.0}
    squared = {("chair", "table"): 1.69, ("chair", "lamp"): 1.36, ("chair", "box"): 5.2, ("lamp", "table"): 6.05,
               ("box", "table"): 8.45, ("box", "lamp"): 5.92}
    between = {frozenset(pair): square**0.5 for pair, square in squared.items()}
    seen = set()
    for format_type in FORMATS:
        for row in rows_of(record, TASKS["distance_prediction_oc"], format_type):
            assert row["answer_exact"] == pytest.approx([to_camera[row["objects"][0]["label"]]])
            if format_type == "select":
                assert set(row["options"]) == {"3.0", "3.7", "2.6", "5.0"}
        for row in rows_of(record, TASKS["distance_prediction_oo"], format_type):
            pair = frozenset(o["label"] for o in row["objects"])
            assert row["answer_exact"] == pytest.approx([between[pair]])
            seen.add(pair)
    assert len(seen) == 6


def test_golds_follow_from_box_centres_and_the_first_camera(toy):
    record, rows = toy
    images = {image.frame.frame_id: image for image in record.images}
    counted = Counter()
    for row in rows:
        centers = [record.objects[o["object_id"]].item.box.center for o in row["objects"]]
        first = images[row["frame_ids"][0]]
        origin = first.frame.center if row["relation"] == "oc" else centers[1]
        assert row["answer_exact"] == pytest.approx([sum((centers[0] - origin) ** 2) ** 0.5])
        counted[row["task"], row["format_type"]] += 1
        if row["task"] == "distance_prediction_oc_mv":
            (red,) = row["objects"]
            assert red["image_index"] > 0 and red["object_id"] not in first.objects
            assert first.glimpsed.get(red["object_id"], 0) <= LIMITS.glimpse_area
        if row["img_type"] == "video":
            assert row["frame_ids"] == [record.frame(i).frame_id for i in record.video] and len(row["frame_ids"]) == 12
            for item in row["objects"]:  # the mark is on the frame that shows the object largest with its centre free
                areas = {f: images[f].objects[item["object_id"]].area for f in row["frame_ids"]
                         if item["object_id"] in images[f].objects
                         and images[f].objects[item["object_id"]].center_on_object
                         and images[f].objects[item["object_id"]].marker_cover >= 0.5}
                assert row["frame_ids"][item["image_index"]] == max(areas, key=areas.get)
    few = {(f"distance_prediction_{pair}_mv", "select") for pair in ("oc", "oo")}  # one view shows most of the room
    assert set(counted) | few == {(t.name, f) for t in DISTANCE_TASKS for f in FORMATS}
    assert min(counted.values()) >= 1


def test_options_to_the_camera_are_distances_of_the_same_object_to_other_cameras():
    checked = Counter()
    record = build_record(open_source("procedural", 0, "raycast").load("room_000001"), Limits())
    for name in ("distance_prediction_oc", "distance_prediction_oc_mv"):
        for row in rows_of(record, TASKS[name], "select", 60, limits=Limits()):
            red = row["objects"][0]["object_id"]
            shows = {view: red in record.images[view].objects for view in record.stills}
            away = {view: np.linalg.norm(record.objects[red].item.box.center - record.frame(view).center)
                    for view in record.stills if shows[view] != name.endswith("_mv")}
            assert set(row["options"]) <= {f"{distance:.1f}" for distance in away.values()}
            checked[name] += 1
    assert len(checked) == 2 and min(checked.values()) >= 5


def test_options_between_things_are_distances_to_others_as_central(records):
    """Where blue is marked, about as far from everything else on average as blue, and not close to red."""
    seen = Counter()
    for record in records:
        centers = {name: o.item.box.center for name, o in record.objects.items()}
        central = {a: sum(np.linalg.norm(p - q) for q in centers.values()) / (len(centers) - 1)
                   for a, p in centers.items()}
        for name in ("distance_prediction_oo", "distance_prediction_oo_mv", "distance_prediction_oo_video"):
            for row in asked.rows_of(record, TASKS[name], "select", limits=Limits()):
                red, blue = (item["object_id"] for item in row["objects"])
                of_red = row["objects"][0]["image_index"]
                others = {other for n, f in enumerate(row["frame_ids"]) for other in record.image_of_frame[f].objects
                          if n != of_red or row["img_type"] != "multi_view"}
                factor = Limits().max_option_centrality + 1e-4
                away = {f"{np.linalg.norm(centers[red] - centers[other]):.1f}" for other in others
                        if other != red and 1 / factor < central[other] / central[blue] < factor}
                assert set(row["options"]) <= away
                assert min(map(float, row["options"])) >= Limits().min_option_distance
                seen[name] += 1
    assert min(seen.values()) > 10 and len(seen) == 3


def test_living_room_distances_agree_with_independent_measurements(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    uid = {str(o["scannet_objectId"]): o["uid"] for o in expected["objects"]}
    center = {o["uid"]: np.array(o["center"]) for o in expected["objects"]}
    pair = {frozenset((p["a"], p["b"])): p["center_distance"] for p in expected["object_pairs"]}
    camera = {f["names"]["scannet"]: np.array(f["camera_to_world"])[:3, 3] for f in expected["frames"]
              if f["names"].get("scannet")}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits(), video=True)
    counted = Counter()
    for task in DISTANCE_TASKS:
        for format_type in FORMATS:
            for row in rows_of(record, task, format_type, 40, limits=Limits()):
                asked = [uid[o["object_id"]] for o in row["objects"]]
                gold = (pair[frozenset(asked)] if len(asked) == 2 else
                        np.linalg.norm(center[asked[0]] - camera[row["frame_ids"][0]]))
                assert row["answer_exact"] == pytest.approx([gold], abs=2e-3)
                counted[task.name] += 1
    assert min(counted[task.name] for task in DISTANCE_TASKS) >= 15


def test_the_second_route_accepts_all_rows_and_catches_lies(toy):
    record, rows = toy
    for row in rows:
        assert verify(row, record, LIMITS) is None
        assert verify(row | {"answer_exact": [row["answer_exact"][0] + 0.02]}, record, LIMITS)
        if row["format_type"] == "sentence":
            wrong = row["answer"].replace(f"{row['answer_value'][0]:.1f}", "9.9")
            assert verify(row | {"answer": wrong}, record, LIMITS)
        if row["task"] == "distance_prediction_oc_mv":  # the observer is where the first image was taken
            frames = row["frame_ids"]
            assert verify(row | {"frame_ids": [frames[1], frames[0], frames[2]]}, record, LIMITS)


def test_a_turned_world_changes_no_distance_and_a_doubled_one_doubles_it():
    wide = Limits(min_in_image_fraction=0.3, keyframe_translation=0, max_depth=100, min_distance=0, video_frames=12)
    golds = []
    for scene in (toy_room(2), moved(toy_room(2), yaw=-1.1, shift=(5, 2, 0)), moved(toy_room(2), scale=2.0)):
        record = build_record(scene, wide, video=True)
        golds.append({(r["task"], *r["frame_ids"], *(o["object_id"] for o in r["objects"])): r["answer_exact"][0]
                      for t in DISTANCE_TASKS for r in rows_of(record, t, "fill", 60, limits=wide)})
    shared = set(golds[0]) & set(golds[1]) & set(golds[2])
    assert len(shared) > 80
    assert [golds[1][k] for k in shared] == pytest.approx([golds[0][k] for k in shared])
    assert [golds[2][k] for k in shared] == pytest.approx([2 * golds[0][k] for k in shared])


def test_over_several_views_a_name_does_not_tell_how_the_distance_ranks(records):
    """Of the rows about a thing, as many say larger as smaller, nearly; without the balance they do not."""
    task, off = TASKS["distance_prediction_oo_mv"], []
    for asked_task in (task, replace(task, balanced=())):
        ranks: dict[tuple[int, str], list[bool]] = {}
        for number, record in enumerate(records):
            for row in asked.rows_of(record, asked_task, "select", wanted=95, limits=Limits()):
                larger = sum(float(option) < row["answer_value"][0] for option in row["options"]) >= 2
                for thing in row["objects"]:
                    ranks.setdefault((number, thing["label"]), []).append(larger)
        off.append([abs(sum(held) - len(held) / 2) for held in ranks.values() if len(held) > 2])
    assert len(off[0]) > 2 and max(off[0]) <= 1 < max(off[1])
