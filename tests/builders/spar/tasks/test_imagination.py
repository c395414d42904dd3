"""Imagined viewpoints: relations worked out by hand, mirrored and turned rooms, sentences before and after the move."""

import json
import re
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from builders.errors import InputError
from builders.scenes.scannet import ScanNetSource
from builders.spar.facts import Asked, Rejected
from builders.spar.geometry import looking_at
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from builders.spar.verify import verify
from tests.builders.spar.asked import slots_of
from tests.builders.toy import look_at, make_scene, mirrored, moved, toy_room

LIMITS = Limits(min_in_image_fraction=0.3)
NAMES = tuple(name for name in TASKS if name.startswith(("spatial_imagination_oc", "spatial_imagination_oo")))
WORDS = [("left", "right"), ("above", "below"), ("closer", "farther"), ("behind", "front")]
OPPOSITE = {a: b for pair in WORDS for a, b in (pair, pair[::-1])}


@pytest.fixture(scope="module")
def record():
    return build_record(toy_room(frames=32), LIMITS, video=True)


@pytest.fixture(scope="module")
def rows(record):
    return [row for name in NAMES for format_type in TASKS[name].formats
            for row in task_rows(TASKS[name], format_type, record, LIMITS, 30, ("t", "1", 0), Counter())]


def imagined(places, camera):
    """The fact about green, blue, red and perhaps yellow at these places, seen by a camera (eye, target)."""
    places = [*places, (0, 5, 0.1)]  # something that the camera certainly sees comes last
    scene = make_scene([(place, (0.1, 0.1, 0.1), 0) for place in places], [look_at(*camera)], floor=False)
    everything = Limits(min_visible_fraction=0, min_in_image_fraction=0, min_area=0, max_depth=100)
    task = TASKS["spatial_imagination_oc" if len(places) == 4 else "spatial_imagination_oo"]
    asked = tuple(Asked(str(i), 0, c) for i, c in enumerate(("green", "blue", "red", "yellow")[: len(places) - 1]))
    return task.measure(build_record(scene, everything), LIMITS, np.random.default_rng(0), ((0,), asked))


def test_relations_are_those_worked_out_by_hand():
    """From (0, 6, 1) one looks along -Y, so +X is to the left; from green at (0, 0, 1) to blue, to the right."""
    green, blue, red, yellow = (0, 0, 1), (0, 3, 1), (1, 2, 0.2), (-1, 1, 1)
    camera = ((0, 6, 1), (0, 5, 1))
    fact = imagined((green, blue, red), camera)
    assert dict(fact.before) == pytest.approx({"horizontal": -1, "vertical": 0.8, "facing": 4})
    assert dict(fact.differences) == pytest.approx({"horizontal": 1, "vertical": 0.8, "facing": 2})
    assert fact.height_gap == pytest.approx(-0.8)
    fact = imagined((green, blue, red, yellow), camera)
    before = np.sqrt(1 + 16 + 0.64) - np.sqrt(1 + 25)
    after = np.sqrt(1 + 4 + 0.64) - np.sqrt(1 + 1)
    assert dict(fact.before) == pytest.approx({"horizontal": -2, "vertical": 0.8, "distance": before})
    assert dict(fact.differences) == pytest.approx({"horizontal": 2, "vertical": 0.8, "distance": after})


def test_a_raised_gaze_keeps_the_head_upright():
    """Green looks 30 degrees up to blue; straight above green, one metre is sin 30 ahead and cos 30 up."""
    fact = imagined(((0, 0, 1), (0, np.sqrt(3), 2), (0, 0, 2)), ((1, 6, 1), (1, 5, 1)))
    after = {"horizontal": 0, "vertical": -np.cos(np.pi / 6), "facing": np.sin(np.pi / 6)}
    assert dict(fact.differences) == pytest.approx(after, abs=1e-12)


@pytest.mark.parametrize("degrees, reason", [(44, None), (46, "gaze_too_steep"), (-46, "gaze_too_steep")])
def test_steep_gazes_are_not_imagined(degrees, reason):
    up = 2 * np.tan(np.radians(degrees))
    fact = imagined(((0, 0, 1), (2, 0, 1 + up), (1, -1, 1)), ((0, 6, 1), (0, 5, 1)))
    assert getattr(fact, "reason", None) == reason


