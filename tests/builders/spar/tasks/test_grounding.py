"""3D boxes in words: put back into the world by formulas of this file's own, and held against the scan's vertices."""

import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from builders.errors import InputError
from builders.scenes.boxes_json import BoxesJsonSource
from builders.scenes.scannet import ScanNetSource
from builders.scenes.scannetpp import ScanNetPPSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.scanrefer import read_annotations
from builders.spar.tasks.grounding import GROUNDING, annotated, box_text, rounded
from builders.spar.tasks.naming import Name
from builders.spar.verify import verify
from builders.spar.wording import templates
from tests.builders.toy import look_at, make_scene, moved, toy_room
from tests.commands import ROOT

LIMITS = Limits(min_in_image_fraction=0.3)


def rows_of(record, format_type="fill", task=GROUNDING, limits=LIMITS, wanted=40, rejected=None):
    rejected = Counter() if rejected is None else rejected
    return list(task_rows(task, format_type, record, limits, wanted, ("t", "1", 0), rejected))


def lifted(row, record, numbers):
    """(3,) centre that seven numbers mean: along the pixel's ray, in the axes of the camera."""
    frame, u, v, depth = numbers[:4]
    image = record.image_of_frame[row["frame_ids"][int(frame)]].frame
    fx, fy, cx, cy = image.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]]
    x, y = u / 1000 * image.width - 0.5, v / 1000 * image.height - 0.5
    right, down, forward, center = image.world_from_camera[:3].T
    return center + depth * ((x - cx) / fx * right + (y - cy) / fy * down + forward)


def extents_of(scene, object_id):
    """Low and high corner of an object's vertices."""
    (item,) = [o for o in scene.objects if o.object_id == object_id]
    points = scene.mesh.vertices[item.vertex_ids]
    return points.min(axis=0), points.max(axis=0)


@pytest.mark.parametrize("yaw", [0.0, 0.7])
def test_numbers_put_back_through_the_camera_are_the_box_of_the_vertices(yaw):
    """The boxes of a room that is turned are others: they keep to the axes of the world."""
    scene = moved(toy_room(), yaw=yaw, shift=(2, -1, 0))
    record = build_record(scene, LIMITS)
    made = rows_of(record)
    assert len(made) >= 20
    for row in made:
        (target,) = row["objects"]
        low, high = extents_of(scene, target["object_id"])
        assert lifted(row, record, row["answer_exact"]) == pytest.approx((low + high) / 2, abs=1e-9)
        assert row["answer_exact"][4:] == pytest.approx(100 * (high - low))
        assert row["answer"] == box_text(row["answer_value"]) and row["metric"] == "box_iou"
        assert lifted(row, record, row["answer_value"]) == pytest.approx((low + high) / 2, abs=0.008)  # of rounding
        assert target["image_index"] == row["answer_value"][0] and target["color"] == ""
        shown = record.image_of_frame[row["frame_ids"][target["image_index"]]]
        assert target["object_id"] in shown.objects and min(row["answer_exact"][1:3]) >= 0
        assert max(row["answer_exact"][1:3]) <= 1000 and row["answer_exact"][3] > 0


def test_poses_of_printed_digits_lose_no_question_and_come_back_exactly():
    """Six digits, as ScanNet's files have, leave a matrix that is no rotation: its transpose is not its inverse."""
    scene = moved(toy_room(), yaw=0.7)
    printed = [replace(frame, world_from_camera=frame.world_from_camera.round(6)) for frame in scene.frames]
    record = build_record(replace(scene, frames=tuple(printed)), LIMITS)
    rejected = Counter()
    made = rows_of(record, rejected=rejected)
    assert len(made) >= 20 and not any(reason.startswith("verify") for reason in rejected)
    for row in made:
        low, high = extents_of(scene, row["objects"][0]["object_id"])
        assert lifted(row, record, row["answer_exact"]) == pytest.approx((low + high) / 2, abs=1e-9)


