"""Frames that show an object, and the order in which objects appear, worked out from angles by hand."""

import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks import TASKS
from builders.spar.tasks.naming import confusable
from builders.spar.verify import verify
from tests.builders.spar.asked import LIMITS, rows_of
from tests.builders.spar.filmed import PLACES, STEP, filmed_room
from tests.builders.toy import mirrored

LOCATE, ORDER = TASKS["obj_frame_locate"], TASKS["appearance_order"]
AZIMUTH = {str(n): azimuth for n, azimuth in enumerate(PLACES)}
SURE, NEVER = 25, 55
"""Degrees off the optical axis within which a thing is in the picture, and from which on it is not (the image reaches
32 degrees to each side, more where it looks down, and things are 17 degrees wide)."""


@pytest.fixture(scope="module")
def record():
    return build_record(filmed_room(), LIMITS, video=True)


def _off_axis(azimuth):
    """(32,) degrees between a thing and the optical axis of each frame."""
    return np.abs((azimuth - STEP * np.arange(32) + 180) % 360 - 180)


def test_frames_are_those_that_look_at_the_object(record):
    rows = rows_of(record, LOCATE, "sentence")
    assert len({r["objects"][0]["object_id"] for r in rows}) >= 5
    for row in rows:
        (red,) = row["objects"]
        said = [int(n) for n in re.findall(r"Frame-(\d+)", row["answer"])]
        said = said[1:] if said[0] == red["image_index"] else said
        shown = {*said, red["image_index"]}
        off = _off_axis(AZIMUTH[red["object_id"]])
        assert set(np.flatnonzero(off < SURE)) <= shown <= set(np.flatnonzero(off < NEVER))
        assert red["bbox"] and red["color"] == "red" and f"Frame-{red['image_index']}" in row["question"]
        assert row["answer_value"] == said == sorted(said) and set(row["unit"]) == {"frame"}
        assert "Frame-31" in row["question"]


def test_lies_about_frames_are_caught(record):
    for row in rows_of(record, LOCATE, "sentence"):
        names = ", ".join(f"Frame-{n:.0f}" for n in row["answer_value"])
        first, rest = names.split(", ", 1)
        for lie in (rest, f"{names}, Frame-31" if "Frame-31" not in names else rest, names.replace(first, "Frame-99")):
            assert verify(row | {"answer": row["answer"].replace(names, lie)}, record, LIMITS)
        assert verify(row | {"answer_exact": row["answer_exact"][1:], "answer_value": row["answer_value"][1:],
                             "unit": row["unit"][1:]}, record, LIMITS) == "gold differs"


def test_objects_hardly_visible_in_a_frame_or_in_too_few_are_not_asked_about(record):
    (first, *_) = rows_of(record, LOCATE, "sentence")
    name = first["objects"][0]["object_id"]
    hidden = next(n for n in range(32) if name not in record.images[n].glimpsed)

    def with_area(area):
        images = list(record.images)
        images[hidden] = replace(images[hidden], glimpsed={**images[hidden].glimpsed, name: area})
        return replace(record, images=tuple(images))

    rejected = Counter()
    rows = rows_of(with_area(0.5 * LIMITS.min_area), LOCATE, "sentence", rejected=rejected)
    assert all(r["objects"][0]["object_id"] != name for r in rows) and rejected["barely_visible_in_a_frame"]
    rows = rows_of(with_area(0.5 * LIMITS.glimpse_area), LOCATE, "sentence")
    assert any(r["objects"][0]["object_id"] == name for r in rows)
    assert not rows_of(record, LOCATE, "sentence", limits=replace(LIMITS, min_frames_without=31))


def test_objects_appear_in_the_order_of_their_angles(record):
    for format_type in ORDER.formats:
        rows = rows_of(record, ORDER, format_type)
        assert len(rows) >= 3 and {3, 4} <= {len(r["objects"]) for r in rows} <= {3, 4, 5}
        for row in rows:
            ids = [o["object_id"] for o in row["objects"]]
            labels = [PLACES[AZIMUTH[i]] for i in sorted(ids, key=AZIMUTH.get)]
            assert "chair" not in labels
            said = row["answer"].split(", ") if format_type == "fill" else re.findall("|".join(labels), row["answer"])
            assert said == labels
            assert row["metric"] == ("order_accuracy" if format_type == "fill" else "")
            for frame, i in zip(row["answer_value"], sorted(ids, key=AZIMUTH.get)):
                assert SURE - STEP < _off_axis(AZIMUTH[i])[int(frame)] < NEVER
                assert format_type == "fill" or f"Frame-{frame:.0f}" in row["answer"]
    named = [[o["label"] for o in row["objects"]] for row in rows_of(record, ORDER, "fill")]
    assert any(names != row["answer"].split(", ") for names, row in zip(named, rows_of(record, ORDER, "fill")))