def test_degenerate_moves_are_not_asked():
    camera = ((0, 6, 1), (0, 5, 1))
    assert imagined(((0, 0, 1), (0.4, 0, 1), (1, -1, 1)), camera) == Rejected("too_close")
    assert imagined(((0, 0, 1), (2, 0, 1), (0.05, 0, 1)), camera) == Rejected("relation_indistinguishable")
    assert imagined(((0, 0, 1), (2, 0, 1), (1, 0.105, 1)), camera) == Rejected("relation_on_the_border")
    with pytest.raises(InputError, match="max_imagined_pitch"):
        Limits(max_imagined_pitch=90)


def test_choices_may_keep_the_relation_and_sentences_tell_a_change(record):
    """From green one looks on as the camera did: red is still to the left, below and in front."""
    unchanged = imagined(((0, 4, 1), (0, 1, 1), (1, 1, 0.5)), ((0, 6, 1), (0, 5, 1)))
    said = {f: TASKS["spatial_imagination_oc"].answer(unchanged, f, record, LIMITS, np.random.default_rng(0))
            for f in ("select", "sentence")}
    assert said["select"].text == "left, below, front" and len(said["select"].distractors) == 3
    assert said["sentence"] == Rejected("same_after_moving")


def test_the_imagined_pose_is_a_level_camera_at_its_place():
    rng = np.random.default_rng(3)
    for eye, target in rng.uniform(-3, 3, (50, 2, 3)):
        pose = looking_at(eye, target)
        assert pose == pytest.approx(look_at(eye, target))  # of the test scenes, written apart
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1) and pose[2, 0] == 0 and pose[2, 1] < 0
        distance = np.linalg.norm(target - eye)
        assert np.linalg.inv(pose) @ [*target, 1] == pytest.approx([0, 0, distance, 1], abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_mirrors_swap_sides_and_worlds_do_not_matter(name, record, symmetric):
    wide, mirror, turned = symmetric
    task, rng = TASKS[name], np.random.default_rng(0)
    compared = 0
    for proposal in islice(task.propose(record, wide, rng), 80):
        facts = [task.measure(r, wide, rng, proposal) for r in (record, mirror, turned)]
        if any(isinstance(fact, Rejected) for fact in facts):
            assert len({fact.reason for fact in facts}) == 1
            continue
        for part in ("before", "differences"):
            original, flipped, elsewhere = (np.array([d for _, d in getattr(fact, part)]) for fact in facts)
            assert flipped == pytest.approx(original * (-1, 1, 1), abs=1e-6)
            assert elsewhere == pytest.approx(original, abs=1e-6)
        compared += 1
        if "_oo" in name:  # red and yellow exchanged
            views, (green, blue, red, yellow) = proposal
            back = task.measure(record, wide, rng, (views, (green, blue, yellow, red)))
            assert [d for _, d in back.differences] == pytest.approx([-d for _, d in facts[0].differences])
    assert compared > 20


@pytest.fixture(scope="module")
def symmetric():
    limits = Limits(min_in_image_fraction=0.3, relation_margin=0)
    room = toy_room(frames=32)
    scenes = (mirrored(room), moved(room, 2.0, (1, 5, 0)))
    return limits, *(build_record(scene, limits, video=True) for scene in scenes)


def test_living_room_answers_agree_with_independent_measurements(scenes_root):
    """From the published centres and cameras alone; the imagined camera is that of the test scenes."""
    expected = json.loads((scenes_root / "expected.json").read_text())
    center = {str(o["scannet_objectId"]): np.array(o["center"]) for o in expected["objects"]}
    frames = {f["names"]["scannet"]: f for f in expected["frames"] if f["names"].get("scannet")}
    room = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits())
    for name in ("spatial_imagination_oc", "spatial_imagination_oo", "spatial_imagination_oc_mv"):
        made = list(task_rows(TASKS[name], "sentence", room, Limits(), 20, ("t", "1", 0), Counter()))
        assert len(made) >= 15
        for row in made:
            places = {o["color"]: center[o["object_id"]] for o in row["objects"]}
            gold = []
            for pose in (np.array(frames[row["frame_ids"][0]]["camera_to_world"]),
                         look_at(places["green"], places["blue"])):
                seen = {c: (np.linalg.inv(pose) @ [*place, 1])[:3] for c, place in places.items()}
                gold += [*seen["red"]] if "yellow" not in seen else [
                    *(seen["red"] - seen["yellow"])[:2],
                    np.linalg.norm(seen["red"]) - np.linalg.norm(seen["yellow"])]
            assert row["answer_exact"] == pytest.approx(gold, abs=5e-3)


