"""Relations in the observer's frame: places worked out by hand, mirrored and turned rooms, sentences and claims."""

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from builders.scenes.scannet import ScanNetSource
from builders.spar.facts import Asked, Rejected
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.relations import RELATION_WORDS, RelationFact, relation_gold, spoken_slots
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from builders.spar.verify import verify
from builders.spar.wording import templates
from tests.builders.spar.asked import slots_of
from tests.builders.toy import look_at, make_scene, mirrored, moved, toy_room

LIMITS = Limits(min_in_image_fraction=0.3, min_view_overlap=0)
NAMES = ("obj_spatial_relation_oo", "obj_spatial_relation_oc_mv", "obj_spatial_relation_oo_mv")
OPPOSITE = {a: b for pair in RELATION_WORDS.values() for a, b in (pair, pair[::-1])}


def rows_of(record, name, format_type, wanted=60, limits=LIMITS, seed=0):
    return list(task_rows(TASKS[name], format_type, record, limits, wanted, ("t", "1", seed), Counter()))


def ring(count=16):
    """Boxes all around a camera that turns on the spot in their middle, at heights about its own."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    boxes = [((1.5 * np.cos(a), 1.5 * np.sin(a), 1.3 + 0.2 * np.cos(3 * a)), (0.2, 0.2, 0.2), a) for a in angles]
    poses = [look_at((0, 0, 1.3), (np.cos(a), np.sin(a), 1.25)) for a in np.linspace(0, 2 * np.pi, 20, endpoint=False)]
    return make_scene(boxes, poses)


@pytest.fixture(scope="module")
def records():
    """Two rooms of different kinds: seen from outside, and from the middle."""
    return build_record(toy_room(), LIMITS), build_record(ring(), LIMITS)


@pytest.fixture(scope="module")
def rows(records):
    return [(record, row) for record in records for name in NAMES for format_type in TASKS[name].formats
            for row in rows_of(record, name, format_type)]


def measured(record, name, objects):
    views = (0, 1, 2)[: TASKS[name].views]
    asked = tuple(Asked(o, 0, c) for o, c in zip(objects, ("red", "blue")))
    return TASKS[name].measure(record, LIMITS, np.random.default_rng(0), (views, asked))


def test_differences_are_those_worked_out_by_hand():
    """The first camera stands at (0, -3, 1) and looks along +Y: x is its right, z its height, y its depth."""
    small = (0.2, 0.2, 0.2)
    scene = make_scene([((1, 0, 0.5), small, 0), ((-1, 1, 1.2), small, 0), ((0.5, -5, 1.05), small, 0)],
                       [look_at((0, -3, 1), (0, 0, 1)), look_at((3, 0, 1), (0, 0, 1)), look_at((0, 3, 1), (0, 0, 1))])
    record = build_record(scene, LIMITS)
    for name in ("obj_spatial_relation_oo", "obj_spatial_relation_oo_mv"):
        fact = measured(record, name, ("0", "1"))
        nearer = np.sqrt(1 + 9 + 0.25) - np.sqrt(1 + 16 + 0.04)
        assert dict(fact.differences) == pytest.approx({"horizontal": 2, "vertical": 0.7, "distance": nearer})
        assert relation_gold(fact, "sentence", LIMITS, np.random.default_rng(0)).text == "right, below, closer"
    fact = measured(record, "obj_spatial_relation_oc_mv", ("2",))
    assert dict(fact.differences) == pytest.approx({"horizontal": 0.5, "vertical": -0.05, "facing": -2})
    assert relation_gold(fact, "sentence", LIMITS, np.random.default_rng(0)).text == "right, , behind"


@pytest.mark.parametrize("name", NAMES)
def test_mirrors_swap_sides_and_worlds_do_not_matter(name):
    room = ring()
    wide = replace(LIMITS, relation_margin=0)
    record, mirror, turned = (build_record(s, wide) for s in (room, mirrored(room), moved(room, 1.1, (3, -2, 0))))
    task, rng = TASKS[name], np.random.default_rng(0)
    compared = Counter()
    for proposal in islice(task.propose(record, wide, rng), 150):
        facts = [task.measure(r, wide, rng, proposal) for r in (record, mirror, turned)]
        if any(isinstance(fact, Rejected) for fact in facts):
            assert len({fact.reason for fact in facts}) == 1
            continue
        original, flipped, elsewhere = (np.array([d for _, d in fact.differences]) for fact in facts)
        assert flipped == pytest.approx(original * (-1, 1, 1), abs=1e-6)
        assert elsewhere == pytest.approx(original, abs=1e-6)
        assert [fact.height_gap for fact in facts] == pytest.approx([facts[0].height_gap] * 3)
        compared["left" if original[0] < 0 else "right"] += 1
    assert min(compared["left"], compared["right"]) > 20


@pytest.mark.parametrize("name", ("obj_spatial_relation_oo", "obj_spatial_relation_oo_mv"))
def test_swapped_objects_have_the_opposite_relation(records, name):
    task, rng = TASKS[name], np.random.default_rng(0)
    compared = 0
    for record in records:
        for views, (red, blue) in islice(task.propose(record, LIMITS, rng), 100):
            fact = task.measure(record, LIMITS, rng, (views, (red, blue)))
            back = task.measure(record, LIMITS, rng, (views, (blue, red)))
            if not isinstance(fact, Rejected):
                assert [d for _, d in back.differences] == pytest.approx([-d for _, d in fact.differences])
                compared += 1
    assert compared > 30


def test_living_room_relations_agree_with_independent_measurements(scenes_root):
    expected = json.loads((scenes_root / "expected.json").read_text())
    center = {str(o["scannet_objectId"]): np.array(o["center"]) for o in expected["objects"]}
    frames = {f["names"]["scannet"]: f for f in expected["frames"] if f["names"].get("scannet")}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits())
    for name, least in (("obj_spatial_relation_oo_mv", 10), ("obj_spatial_relation_oc_mv", 5)):
        made = rows_of(record, name, "sentence", 60, Limits())
        assert len(made) >= least
        for row in made:
            camera = np.linalg.inv(np.array(frames[row["frame_ids"][0]]["camera_to_world"]))
            seen = [(camera @ [*center[o["object_id"]], 1])[:3] for o in row["objects"]]
            far = [np.linalg.norm(s) for s in seen]
            gold = seen[0] if len(seen) == 1 else [*(seen[0] - seen[1])[:2], far[0] - far[1]]
            assert row["answer_exact"] == pytest.approx(gold, abs=2e-3)


def test_first_images_hide_what_is_asked_relative_to_the_observer(rows):
    checked = 0
    for record, row in rows:
        if row["task"] == "obj_spatial_relation_oc_mv":
            first = next(i for i in record.images if i.frame.frame_id == row["frame_ids"][0])
            (red,) = row["objects"]
            assert red["object_id"] not in first.objects and red["image_index"] in (1, 2)
            assert first.glimpsed.get(red["object_id"], 0) <= LIMITS.glimpse_area
            checked += 1
    assert checked > 30


def test_front_and_behind_are_equally_frequent_where_they_are_asked(records):
    limits = replace(LIMITS, max_same_objects=99)
    made = [row for seed in range(3)
            for row in rows_of(records[1], "obj_spatial_relation_oc_mv", "select", 60, limits, seed)]
    asked = [row for row in made if len({slots_of(text)[2] for text in row["options"]}) == 2]
    words = Counter(slots_of(row["options"]["ABCD".index(row["answer"])])[2] for row in asked)
    sides = Counter(slots_of(row["options"]["ABCD".index(row["answer"])])[0] for row in asked)
    assert len(asked) >= 40 and abs(words["front"] - words["behind"]) <= 0.1 * len(asked)
    assert abs(sides["left"] - sides["right"]) <= 0.1 * len(asked)


def test_each_thing_is_behind_as_often_as_in_front_where_it_can_be_both(records):
    record = records[1]
    rows = rows_of(record, "obj_spatial_relation_oc_mv", "select")
    where: dict[str, Counter] = {}
    for row in rows:
        _, height, facing = slots_of(row["options"]["ABCD".index(row["answer"])])
        where.setdefault((row["objects"][0]["object_id"], height), Counter())[facing] += 1
    assert len(where) > 5
    for (name, _), counts in where.items():
        assert abs(counts["behind"] - counts["front"]) <= 1
        center = [*record.objects[name].item.box.center, 1]
        away = [(np.linalg.inv(image.frame.world_from_camera) @ center)[2] for image in record.images]
        assert min(away) < -0.1 and max(away) > 0.1


def test_front_is_no_option_where_nothing_can_be_behind(records):
    """A camera that circles around the room has everything in front of it."""
    made = rows_of(records[0], "obj_spatial_relation_oc_mv", "sentence")
    assert made and all(row["answer_exact"][2] > 0 for row in made)
    for row in rows_of(records[0], "obj_spatial_relation_oc_mv", "select"):
        assert len({slots_of(text)[2] for text in row["options"]}) == 1


def test_the_second_route_accepts_all_rows_and_catches_lies(rows):
    caught = Counter()
    for record, row in rows:
        assert verify(row, record, LIMITS) is None
        assert verify(row | {"answer_exact": [x + 0.02 for x in row["answer_exact"]]}, record, LIMITS)
        if row["format_type"] == "judge":
            lies = [row | {"answer": {"Yes": "No", "No": "Yes"}[row["answer"]]}]
            spoken = templates("relation_words")["before_name"]
            claim = next(w for w, text in spoken.items() if re.search(rf"\b{text}\b", row["question"]))
            lies.append(row | {"question": row["question"].replace(spoken[claim], spoken[OPPOSITE[claim]])})
            lies.append(row | {"question": row["question"].replace("Is", "Was").replace("the", "a")})
        elif row["format_type"] == "sentence":
            said = re.findall("|".join(rf"\b{word}\b" for word in OPPOSITE), row["answer"])
            lies = [row | {"answer": re.sub(rf"\b{word}\b", OPPOSITE[word], row["answer"])} for word in said]
            lies += [row | {"answer": re.sub(rf"\b{word}\b", "there", row["answer"])} for word in said]
            lies.append(row | {"answer": f"{row['answer']} Or {OPPOSITE[said[0]]}."})
        else:
            wrong = "ABCD"[("ABCD".index(row["answer"]) + 1) % 4]
            lies = [row | {"answer": wrong}]
        for lie in lies:
            assert verify(lie, record, LIMITS), lie["question"]
            caught[row["task"], row["format_type"]] += 1
    assert set(caught) == {(name, f) for name in NAMES for f in TASKS[name].formats} and min(caught.values()) >= 3


def test_claims_are_as_often_true_as_false_whatever_they_claim():
    fact = RelationFact((0,), (), None, (("horizontal", 0.5), ("vertical", 0.5), ("distance", -0.05)), 0.1)
    found = Counter()
    for seed in range(4000):
        gold = relation_gold(fact, "judge", LIMITS, np.random.default_rng(seed))
        found[gold.slots["claim"], gold.text] += 1
    assert set(found) == {("to the right of", "Yes"), ("to the left of", "No"), ("below", "Yes"), ("above", "No")}
    assert all(abs(n - 1000) < 4 * (4000 * 0.25 * 0.75) ** 0.5 for n in found.values())
    tall = RelationFact((0,), (), None, fact.differences, 0.5)  # names would tell what is above
    claims = {relation_gold(tall, "judge", LIMITS, np.random.default_rng(i)).slots["claim"] for i in range(50)}
    assert claims == {"to the right of", "to the left of"}


def test_empty_slots_are_said_to_be_unclear():
    slots = spoken_slots((("horizontal", -1.0), ("vertical", 0.02), ("facing", -0.03)), 0.1)
    assert slots == {"where": "to the left", "around_them": "to their left",
                     "unclear": " No clear difference can be told in height and depth."}
    slots = spoken_slots((("horizontal", 1.0), ("vertical", -0.2), ("distance", 0.3)), 0.1)
    assert slots == {"where": "to the right, above and farther from the observer", "unclear": "",
                     "before_name": "to the right of, above and farther from the observer than"}


@pytest.mark.parametrize("name", [n for n in TASKS if n.startswith(("obj_spatial_relation", "spatial_imagination_o"))])
def test_wording_itself_says_no_relation(name):
    """Sentences get their relation words from the slots alone: all words of an answer are those of its gold."""
    wording = templates(name)
    for group in ("questions", "sentence_questions", "judge_questions", "answers"):
        for text in wording.get(group, {}).values():
            assert not set(re.findall(r"\w+", re.sub(r"{\w+}", "", text).lower())) & set(OPPOSITE), text
    assert len(wording["answers"]) >= 6 and len(wording["questions"]) >= 12
