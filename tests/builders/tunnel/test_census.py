"""What the rows are balanced in: counted from columns, and measured as a probe would."""

from collections import Counter

import numpy as np
import pytest

from builders.tunnel.census import assert_balanced, cells_by_tag
from builders.tunnel.config import CONFIG_NAMES
from builders.tunnel.plans import left_to_right, upside_down
from metrics.vd_ei._core import vd_ei
from tests.builders.tunnel.conftest import rows_without_pictures

TIES = {(0, 0), (0, 8), (8, 0), (8, 8)}


@pytest.fixture(scope="module")
def phase():
    return rows_without_pictures("phase_variation")


@pytest.fixture(scope="module")
def probing():
    return rows_without_pictures("contrastive_probing")


def test_each_scene_has_126_consistent_126_counter_and_4_tied_cells(phase):
    assert len(phase) == 12_288
    for scene_id in {row["scene_id"] for row in phase}:
        own = [row for row in phase if row["scene_id"] == scene_id]
        assert cells_by_tag(own) == {"ambiguous": 4, "consistent": 126, "counter": 126}
        assert {tuple(row["cell"]) for row in own if row["heuristic"] == "ambiguous"} == TIES


def test_turning_the_corridor_over_exchanges_the_classes(phase):
    """(theta_far, theta_near) -> (-theta_far, -theta_near)."""
    gaps = {(row["scene_id"], row["theta_far"], row["theta_near"]): (row["vertical_gap"], row["heuristic"])
            for row in phase}
    other = {"consistent": "counter", "counter": "consistent", "ambiguous": "ambiguous"}
    for (scene_id, far, near), (gap, tag) in gaps.items():
        mirrored_gap, mirrored_tag = gaps[scene_id, -far % 360, -near % 360]
        assert mirrored_gap == pytest.approx(-gap, abs=1e-12) and mirrored_tag == other[tag]


def test_both_on_the_ceiling_is_counter_and_both_on_the_floor_consistent(phase):
    tags = {(row["theta_far"], row["theta_near"]): row["heuristic"] for row in phase}
    assert tags[90, 90] == "counter" and tags[270, 270] == "consistent"


@pytest.mark.parametrize("config", CONFIG_NAMES)
def test_the_farther_object_is_nearer_to_the_middle_but_for_some_of_the_size_sweep(config):
    """As the card says of position: by the middles of both boxes, at 512 pixels."""
    rows = rows_without_pictures(config)
    boxes = np.array([[row["bbox_far"], row["bbox_near"]] for row in rows])
    far, near = np.linalg.norm((boxes[..., :2] + boxes[..., 2:]) / 2 - 255.5, axis=-1).T
    assert (far < near).all() == (config != "size_variation") and np.mean(far < near) > 0.9


def test_rows_come_in_published_order_and_form(phase):
    """Scene, then angles, then template; 48 question strings; two of a picture's four answers are Yes."""
    assert len({row["question"] for row in phase}) == 48
    first = phase[0]
    far, near = first["object_far"], first["object_near"]
    assert [(row["question"], row["answer"]) for row in phase[:4]] == [
        (f"Is the {far} closer to the camera than the {near}?", "No"),
        (f"Is the {near} closer to the camera than the {far}?", "Yes"),
        (f"Is the {near} farther from the camera than the {far}?", "No"),
        (f"Is the {far} farther from the camera than the {near}?", "Yes")]
    assert [row["cell"] for row in phase[::4]] == [[i, j] for _ in range(12) for i in range(16) for j in range(16)]
    assert [row["scene_id"] for row in phase[::1024]] == sorted({row["scene_id"] for row in phase})


def test_the_two_objects_differ_and_no_pair_comes_twice(phase):
    pairs = {frozenset((row["object_far"], row["object_near"])) for row in phase}
    assert len(pairs) == 12 and all(len(pair) == 2 for pair in pairs)


def test_the_size_sweep_keeps_cell_and_tag_and_has_half_of_its_scenes_in_each_class():
    rows = rows_without_pictures("size_variation")
    assert len(rows) == 1_100
    assert sorted({row["size_far"] for row in rows}) == [round(0.1 + 0.02 * n, 2) for n in range(11)]
    assert all(row["size_far"] + row["size_near"] == pytest.approx(0.4, abs=1e-12) for row in rows)
    cells = {row["scene_id"]: set() for row in rows}
    for row in rows:
        cells[row["scene_id"]].add((tuple(row["cell"]), row["heuristic"], row["object_far"]))
    assert all(len(of_scene) == 1 for of_scene in cells.values())
    tags = Counter(tag for of_scene in cells.values() for _, tag, _ in of_scene)
    assert tags == {"consistent": 13, "counter": 12}
    ordered = [next(iter(cells[f"size_{n:02d}"]))[0] for n in range(25)]
    assert all(ordered[2 * n + 1] == upside_down(ordered[2 * n]) for n in range(12))