def test_every_type_and_format_has_rows_with_their_own_markers(record, rows):
    made = Counter((row["task"], row["format_type"]) for row in rows)
    assert {(name, f) for name in NAMES for f in TASKS[name].formats} == set(made) and min(made.values()) >= 3
    for row in rows:
        colors = [o["color"] for o in row["objects"]]
        hard = row["task"].endswith("_hard")
        assert colors == ["" if hard else c for c in ("green", "blue", "red", "yellow")[: len(colors)]]
        assert len({o["object_id"] for o in row["objects"]}) == len(colors) == (4 if row["relation"] == "oo" else 3)
        if hard:
            labels = Counter(o.item.label for o in record.objects.values())
            assert all(labels[o["label"]] == 1 and o["bbox"] is None for o in row["objects"])
        views = {"single_view": 1, "multi_view": 3, "video": 32}[row["img_type"]]
        assert len(set(row["frame_ids"])) == views
        images = [next(i for i in record.images if i.frame.frame_id == f) for f in row["frame_ids"]]
        assert all(o["object_id"] in images[o["image_index"]].objects for o in row["objects"])
        if row["img_type"] == "multi_view":
            assert {o["image_index"] for o in row["objects"]} == {0, 1, 2}
            assert not any({o["object_id"] for o in row["objects"]} <= set(image.objects) for image in images)


def test_the_second_route_accepts_all_rows_and_catches_lies(record, rows):
    for row in rows:
        assert verify(row, record, LIMITS) is None
        assert verify(row | {"answer_exact": [x + 0.02 for x in row["answer_exact"]]}, record, LIMITS)
        green, blue, *rest = row["objects"]
        assert verify(row | {"objects": [blue, green, *rest]}, record, LIMITS)  # another move
        if row["format_type"] == "select":
            wrong = "ABCD"[("ABCD".index(row["answer"]) + 1) % 4]
            assert verify(row | {"answer": wrong}, record, LIMITS)
        else:
            said = list(re.finditer("|".join(rf"\b{word}\b" for word in OPPOSITE), row["answer"]))
            for word in said:  # one word of one of the two situations
                start, end = word.span()
                lie = row["answer"][:start] + OPPOSITE[word[0]] + row["answer"][end:]
                assert verify(row | {"answer": lie}, record, LIMITS) == "sentence says another relation"


def test_sentences_tell_both_situations_and_choices_the_later_one(rows):
    for row in rows:
        last = WORDS[2] if row["relation"] == "oo" else WORDS[3]
        words = ["" if abs(d) < 0.1 else pair[int(d > 0)]
                 for d, pair in zip(row["answer_exact"], [*WORDS[:2], last] * 2, strict=False)]
        if row["format_type"] == "select":
            assert slots_of(row["options"]["ABCD".index(row["answer"])]) == words and len(words) == 3
        else:
            said = re.findall("|".join(rf"\b{word}\b" for word in OPPOSITE), row["answer"])
            assert said == [word for word in words if word] and len(words) == 6
            assert words[:3] != words[3:]


def test_front_and_behind_are_equally_frequent(record):
    limits = Limits(min_in_image_fraction=0.3, max_same_objects=99)
    made = task_rows(TASKS["spatial_imagination_oc"], "select", record, limits, 120, ("t", "1", 0), Counter())
    words = Counter(slots_of(row["options"]["ABCD".index(row["answer"])])[2] for row in made
                    if len({slots_of(text)[2] for text in row["options"]}) == 2)
    assert words.total() >= 40 and abs(words["front"] - words["behind"]) <= 0.25 * words.total()
