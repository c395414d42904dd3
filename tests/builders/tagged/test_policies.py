"""Which objects are compared, under every policy, against loops of the test's own over whole numbers."""

import random

import numpy as np
import pytest

from builders.tagged.builder import ADDED
from builders.tagged.embspatial_tagged import EmbSpatialTagged
from tests.builders.tagged.made import NAMES, SIZES, depth_row, direction_row, write_json

POLICIES = ("random_distractor", "row_order_random", "nearest_in_height", "all_distractors")


@pytest.fixture(scope="module")
def rows():
    """Depth rows of all sources, heights at random in whole pixels, some exactly at the border of the band."""
    rng = np.random.default_rng(5)
    made = []
    for source, (_, height) in SIZES.items():
        for number in range(40):
            centers = rng.integers(10, height - 10, 4).tolist()
            if number % 4 == 0 and height % 20 == 0:
                centers[1] = centers[0] + (height // 20) * (1 if centers[0] < height // 2 else -1)
            relation = ("far", "close")[number % 2]
            made.append(depth_row(source, number, relation, centers, answer=int(rng.integers(4))))
        made.append(direction_row(source, 99, "left"))
    return [made[i] for i in rng.permutation(len(made))]


def centers_of(row):
    """Name -> twice the height of the centre, from the box as its source writes it."""
    found = {}
    for item in row["objects"]:
        _, y, _, last = item["bbox"]
        found[item["name"]] = 2 * y + last if row["data_source"] == "mp3d" else y + last
    return found


def expected_tag(row, name):
    """Of the row's answer and another option."""
    centers, height = centers_of(row), SIZES[row["data_source"]][1]
    rise = centers[name] - centers[row["answer_options"][row["answer"]]]  # how much higher the answer is, half pixels
    rise *= 1 if row["relation"] == "far" else -1
    return "ambiguous" if 20 * abs(rise) < 2 * height else "consistent" if rise > 0 else "counter"


def others_of(row):
    return [name for i, name in enumerate(row["answer_options"]) if i != row["answer"]]


def built(path, policy, **settings):
    """All rows of the default config, by question_id."""
    builder = EmbSpatialTagged(sources=(f"file={path}",), policy=policy, **settings)
    return {row["question_id"]: row for row in builder.as_streaming_dataset("test").remove_columns("image")}


def pair_of(row):
    """(the answer, what it was compared with)."""
    pair = (row["far_object"], row["near_object"])
    return pair if row["relation"] == "far" else pair[::-1]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_tag_is_right(rows, policy, tmp_path):
    tagged = built(write_json(tmp_path / "bench.json", rows), policy)
    rng = random.Random(42)
    seen = set()
    assert len(tagged) == len(rows)
    for row in rows:
        got = tagged[row["question_id"]]
        assert got["tag_policy"] == policy
        if row["relation"] == "left":
            assert {name: got[name] for name in ADDED} == {
                "heuristic": "", "vertical_gap": None, "far_object": "", "near_object": "", "tag_policy": policy,
                "untagged_reason": "not_about_depth"}
            continue
        others = others_of(row)
        target = row["answer_options"][row["answer"]]
        gaps = {name: abs(centers_of(row)[name] - centers_of(row)[target]) for name in others}
        if policy == "all_distractors":
            tags = {expected_tag(row, name) for name in others}
            if len(tags) > 1:
                assert (got["heuristic"], got["untagged_reason"]) == ("", "distractors_disagree")
                continue
            compared = others
        elif policy == "row_order_random":
            compared = [rng.choice(others)]  # as the released code draws, row after row
        elif policy == "nearest_in_height":
            compared = [min(others, key=gaps.get)]
        else:
            compared = [pair_of(got)[1]]
        assert pair_of(got) == (target, "; ".join(compared)) and set(compared) <= set(others)
        assert got["heuristic"] == expected_tag(row, compared[0]) and got["untagged_reason"] == ""
        height = SIZES[row["data_source"]][1]
        assert abs(got["vertical_gap"]) == pytest.approx(min(gaps[name] for name in compared) / 2 / height)
        assert got["heuristic"] == "ambiguous" or (got["vertical_gap"] > 0) == (got["heuristic"] == "consistent")
        seen.add(got["heuristic"])
    assert seen == {"consistent", "counter", "ambiguous"}


def test_a_random_distractor_depends_on_the_id_and_the_seed_alone(rows, tmp_path):
    whole = built(write_json(tmp_path / "a.json", rows), "random_distractor")
    part = built(write_json(tmp_path / "b.json", rows[::-1][:80]), "random_distractor")
    assert all(pair_of(whole[key]) == pair_of(row) for key, row in part.items())
    other = built(tmp_path / "a.json", "random_distractor", seed=1)
    assert sum(pair_of(whole[key]) != pair_of(row) for key, row in other.items()) > 40
    drawn = [others_of(row).index(pair_of(whole[row["question_id"]])[1]) for row in rows if row["relation"] != "left"]
    assert min(np.bincount(drawn, minlength=3)) > len(drawn) / 5  # no place among the options is preferred


def test_row_order_random_depends_on_the_row_order(rows, tmp_path):
    forward = built(write_json(tmp_path / "a.json", rows), "row_order_random")
    backward = built(write_json(tmp_path / "b.json", rows[::-1]), "row_order_random")
    assert sum(pair_of(forward[key]) != pair_of(row) for key, row in backward.items()) > 40


def test_rows_without_a_tag_still_take_their_draw(rows, tmp_path):
    """The released code draws before it looks for boxes; an answer without a name takes no draw."""
    depth = [row for row in rows if row["relation"] != "left"]
    first, second = depth[0], depth[1]
    options = list(second["answer_options"])
    options[second["answer"]] = "Unknown"
    changed = [first | {"objects": []}, second | {"answer_options": options}, *depth[2:]]
    got = built(write_json(tmp_path / "a.json", changed), "row_order_random")
    rng = random.Random(42)
    rng.choice(others_of(first))
    assert got[first["question_id"]]["untagged_reason"] == "no_boxes"
    assert got[second["question_id"]]["untagged_reason"] == "unknown_option"
    assert all(pair_of(got[row["question_id"]])[1] == rng.choice(others_of(row)) for row in depth[2:])


def test_the_objects_need_not_stand_in_the_order_of_the_options(tmp_path):
    row = depth_row("mp3d", 1, "far", (60, 200, 300, 400))
    row["objects"] = row["objects"][::-1]
    (got,) = built(write_json(tmp_path / "a.json", [row]), "all_distractors").values()
    assert (got["heuristic"], got["far_object"]) == ("consistent", NAMES[0])
    assert got["vertical_gap"] == pytest.approx(140 / 480)  # the smallest of three
