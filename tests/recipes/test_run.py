"""Declared comparisons: what is missing is run, what is done is kept, wrong words are named before anything runs."""

import json
from pathlib import Path

import pytest
import typer
import yaml

from builders.errors import InputError
from recipes.declared import RECIPES, read_comparison
from recipes.run import main
from tests.recipes.made import make_folder, mixed_rows

CONFIGS = Path(__file__).parents[2] / "recipes/configs"


def declare(path: Path, **changes: object) -> Path:
    held = {
        "title": "Two guessers",
        "options": {"limit": 20},
        "questions": {"small": {"recipe": "spar_bench", "dataset": str(path.parent / "bench")}},
        "models": {"oracle": {"model": "baseline:oracle"}, "chance": {"model": "baseline:random", "seed": 3}},
    }
    path.write_text(yaml.safe_dump(held | changes))
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    make_folder(tmp_path / "bench", mixed_rows(10, scenes=2))
    return declare(tmp_path / "config.yaml")


def stamps(out: Path) -> dict[str, int]:
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in sorted(out.glob("*/*/*.json"))}


def test_what_is_missing_is_run_and_what_is_done_is_kept(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    main(config, out)
    held = json.loads((out / "small/chance/results.json").read_text())
    assert held["settings"]["limit"] == 20 and held["settings"]["seed"] == 3 and held["model"] == "baseline:random"
    assert json.loads((out / "small/oracle/results.json").read_text())["metrics"]["average"]["value"] == 100
    page = (out / "report.html").read_text()
    assert "<h1>Two guessers</h1>" in page and "Paired differences" in page
    before = stamps(out)
    capsys.readouterr()
    main(config, out)
    assert stamps(out) == before and capsys.readouterr().out.count("done already") == 2
    declare(config, models={"oracle": {"model": "baseline:oracle"}, "chance": {"model": "baseline:random", "seed": 4},
                            "mode": {"model": "baseline:frequency"}})
    main(config, out)
    after = stamps(out)
    assert {name for name in after if after[name] != before.get(name)} == {
        f"small/{name}/{file}" for name in ("chance", "mode") for file in ("declared.json", "results.json")} | {
        "small/chance/earlier_results.json"}


def test_another_dataset_in_the_same_place_is_asked_anew(config: Path, tmp_path: Path):
    main(config, tmp_path / "out")
    make_folder(tmp_path / "bench", mixed_rows(11, scenes=2))
    main(config, tmp_path / "out")
    held = [json.loads((tmp_path / f"out/small/oracle/{name}results.json").read_text()) for name in ("", "earlier_")]
    assert held[0]["dataset"]["manifest_sha256"] != held[1]["dataset"]["manifest_sha256"]


def test_answers_of_a_killed_run_are_put_aside_when_its_options_change(config: Path, tmp_path: Path):
    """Its parts are not folded yet: another run must neither use them nor stumble over them."""
    out = tmp_path / "out"
    main(config, out)
    folder = out / "small/chance"
    (folder / "predictions.parquet").rename(folder / "predictions.part-1.parquet")
    (folder / "results.json").unlink()
    declare(config, models={"chance": {"model": "baseline:random", "seed": 4}})
    main(config, out)
    assert json.loads((folder / "results.json").read_text())["settings"]["seed"] == 4
    assert sorted(path.name for path in folder.glob("*.parquet")) == [
        "earlier_predictions.part-1.parquet", "predictions.parquet"]


def test_a_run_may_be_shared_among_processes(config: Path, tmp_path: Path):
    out = tmp_path / "out"
    declare(config, models={"chance": {"model": "baseline:random", "gpus": 2, "set": {"dtype": "float32"}}})
    main(config, out)
    results = (out / "small/chance/results.json").read_bytes()
    declare(config, models={"chance": {"model": "baseline:random", "set": {"dtype": "float32"}}})
    main(config, out)  # what was answered by two is not asked again by one
    assert (out / "small/chance/results.json").read_bytes() == results
    main(config, tmp_path / "alone")
    assert (tmp_path / "alone/small/chance/results.json").read_bytes() == results


def test_a_model_that_fails_does_not_keep_the_others_from_running(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    declare(config, models={"none": {"model": "baseline:none"}, "oracle": {"model": "baseline:oracle"},
                            "mine": {"model": "mine", "predictions": {"small": "absent.csv"}}})
    with pytest.raises(typer.Exit) as stopped:
        main(config, tmp_path / "out")
    assert stopped.value.exit_code == 1
    said = capsys.readouterr().err
    assert "small/none: --model baseline:none: unknown baseline" in said and "absent.csv: no such file" in said
    assert ">oracle" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize("changes, says", [
    ({"models": {"m": {"model": "x", "tempreature": 0}}}, "m on small: spar_bench has no option tempreature; there"),
    ({"models": {"m": {"model": "x", "num-shards": 2}}}, "m on small: spar_bench has no option num_shards; there"),
    ({"models": {"m": {"seed": 1}}}, "m on small: model is missing"),
    ({"models": {"m": {"model": "x", "only": ["large"]}}}, r"questions \(small\); there is no large"),
    ({"models": {"m": {"model": "x", "only": "small"}}}, "'only' is a list"),
    ({"models": {"../m": {"model": "x"}}}, "'../m' names a folder"),
    ({"models": ["m"]}, "models: expected a mapping"),
    ({"questions": {"q": {"recipe": "probing", "dataset": "d"}}}, "recipe is 'probing'; expected one of: spar_bench"),
    ({"question": {}}, "expected the keys title, options, questions, models"),
])
def test_wrong_words_are_named_before_anything_runs(config: Path, tmp_path: Path, changes: dict, says: str):
    with pytest.raises(InputError, match=says):
        main(declare(config, **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


OF_OURS = {"spar_bench", "spatial_tunnel", "shortcut_splits", "grounding", "bev"}


@pytest.mark.parametrize("name, recipes", [
    ("baselines", OF_OURS), ("published_models", OF_OURS),
    ("spatial_benchmarks", {*RECIPES} - {"shortcut_splits"})])
def test_the_configs_that_come_along_declare_what_the_recipes_take(name: str, recipes: set[str]):
    comparison = read_comparison(CONFIGS / f"{name}.yaml")
    assert {run.recipe for run in comparison.runs} == recipes
    assert len({run.folder for run in comparison.runs}) == len(comparison.runs) >= 13
    models = {run.options["model"] for run in comparison.runs}
    known = {f"baseline:{name}" for name in ("oracle", "random", "frequency", "middle", "always-yes",
                                             "higher-is-farther", "bigger-is-closer")}
    assert models == known if name == "baselines" else len(models - known) == {"published_models": 6}.get(name, 3)


def test_every_config_is_tested():
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == {"baselines", "published_models", "spatial_benchmarks"}


# ---------------------------------------------------------------- lmms-eval

STAND_IN = """
import json, pathlib, sys
given = {name: sys.argv[sys.argv.index(name) + 1] for name in sys.argv if name.startswith("--") and name[2] != "l"}
tasks, model = given["--tasks"].split(","), given["--model_args"].partition("=")[2].split(",")[0]
calls = pathlib.Path(__file__).with_name("calls")
calls.write_text((calls.read_text() if calls.exists() else "") + json.dumps(sys.argv[1:]) + "\\n")
if given["--model"] == "broken":
    sys.exit(0)  # as lmms-eval does, having printed what went wrong
folder = pathlib.Path(given["--output_path"]) / model.replace("/", "__")
folder.mkdir(parents=True, exist_ok=True)
(folder / f"20260101_00000{len(calls.read_text().splitlines())}_results.json").write_text(json.dumps({
    "results": {task: {"alias": task, "acc,none": 0.5, "acc_stderr_clt,none": 0.1} for task in tasks},
    "n-samples": {task: {"original": 9, "effective": 9} for task in tasks}, "model_name": model}))
"""


def test_lmms_eval_runs_beside_our_recipes_and_is_compared(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "elsewhere/lmms_eval"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN)
    questions = {"small": {"recipe": "spar_bench", "dataset": str(tmp_path / "bench"), "batch-size": 7},
                 "blink": {"recipe": "lmms_eval", "tasks": "blink"}}
    models = {"oracle": {"model": "baseline:oracle", "only": ["small"]},
              "qwen": {"model": "org/qwen", "only": ["blink"], "lmms_eval": {"lmms-model": "qwen2_5_vl"}},
              "bad": {"model": "org/bad", "only": ["blink"], "lmms_eval": {"lmms-model": "broken"}}}
    declare(config, questions=questions, models=models, options={})
    with pytest.raises(typer.Exit):  # not installed: said of each, and ours is run
        main(config, tmp_path / "none")
    said = capsys.readouterr().err
    assert said.count("lmms-eval is not installed") == 2 and (tmp_path / "none/small/oracle/results.json").is_file()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    for _ in range(2):
        with pytest.raises(typer.Exit):
            main(config, tmp_path / "out")
    said = capsys.readouterr()
    assert "[1/3] blink/bad: lmms-eval failed (it wrote no results)" in said.err
    assert "[3/3] blink/qwen: done already" in said.out and "failed: [3/3]" not in said.err
    calls = [json.loads(line) for line in (package / "calls").read_text().splitlines()]
    assert [call[1] for call in calls] == ["broken", "qwen2_5_vl", "broken"]
    assert calls[1][2:] == ["--model_args", "pretrained=org/qwen", "--tasks", "blink", "--batch_size", "1",
                            "--log_samples", "--output_path", str(tmp_path / "out/blink/qwen")]
    page = (tmp_path / "out/report.html").read_text()
    assert "lmms-eval: blink" in page and ">org/qwen" in page
    questions["blink"]["limit"] = 5  # other questions: what was there is put aside, then asked anew
    declare(config, questions=questions, models=models, options={})
    with pytest.raises(typer.Exit):
        main(config, tmp_path / "out")
    kept = sorted(path.name.split("_")[0] for path in tmp_path.glob("out/blink/qwen/*/*.json"))
    assert kept == ["20260101", "earlier"]
