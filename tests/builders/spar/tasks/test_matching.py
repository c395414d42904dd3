"""Finding an object again: boxes by another route, and options that do not tell which of them is right."""

from collections import Counter

import numpy as np
import pytest

from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.tasks import TASKS
from builders.spar.verify import numbers_in, verify
from tests.builders.toy import INTRINSICS, toy_room

TASK = TASKS["position_matching"]
LIMITS = Limits(min_in_image_fraction=0.3)


def rows_of(record, format_type, wanted=60, limits=LIMITS):
    return list(task_rows(TASK, format_type, record, limits, wanted, ("t", "1", 0), Counter()))


@pytest.fixture(scope="module")
def toy():
    record = build_record(toy_room(), LIMITS)
    return record, {f: rows_of(record, f) for f in TASK.formats}


def said_by(row):
    answer = row["options"]["ABCD".index(row["answer"])] if row["options"] else row["answer"]
    return numbers_in(answer)


def test_answers_bound_the_projected_corners_of_boxes_in_full_view(toy):
    """Toy objects are boxes: where nothing hides or cuts one, its visible outline is that of its eight corners."""
    record, rows = toy
    images = {i.frame.frame_id: i for i in record.images}
    compared = Counter()
    for format_type, made in rows.items():
        assert len(made) >= 15
        for row in made:
            assert row["answer_value"] == said_by(row) or format_type == "sentence"
            assert set(row["answer_value"]) <= set(said_by(row))
            image, name = images[row["frame_ids"][1]], row["objects"][0]["object_id"]
            corners = np.c_[record.objects[name].item.box.corners(), np.ones(8)]
            x, y, z = (np.linalg.inv(image.frame.world_from_camera) @ corners.T)[:3]
            u, v = INTRINSICS[0, 0] * x / z + INTRINSICS[0, 2], INTRINSICS[1, 1] * y / z + INTRINSICS[1, 2]
            outline = np.array([u.min(), v.min(), u.max(), v.max()])
            seen = image.objects[name]
            if seen.visible_fraction > 0.5 and seen.in_image_fraction == 1:  # three of six faces: nothing hides it
                found = np.array(row["answer_value"]) * (0.32, 0.24, 0.32, 0.24) - 0.5
                compared[format_type, bool(np.abs(found - outline).max() < 1.5)] += 1
    assert all(compared[f, True] >= 5 and compared[f, True] > 3 * compared[f, False] for f in TASK.formats)


def test_fill_and_choice_name_the_metrics_that_score_them(toy):
    assert {f: {row["metric"] for row in made} for f, made in toy[1].items()} == {
        "fill": {"box_overlap"}, "select": {"choice_accuracy"}, "sentence": {""}}


def test_every_other_view_of_an_object_is_equally_likely_to_be_the_second():
    record = build_record(toy_room(1), LIMITS)
    found: dict[tuple, Counter] = {}
    for seed in range(300):
        first_asked = {}
        for (first, second), (red,) in TASK.propose(record, LIMITS, np.random.default_rng(seed)):
            first_asked.setdefault((first, red.object_id), second)
        for key, second in first_asked.items():
            found.setdefault(key, Counter())[second] += 1
    for (first, name), counts in found.items():
        eligible = {v for v in record.stills if v != first and name in record.images[v].objects}
        assert set(counts) == eligible
        share = 1 / len(eligible)
        assert max(abs(n / 300 - share) for n in counts.values()) <= 5 * (share * (1 - share) / 300) ** 0.5


def test_options_do_not_tell_the_answer_even_beside_the_marked_box():
    """Solvers that know the options and the marked box, but no picture, stay at chance."""
    rows = [r for seed in range(14) for r in rows_of(build_record(toy_room(seed), LIMITS), "select", 60)]
    assert len(rows) > 200

    def area(b):
        return (b[2] - b[0]) * (b[3] - b[1])

    def shift(b, m):
        return np.hypot(b[0] + b[2] - m[0] - m[2], b[1] + b[3] - m[1] - m[3])

    solvers = {
        "at the border": lambda b, m: min(b[0], b[1]) <= 0 or max(b[2], b[3]) >= 1000,
        "off the border": lambda b, m: not (min(b[0], b[1]) <= 0 or max(b[2], b[3]) >= 1000),
        "largest": lambda b, m: area(b), "smallest": lambda b, m: -area(b),
        "central": lambda b, m: -np.hypot(b[0] + b[2] - 1000, b[1] + b[3] - 1000),
        "near the marked": lambda b, m: -shift(b, m), "far from the marked": shift,
        "as large as the marked": lambda b, m: -abs(np.log(area(b) / area(m))),
        "as high as the marked": lambda b, m: -abs(b[1] + b[3] - m[1] - m[3]),
        "on the same side": lambda b, m: (b[0] + b[2] - 1000) * np.sign(m[0] + m[2] - 1000),
        "on the other side": lambda b, m: -(b[0] + b[2] - 1000) * np.sign(m[0] + m[2] - 1000),
    }
    hits = Counter()
    for row in rows:
        for name, score in solvers.items():
            values = [score(np.array(numbers_in(o)), np.array(row["objects"][0]["bbox"])) for o in row["options"]]
            best = [letter for letter, value in zip("ABCD", values) if value == max(values)]
            hits[name] += (row["answer"] in best) / len(best)
    spread = 4 * (0.25 * 0.75 / len(rows)) ** 0.5
    assert {name: n / len(rows) for name, n in hits.items() if abs(n / len(rows) - 0.25) > spread} == {}


def test_the_second_route_accepts_every_row_and_catches_lies(toy):
    record, rows = toy
    for made in rows.values():
        for row in made:
            assert verify(row, record, LIMITS) is None
            assert verify(row | {"answer_exact": [x + 0.4 for x in row["answer_exact"]]}, record, LIMITS)
            number = f"{row['answer_value'][2]:.0f}"
            lie = row["answer"].replace(number, "1001") if not row["options"] else "ABCD"[(
                "ABCD".index(row["answer"]) + 1) % 4]
            assert verify(row | {"answer": lie}, record, LIMITS)