def test_lies_about_the_order_are_caught(record):
    for format_type in ORDER.formats:
        for row in rows_of(record, ORDER, format_type):
            a, b = row["objects"][0]["label"], row["objects"][1]["label"]
            swapped = row["answer"].replace(a, "*").replace(b, a).replace("*", b)
            assert verify(row | {"answer": swapped}, record, LIMITS)
            assert verify(row | {"answer_exact": [x + 1 for x in row["answer_exact"]]}, record, LIMITS)
            assert verify(row | {"frame_ids": row["frame_ids"][::-1]}, record, LIMITS)


def test_a_glimpse_before_the_first_clear_view_forbids_the_question(record):
    plant = next(i for i, azimuth in AZIMUTH.items() if PLACES[azimuth] == "plant")
    images = list(record.images)
    images[3] = replace(images[3], glimpsed={**images[3].glimpsed, plant: 0.5 * LIMITS.min_area})
    rejected = Counter()
    rows = rows_of(replace(record, images=tuple(images)), ORDER, "fill", rejected=rejected)
    assert rows and rejected["barely_visible_before"]
    assert all("plant" not in row["answer"] for row in rows)


def test_first_appearances_keep_their_distance(record):
    for gap in (2, 6):
        for row in rows_of(record, ORDER, "fill", limits=replace(LIMITS, min_appearance_gap=gap)):
            assert np.diff(row["answer_value"]).min() >= gap
    assert not rows_of(record, ORDER, "fill", limits=replace(LIMITS, min_appearance_gap=17))


def test_a_mirror_changes_no_order_and_no_frame(record):
    other = build_record(mirrored(filmed_room()), LIMITS, video=True)
    orders = [{frozenset(o["object_id"] for o in r["objects"]): r["answer"] for r in rows_of(x, ORDER, "fill")}
              for x in (record, other)]
    shared = set(orders[0]) & set(orders[1])
    assert len(shared) >= 3 and all(orders[0][k] == orders[1][k] for k in shared)
    shown = [{r["objects"][0]["object_id"]: {*r["answer_value"], r["objects"][0]["image_index"]}
              for r in rows_of(x, LOCATE, "sentence")} for x in (record, other)]
    assert shown[0] == shown[1]


def test_labels_with_one_noun_may_mean_one_thing():
    assert confusable("lamp", {"lamp", "desk lamp"}) and confusable("desk lamp", {"floor lamp"})
    assert not confusable("lamp", {"lamp", "lampshade", "table"}) and not confusable("desk lamp", {"desk"})


def _shown(seen, uid):
    return uid in seen and seen[uid]["center_in_image"] and seen[uid]["visible_fraction"] > 0.2


def test_living_room_frames_agree_with_independent_measurements(scenes_root):
    """An object whose centre lies well inside a picture and is not hidden there, by expected.json, is listed."""
    expected = json.loads((scenes_root / "expected.json").read_text())
    uid = {str(o["scannet_objectId"]): o["uid"] for o in expected["objects"]}
    frames = {f["names"]["scannet"]: {o["uid"]: o for o in f["objects"]} for f in expected["frames"]
              if f["names"].get("scannet")}
    record = build_record(ScanNetSource(scenes_root / "scannet").load("scene9001_00"), Limits(), video=True)
    compared = 0
    for row in rows_of(record, LOCATE, "sentence", limits=Limits(min_frames_without=1)):
        (red,) = row["objects"]
        listed = {*row["answer_value"], red["image_index"]}
        for n, frame_id in enumerate(row["frame_ids"]):
            if frame_id in frames:
                compared += 1
                assert n in listed or not _shown(frames[frame_id], uid[red["object_id"]])
    assert compared >= 10
