"""The command as a user runs it: files, exit codes, messages."""

import io
import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders.errors import InputError
from builders.spar.markers import COLORS
from metrics.mra._core import mra
from recipes.answerers.answerer import Answer, Answerer
from recipes.asking import answer_all
from recipes.predictions import PredictionStore, read_predictions
from recipes.questions import Questions, open_questions
from recipes.results import read_results
from recipes.spar_bench import evaluate
from tests.commands import run, run_process
from tests.recipes.made import make_7m_folder, make_folder, make_row, mixed_rows


def test_the_command_writes_both_files_in_their_published_form(small: Questions, tmp_path: Path):
    out = tmp_path / "run"
    done = run_process("recipes/spar_bench.py", "--dataset", small.repo, "--model", "baseline:frequency", "--limit", 30,
                       "--out", out)
    assert done.returncode == 0, done.stderr
    assert "ObjRel-OO" in done.stdout and "Only 2 scenes" in done.stdout
    results = json.loads((out / "results.json").read_text())
    assert list(results) == ["schema_version", "recipe", "model", "dataset", "metrics", "settings", "environment"]
    assert results["dataset"] == {"repo": small.repo, "revision": None, "manifest_sha256": small.manifest_sha256}
    tasks = {row["task"] for row in small.rows}
    assert set(results["metrics"]) == tasks | {"level_low", "level_high", "average"}
    for name, score in results["metrics"].items():
        assert {"value", "n", "low", "high", "interval"} <= set(score), name
        assert 0 <= score["low"] <= score["value"] <= score["high"] <= 100
        assert score["interval"].endswith("_few_groups")
    assert sum(results["metrics"][task]["n"] for task in tasks) == results["metrics"]["average"]["n"] == 30
    table = pq.read_table(out / "predictions.parquet")
    assert table.column_names == ["id", "raw_text", "answer", "status", "margin", "seconds", "score", "group",
                                  "parts"]
    assert table["id"].to_pylist() == [row["uid"] for row in small.rows[:30]]


def test_level_scores_are_means_of_their_tasks(small: Questions, tmp_path: Path):
    values = {name: score.value for name, score in evaluate(small, "baseline:random", tmp_path).metrics.items()}
    low = (values["depth_prediction_oc"] + values["distance_prediction_oo"]) / 2
    high = (values["obj_spatial_relation_oo"] + values["distance_infer_center_oo"]) / 2
    assert values["level_low"] == pytest.approx(low)
    assert values["level_high"] == pytest.approx(high)
    assert math.isclose(values["average"], (low + high) / 2)


def test_a_task_has_the_interval_its_metric_gives_in_percent(tmp_path: Path):
    questions = open_questions(str(make_folder(tmp_path / "bench", mixed_rows(30, scenes=8))))
    found = evaluate(questions, "baseline:random", tmp_path).metrics["distance_prediction_oo"]
    given = read_predictions(tmp_path / "predictions.parquet")
    rows = [row for row in questions.rows if row["task"] == "distance_prediction_oo"]
    expected = mra([given[row["uid"]].answer for row in rows], [float(row["answer"]) for row in rows],
                   groups=[row["scene_id"] for row in rows])
    assert found.value == pytest.approx(100 * expected["mra"])
    assert 0 < found.low < found.high < 100
    assert (found.low, found.high) == pytest.approx((100 * expected["low"], 100 * expected["high"]))
    assert (found.interval, found.n_groups) == (expected["interval"], 8)


def test_results_are_read_back_as_written(small: Questions, tmp_path: Path):
    written = evaluate(small, "baseline:random", tmp_path / "run", progress=False)
    assert read_results(tmp_path / "run") == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--model", "org/model"), "--model org/model: "),
        (("--model", "endpoint:somewhere"), "expected endpoint:URL#MODEL"),
        (("--prompts", "long"), "published_number, bare"),
        (("--dataset", "/no/such/folder"), "no such folder"),
        (("--config", "rgbd"), "there are: default/test"),
        (("--revision", "v1"), "is a folder"),
    ],
)
def test_wrong_arguments_exit_2_with_one_line(small: Questions, tmp_path: Path, change: tuple, message: str):
    arguments = {"--dataset": small.repo, "--model": "baseline:oracle", "--out": tmp_path / "run"} | dict([change])
    done = run("recipes/spar_bench.py", *(item for pair in arguments.items() for item in pair))
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_whose_build_has_not_finished_is_refused(small: Questions):
    (Path(small.repo) / "manifest.json").unlink()
    with pytest.raises(InputError, match="not a finished Vantage dataset"):
        open_questions(small.repo)


def test_a_repository_that_cannot_be_reached_is_named():
    with pytest.raises(InputError, match="org/absent@v1: no such folder, and the Hub did not give it"):
        open_questions("org/absent", revision="v1")


def test_a_model_is_shown_the_markers_it_is_asked_about(tmp_path: Path):
    """Those of SPAR-7M are data, and drawn when it is asked; SPAR-Bench has them in its pictures."""

    class Looks(Answerer):
        """Says which colours are in the middle of the pictures."""

        reads_images = True

        def answer(self, rows):
            seen = [[Image.open(io.BytesIO(view)).getpixel((100, 50)) for view in row["image"]] for row in rows]
            return [Answer(json.dumps(colors), None, "empty", None, 0.0) for colors in seen]

    buffer = io.BytesIO()
    Image.new("RGB", (200, 100), (90, 90, 90)).save(buffer, "PNG")
    blue = {"object_id": "1", "label": "bed", "color": "blue", "image_index": 1, "point": [500, 500], "bbox": None}
    rows = [make_row("position_matching", 0, "A", ("1", "2"), objects=[blue],
                     image=[{"bytes": buffer.getvalue(), "path": "a.png"}] * 2)]
    bare, marked = (90, 90, 90), COLORS["blue"]
    for folder, split, expected in ((make_7m_folder(tmp_path / "7m", rows), "validation", (bare, marked)),
                                    (make_folder(tmp_path / "bench", rows), "test", (bare, bare))):
        questions = open_questions(str(folder), split=split)
        store = PredictionStore(tmp_path / split / "predictions.parquet", {})
        (answer,), _ = (found.values() for found in answer_all(Looks(), questions, 0, store, 8, progress=False))
        for color, wanted in zip(json.loads(answer.raw_text), expected, strict=True):
            assert color == pytest.approx(wanted, abs=30)  # a marked picture is a JPEG