def test_of_the_frames_shown_the_answer_names_the_one_that_shows_the_object_best():
    record = build_record(toy_room(), LIMITS)
    fewer = Limits(min_in_image_fraction=0.3, grounding_views=4)
    made = rows_of(record, limits=fewer)
    order = [image.frame.frame_id for image in record.images]
    assert {len(row["frame_ids"]) for row in made} == {4}
    for row in made:
        assert row["frame_ids"] == sorted(row["frame_ids"], key=order.index) and len(set(row["frame_ids"])) == 4
        name = row["objects"][0]["object_id"]
        quality = [seen.visible_fraction * seen.in_image_fraction if seen else 0.0
                   for seen in (record.image_of_frame[f].objects.get(name) for f in row["frame_ids"])]
        assert quality[row["objects"][0]["image_index"]] == max(quality)
    assert len({tuple(row["frame_ids"]) for row in made}) > 10


def test_words_are_true_of_one_object_only():
    """Two chairs: each is told from the other by what the room says, looked up by hand."""
    record = build_record(toy_room(), LIMITS)
    places = {name: held.item.box.center for name, held in record.objects.items()}
    by_label = {record.label(name): name for name in record.objects if record.label(name) != "chair"}
    chairs = [name for name in record.objects if record.label(name) == "chair"]
    kinds = Counter()
    for row in rows_of(record, wanted=60):
        (target,) = row["objects"]
        kinds[row["referred_by"]] += 1
        assert row["same_label"] == (2 if target["label"] == "chair" else 1)
        if row["referred_by"] == "name":
            assert f"the {target['label']}" in row["question"] and target["label"] != "chair"
            continue
        kind, anchor = re.search(r"the chair (closest to|farthest from) the (\w+)", row["question"]).groups()
        assert by_label[anchor] == row["anchor"]
        away = [np.linalg.norm(places[chair] - places[row["anchor"]]) for chair in chairs]
        assert abs(away[0] - away[1]) >= LIMITS.min_description_gap
        assert chairs[int(np.argmin(away) if kind == "closest to" else np.argmax(away))] == target["object_id"]
    assert kinds["name"] and kinds["closest"] and kinds["farthest"]


def test_an_object_above_others_of_its_label_is_the_highest_one():
    """Three boxes in a row along the view, none of them alone in its kind, no other thing to go by."""
    boxes = [((x, 2.0, z), (0.4, 0.3, 0.35), 0.2) for x, z in ((-1, 0.3), (0, 0.9), (1, 1.5))]
    poses = [look_at((x, -1.5, 1.0), (0, 2, 0.9)) for x in (-0.8, -0.4, 0, 0.4, 0.8)]
    record = build_record(make_scene(boxes, poses, labels=["box"] * 3), LIMITS)
    rejected = Counter()
    made = rows_of(record, rejected=rejected)
    assert {(row["referred_by"], row["objects"][0]["object_id"]) for row in made} == {("lowest", "0"), ("highest", "2")}
    assert rejected["ambiguous_label"] > 0  # the one between them


def test_of_things_on_one_floor_the_taller_one_is_not_the_highest():
    boxes = [((x, 2.0, height / 2), (0.4, 0.3, height), 0.2) for x, height in ((-1, 0.4), (0, 1.2))]
    poses = [look_at((x, -1.5, 1.0), (0, 2, 0.5)) for x in (-0.8, -0.4, 0, 0.4, 0.8)]
    rejected = Counter()
    assert not rows_of(build_record(make_scene(boxes, poses, labels=["cabinet"] * 2), LIMITS), rejected=rejected)
    assert rejected["ambiguous_label"] > 0


def test_what_centers_and_the_space_between_say_differently_is_not_asked():
    """A long table: one chair is nearer to its center, the other one stands closer to its end. Of two pillows on the
    table neither is the closest one."""
    poses = [look_at((x, -2.0, 3.0), (0.5, 0.7, 0.3)) for x in (-0.8, -0.4, 0, 0.4, 0.8)]

    def asked(label, first, second, size):
        boxes = [((0, 0.5, 0.3), (2.0, 0.6, 0.6), 0.0), (first, size, 0.0), (second, size, 0.0)]
        record = build_record(make_scene(boxes, poses, labels=["table", label, label]), LIMITS)
        return {(row["objects"][0]["object_id"], row["referred_by"]) for row in rows_of(record)} - {("0", "name")}

    chair, pillow = (0.3, 0.3, 0.4), (0.2, 0.2, 0.1)
    assert asked("chair", (0.0, 1.5, 0.2), (1.4, 0.5, 0.2), chair) == set()  # 1.0 and 1.4 m; 0.55 and 0.25 m apart
    told = {("1", "closest"), ("2", "farthest")}
    assert asked("chair", (0.0, 1.3, 0.2), (2.0, 0.5, 0.2), chair) == told  # 0.8 and 2.0 m; 0.35 and 0.85 m apart
    assert asked("pillow", (0.0, 0.5, 0.65), (0.8, 0.5, 0.65), pillow) == set()


