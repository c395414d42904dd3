"""The recipes on tiny checkpoints of real architectures, end to end: figures, resuming, and what results record."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from recipes import shortcut_splits, spar_bench, spatial_tunnel
from recipes.answerers.prompts import prompt_of
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.predictions import read_predictions
from recipes.questions import Questions, open_questions
from recipes.shortcut_questions import open_shortcuts
from tests.recipes.made import make_folder, make_row
from tests.recipes.model_questions import FP32, picture
from tests.recipes.tiny_models import FAMILIES, save_tiny, torch, transformers


@pytest.fixture(params=FAMILIES)
def checkpoint(request: pytest.FixtureRequest, checkpoints: dict[str, str]) -> str:
    return checkpoints[request.param]


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    out = tmp_path_factory.mktemp("tunnel") / "t"
    build_folder(SpatialTunnel(renderer="raycast", scenes=1, cell_step=4,
                               tunnel=replace(TunnelSettings(), resolution=48)), out, progress=False)
    return spatial_tunnel.open_tunnel(str(out), None, ["phase_variation"])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    """One, two and three views; numbers, options and a motion."""
    def shown(i: int, views: int) -> dict:
        return {"image": [{"bytes": picture(100 * i + view), "path": "a.png"} for view in range(views)]}

    rows = [row for i in range(2) for row in (
        make_row("depth_prediction_oc", i, "1.5", **shown(i, 1)),
        make_row("distance_prediction_oo_mv", i, "2.5", **shown(i, 3)),
        make_row("position_matching", i, "A", ("1", "2", "3", "4"), **shown(i, 2)),
        make_row("view_change_infer", i, "move_right:1.0,move_down:0.5,move_forward:0.2,rotate_up:5,rotate_left:10",
                 **shown(i, 2)),
    )]
    return open_questions(str(make_folder(tmp_path_factory.mktemp("bench") / "b", rows)))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    rows = [make_row("distance_infer_center_oo", i, "AB"[i % 2], ("chair", "lamp"), heuristic=tag, vertical_gap=gap,
                     image=[{"bytes": picture(i), "path": "a.png"}])
            for i, (tag, gap) in enumerate([("consistent", 0.2), ("counter", -0.2)] * 3)]
    return open_shortcuts(str(make_folder(tmp_path_factory.mktemp("tagged") / "set", rows)))


def test_every_recipe_runs_from_the_saved_folder(
    checkpoint: str, tunnel: Questions, bench: Questions, tagged: Questions, tmp_path: Path
):
    for recipe, questions, figure in ((spar_bench, bench, "average"), (spatial_tunnel, tunnel, "phase_variation/v"),
                                      (shortcut_splits, tagged, "all/all")):
        out = tmp_path / recipe.__name__
        results = recipe.evaluate(questions, checkpoint, out, limit=8, batch_size=4, asking=FP32, progress=False)
        count = min(8, len(questions.scored()))
        assert results.metrics[figure].n == count
        given = read_predictions(out / "predictions.parquet")
        assert len(given) == count and any(answer.raw_text for answer in given.values())
        held = json.loads((out / "results.json").read_text())
        assert held["settings"]["answerer"]["dtype"] == "float32"
        assert held["environment"]["transformers"] == transformers.__version__
        assert held["environment"]["torch"] == torch.__version__


def test_v_is_the_sigmoid_of_the_difference_of_logits(checkpoints: dict[str, str], tunnel: Questions, tmp_path: Path):
    """The recipe's figure from logits computed here, one question at a time."""
    folder = checkpoints["llava_onevision"]
    found = spatial_tunnel.evaluate(tunnel, folder, tmp_path, limit=12, asking=FP32, progress=False).metrics
    model = VisionLanguageModel(folder, FP32.local)
    tokens = model.processor.tokenizer.convert_tokens_to_ids(["Yes", "No"])
    v = []
    for position, views in tunnel.views(range(12)):
        row = tunnel.rows[position]
        yes, no = model.first_logits([(views, row["question"])], {})[0][tokens].tolist()
        p = 1 / (1 + np.exp(no - yes))
        v.append(p if row["answer"] == "Yes" else 1 - p)
    assert found["phase_variation/v"].value == pytest.approx(np.mean(v), abs=1e-5)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many prompts each call of the model had."""
    sizes: list[int] = []
    write = VisionLanguageModel.write

    def counting(self, chats, *arguments):
        sizes.append(len(chats))
        return write(self, chats, *arguments)

    monkeypatch.setattr(VisionLanguageModel, "write", counting)
    yield sizes


def test_a_run_is_resumed_only_under_the_same_settings(
    checkpoints: dict[str, str], bench: Questions, tmp_path: Path, counted: list[int]
):
    folder = checkpoints["idefics3"]
    spar_bench.evaluate(bench, folder, tmp_path, limit=5, batch_size=4, asking=FP32, progress=False)
    spar_bench.evaluate(bench, folder, tmp_path, batch_size=2, asking=FP32, progress=False)
    assert counted == [4, 1, 2, 1]
    with pytest.raises(InputError, match=r"other prompts\)"):
        spar_bench.evaluate(bench, folder, tmp_path, asking=replace(FP32, prompts="bare"), progress=False)
    with pytest.raises(InputError, match=r"other max_new_tokens\)"):
        spar_bench.evaluate(bench, folder, tmp_path, asking=replace(FP32, max_new_tokens=7), progress=False)


def test_answers_of_weights_that_have_changed_are_not_mixed_in(bench: Questions, tmp_path: Path):
    folder = save_tiny("idefics3", tmp_path / "model")
    spar_bench.evaluate(bench, str(folder), tmp_path / "run", limit=2, asking=FP32, progress=False)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.01)  # more training: the same files of the same sizes
    model.save_pretrained(folder)
    with pytest.raises(InputError, match=r"other weights_sample_sha256\)"):
        spar_bench.evaluate(bench, str(folder), tmp_path / "run", asking=FP32, progress=False)


def test_results_say_how_the_model_was_asked(checkpoints: dict[str, str], bench: Questions, tmp_path: Path):
    asking = replace(FP32, prompts="published_number")
    results = spar_bench.evaluate(bench, checkpoints["qwen2_5_vl"], tmp_path, asking=asking, progress=False)
    answerer = results.settings["answerer"]
    assert answerer["prompts"]["form"] == "published_number"
    row = bench.rows[0]
    assert answerer["prompts"]["templates"]["spar_number"].format(question=row["question"]) == prompt_of(
        row, "published_number")
    assert set(answerer["prompts"]["templates"]) == {"spar_number", "spar_box_choice", "spar_view_change"}
    assert (answerer["max_new_tokens"], answerer["decoding"], answerer["model_revision"]) == (6, "greedy", None)
    counts = results.settings["counts"]
    assert 0 < counts["completion_tokens"] <= 6 * len(bench.rows) and counts["cut_short"] <= len(bench.rows)