def test_the_horizontal_control_holds_height_still():
    rows = rows_without_pictures("horizontal_control")
    assert {row["vertical_gap"] for row in rows} == {0} and {row["heuristic"] for row in rows} == {"ambiguous"}
    for row in rows:
        left = sum(row["bbox_far"][::2]) < sum(row["bbox_near"][::2])
        assert row["side"] == ("far_left" if left else "far_right")
    assert set(Counter((row["scene_id"], row["side"], row["answer"]) for row in rows).values()) == {4}


def test_rolling_the_camera_parts_the_picture_from_the_corridor():
    rows = rows_without_pictures("roll_control")
    decided = Counter((row["heuristic"], row["scene_heuristic"]) for row in rows)
    four = [decided[a, b] for a in ("consistent", "counter") for b in ("consistent", "counter")]
    assert len(set(four)) == 1 and four[0] > 0
    for row in rows[::7]:  # what was right is up
        shift = (sum(row["bbox_near"][1::2]) - sum(row["bbox_far"][1::2])) / 2 / 512
        assert row["vertical_gap"] == pytest.approx(shift, abs=1e-9)


def test_a_question_for_probing_comes_with_its_swapped_partner(probing):
    assert Counter(row["category"] for row in probing) == dict.fromkeys(
        ("left", "right", "above", "below", "far", "close"), 200)
    opposite = {"left": "right", "above": "below", "far": "close"}
    opposite |= {b: a for a, b in opposite.items()}
    asked = {(row["scene_id"], tuple(row["cell"]), row["question"]): row["answer"] for row in probing}
    for row in probing:
        assert row["answer"] == row["category"] and row["swapped_answer"] == opposite[row["answer"]]
        assert asked[row["scene_id"], tuple(row["cell"]), row["swapped_question"]] == row["swapped_answer"]
    far = next(row for row in probing if row["category"] == "far")
    assert far["question"] == (f"Compared to {far['object_near']}, is {far['object_far']} far or close from you? "
                               "Answer with only one word.")


def test_within_each_category_the_other_axes_are_balanced(probing):
    assert_balanced(probing)
    with pytest.raises(ValueError, match="not balanced"):
        assert_balanced([row for row in probing if row["heuristic"] == "consistent"])


def positions(rows, pixels_only=True, noise=0.0):
    """Change of (x, y) of the first and the second object, and unless ``pixels_only`` of their heights, when a question
    is swapped: what a model would represent that sees where objects are and nothing of depth."""
    rng = np.random.default_rng(0)
    deltas = []
    for row in rows:
        of_far = row["object_far"], row["bbox_far"]
        of_near = row["object_near"], row["bbox_near"]
        a = row["question"].split("is ")[-1].split(" far or")[0] if row["template"] == "distance" else (
            row["question"].removeprefix("Is the ").split(" to the ")[0].split(" above or ")[0])
        first, second = (of_far[1], of_near[1]) if a == of_far[0] else (of_near[1], of_far[1])
        middles = [np.array([(b[0] + b[2]) / 2, (b[1] + b[3]) / 2] + ([] if pixels_only else [b[3] - b[1]]))
                   for b in (first, second)]
        swap = middles[1] - middles[0]
        deltas.append(np.concatenate([swap, -swap]))
    deltas = np.array(deltas)
    return deltas + noise * rng.normal(size=deltas.shape)


def test_a_probe_that_sees_positions_alone_has_no_direction_of_depth(probing):
    """Mirror images cancel, so far and close have no mean at all."""
    categories = [row["category"] for row in probing]
    result = vd_ei(positions(probing), categories, groups=[row["scene_id"] for row in probing])
    assert np.isnan(result["vd_ei"]) and "far" in result["reasons"]["vd_ei"]
    assert result["counts"] == dict.fromkeys(result["categories"], 200)


@pytest.mark.parametrize("seen", [{"noise": 20.0}, {"pixels_only": False}], ids=["noisy positions", "and sizes"])
def test_such_a_probe_measures_no_entanglement_of_height_and_depth(probing, seen):
    categories = [row["category"] for row in probing]
    result = vd_ei(positions(probing, **seen), categories, groups=[row["scene_id"] for row in probing])
    assert result["low"] <= 0 <= result["high"]
    if "noise" not in seen:
        assert abs(result["vd_ei"]) < 1e-9 and result["high"] - result["low"] < 0.1


def test_the_same_probe_finds_the_entanglement_of_the_consistent_half(probing):
    """As in photographs; shows that the two tests above can fail."""
    half = [row for row in probing if row["heuristic"] == "consistent"]
    result = vd_ei(positions(half), [row["category"] for row in half], groups=[row["scene_id"] for row in half])
    assert result["low"] > 0.5


def test_mirroring_twice_gives_the_cell_back():
    for cell in ((3, 14), (0, 8), (5, 5)):
        assert upside_down(upside_down(cell)) == cell == left_to_right(left_to_right(cell))