def test_what_is_planted_in_a_row_is_found():
    record = build_record(toy_room(), LIMITS)
    row = next(row for row in rows_of(record) if row["referred_by"] == "closest")
    assert verify(row, record, LIMITS) is None

    def with_number(position, change):
        exact, value = list(row["answer_exact"]), list(row["answer_value"])
        exact[position] += change
        value = list(rounded(exact))
        return row | {"answer_exact": exact, "answer_value": value, "answer": box_text(value)}

    for position, change in ((0, 1), (1, 3.0), (2, -3.0), (3, 0.05), (4, 4.0), (6, -4.0)):
        assert verify(with_number(position, change), record, LIMITS), position
    x, y = row["answer_exact"][4:6]
    swapped = [*row["answer_exact"][:4], y, x, row["answer_exact"][6]]
    value = list(rounded(swapped))
    changed = row | {"answer_exact": swapped, "answer_value": value, "answer": box_text(value)}
    assert verify(changed, record, LIMITS) == "gold differs"
    other = next(name for name in record.objects if name != row["objects"][0]["object_id"]
                 and record.label(name) == "chair")
    assert verify(row | {"objects": [row["objects"][0] | {"object_id": other}]}, record, LIMITS)
    assert verify(row | {"referred_by": "farthest"}, record, LIMITS) == "object not named"
    assert verify(row | {"question": row["question"].replace("closest to", "farthest from"),
                         "referred_by": "farthest"}, record, LIMITS) == "another object is meant"
    named = row["question"].replace(f"chair closest to the {record.label(row['anchor'])}", "chair")
    assert verify(row | {"question": named, "referred_by": "name"}, record, LIMITS) == "another object may be meant"


def test_sentences_say_the_numbers_in_their_order():
    record = build_record(toy_room(), LIMITS)
    made = rows_of(record, "sentence")
    assert len({row["template_id"].rpartition("-")[2] for row in made}) == 6
    for row in made:
        assert [float(n) for n in re.findall(r"\d+(?:\.\d+)?", row["answer"])] == row["answer_value"]
    row = next(row for row in made if row["answer_value"][1] != row["answer_value"][2])
    _, u, v, *_ = (f"{number:.0f}" for number in row["answer_value"])
    mixed = row | {"answer": row["answer"].replace(f"({u}, {v})", f"({v}, {u})")}
    assert verify(mixed, record, LIMITS) == "answer does not say the numbers in their order"


@pytest.mark.parametrize(("label", "wrong"), [
    ("books", r"\b(it|its|has)\b|books that is"), ("book", r"\b(they|their|have)\b|book that are")])
def test_wording_agrees_with_the_number_of_the_label(label, wrong):
    held = templates("grounding")
    words = Name(label, of=label)
    slots = dict.fromkeys(("frame", "u", "v", "depth", "x", "y", "z", "last"), "1")
    for group in ("questions", "answers", "descriptions"):
        for text in held[group].values():
            said = text.format(target=words, label=words, anchor="lamp", **slots)
            assert not re.search(wrong, said, re.IGNORECASE), text


@pytest.mark.parametrize("name", ["grounding", "scanrefer", "bev"])
def test_there_are_enough_wordings(name):
    questions = templates(name)["questions"]
    assert len(set(questions.values())) == len(questions) >= 12
    slot = "{objects}" if name == "bev" else "{target}"
    assert all(text.count(slot) == 1 for text in questions.values())
    assert name == "scanrefer" or len(set(templates(name)["answers"].values())) >= 6


