"""Bird's-eye maps: golds by hand and by another route, planted errors, and the command with its page."""

import json
from collections import Counter

import numpy as np
import pytest

from builders.hub.folder import build_folder
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.rows import task_rows
from builders.spar.spar_3d import Spar3D
from builders.spar.tasks.map import BEV
from builders.spar.verify import verify
from recipes.bev_baselines import BEV_BASELINES
from recipes.placing import gold_map, read_map_answer
from recipes.questions import open_questions
from recipes.results import read_results
from tests.builders.toy import toy_room, write_scannet
from tests.commands import run

LIMITS = Limits(min_in_image_fraction=0.3, min_unhidden_fraction=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The maps of two rooms of boxes."""
    root = tmp_path_factory.mktemp("bev")
    for n in range(2):
        write_scannet(root / "scans", toy_room(seed=n, scene_id=f"scene{n:04d}_00"))
    options = {"max_per_task": 10, "limits": LIMITS, "tasks": "bev", "formats": "fill"}
    build_folder(Spar3D(sources=(f"scannet={root / 'scans'}",), **options), root / "built", progress=False)
    return root / "built"


@pytest.fixture(scope="module")
def rows(folder):
    return open_questions(str(folder), None, "bev", "train").rows


def test_golds_are_places_before_the_first_camera_and_what_is_written_is_at_most_a_twentieth_off(rows):
    """Complex numbers: the plan turned so that the first camera looks along +y."""
    assert len(rows) == 20
    for row in rows:
        pose = np.array(row["world_from_camera"][0])
        heading = complex(*pose[:2, 2]) / abs(complex(*pose[:2, 2]))
        for (name, at), item in zip(gold_map(row).items(), row["objects"], strict=True):
            scene = toy_room(seed=int(row["scene_id"][5:9]))
            (thing,) = [o for o in scene.objects if o.object_id == item["object_id"]]
            place = (complex(*thing.box.center[:2]) - complex(*pose[:2, 3])) / heading * 1j
            assert thing.label == name
            assert at == pytest.approx((place.real, place.imag), abs=0.02)  # the scan has vertices, no boxes
            written = read_map_answer(row, row["answer"]).value
            assert written is not None and name in written
        assert np.abs(np.subtract(row["answer_value"], row["answer_exact"])).max() <= 0.05 + 1e-9
        assert all(item["color"] == "" and item["point"] is item["bbox"] is None for item in row["objects"])


def test_objects_have_names_that_nothing_else_may_have_and_no_image_shows_all():
    record = build_record(toy_room(), LIMITS)
    rejected = Counter()
    made = list(task_rows(BEV, "fill", record, LIMITS, 30, ("t", "1", 0), rejected))
    assert len(made) >= 15 and rejected["one_image_is_enough"]
    for row in made:
        labels = [item["label"] for item in row["objects"]]
        assert "chair" not in labels and 3 <= len(labels) == len(set(labels)) <= 7  # there are two chairs
        assert all(f"the {label}" in row["question"] for label in labels)
        assert not any({o["object_id"] for o in row["objects"]} <= set(record.image_of_frame[f].objects)
                       for f in row["frame_ids"])
    row = made[0]
    first, second, *rest = row["answer"].split("), ")
    assert verify(row | {"answer": "), ".join([second, first, *rest])}, record, LIMITS) == "map differs"
    mirrored = [(-1) ** (i % 2 == 0) * value for i, value in enumerate(row["answer_exact"])]
    assert verify(row | {"answer_exact": mirrored}, record, LIMITS)
    assert verify(row | {"frame_ids": row["frame_ids"][::-1]}, record, LIMITS)
    chair = next(name for name in record.objects if record.label(name) == "chair")
    planted = [row["objects"][0] | {"object_id": chair, "label": "chair"}, *row["objects"][1:]]
    assert verify(row | {"objects": planted}, record, LIMITS) == "another object may be the chair"


def test_planted_errors_are_measured_and_missing_objects_counted(folder, rows, tmp_path):
    """Each object is 0.3 m too far to the right, one of every question is left out, one answer is no map."""
    asked = [row for row in rows if row["metric"]]
    lines = []
    for n, row in enumerate(asked):
        places = [f"{name} is at ({x + 0.3:.6f}, {y:.6f})" for name, (x, y) in gold_map(row).items()][1:]
        lines.append(json.dumps({"id": row["uid"], "raw_text": "; ".join(places) if n else "somewhere"}))
    (tmp_path / "answers.jsonl").write_text("\n".join(lines))
    done = run("recipes/bev.py", "--dataset", folder, "--split", "train", "--model", "mine", "--predictions",
               tmp_path / "answers.jsonl", "--out", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    results = read_results(tmp_path / "mine")
    placed = sum(len(row["objects"]) - 1 for row in asked[1:])
    for name in ("ape", "p50", "p90"):
        assert results.metrics[name].value == pytest.approx(0.3, abs=1e-5) and results.metrics[name].n == placed
    assert results.metrics["ape"].n_unparsed == len(asked) - 1 + len(asked[0]["objects"])
    assert sum(score.n for name, score in results.metrics.items() if name.endswith("m/ape")) == placed
    shares = [0.0, *((len(row["objects"]) - 1) / len(row["objects"]) for row in asked[1:])]
    assert results.metrics["within_0.5m"].value == pytest.approx(np.mean(shares))
    assert results.settings["answers_by_status"] == {"ok": len(asked) - 1, "malformed": 1}
    json.loads((tmp_path / "mine/results.json").read_text(), parse_constant=pytest.fail)  # strict JSON: no NaN
    page = (tmp_path / "mine/report.html").read_text()
    assert page.count("<svg") == 12 and "not placed" in page and "0.30 m" in page


def test_what_is_placed_twice_or_nowhere_near_a_room_is_missing(rows):
    row = rows[0]
    first, second, *others = gold_map(row)
    text = f"{first}: (1, 2), {second}: (1e308, 2), {first}: (1, 3)"
    assert read_map_answer(row, text).status == "malformed"
    value = read_map_answer(row, f"{text}, {others[0]}: (0.5, 1)").value
    assert value == f"{others[0]}: (0.5, 1.0)"


def test_bins_are_by_the_distance_of_the_true_place(folder, rows, tmp_path):
    done = run("recipes/bev.py", "--dataset", folder, "--split", "train", "--model", "baseline:oracle", "--out",
               tmp_path)
    assert done.returncode == 0, done.stderr
    away = np.concatenate([[np.hypot(*at) for at in gold_map(row).values()] for row in rows])
    found = read_results(tmp_path).metrics
    for low, high, name in ((0, 1, "0-1m"), (1, 2, "1-2m"), (2, 3, "2-3m"), (3, 5, "3-5m"), (5, 7, "5-7m")):
        held = int(((away >= low) & (away < high)).sum())
        assert (f"{name}/ape" in found) == (held > 0) and (not held or found[f"{name}/ape"].n == held)
    assert 0 < found["ape"].value < 0.05 < found["p90"].high or found["p90"].value < 0.08
    assert found["within_0.5m"].value == found["within_1m"].value == 1


def test_floors_score_what_theory_says(rows):
    """The share within a metre that guessing has on average, and the place in the middle, by hand."""
    places = np.concatenate([list(gold_map(row).values()) for row in rows])
    middle = BEV_BASELINES["middle"](rows, 0)
    near = [np.mean([np.hypot(*(np.array(at) - places.mean(axis=0))) <= 1 for at in gold_map(row).values()])
            for row in rows]
    assert middle.expected(rows) == pytest.approx(np.array(near))
    shares = []
    for seed in range(60):
        answers = BEV_BASELINES["random"](rows, seed).answer(rows)
        for row, answer in zip(rows, answers, strict=True):
            numbers = np.array([float(n) for n in
                                answer.answer.replace("(", " ").replace(")", " ").replace(",", " ").split()
                                if n.lstrip("-").replace(".", "", 1).isdigit()]).reshape(-1, 2)
            shares.append((np.hypot(*(numbers - list(gold_map(row).values())).T) <= 1).mean())
    assert np.mean(shares) == pytest.approx(BEV_BASELINES["random"](rows, 0).expected(rows).mean(), abs=0.02)
    assert BEV_BASELINES["oracle"](rows, 0).expected(rows).min() == 1


def test_both_recipes_stand_on_one_page(folder, tmp_path):
    for name in ("oracle", "middle"):
        done = run("recipes/bev.py", "--dataset", folder, "--split", "train", "--model", f"baseline:{name}", "--out",
                   tmp_path / name)
        assert done.returncode == 0, done.stderr
    done = run("recipes/compare.py", tmp_path / "middle", tmp_path / "oracle", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "page.html").read_text().split("position error, mean")[1].split("</tr>")[0]
    cells = table.split('<td class="num">')[1:]
    assert any("<b>" in cell for cell in cells) and "<b>" in cells[-1] and "<b>" not in cells[-2]  # less is better
    assert "within_1m" in (tmp_path / "page.differences.csv").read_text()
