"""Counts and room sizes: a room built by hand, its mirror image, and rooms whose plan is known."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import shapely

from builders.scenes.procedural.source import ProceduralSource
from builders.spar.facts import NumberFact, Rejected
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.tasks import TASKS
from builders.spar.verify import verify
from tests.builders.spar.asked import LIMITS, rows_of
from tests.builders.spar.filmed import PLACES, ROOM_AREA, filmed_room, surveyed_room
from tests.builders.toy import mirrored

COUNT, ROOM = TASKS["obj_count"], TASKS["room_size"]


@pytest.fixture(scope="module")
def record():
    return build_record(filmed_room(), LIMITS, video=True)


def test_counts_what_stands_in_the_room(record):
    for format_type in COUNT.formats:
        (row,) = rows_of(record, COUNT, format_type)
        assert row["answer_value"] == [3.0] and row["unit"] == ["count"] and "chair" in row["question"]
        assert [o["label"] for o in row["objects"]] == ["chair"] * 3 and len(row["frame_ids"]) == 32
        assert row["answer"] == "3" if format_type == "fill" else "3" in row["answer"]
        assert row["metric"] == ("mra" if format_type == "fill" else "")
        assert verify(row | {"answer": row["answer"].replace("3", "4")}, record, LIMITS)
        lie = row | {"answer": row["answer"].replace("3", "2"), "answer_value": [2.0], "answer_exact": [2.0]}
        assert verify(lie, record, LIMITS) == "gold differs"
        assert verify(row | {"objects": row["objects"][1:]}, record, LIMITS) == "instances differ"


@pytest.mark.parametrize("place, label, reason", [
    (95, "office chair", "ambiguous_label"),
    (95, "chair leg", "ambiguous_label"),
    (130, "armchair", None),  # another word: two chairs remain
])
def test_names_that_could_mean_the_same_are_not_counted(place, label, reason):
    rejected = Counter()
    room = build_record(filmed_room(PLACES | {place: label}), LIMITS, video=True)
    rows = rows_of(room, COUNT, "fill", rejected=rejected)
    assert [r["answer"] for r in rows] == ([] if reason else ["2"]) and set(rejected) == ({reason} - {None})


def test_a_longer_name_is_counted_unless_things_of_the_shorter_one_may_be_meant():
    places = {angle: "cabinet door" if label == "chair" else label for angle, label in PLACES.items()}
    for other, answers in {"cabinet": ["3"], "sliding door": ["3"], "door": []}.items():
        record = build_record(filmed_room(places | {95: other}), LIMITS, video=True)
        assert [r["answer"] for r in rows_of(record, COUNT, "fill")] == answers


def test_no_count_is_the_answer_more_often_than_allowed():
    """Three chairs, and three kinds of things in pairs."""
    places = PLACES | {165: "lamp", 265: "plant", 290: "bin", 30: "bin"}
    record = build_record(filmed_room(places), LIMITS, video=True)
    for most in (1, 2):
        answers = Counter()
        for seed in range(6):
            rejected = Counter()
            limits = replace(LIMITS, max_same_count=most)
            made = rows_of(record, COUNT, "fill", limits=limits, rejected=rejected, seed=seed)
            assert Counter(r["answer"] for r in made) == {"2": most, "3": 1}
            answers.update(r["objects"][0]["label"] for r in made)
        assert len(answers) > 2  # not always the same pair


def test_plurals_are_not_counted_and_hidden_instances_forbid_the_count():
    places = {angle: label.replace("chair", "books") for angle, label in PLACES.items()}
    rejected = Counter()
    assert not rows_of(build_record(filmed_room(places), LIMITS, video=True), COUNT, "fill", rejected=rejected)
    assert rejected == {"label_not_countable": 1}
    half = filmed_room()
    half = replace(half, frames=half.frames[:18])  # the camera turns 187 degrees: the third chair stays behind it
    rejected.clear()
    limits = replace(LIMITS, video_frames=18)
    assert not rows_of(build_record(half, limits, video=True), COUNT, "fill", rejected=rejected, limits=limits)
    assert rejected == {"instance_not_shown": 1}


@pytest.fixture(scope="module")
def surveyed():
    return build_record(surveyed_room(), LIMITS, video=True)


def test_room_size_is_that_of_the_plan_in_every_format(surveyed):
    record, exact = surveyed, set()
    for format_type in ROOM.formats:
        (row,) = rows_of(record, ROOM, format_type, limits=replace(LIMITS, min_area_step=1.001))
        assert row["answer_exact"][0] == pytest.approx(ROOM_AREA, rel=0.03)  # neither walls nor the slab below them
        assert row["unit"] == ["m2"] and row["objects"] == []
        exact.add(row["answer_exact"][0])
        assert verify(row | {"answer_exact": [row["answer_exact"][0] + 0.02]}, record, LIMITS) == "gold differs"
        if format_type != "select":
            said = f"{row['answer_value'][0]:.1f}"
            assert said in row["answer"]
            assert verify(row | {"answer": row["answer"].replace(said, "12.3")}, record, LIMITS)
    assert len(exact) == 1


def test_a_room_without_video_or_shown_in_part_is_not_asked_about(surveyed):
    assert rows_of(build_record(surveyed_room(), LIMITS), ROOM, "fill") == []
    rejected = Counter()
    assert not rows_of(replace(surveyed, plan_area=2 * ROOM_AREA), ROOM, "fill", rejected=rejected)
    assert not rows_of(surveyed, ROOM, "fill", rejected=rejected, limits=replace(LIMITS, min_room_area=30.0))
    assert rejected == {"room_shown_in_part": 1, "room_too_small": 1}


def test_no_rank_among_the_options_is_the_size_of_a_typical_room_more_often(surveyed):
    """Rooms as the limits describe them: gold has every rank among its options as often, and is a whole step away."""
    rng, ranks, offered = np.random.default_rng(0), Counter(), []
    for area in np.exp(rng.normal(np.log(LIMITS.typical_room_area), np.log(LIMITS.room_area_spread), 6000)):
        gold = ROOM.answer(NumberFact(surveyed.video, (), None, area, None), "select", surveyed, LIMITS, rng)
        if not isinstance(gold, Rejected):
            options = sorted(map(float, (gold.text, *gold.distractors)))
            ranks[options.index(float(gold.text))] += 1
            assert np.divide(options[1:], options[:-1]).min() > LIMITS.min_area_step - 0.02  # printed to one decimal
            offered.append(options[0] / options[-1])
    assert ranks.total() > 2000 and np.ptp(offered) > 0.4
    assert all(abs(ranks[rank] / ranks.total() - 0.25) < 4 * (0.25 * 0.75 / ranks.total()) ** 0.5 for rank in range(4))


def test_where_all_rooms_are_alike_a_size_finds_no_options(surveyed):
    fact = NumberFact(surveyed.video, (), None, 21.37, None)
    alike = replace(LIMITS, room_area_spread=1.001)
    assert ROOM.answer(fact, "select", surveyed, alike, np.random.default_rng(0)) == Rejected("too_few_options")
    assert ROOM.answer(fact, "fill", surveyed, alike, np.random.default_rng(0)).text == "21.4"


def test_a_mirror_changes_neither_counts_nor_size(surveyed):
    other = build_record(mirrored(filmed_room()), LIMITS, video=True)
    assert [r["answer"] for r in rows_of(other, COUNT, "fill")] == ["3"]
    other = build_record(mirrored(surveyed_room()), LIMITS, video=True)
    sizes = [rows_of(r, ROOM, "fill")[0]["answer_exact"][0] for r in (surveyed, other)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.005)


@pytest.mark.slow
def test_a_furnished_room_has_the_area_of_its_plan():
    source = ProceduralSource(renderer="raycast")
    record = build_record(source.load("room_000004"), Limits(), video=True)
    (row,) = rows_of(record, ROOM, "fill", limits=Limits())
    assert row["answer_exact"][0] == pytest.approx(shapely.Polygon(source.room("room_000004").polygon).area, rel=0.03)