def test_boxes_of_scans_are_those_that_were_measured_from_their_vertices(scenes_root):
    """``expected.json`` was made without this project's code; the same scene in another layout has the same boxes."""
    truth = json.loads((scenes_root / "expected.json").read_text())["objects"]
    found = {}
    for source, key in ((ScanNetSource(scenes_root / "scannet"), "scannet_objectId"),
                        (ScanNetPPSource(scenes_root / "scannetpp"), "scannetpp_objectId")):
        record = build_record(source.load(source.scene_ids()[0]), LIMITS)
        found[source.name] = record
        for item in truth:
            if not item["structural"] and str(item[key]) in record.aligned_boxes:
                box = record.aligned_boxes[str(item[key])]
                assert box.center - box.extents / 2 == pytest.approx(item["aabb_min"], abs=2e-3), item["label"]
                assert box.center + box.extents / 2 == pytest.approx(item["aabb_max"], abs=2e-3), item["label"]
    assert all(len(record.aligned_boxes) == 9 for record in found.values())


def test_sources_without_labelled_vertices_have_the_hull_of_the_box():
    """Along an axis, a turned box reaches |cos| of its length and |sin| of its width."""
    source = BoxesJsonSource(ROOT / "examples/scenes")
    record = build_record(source.load(source.scene_ids()[0]), LIMITS)
    turned = 0
    for name, held in record.objects.items():
        (cos, sin, _), _, up = held.item.box.axes
        length, width, height = held.item.box.extents
        hull = (abs(cos) * length + abs(sin) * width, abs(sin) * length + abs(cos) * width, height)
        assert up.tolist() == [0, 0, 1] and record.aligned_boxes[name].extents == pytest.approx(hull)
        assert record.aligned_boxes[name].center == pytest.approx(held.item.box.center)
        turned += abs(cos * sin) > 0.01
    assert turned


def test_annotations_are_asked_once_each_and_what_does_not_fit_is_counted(tmp_path):
    """A sixth description of one object is asked, too; one of an object that is behind all cameras is not."""
    boxes = [((0, 2, 0.5), (0.5, 0.4, 0.6), 0.3), ((0.9, 2.2, 0.6), (0.4, 0.4, 0.5), 0.0),
             ((0, -6, 0.5), (0.5, 0.5, 0.5), 0)]
    poses = [look_at((x, -1.5, 1.0), (0.3, 2, 0.6)) for x in (-0.6, 0, 0.6)]
    record = build_record(make_scene(boxes, poses, labels=["chair", "table", "sofa"]), LIMITS)
    entries = [{"scene_id": "scene0001_00", "object_id": o, "object_name": "x", "ann_id": str(a), "description": text,
                "token": []} for o, a, text in
               [*(("0", a, f"chair  number {a} .") for a in range(6)), ("1", 0, "a table"), ("2", 0, "behind"),
                ("9", 0, "not there")]]
    path = tmp_path / "ScanRefer.json"
    path.write_text(json.dumps(entries + [entries[0] | {"scene_id": "scene0002_00"}]))
    held = read_annotations(str(path))
    assert len(held) == 10 and set(held.of_scene) == {"scene0001_00", "scene0002_00"}
    rejected = Counter()
    made = rows_of(record, task=annotated(held.of_scene["scene0001_00"]), wanted=9, rejected=rejected)
    assert [row["annotation"] for row in made] == [*(f"0/{a}" for a in range(6)), "1/0"]
    assert all(f'"chair number {a} .' in row["question"] for a, row in enumerate(made[:6]))
    assert +rejected == Counter({"never_visible": 1, "no_such_object": 1})
    low, high = extents_of(make_scene(boxes, poses), "1")
    assert lifted(made[-1], record, made[-1]["answer_exact"]) == pytest.approx((low + high) / 2)


@pytest.mark.parametrize(("text", "problem"), [
    ("{", "not readable"), ("{}", "list of entries"), ('[{"scene_id": "a"}]', "entry 0: expected the keys"),
    (json.dumps([{"scene_id": "a", "object_id": 1, "ann_id": 0, "description": "x"}] * 2), "already"),
    ("[" * 100_000, "not readable"),
    *((json.dumps([{"scene_id": "a", "object_id": "1", "ann_id": "0", "description": "x"} | wrong]),
       f"entry 0: {next(iter(wrong))} is .*, expected a text") for wrong in (
        {"description": None}, {"description": " "}, {"description": ["x"]}, {"scene_id": 1}, {"object_id": 1.0},
        {"object_id": None}, {"ann_id": True})),
])
def test_a_file_that_holds_no_annotations_says_why(tmp_path, text, problem):
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_annotations(str(path))
    with pytest.raises(InputError, match="no such file"):
        read_annotations(str(tmp_path / "none.json"))
