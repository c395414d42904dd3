"""Wording, options and markers: what a model is shown."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders.spar.choices import LETTERS, alternatives, letters, shuffled
from builders.spar.facts import Asked, Rejected
from builders.spar.limits import Limits
from builders.spar.markers import COLORS, draw_markers
from builders.spar.printing import metres
from builders.spar.records import build_record
from builders.spar.relations import RelationFact, relation_gold
from builders.spar.rows import task_rows
from builders.spar.tasks import BENCH_TASKS, TASKS
from builders.spar.wording import templates
from tests.builders.spar.asked import slots_of
from tests.builders.toy import toy_room

LIMITS = Limits(min_in_image_fraction=0.3)


def test_registry_agrees_with_the_published_catalogue():
    """Level, views and format of each task, as figure 4, table 4 and the released data have them."""
    published = {
        "depth_prediction_oc": ("Depth-OC", "low", 1, "fill", "oc"),
        "depth_prediction_oo": ("Depth-OO", "low", 1, "fill", "oo"),
        "distance_prediction_oc": ("Dist-OC", "low", 1, "fill", "oc"),
        "distance_prediction_oo": ("Dist-OO", "low", 1, "fill", "oo"),
        "depth_prediction_oc_mv": ("Depth-OC-MV", "low", 3, "fill", "oc"),
        "position_matching": ("PosMatch", "medium", 2, "select", "none"),
        "distance_infer_center_oo": ("DistI-OO", "high", 1, "select", "oo"),
        "obj_spatial_relation_oo": ("ObjRel-OO", "high", 1, "select", "oo"),
    }
    found = {n: (t.short, t.level, t.views, t.bench_format, t.relation) for n, t in TASKS.items()}
    assert {n: found[n] for n in published} == published
    assert all(t.bench_format in t.formats for t in BENCH_TASKS.values())
    assert all(t.img_type == ("single_view" if t.views == 1 else "multi_view") for t in BENCH_TASKS.values())


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_enough_different_wordings_that_ask_for_its_objects(name):
    wording = templates(name)["questions"]
    assert len(wording) >= 8 and len(set(wording.values())) == len(wording)
    slots = [set(re.findall(r"{(\w+)}", text)) for text in wording.values()]
    assert all(s == slots[0] for s in slots)  # no wording forgets an object
    assert not any("farer" in text for text in wording.values())


@pytest.mark.parametrize("name", TASKS)
def test_verbs_agree_with_the_objects_they_belong_to(name):
    """A verb beside an object's name has a form for plurals: "the books are", but "the depth of the books is"."""
    object_slot = r"the \{(?:red|blue|green|yellow|winner)\}"
    sentences = [text for group in templates(name).values() for text in (group or {}).values()]
    for text in sentences:
        assert not re.search(rf"\b(?:is|does) {object_slot}", text, re.I), text
        subject = rf"(?<!of )(?<!to )(?<!and )(?<!or )(?<!around ){object_slot}"
        assert not re.search(rf"{subject} (?:is|has|lies|appears)\b", text, re.I), text


@pytest.fixture(scope="module")
def rows():
    record = build_record(toy_room(), LIMITS)
    return [row for task in BENCH_TASKS.values()
            for row in task_rows(task, task.bench_format, record, LIMITS, 40, ("t", "1", 0), Counter())]


def test_questions_are_whole_sentences_that_name_each_marked_object(rows):
    for row in rows:
        text = row["question"].split("\n")[0]
        assert not re.search(r"[{}]|  |\bNone\b|nan", text) and text[0].isupper() and text[-1] in ".:?"
        for item in (o for o in row["objects"] if o["color"]):
            kind = "point" if item["point"] else "bbox"
            assert f"{item['label']} ({item['color']} {kind})" in text
        if row["format_type"] == "select":
            assert re.findall(r"^([A-D])\. ", row["question"], re.M) == list(LETTERS[: len(row["options"])])
            assert letters(len(row["options"])) in text
        elif row["metric"] == "mra":
            assert re.fullmatch(r"\d+\.\d", row["answer"]) and float(row["answer"]) == row["answer_value"][0]


