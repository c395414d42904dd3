"""Efficiency of a tiny checkpoint: what runs how often, what is counted, and what stands beside the scores."""

import csv
from mmap import PAGESIZE, mmap
from pathlib import Path

import numpy as np
import pytest

from builders.errors import InputError
from recipes import measuring
from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.efficiency import efficiency_text, read_scores
from recipes.measuring import Plan, Setting, _measured, measure, pictures_of
from recipes.results import read_results
from recipes.scene_views import size_of
from recipes.stopwatch import Device, spread_of
from tests.commands import run
from tests.recipes.test_scene_qa import STUDIO, scanqa
from tests.recipes.tiny_models import save_tiny, torch

FP32 = LocalSettings(dtype="float32")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny("qwen2_5_vl", tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("family", ["qwen2_5_vl", "smolvlm"])
def test_features_are_timed_without_the_language_model_and_answers_have_their_length(family: str, tmp_path: Path):
    vlm = VisionLanguageModel(str(save_tiny(family, tmp_path)), FP32)
    calls = {"vision": 0, "language": 0}

    def count(name: str):
        def hook(*_: object) -> None:
            calls[name] += 1
        return hook

    inner = vlm.model.model
    (inner.visual if family == "qwen2_5_vl" else inner.vision_model).register_forward_hook(count("vision"))
    (inner.language_model if family == "qwen2_5_vl" else inner.text_model).register_forward_hook(count("language"))
    setting = Setting(3, "56x28")
    plan = Plan((setting,), repeats=3, warmup=1, new_tokens=5)
    spreads, tokens = _measured(vlm, (pictures_of(setting), "Where?"), {}, plan, Device())
    assert calls == {"vision": 2 * 4, "language": 5 * 4}  # once for features, once for the answer; a pass per token
    assert not vlm.model.model.__dict__.get("get_image_features")  # the model is as it was
    assert spreads["features_ms"].median < spreads["latency_ms"].median and spreads["peak_mib"].n == 3
    assert family != "qwen2_5_vl" or tokens["picture_tokens"] == 3 * 2  # a token per 28 x 28 pixels


def test_generated_pictures_are_jpegs_that_differ():
    shown = pictures_of(Setting(3, "64x48"))
    assert len(set(shown)) == 3 and all(data[:2] == b"\xff\xd8" for data in shown) and size_of("64x48") == (64, 48)


def test_the_peak_is_that_of_now():
    device = Device()
    device.forget_peak()
    before = device.peak()
    with mmap(-1, 96 << 20) as held:  # new pages: an array may take what earlier tests have left to the allocator
        held[::PAGESIZE] = bytes(len(held) // PAGESIZE)
        assert 90 < device.peak() - before < 110
    assert device.peak() - before > 90
    device.forget_peak()
    assert device.peak() - before < 20


def test_the_interval_holds_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for n in (6, 10, 25):
        found = [spread_of(rng.exponential(size=n)) for _ in range(1500)]
        hits = np.mean([one.low <= np.log(2) <= one.high for one in found])
        assert 0.94 < hits < 0.995 and all(one.first_quartile <= one.median <= one.third_quartile for one in found)
    few = spread_of([3.0, 1.0, 2.0])
    assert (few.low, few.median, few.high, few.method) == (1, 2, 3, "range")


def test_speed_stands_beside_the_score_at_the_same_frames_and_size(model: str, tmp_path: Path):
    speed, scored = tmp_path / "speed", tmp_path / "scored"
    measured = run("recipes/efficiency.py", "--model", model, "--set", "dtype=float32", "--frames", 1, "--frames", 2,
                   "--size", "56x56", "--repeats", 2, "--warmup", 0, "--new-tokens", 2, "--out", speed)
    assert measured.returncode == 0, measured.stderr
    answers = run("recipes/scene_qa.py", "--benchmark", "scanqa", "--dataset", scanqa(tmp_path / "qa"),
                  "--source", STUDIO, "--model", model, "--frames", 2, "--size", "56x56", "--tokenizer", "none",
                  "--limit", 1, "--set", "dtype=float32", "--set", "max_new_tokens=2", "--out", scored)
    assert answers.returncode == 0, answers.stderr
    shown = run("recipes/efficiency.py", "--out", speed, "--scores", scored / "results.json")
    exact = read_results(scored).metrics["exact_match"].value
    lines = {line.split()[0]: line for line in shown.stdout.splitlines() if "x56x56" in line}
    assert lines["2x56x56"].split()[-1] == f"{exact:.1f}" and lines["1x56x56"].split()[-1] == "-"
    with (speed / "efficiency.csv").open() as file:
        rows = list(csv.DictReader(file))
    results = read_results(speed)
    assert [(row["setting"], row["scanqa exact_match"]) for row in rows] == [("1x56x56", ""), ("2x56x56", str(exact))]
    for row in rows:
        assert float(row["latency_ms"]) == results.metrics[f"{row['setting']}/latency_ms"].value
        assert float(row["features_ms_q1"]) <= float(row["features_ms"]) <= float(row["features_ms_q3"])
    assert int(rows[1]["prompt_tokens"]) - int(rows[0]["prompt_tokens"]) == 2 * 2 + 2  # a picture and its two brackets
    page = (speed / "report.html").read_text()
    assert page.count("<svg") == 3 and f"<td class=\"num\">{exact:.1f}</td>" in page and "2x56x56" in page
    with pytest.raises(InputError, match="while speed was measured of other"):
        read_scores([scored], "other")
    with pytest.raises(InputError, match="a second score at 2x56x56"):
        read_scores([scored, scored], model)
    with pytest.raises(InputError, match=r"expected what recipes/scene_qa.py wrote"):
        read_scores([speed], model)


@pytest.mark.parametrize("plan, says", [
    ({"settings": (Setting(0, "56x56"),)}, "1 or more"),
    ({"settings": (Setting(1, "56"),)}, "no size"),
    ({"settings": (Setting(1, "56x56"),), "repeats": 0}, "1 or more"),
])
def test_plans_that_measure_nothing_are_refused(plan: dict, says: str):
    with pytest.raises(InputError, match=says):
        Plan(**plan)


def test_a_model_that_is_none_ends_in_one_line(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        next(measure(str(tmp_path), Plan((Setting(1, "56x56"),)), AnswererSettings(local=FP32), progress=False))


def test_the_length_of_answers_has_one_option(tmp_path: Path):
    done = run("recipes/efficiency.py", "--model", "m", "--out", str(tmp_path), "--set", "max_new_tokens=5")
    assert done.returncode == 2 and "--new-tokens" in done.stderr


def test_what_was_measured_is_kept_and_nothing_else_is_mixed_in(model: str):
    asked = AnswererSettings(local=FP32)
    one, two = Setting(1, "28x28"), Setting(2, "28x28")

    def plan(*settings: Setting, repeats: int = 1) -> Plan:
        return Plan(settings, repeats=repeats, warmup=0, new_tokens=1)

    first = next(measure(model, plan(one, two), asked, progress=False))  # killed after one setting
    *_, last = measure(model, plan(one, two), asked, progress=False, before=first)
    assert [*last.settings["settings"]] == ["1x28x28", "2x28x28"]
    assert all(last.metrics[name] == score for name, score in first.metrics.items()) and len(last.metrics) == 6
    with pytest.raises(InputError, match=r"something else \(other repeats\)"):
        next(measure(model, plan(one, repeats=2), asked, progress=False, before=last))


def test_a_setting_that_does_not_fit_is_named_and_the_others_are_measured(
    model: str, monkeypatch: pytest.MonkeyPatch
):
    measured = measuring._measured

    def on_a_small_card(vlm: VisionLanguageModel, chat: tuple, *others: object) -> tuple:
        if len(chat[0]) > 2:
            raise torch.OutOfMemoryError("no room")
        return measured(vlm, chat, *others)

    monkeypatch.setattr(measuring, "_measured", on_a_small_card)
    asked = AnswererSettings(local=FP32)
    for settings in ((Setting(3, "28x28"), Setting(1, "28x28")), (Setting(1, "28x28"), Setting(3, "28x28"))):
        *_, last = measure(model, Plan(settings, repeats=1, warmup=0, new_tokens=1), asked, progress=False)
        assert last.settings["out_of_memory"] == ["3x28x28"] and [*last.settings["settings"]] == ["1x28x28"]
        assert "Out of memory: 3x28x28" in efficiency_text(last, {})
    with pytest.raises(InputError, match="out of memory at every setting"):
        [*measure(model, Plan((Setting(3, "28x28"),), repeats=1, warmup=0), asked, progress=False)]
