"""Nearest and farthest: a street of known distances, other metrics of the same question, a room measured elsewhere."""

import json
import math
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest

from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks import TASKS
from builders.spar.tasks.nearest import NEAREST_TASKS
from builders.spar.verify import verify
from tests.builders.spar import asked
from tests.builders.toy import look_at, make_scene, moved, toy_room

LIMITS = Limits(min_in_image_fraction=0.3, video_frames=12, max_same_objects=9)
rows_of = partial(asked.rows_of, limits=LIMITS)
FORMATS = ("fill", "select", "sentence")
NEAREST = ("closer to", "nearest to")


WORDS = ("closer to", "farther from", "nearest to", "farthest from")


def chosen(row):
    """The name a reader takes from the answer."""
    if row["format_type"] == "sentence":
        before = row["answer"].split(" is " + next(w for w in WORDS if w in row["answer"]))[0]
        return before.rsplit("the ", 1)[1]
    return asked.said(row)


@pytest.fixture(scope="module")
def toy():
    record = build_record(toy_room(1), LIMITS, video=True)
    return record, [row for t in NEAREST_TASKS for f in FORMATS for row in rows_of(record, t, f)]


@pytest.mark.parametrize("format_type", FORMATS)
def test_answers_are_those_of_a_street_of_known_distances(format_type):
    """Things on one line ahead of the camera, slightly to the sides: far and near can be read off."""
    ahead = {"chair": 1.8, "table": 2.5, "lamp": 3.2, "box": 4.0, "sofa": 4.9}
    boxes = [((x, y, 0.5), (0.34, 0.34, 0.34), 0.0) for x, y in zip((-0.6, 0.7, -0.3, 0.4, 2.2), ahead.values())]
    places = dict(zip(ahead, (center for center, *_ in boxes)))
    poses = [look_at((0, -step, 0.5), (0, 1, 0.5)) for step in (0, 0.4, 0.8, 1.2)]
    record = build_record(make_scene(boxes, poses, list(ahead), floor=False), LIMITS)
    asked = Counter()
    for row in rows_of(record, TASKS["distance_infer_center_oc"], format_type):
        names = [o["label"] for o in row["objects"]]
        word = next(w for w in WORDS if w in row["question"])
        assert chosen(row) == (min if word == "nearest to" else max)(names, key=ahead.get)
        assert all(f"the {name}" in row["question"] for name in names)
        assert {o["color"] for o in row["objects"]} == {""}
        asked[word] += 1
    for row in rows_of(record, TASKS["distance_infer_center_oo"], format_type):
        red, green, blue = (o["label"] for o in row["objects"])
        word = next(w for w in WORDS if w in row["question"])
        near = min(green, blue, key=lambda name: math.dist(places[name], places[red]))
        assert (chosen(row) == near) == (word == "closer to")
        asked[word] += 1
    # along the street one thing is always nearest: as an option its name would tell
    assert set(asked) == set(WORDS if format_type != "select" else ("closer to", "farther from"))


def test_winners_are_nearest_by_box_centres_alone(toy):
    record, rows = toy
    frames = {image.frame.frame_id: image for image in record.images}
    counted, directions = Counter(), Counter()
    for row in rows:
        boxes = [record.objects[o["object_id"]].item.box.center for o in row["objects"]]
        origin, candidates = ((boxes[0], boxes[1:]) if row["relation"] == "oo" else
                              (frames[row["frame_ids"][0]].frame.center, boxes))
        squared = ((np.array(candidates) - origin) ** 2).sum(axis=1)
        wants_nearest = any(word in row["question"] for word in NEAREST)
        best = np.argsort(squared)[0 if wants_nearest else -1]
        labels = [o["label"] for o in row["objects"]]
        assert chosen(row) == labels[-len(candidates):][best]
        assert len(set(labels)) == len(labels)
        if row["options"]:
            assert sorted(row["options"]) == sorted(labels[-len(candidates):])
        ordered = np.sort(np.sqrt(squared))
        assert (ordered[1] - ordered[0] if wants_nearest else ordered[-1] - ordered[-2]) >= LIMITS.min_nearer_gap
        if row["relation"] == "oc":
            assert np.ptp(np.array(boxes)[:, 2]) <= LIMITS.max_candidate_spread
            if row["img_type"] == "multi_view":
                assert min(math.dist(a, b) for a, b in combinations(boxes, 2)) >= LIMITS.min_option_distance
            assert not any(o["point"] or o["bbox"] for o in row["objects"])
        if row["img_type"] == "multi_view":
            names = {o["object_id"] for o in row["objects"]}
            assert not any(names <= set(frames[f].objects) for f in row["frame_ids"])
            if row["relation"] == "oo":
                assert [o["color"] for o in row["objects"]] == ["red", "green", "blue"]
                assert [o["image_index"] for o in row["objects"]] == [0, 1, 2]
        counted[row["task"], row["format_type"]] += 1
        directions[row["relation"], wants_nearest] += 1
    assert len(counted) == 5 * 3 and len(directions) == 4
    metrics = {"fill": "name_accuracy", "select": "choice_accuracy", "sentence": ""}
    assert all(row["metric"] == metrics[row["format_type"]] for row in rows)