@pytest.mark.parametrize("name", [name for name, task in BENCH_TASKS.items() if task.bench_format == "select"])
def test_gold_letters_take_turns_within_a_scene(rows, name):
    told = "".join(row["answer"] for row in rows if row["task"] == name)
    every = "AB" if TASKS[name].options == 2 else "ABCD"
    whole = [told[i : i + len(every)] for i in range(0, len(told) - len(every) + 1, len(every))]
    assert all("".join(sorted(letters)) == every for letters in whole)
    assert len(whole) < 3 or len(set(whole)) > 1  # in random order


def test_other_options_stand_in_random_order():
    made = {tuple(shuffled("gold", ["a", "b", "c"], 2, np.random.default_rng(i))[0]) for i in range(60)}
    assert len(made) == 6 and all(options[2] == "gold" for options in made)


lengths = st.floats(-3, 3)


@given(lengths, lengths, lengths, st.floats(-1, 1), st.integers(0, 10_000))
def test_relation_options_differ_in_words_that_are_clearly_wrong(x, y, distance, height_gap, seed):
    axes = ("horizontal", "vertical", "distance")
    asked = Asked("a", 0, "red"), Asked("b", 0, "blue")
    fact = RelationFact((0,), asked, None, tuple(zip(axes, (x, y, distance))), height_gap)
    gold = relation_gold(fact, "select", Limits(), np.random.default_rng(seed))
    if isinstance(gold, Rejected):
        return
    options = [slots_of(text) for text in (gold.text, *gold.distractors)]
    assert len({tuple(o) for o in options}) == 4
    # every option differs from each other one by opposite words: no option is closer to the rest than gold is
    for option in options:
        assert [o == "" for o in option] == [abs(d) < 0.1 for d in (x, y, distance)]
        assert sorted(sum(a != b for a, b in zip(option, other)) for other in options) == [0, 1, 1, 2]
    if abs(height_gap) > Limits().max_height_gap:
        assert len({o[1] for o in options}) == 1


@given(st.lists(st.floats(0.5, 9), max_size=12), st.floats(0.5, 9), st.integers(0, 10_000))
def test_alternatives_differ_from_gold_and_from_each_other(pool, gold, seed):
    drawn = alternatives(gold, pool, 3, lambda a, b: abs(a - b) >= 0.2, np.random.default_rng(seed))
    if not isinstance(drawn, Rejected):
        values = sorted((gold, *drawn))
        assert len(values) == 4 and min(np.diff(values)) >= 0.2


def test_a_set_of_options_is_as_likely_with_each_member_as_gold():
    """Draw golds from a crowded and an empty region: the rank of gold among its options stays uniform."""
    values = [1.0, 1.3, 1.6, 1.9, 2.2, 4.0, 7.0]
    ranks = Counter()
    for seed in range(6000):
        rng = np.random.default_rng(seed)
        gold = int(rng.integers(len(values)))
        pool = [v for i, v in enumerate(values) if i != gold]
        drawn = alternatives(values[gold], pool, 3, lambda a, b: abs(a - b) >= 0.5, rng)
        if not isinstance(drawn, Rejected):
            ranks[sorted((values[gold], *drawn)).index(values[gold])] += 1
    total = sum(ranks.values())
    assert total > 1000
    assert all(abs(ranks[r] / total - 0.25) < 4 * (0.25 * 0.75 / total) ** 0.5 for r in range(4))


def solved(rows, pick):
    """Share of rows that a solver gets right which sees the options only; ties count in parts."""
    hits = 0.0
    for row in rows:
        values = [pick(option, row["options"]) for option in row["options"]]
        best = [letter for letter, value in zip(LETTERS, values) if value == max(values)]
        hits += (row["answer"] in best) / len(best)
    return hits / len(rows)


