"""Boxes in words, back in the world: what errors in the words cost by geometry, refinement, and the command."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.hub.manifest import read_manifest
from builders.scenes.scannet import ScanNetSource
from builders.spar.limits import Limits
from builders.spar.records import build_record
from builders.spar.spar_3d import Spar3D
from builders.spar.tasks.grounding import box_numbers, box_text, frames_of, rounded
from metrics.box_iou._core import box_ious
from recipes.grounding import grounding_recipe
from recipes.placing import aligned_ious, box_of, parse_box, read_box_answer, refined
from recipes.proposals import boxes_by_scene, read_proposals
from recipes.questions import open_questions
from recipes.results import read_results
from scripts.verify import own_problems, read_tables
from tests.builders.toy import toy_room, write_scannet
from tests.commands import run

LIMITS = Limits(min_in_image_fraction=0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """spar_3d of two rooms of boxes, with two annotations of one of them."""
    root = tmp_path_factory.mktemp("spar_3d")
    for n in range(2):
        write_scannet(root / "scans", toy_room(seed=n, scene_id=f"scene{n:04d}_00"))
    entry = {"scene_id": "scene0000_00", "object_id": "1", "object_name": "table", "ann_id": "0", "description": "wide"}
    (root / "annotations.json").write_text(json.dumps([entry, entry | {"object_id": "77"}]))
    builder = Spar3D(sources=(f"scannet={root / 'scans'}",), max_per_task=12, limits=LIMITS,
                     annotations=str(root / "annotations.json"))
    build_folder(builder, root / "built", progress=False)
    return root / "built"


@pytest.fixture(scope="module")
def rows(folder):
    return open_questions(str(folder), None, ["grounding", "scanrefer"], "train").rows


@pytest.fixture(scope="module")
def asked(rows):
    return [row for row in rows if row["metric"]]


def iou(predicted, row):
    return box_ious([predicted.tolist()], [[*row["box_centers"][0], *row["box_extents"][0]]])[0]


def shifted_iou(shift, extents):
    """Of a box with itself after a shift: the overlap is a box whose sides are shorter by the shift."""
    shared = np.prod(np.clip(extents - np.abs(shift), 0, None))
    return shared / (2 * np.prod(extents) - shared)


# ---------------------------------------------------------------- geometry


def test_the_numbers_of_a_gold_are_its_box(asked):
    assert len(asked) == 25
    for row in asked:
        assert iou(box_of(row, row["answer_exact"]), row) == pytest.approx(1, abs=1e-6)  # poses in single precision


def test_what_is_written_loses_what_rounding_costs(rows):
    """Each number is off by half a step at most, so each side of the overlap by half a step of size and of place."""
    ious, bounds = [], []
    for row in rows:
        written = parse_box(row["answer"]).value
        assert written == tuple(row["answer_value"])  # sentences, too
        ious.append(iou(box_of(row, written), row))
        depth, extents = row["answer_exact"][3], np.array(row["box_extents"][0])
        focal = row["intrinsics"][0][0][0]
        away = 0.005 * np.hypot(1, 1) + depth * np.hypot(row["width"][0], row["height"][0]) / 2000 / focal
        least, most = np.clip(extents - 0.005 - away, 0, None), extents + 0.005
        bounds.append(np.prod(least) / (np.prod(extents) + np.prod(most) - np.prod(least)))
    assert (np.array(ious) >= bounds).all() and min(ious) < 1
    assert np.mean(ious) > 0.95 and min(ious) > 0.85


@pytest.mark.parametrize("metres", [-0.3, 0.05, 0.2, 5.0])
def test_a_wrong_depth_moves_the_box_along_the_ray(asked, metres):
    for row in asked[:10]:
        numbers = np.array(row["answer_exact"])
        center, eye = np.array(row["box_centers"][0]), np.array(row["world_from_camera"][int(numbers[0])])[:3, 3]
        numbers[3] += metres
        shift = (center - eye) * metres / row["answer_exact"][3]
        assert iou(box_of(row, numbers), row) == pytest.approx(shifted_iou(shift, np.array(row["box_extents"][0])))


@pytest.mark.parametrize(("du", "dv"), [(12, 0), (0, -25), (7, 9), (400, 0)])
def test_a_wrong_point_moves_the_box_across_the_view(asked, du, dv):
    for row in asked[:10]:
        numbers = np.array(row["answer_exact"])
        view = int(numbers[0])
        right, down = np.array(row["world_from_camera"][view])[:3, :2].T
        (fx, _, _), (_, fy, _), _ = row["intrinsics"][view]
        shift = numbers[3] * (du * row["width"][view] / fx * right + dv * row["height"][view] / fy * down) / 1000
        numbers[1:3] += du, dv
        assert iou(box_of(row, numbers), row) == pytest.approx(shifted_iou(shift, np.array(row["box_extents"][0])))


@pytest.mark.parametrize("scale", [0.5, 0.9, 1.25, 2.0])
def test_a_wrong_size_costs_the_ratio_of_volumes(asked, scale):
    for row in asked[:5]:
        numbers = np.array(row["answer_exact"])
        numbers[4:] *= scale
        assert iou(box_of(row, numbers), row) == pytest.approx(min(scale, 1 / scale) ** 3)
        numbers[4:] = np.array(row["answer_exact"][4:]) * (scale, 1, 1)
        assert iou(box_of(row, numbers), row) == pytest.approx(min(scale, 1 / scale))


def test_another_frame_gives_the_same_box_by_its_own_numbers(asked):
    """Any frame may be named: what counts is where its camera puts the box."""
    row = asked[0]
    box = box_of(row, row["answer_exact"])
    for view, (pose, intrinsics) in enumerate(zip(row["world_from_camera"], row["intrinsics"])):
        x, y, depth = np.linalg.inv(pose)[:3] @ np.append(box[:3], 1)
        if depth > 0.1:
            u, v, _ = np.array(intrinsics) @ (x / depth, y / depth, 1)
            numbers = (view, (u + 0.5) / row["width"][view] * 1000, (v + 0.5) / row["height"][view] * 1000, depth)
            assert box_of(row, (*numbers, *row["answer_exact"][4:])) == pytest.approx(box)


# ---------------------------------------------------------------- refinement


def all_written(record):
    """(gold boxes (N, 6), (row, numbers) of each object in each frame that shows it)."""
    names = list(record.aligned_boxes)
    boxes = np.array([[*record.aligned_boxes[n].center, *record.aligned_boxes[n].extents] for n in names])
    seen = []
    for name, views in frames_of(record).items():
        for view in views:
            image = record.images[view]
            row = {"intrinsics": [image.frame.intrinsics], "world_from_camera": [image.frame.world_from_camera],
                   "width": [image.frame.width], "height": [image.frame.height]}
            seen.append((names.index(name), row, box_numbers(0, image, *np.split(boxes[names.index(name)], 2))))
    return boxes, seen


def records(scenes_root):
    source = ScanNetSource(scenes_root / "scannet")
    return [build_record(toy_room(seed=seed), LIMITS) for seed in range(2)] + [
        build_record(source.load("scene9001_00"), LIMITS)]


def test_refinement_helps_noisy_boxes_and_keeps_exact_ones(scenes_root):
    """On rooms of boxes and on the captured one: every object, from every frame that shows it."""
    rng = np.random.default_rng(0)
    for record in records(scenes_root):
        boxes, seen = all_written(record)
        assert len(seen) >= 20
        gained = []
        for place, row, numbers in seen:
            exact = box_of(row, numbers)
            assert refined(exact, boxes) == pytest.approx(boxes[place])
            written = box_of(row, parse_box(box_text(rounded(numbers))).value)
            before, after = (box_ious([b.tolist()], [boxes[place].tolist()])[0]
                             for b in (written, refined(written, boxes)))
            assert after == 1.0 >= before
            noisy = np.array(numbers) * rng.normal(1, [0, 0, 0, 0.08, 0.15, 0.15, 0.15])
            noisy[1:3] += numbers[1:3] + rng.normal(0, 12, 2) - noisy[1:3]
            box = box_of(row, np.maximum(noisy, 0.01))
            gained.append([box_ious([b.tolist()], [boxes[place].tolist()])[0] for b in (box, refined(box, boxes))])
        before, after = np.array(gained).T
        assert (after >= 0.5).mean() > (before >= 0.5).mean() + 0.2
        assert after.mean() > before.mean() + 0.2


def test_the_figures_on_writing_boxes_are_measured_again(scenes_root):
    """What the README says of rounding, and that refinement makes up for it."""
    done = run("scripts/benchmarks/box_words.py", "--source", f"scannet={scenes_root / 'scannet'}", "--scenes", 1)
    assert done.returncode == 0, done.stderr
    _head, *lines, last = done.stdout.splitlines()
    mean = [float(re.search(r"mean IoU ([\d.]+)", line)[1]) for line in lines]
    exact, written, coarse, noisy = zip(mean[::2], mean[1::2], strict=True)
    assert exact == (1.0, 1.0) and written[0] == pytest.approx(0.97, abs=0.01) and written[1] == 1.0
    assert coarse[0] == pytest.approx(0.79, abs=0.03) and noisy[1] > noisy[0] + 0.2
    assert len(set(re.findall(r"0\.4\d{3}", last))) == 1  # planted depth: measured and by the closed form


def test_the_best_match_is_the_greatest_overlap_and_else_the_nearest():
    box = np.array([0, 0, 0, 1, 1, 1.0])
    proposals = np.array([[0.9, 0, 0, 1, 1, 1], [0, 0, 0, 4, 4, 4], [0.3, 0, 0, 1, 1, 1], [0, 0, 5, 1, 1, 1]])
    assert aligned_ious(box, proposals) == pytest.approx(box_ious([box.tolist()] * 4, proposals.tolist()))
    assert refined(box, proposals).tolist() == proposals[2].tolist()
    assert refined(box - [0, 0, -3.2, 0, 0, 0], proposals).tolist() == proposals[3].tolist()
    assert refined(box, np.zeros((0, 6))) is box


def test_proposals_come_from_the_dataset_or_a_file(folder, tmp_path):
    questions = open_questions(str(folder), None, "grounding", "train")
    own = read_proposals("objects", questions)
    assert {scene: len(boxes) for scene, boxes in own.items()} == {"scene0000_00": 8, "scene0001_00": 8}
    turned = {"scene_id": "s", "center": [0, 0, 0], "extents": [2, 1, 1], "axes": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]}
    assert boxes_by_scene([turned])["s"].tolist() == [[0, 0, 0, 1, 2, 1]]
    entries = [{"scene_id": scene, "center": box[:3].tolist(), "extents": box[3:].tolist()}
               for scene, boxes in own.items() for box in boxes]
    (tmp_path / "boxes.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    pq.write_table(pa.Table.from_pylist(entries), tmp_path / "boxes.parquet")
    for name in ("boxes.jsonl", "boxes.parquet"):
        again = read_proposals(str(tmp_path / name), questions)
        assert all(np.array_equal(again[scene], boxes) for scene, boxes in own.items())
    (tmp_path / "wrong.jsonl").write_text('{"scene_id": "s", "center": [0, 0, 0], "extents": [1, 1, 0]}')
    for wrong in ("wrong.jsonl", "none.parquet"):
        with pytest.raises(InputError, match="scene_id, center and extents"):
            read_proposals(str(tmp_path / wrong), questions)


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(("text", "numbers"), [
    ("Frame: 2, center: (512, 88), depth: 2.34 m, size: 60 x 45 x 80 cm", (2, 512, 88, 2.34, 60, 45, 80)),
    ("<think>frame 1? no</think>Frame 2, (512, 88), depth 2.34, 60 × 45 × 80", (2, 512, 88, 2.34, 60, 45, 80)),
    ("<answer>Frame-2: [512, 88], 234 cm deep, 0.6 x 0.45 x 0.8 m</answer>", (2, 512, 88, 2.34, 60, 45, 80)),
    ('```json\n{"frame": 2, "center": [512, 88], "depth": 2.34, "size": [60, 45, 80]}\n```',
     (2, 512, 88, 2.34, 60, 45, 80)),
    ("Frame 2, (512, 88), 2.34 m, 60x45x80 cm. Frame 3, (1, 2), 3 m, 4x5x6 cm", (2, 512, 88, 2.34, 60, 45, 80)),
    ("Of all 13 frames, frame 2 shows it best. Frame: 2, center: (512, 88), depth: 2.34 m, size: 60 x 45 x 80 cm",
     (2, 512, 88, 2.34, 60, 45, 80)),
    ("2, 512.5, 88, 2.34, 60, 45, 80", (2, 512.5, 88, 2.34, 60, 45, 80)),
])
def test_boxes_are_read_from_what_models_write(text, numbers):
    assert parse_box(text).value == pytest.approx(numbers)


@pytest.mark.parametrize(("text", "status"), [
    ("", "empty"), ("<think>where is it", "malformed"), ("I cannot see such a thing.", "refused"),
    ("Frame 2, (512, 88), 2.34 m", "malformed"), ("Frame 2, (512, 88), 2.34 m, 60 x 45 x 0 cm", "malformed"),
    ("Frame 2.5, (512, 88), 2.34 m, 60 x 45 x 80 cm", "malformed"),
    ("Frame 2, (512, 88), -1 m, 6 x 5 x 4 cm", "malformed"),
    ("Frame 2, (512, 88), 2.34 m, 60 x 45 x 80 x 3 cm", "malformed"),
    ("Frame 2, (512, 1e300), 1e300 m, 60 x 45 x 80 cm", "malformed"),
    ("Frame 2, (512, 88), 2.34 m, 60 x 45 x 1e308 cm", "malformed"),
])
def test_what_is_no_box_says_why(text, status):
    assert parse_box(text) == (None, status)


def test_a_frame_that_was_not_shown_is_no_answer(asked):
    row = asked[0]
    numbers = list(row["answer_value"])
    numbers[0] = len(row["frame_ids"])
    assert read_box_answer(row, box_text(numbers)).status == "malformed"
    numbers[0] -= 1
    assert read_box_answer(row, box_text(numbers)).status == "ok"


# ---------------------------------------------------------------- the command


def test_the_oracle_finds_all_boxes_and_a_file_of_answers_is_scored_by_hand(folder, asked, tmp_path):
    common = ("--dataset", folder, "--split", "train")
    done = run("recipes/grounding.py", *common, "--model", "baseline:oracle", "--out", tmp_path / "oracle")
    assert done.returncode == 0, done.stderr
    found = read_results(tmp_path / "oracle").metrics
    for name in ("acc@0.25", "acc@0.5", "unique/acc@0.5", "multiple/acc@0.5", "refined/mean_iou"):
        assert found[name].value == 100, name
    assert found["unique/acc@0.5"].n + found["multiple/acc@0.5"].n == found["acc@0.5"].n == len(asked)
    assert 95 < found["mean_iou"].value < 100

    texts = {}
    for i, row in enumerate(asked):
        numbers = list(row["answer_exact"])
        numbers[4] *= (1, 0.6, 0.4, 0.2)[i % 4]  # IoU 1, 0.6, 0.4, 0.2
        texts[row["uid"]] = "no idea" if i % 5 == 4 else "{:.0f}, {}, {}, {} m, {} x {} x {} cm".format(*numbers)
    del texts[asked[0]["uid"]]
    (tmp_path / "answers.jsonl").write_text(
        "".join(json.dumps({"id": uid, "raw_text": text}) + "\n" for uid, text in texts.items()))
    done = run("recipes/grounding.py", *common, "--model", "mine", "--predictions", tmp_path / "answers.jsonl",
               "--out", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    results = read_results(tmp_path / "mine")
    expected = np.array([0.0 if i % 5 == 4 or i == 0 else (1, 0.6, 0.4, 0.2)[i % 4] for i in range(len(asked))])
    for name, values in (("mean_iou", expected), ("acc@0.25", expected >= 0.25), ("acc@0.5", expected >= 0.5)):
        score = results.metrics[name]
        assert score.value == pytest.approx(100 * values.mean()) and score.low <= score.value <= score.high
        assert (score.n, score.n_unparsed, score.n_groups) == (len(asked), 6, 2)
    assert results.settings["answers_by_status"] == {"ok": len(asked) - 6, "refused": 5, "missing": 1}
    assert results.metrics["refined/acc@0.5"].value == pytest.approx(100 * (expected > 0).mean())
    assert "5 refused" in done.stdout
    done = run("recipes/compare.py", tmp_path / "oracle", tmp_path / "mine", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    scores = (tmp_path / "page.scores.csv").read_text()
    assert "refined/unique/acc@0.25" in scores
    assert "mean_iou" in (tmp_path / "page.differences.csv").read_text()


def test_without_proposals_there_are_no_refined_figures(folder, tmp_path):
    done = run("recipes/grounding.py", "--dataset", folder, "--split", "train", "--config", "scanrefer", "--proposals",
               "none", "--model", "baseline:random", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    results = read_results(tmp_path)
    assert not any(name.startswith("refined") for name in results.metrics)
    assert results.metrics["acc@0.25"].n == 1 and results.settings["proposals"] is None


def test_a_page_tells_runs_apart_that_were_refined_by_other_boxes(folder, tmp_path):
    boxes = [{"scene_id": f"scene{n:04d}_00", "center": [0, 0, 1], "extents": [1, 1, 1]} for n in range(2)]
    (tmp_path / "detector.jsonl").write_text("".join(json.dumps(box) + "\n" for box in boxes))
    for name, proposals in (("own", "objects"), ("other", tmp_path / "detector.jsonl")):
        done = run("recipes/grounding.py", "--dataset", folder, "--split", "train", "--model", "baseline:oracle",
                   "--proposals", proposals, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    assert read_results(tmp_path / "other").settings["proposals"] == {
        "from": "detector.jsonl", "boxes": 2, "questions_without": 0}
    done = run("recipes/compare.py", tmp_path / "own", tmp_path / "other", "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    line = (tmp_path / "page.html").read_text().split("proposals: from")[1].split("</tr>")[0]
    assert re.findall(r"objects|detector\.jsonl", line) == ["objects", "detector.jsonl"]


def test_proposals_of_other_scenes_are_an_error(asked):
    recipe = grounding_recipe("file.jsonl", {"elsewhere": np.array([[0, 0, 0, 1, 1, 1.0]])})
    with pytest.raises(InputError, match="holds no box of any scene that is asked about"):
        recipe.score(asked, {})


def test_other_datasets_and_configs_are_refused(folder, tmp_path):
    for script, wrong, problem in (
        ("recipes/grounding.py", ("--config", "bev"), "expected grounding or scanrefer"),
        ("recipes/grounding.py", ("--split", "validation"), "no grounding or scanrefer in split validation"),
        ("recipes/spar_bench.py", ("--split", "train"), "recipes/grounding.py"),
    ):
        done = run(script, "--dataset", folder, "--model", "baseline:oracle", "--out", tmp_path, *wrong)
        assert done.returncode == 2 and problem in done.stderr
    done = run("scripts/jsonl.py", "export", folder, "--out", tmp_path / "jsonl")
    assert done.returncode == 2 and "no place for the boxes and cameras" in done.stderr


@pytest.mark.parametrize("option", [("--config", "scanrefer"), ("--set", "tasks=scanrefer")])
def test_descriptions_are_missed_before_anything_is_built(tmp_path, option):
    done = run("scripts/build.py", "spar_3d", "--scenes", 1, *option, "--out", tmp_path / "out")
    assert done.returncode == 2 and "scanrefer needs --set annotations=FILE" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_census_and_the_manifest_count_annotations_that_do_not_fit(folder):
    done = run("scripts/census.py", folder)
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("scanrefer")]
    assert line.split()[:3] == ["scanrefer", "scannet", "1"] and line.endswith("1 no_such_object")
    held = read_manifest(folder)["settings"]["annotations"]
    assert (held["entries"], held["of_scenes_not_built"], len(held["sha256"])) == (2, 0, 64)


def test_shares_answered_apart_make_one_run(folder, asked, tmp_path):
    common = ("--dataset", folder, "--split", "train", "--model", "baseline:random", "--num-shards", 2)
    whole = run("recipes/grounding.py", *common[:-2], "--out", tmp_path / "whole")
    first = run("recipes/grounding.py", *common, "--shard-index", 0, "--out", tmp_path / "shared")
    assert whole.returncode == first.returncode == 0 and not (tmp_path / "shared/results.json").exists()
    assert run("recipes/grounding.py", *common, "--shard-index", 1, "--out", tmp_path / "shared").returncode == 0
    assert read_results(tmp_path / "shared").metrics == read_results(tmp_path / "whole").metrics


def test_what_the_folder_holds_is_found_wrong_where_it_was_changed(folder, tmp_path):
    """By scripts/verify.py, from the folder's own cameras and boxes."""
    scenes = read_tables(folder, read_manifest(folder))
    checked, findings = own_problems(scenes, LIMITS)
    assert findings == [] and checked >= 2 * (24 + 12)
    scene = scenes["scannet", "scene0000_00"]
    entry = next(o for o in scene.objects if o["object_id"] == "1")
    entry["aligned_center"] = [entry["aligned_center"][0] + 0.5, *entry["aligned_center"][1:]]
    wrong = own_problems(scenes, LIMITS)[1]
    asking = [uid for uid, row in scene.rows.items() if row["objects"][0]["object_id"] == "1" and row["task"] != "bev"]
    assert sorted(line.split(":")[0] for line in wrong) == sorted(asking)