def test_no_candidate_is_seen_for_being_near(toy):
    """Each would still be large enough in the picture if it changed places with the farthest candidate."""
    record, rows = toy
    frames = {image.frame.frame_id: image for image in record.images}
    shrunk = []
    for row in (row for row in rows if row["task"] == "distance_infer_center_oc"):
        seen = [frames[row["frame_ids"][0]].objects[o["object_id"]] for o in row["objects"]]
        shrunk += [s.area * (away / max(row["answer_exact"])) ** 2
                   for s, away in zip(seen, row["answer_exact"], strict=True)]
    assert min(shrunk) >= LIMITS.min_area
    strict, rejected = replace(LIMITS, min_area=float(np.quantile(shrunk, 0.3))), Counter()
    rows_of(record, TASKS["distance_infer_center_oc"], "fill", limits=strict, rejected=rejected)
    assert rejected["seen_for_being_near"] > 0


def test_the_tag_compares_the_winner_with_the_runner_up(toy):
    record, rows = toy
    tagged = [row for row in rows if row["task"] == "distance_infer_center_oc"]
    assert tagged
    for row in tagged:
        seen = next(i for i in record.images if i.frame.frame_id == row["frame_ids"][0]).objects
        order = np.argsort(row["answer_exact"])[: 2] if "nearest to" in row["question"] else np.argsort(
            row["answer_exact"])[-2:]
        near, far = ((lambda b: (b[1] + b[3]) / 2)(seen[row["objects"][i]["object_id"]].bbox) for i in order)
        assert row["vertical_gap"] == pytest.approx((near - far) / 240)
    assert all(row["heuristic"] == "" for row in rows if row["task"] != "distance_infer_center_oc")


def test_living_room_winners_agree_with_independent_measurements(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    uid = {str(o["scannet_objectId"]): o["uid"] for o in expected["objects"]}
    center = {o["uid"]: np.array(o["center"]) for o in expected["objects"]}
    pair = {frozenset((p["a"], p["b"])): p["center_distance"] for p in expected["object_pairs"]}
    camera = {f["names"]["scannet"]: np.array(f["camera_to_world"])[:3, 3] for f in expected["frames"]
              if f["names"].get("scannet")}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits(), video=True)
    counted = Counter()
    for task in NEAREST_TASKS:
        for format_type in FORMATS:
            for row in rows_of(record, task, format_type, 40, limits=Limits()):
                asked = [uid[o["object_id"]] for o in row["objects"]]
                away = ([pair[frozenset((asked[0], other))] for other in asked[1:]] if row["relation"] == "oo" else
                        [np.linalg.norm(center[a] - camera[row["frame_ids"][0]]) for a in asked])
                best = np.argmin(away) if any(word in row["question"] for word in NEAREST) else np.argmax(away)
                assert row["answer_exact"] == pytest.approx(away, abs=2e-3)
                assert chosen(row) == row["objects"][-len(away):][best]["label"]
                counted[task.name] += 1
    assert min(counted[t.name] for t in NEAREST_TASKS if t.relation == "oo") >= 20


def test_the_second_route_accepts_all_rows_and_catches_lies(toy):
    record, rows = toy
    opposite = dict(zip(WORDS, ("farther from", "closer to", "farthest from", "nearest to")))
    for row in rows:
        assert verify(row, record, LIMITS) is None
        assert verify(row | {"answer_exact": [x + 0.02 for x in row["answer_exact"]]}, record, LIMITS)
        word = next(w for w in WORDS if w in row["question"])
        assert verify(row | {"question": row["question"].replace(word, opposite[word])}, record, LIMITS)
        loser = next(o["label"] for o in row["objects"][::-1] if o["label"] != chosen(row))
        if row["format_type"] == "sentence":
            for true, false in ((f"the {chosen(row)} is", f"the {loser} is"), (f"{row['answer_value'][0]:.1f}", "99")):
                assert verify(row | {"answer": row["answer"].replace(true, false)}, record, LIMITS)
        elif row["format_type"] == "fill":
            assert verify(row | {"answer": loser}, record, LIMITS) == "answer differs"
        else:
            assert verify(row | {"answer": "ABCD"[row["options"].index(loser)]}, record, LIMITS) == "answer differs"


def test_a_turned_world_changes_no_winner():
    golds = []
    for scene in (toy_room(1), moved(toy_room(1), yaw=2.1, shift=(-4, 1, 0))):
        record = build_record(scene, LIMITS, video=True)
        golds.append({(r["task"], *r["frame_ids"], *(o["object_id"] for o in r["objects"])): r["answer_exact"]
                      for t in NEAREST_TASKS for r in rows_of(record, t, "fill")})
    shared = set(golds[0]) & set(golds[1])
    assert len(shared) > 60
    assert all(golds[0][k] == pytest.approx(golds[1][k]) for k in shared)