def test_options_alone_do_not_tell_the_answer():
    """Solvers that look at no picture stay at chance, up to four standard errors, on questions of many rooms."""
    records = [build_record(toy_room(seed), LIMITS) for seed in range(12)]
    relations, boxes = (
        [row for record in records for row in task_rows(task, "select", record, LIMITS, 60, ("t", "1", 0), Counter())]
        for task in (TASKS["obj_spatial_relation_oo"], TASKS["position_matching"])
    )
    assert min(len(relations), len(boxes)) > 100

    def common_slots(option, options):
        return sum(a == b for other in options for a, b in zip(slots_of(option), slots_of(other)))

    def area(text):
        x1, y1, x2, y2 = map(int, text.strip("()").split(", "))
        return (x2 - x1) * (y2 - y1)

    def middle(text):
        x1, y1, x2, y2 = map(int, text.strip("()").split(", "))
        return -abs((x1 + x2) / 2 - 500) - abs((y1 + y2) / 2 - 500)

    solvers = {
        "fewest blanks": (relations, lambda o, _: -slots_of(o).count("")),
        "most blanks": (relations, lambda o, _: slots_of(o).count("")),
        "longest": (relations, lambda o, _: len(o)),
        "most in common": (relations, common_slots),
        "least in common": (relations, lambda o, all_: -common_slots(o, all_)),
        "largest": (boxes, lambda o, _: area(o)),
        "smallest": (boxes, lambda o, _: -area(o)),
        "most central": (boxes, lambda o, _: middle(o)),
        "least central": (boxes, lambda o, _: -middle(o)),
        "middle size": (boxes, lambda o, all_: -abs(area(o) - np.median([area(x) for x in all_]))),
    }
    shares = {name: solved(rows, pick) for name, (rows, pick) in solvers.items()}
    limit = {name: 0.25 + 4 * (0.25 * 0.75 / len(rows)) ** 0.5 for name, (rows, _) in solvers.items()}
    assert {name: share for name, share in shares.items() if share > limit[name]} == {}


@pytest.mark.parametrize("value, text", [(0.0, "0.0"), (1.04, "1.0"), (1.06, "1.1"), (12.349, "12.3")])
def test_metres_are_printed_to_one_decimal(value, text):
    assert metres(value) == text


@pytest.mark.parametrize("size", [(320, 240), (1296, 968), (100, 400)])
def test_markers_are_drawn_where_the_row_says_and_nowhere_else(size):
    picture = Image.new("RGB", size, (128, 128, 128))
    objects = [
        {"color": "red", "image_index": 0, "point": [250, 400], "bbox": None},
        {"color": "green", "image_index": 1, "point": None, "bbox": [500, 500, 1000, 900]},
        {"color": "", "image_index": 0, "point": None, "bbox": None},
    ]
    first, second = draw_markers([picture, picture], objects)
    assert picture.getcolors() == [(size[0] * size[1], (128, 128, 128))]  # the input is left alone
    pixels = np.array(first)
    red = np.argwhere((pixels == COLORS["red"]).all(axis=2))
    middle = red.mean(axis=0)[::-1]
    assert middle == pytest.approx([0.25 * size[0] - 0.5, 0.4 * size[1] - 0.5], abs=1)
    assert 1 - (pixels == 128).all(axis=2).mean() < 0.03
    box = np.argwhere((np.array(second) == COLORS["green"]).all(axis=2))
    (_, left), (bottom, right) = box.min(axis=0), box.max(axis=0)
    stroke = max(2, round(0.01 * min(size)))
    assert left == pytest.approx(0.5 * size[0] - 0.5, abs=stroke + 1) and left < 0.5 * size[0]
    assert right == size[0] - 1 and bottom < size[1]  # clamped at the border, so that it stays visible
    inside = np.array(second)[int(0.6 * size[1]) : int(0.8 * size[1]), int(0.6 * size[0]) : int(0.9 * size[0])]
    assert (inside == 128).all()
