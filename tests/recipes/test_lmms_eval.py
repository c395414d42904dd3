"""The task files under the loader that lmms-eval documents (``!function``, ``include``), and all golds score 100."""

import importlib.util
import json
from collections import defaultdict
from dataclasses import replace
from functools import cache
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from PIL import Image

from builders.errors import InputError
from builders.hub.folder import build_folder
from builders.tunnel.layout import TunnelSettings
from builders.tunnel.spatial_tunnel import SpatialTunnel
from metrics._shared.intervals import wilson
from recipes import spar_bench
from recipes.comparison.runs import groups_of, read_runs
from recipes.comparison.tables import compare
from recipes.questions import open_questions
from recipes.reporting.compare_page import write_comparison
from tests.builders.tagged.made import cv_row
from tests.recipes.made import jpeg, make_folder, mixed_rows
from tests.recipes.test_shortcut_splits import built, hand_made

TASKS = Path(__file__).parents[2] / "recipes/lmms_eval"
KEYS = {"task", "dataset_path", "dataset_name", "dataset_kwargs", "test_split", "output_type", "doc_to_visual",
        "doc_to_text", "doc_to_target", "process_results", "process_results_use_image", "metric_list",
        "generation_kwargs", "lmms_eval_specific_kwargs", "metadata", "cluster_key", "score_key"}


@cache
def module_beside(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(path: Path) -> dict[str, Any]:
    """A task file as lmms-eval reads it: ``!function file.name`` is a function of a file beside it, ``include`` another
    file whose keys are taken where this one has none."""
    class Loader(yaml.SafeLoader):
        pass

    def function(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
        file, name = loader.construct_scalar(node).split(".")
        return getattr(module_beside(path.parent / f"{file}.py"), name)

    Loader.add_constructor("!function", function)
    held = yaml.load(path.read_text(), Loader)
    included = held.pop("include", None)
    return (load(path.parent / included) if included else {}) | held


def run(task: dict[str, Any], docs: list[dict], folder: Path, say=lambda number, gold: gold) -> dict[str, float]:
    """What lmms-eval does with answers: figures, and both of its files as its tracker writes them."""
    collected, samples = defaultdict(list), []
    for number, doc in enumerate(docs):
        assert all(view.mode == "RGB" for view in task["doc_to_visual"](doc))
        text = task["doc_to_text"](doc, lmms_eval_specific_kwargs=task["lmms_eval_specific_kwargs"]["default"])
        assert doc["question"].splitlines()[0] in text
        seen = doc if task.get("process_results_use_image") else {k: v for k, v in doc.items() if k != "image"}
        gold = task["doc_to_target"](doc)
        found = task["process_results"](seen, [say(number, gold).strip()])
        for name, value in found.items():
            collected[name].append(value)
        samples.append({"doc_id": number, "target": gold, "filtered_resps": [say(number, gold)]} | found)
    figures = {entry["metric"]: float(entry["aggregation"](collected[entry["metric"]])) for entry in task["metric_list"]
               if collected[entry["metric"]]}
    (folder / "org__model").mkdir(parents=True)
    (folder / "org__model/20260102_results.json").write_text(json.dumps({
        "results": {task["task"]: {f"{name},none": value for name, value in figures.items()} | {"alias": "x"}},
        "configs": {task["task"]: {key: task[key] for key in ("dataset_path", "test_split", "metadata")}},
        "n-samples": {task["task"]: {"original": len(docs), "effective": len(docs)}},
        "model_name": folder.name}))
    (folder / f"org__model/20260102_samples_{task['task']}.jsonl").write_text(
        "".join(json.dumps(sample) + "\n" for sample in samples))
    return figures


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_task_files_have_the_documented_keys(path: Path):
    task = load(path)
    assert task["task"] == path.stem and set(task) <= KEYS and task["output_type"] == "generate_until"
    assert all(callable(task[key]) for key in ("doc_to_visual", "doc_to_text", "doc_to_target", "process_results"))
    assert all(callable(entry["aggregation"]) and isinstance(entry["higher_is_better"], bool)
               for entry in task["metric_list"])


def test_golds_of_spar_bench_score_100_and_compare_reads_the_files(tmp_path: Path):
    rows = [row | {"image": [{"bytes": jpeg(9), "path": "a.jpg"}]} for row in mixed_rows(10, scenes=4)]
    questions = open_questions(str(make_folder(tmp_path / "bench", rows)))
    docs = [row | {"image": [Image.open(BytesIO(jpeg(9)))]} for row in questions.rows]
    task = load(TASKS / "vantage_spar_bench.yaml")
    gold = run(task, docs, tmp_path / "gold")
    assert gold == {"average": 100, "level_low": 100, "level_high": 100}

    def two_of_three(number: int, answer: str) -> str:
        return "no idea" if number % 3 == 0 else f"The answer is {answer}."

    figures = run(task, docs, tmp_path / "some", two_of_three)
    file = tmp_path / "some/org__model/20260102_samples_vantage_spar_bench.jsonl"
    ours = spar_bench.evaluate(questions, "some", tmp_path / "ours", predictions=file, progress=False)
    assert figures == {name: pytest.approx(ours.metrics[name].value) for name in figures}
    (group,) = groups_of(read_runs([tmp_path / "gold", tmp_path / "some"]))
    part = compare(group)
    assert [run.label for run in group.runs] == ["gold", "some"] and len(group.runs[0].items) == 40
    some = group.runs[1].metrics
    assert {name: (s.value, s.low, s.high, s.n) for name, s in some.items()} == {
        name: (pytest.approx(s.value), pytest.approx(s.low), pytest.approx(s.high), s.n)
        for name, s in ours.metrics.items()}
    assert part.difference("average", 0, 1).value == pytest.approx(100 - figures["average"])
    write_comparison([tmp_path / "gold", tmp_path / "some", tmp_path / "ours"], tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("<h2 id=") == 2  # of another program: not compared with ours


def test_golds_of_tagged_benchmarks_score_100_without_a_gap(tmp_path: Path):
    built(tmp_path, hand_made())
    bench = datasets.load_dataset(str(tmp_path / "set"), split="test", cache_dir=str(tmp_path / "cache"))
    task = load(TASKS / "vantage_embspatial.yaml")
    assert run(task, list(bench), tmp_path / "gold") == {"accuracy": 100, "consistent": 100, "counter": 100, "gap": 0}
    wrong = run(task, list(bench), tmp_path / "high", lambda number, gold: gold if number not in (4, 5, 6) else "x")
    assert wrong == {"accuracy": pytest.approx(75), "consistent": 100, "counter": 0, "gap": 100}
    part = compare(groups_of(read_runs([tmp_path / "high", tmp_path / "gold"]))[0])
    assert part.difference("gap", 0, 1).value == 100 and part.difference("accuracy", 0, 1).n_groups == 11  # pictures


def test_golds_of_the_tunnel_score_100(tmp_path: Path):
    build_folder(SpatialTunnel(renderer="raycast", scenes=2, tunnel=replace(TunnelSettings(), resolution=48)),
                 tmp_path / "set", progress=False, only_config="size_variation")
    docs = list(datasets.load_dataset(str(tmp_path / "set"), "size_variation", split="test",
                                      cache_dir=str(tmp_path / "cache")))
    task = load(TASKS / "vantage_tunnel_size.yaml")
    assert run(task, docs, tmp_path / "gold", lambda number, gold: f"{gold}.") == {
        "accuracy": 100, "consistent": 100, "counter": 100, "gap": 0}
    assert run(task, docs, tmp_path / "yes", lambda number, gold: "Yes")["accuracy"] == 50


def test_golds_of_cv_bench_score_100(tmp_path: Path):
    rows = [cv_row(number, (10, 10, 50, 50), (90, 90, 99, 99), answer) for number, answer in enumerate(("(A)", "(B)"))]
    docs = [row | {"heuristic": "", "image": Image.open(BytesIO(jpeg(9)))} for row in rows]
    assert run(load(TASKS / "vantage_cv_bench.yaml"), docs, tmp_path / "gold") == {"accuracy": 100}


def written(folder: Path, model: str, right: set[int]) -> Path:
    """Both kinds of files as lmms-eval 0.7.3 writes them for BLINK (two of its tasks), 3DSRBench and VSI-Bench."""
    clt = {"acc": 0.18298126367784995}
    blink = {f"blink_{name}": [{
        "doc_id": i, "target": "(B)", "filtered_resps": "B" if i in right else "A", "token_counts": [None],
        "doc_hash": "74234e98", "blink_acc": {"id": f"val_{i}", "gt_content": "B", "pred_parsed": "?", "pred": "?",
                                              "sub_task": name, "is_correct": i in right}, "input": "?"}
        for i in range(count)] for name, count in (("counting", 8), ("relative_depth", 6))}
    kinds = ["height_higher", "location_above"]
    entries = [{"index": f"I{i}", "qid": f"I{i}", "score": float(i in right), "category": kinds[i % 2],
                "main_category": kinds[i % 2].partition("_")[0]} for i in range(8)]
    names = ["vanilla_accuracy", "height_accuracy", "height_higher_accuracy", "location_accuracy"]
    sr = [{"doc_id": i, "target": "B", "filtered_resps": "B"} | dict.fromkeys([*names, "flip_accuracy"], entry)
          for i, entry in enumerate(entries)]
    docs = [{"question_type": "route_planning", "accuracy": float(i in right)} if i < 4 else
            {"question_type": "object_counting", "MRA:.5:.95:.05": 0.3 * (i - 3)} for i in range(7)]
    vsi = [{"doc_id": i, "target": "?", "filtered_resps": "?"} | dict.fromkeys(
        ["vsibench_overall", "route_planning_accuracy", "object_counting_mra"], doc) for i, doc in enumerate(docs)]

    def mean(values: list) -> float:
        return sum(values) / len(values)

    accs = {task: mean([one["blink_acc"]["is_correct"] for one in logged]) for task, logged in blink.items()}
    route = mean([doc["accuracy"] for doc in docs[:4]])
    of_sr = {"vanilla_accuracy": mean([e["score"] for e in entries]),
             **{f"{kind}_accuracy": mean([e["score"] for e in entries if kind in (e["category"], e["main_category"])])
                for kind in ("height", "height_higher", "location")}}
    results = {
        "3dsrbench": {"alias": "3dsrbench", "flip_accuracy,none": [], "flip_accuracy_stderr,none": []} | {
            f"{name},none": value for name, value in of_sr.items()} | {
            f"{name}_stderr_clt,none": clt["acc"] for name in of_sr},
        "blink": {"blink_acc,none": mean([*accs.values()]), "blink_acc_stderr,none": "N/A", "alias": "blink"},
        **{task: {"alias": f" - {task}", "blink_acc,none": acc, "blink_acc_stderr,none": "N/A"}
           for task, acc in accs.items()},
        "vsibench": {"alias": "vsibench", "vsibench_overall,none": round((route + 0.6) / 2, 6),
                     "route_planning_accuracy,none": round(route, 6), "object_counting_mra,none": 0.6},
    }
    counts = {"3dsrbench": 8, "blink_counting": 8, "blink_relative_depth": 6, "vsibench": 7}
    out = folder / model.replace("/", "__")
    out.mkdir(parents=True)
    (out / "20260102_101010_results.json").write_text(json.dumps({
        "results": results, "groups": {"blink": results["blink"]},
        "group_subtasks": {"3dsrbench": [], "blink": [*accs], "vsibench": []},
        "configs": {name: {"task": name, "dataset_path": f"org/{name}", "test_split": "test",
                           "metadata": [{"version": 0.0}]} for name in counts},
        "versions": dict.fromkeys(counts, "Yaml"), "n-shot": dict.fromkeys(counts, 0), "higher_is_better": {},
        "n-samples": {name: {"original": n, "effective": n} for name, n in counts.items()},
        "config": {"model": "qwen2_5_vl"}, "git_hash": None, "lmms_eval_version": "0.7.3", "date": "20260102_101010",
        "model_source": "qwen2_5_vl", "model_name": model, "model_name_sanitized": out.name}))
    for task, logged in {**blink, "3dsrbench": sr, "vsibench": vsi}.items():
        (out / f"20260102_101010_samples_{task}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in logged))
    return folder


def test_lmms_eval_s_own_tasks_have_intervals_and_differences_where_their_samples_explain_them(tmp_path: Path):
    one, two = written(tmp_path / "a", "org/one", {0, 1, 2, 5}), written(tmp_path / "b", "org/two", {1, 2})
    groups = {group.asked.recipe.removeprefix("lmms-eval: "): group for group in groups_of(read_runs([one, two]))}
    assert set(groups) == {"3dsrbench", "blink", "blink_counting", "blink_relative_depth", "vsibench"}
    assert all(len(group.runs) == 2 and group.scale == 1 for group in groups.values())
    sr = groups["3dsrbench"].runs[0].metrics
    low, high = wilson(2, 4)
    assert {name: (score.value, score.n) for name, score in sr.items()} == {
        "vanilla_accuracy": (0.5, 8), "height_accuracy": (0.5, 4), "height_higher_accuracy": (0.5, 4),
        "location_accuracy": (0.5, 4)}
    assert (sr["height_accuracy"].low, sr["height_accuracy"].high) == (pytest.approx(low), pytest.approx(high))
    assert groups["blink"].runs[0].metrics["blink_acc"].n == 14  # of its tasks together
    assert isnan(groups["blink"].runs[0].metrics["blink_acc"].low)  # a mean of means
    vsi = groups["vsibench"].runs[0].metrics
    assert (vsi["route_planning_accuracy"].n, vsi["object_counting_mra"].n) == (4, 3)
    assert isnan(vsi["vsibench_overall"].low) and vsi["object_counting_mra"].value == pytest.approx(0.6)
    difference = compare(groups["3dsrbench"]).difference("location_accuracy", 0, 1)
    assert (difference.value, difference.n) == (pytest.approx(0.25), 4)  # 1 and 5 against 1 alone
    assert compare(groups["blink_counting"]).difference("blink_acc", 0, 1).value == pytest.approx(0.25)
    assert compare(groups["vsibench"]).difference("vsibench_overall", 0, 1) is None
    write_comparison([one, two], tmp_path / "page.html")
    assert "0.500" in (tmp_path / "page.html").read_text()


def test_one_error_for_all_figures_of_a_task_is_not_taken_for_theirs(tmp_path: Path):
    folder = written(tmp_path, "org/one", {0, 1})
    for path in folder.glob("*/*_samples_*"):
        path.unlink()
    runs = {run.results.recipe: run for run in read_runs([folder])}
    assert all(isnan(score.low) for score in runs["lmms-eval: 3dsrbench"].metrics.values())


@pytest.mark.parametrize("text", ["{", "[]", '{"results": []}'])
def test_broken_results_are_named(tmp_path: Path, text: str):
    (tmp_path / "x_results.json").write_text(text)
    with pytest.raises(InputError, match=r"x_results\.json: not readable as results of lmms-eval"):
        read_runs([tmp_path])


def test_results_of_other_tasks_are_shown_with_their_errors(tmp_path: Path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/20260102_results.json").write_text(json.dumps({
        "results": {"other": {"acc,none": 0.5, "acc_stderr_clt,none": 0.1, "acc_stderr,none": "N/A", "alias": "other"}},
        "model_name": "org/m", "n-samples": {"other": {"original": 25, "effective": 25}}}))
    (only,) = read_runs([tmp_path])
    score = only.metrics["acc"]
    assert (score.value, score.n, only.label) == (0.5, 25, "org/m")
    assert (score.low, score.high) == (pytest.approx(0.5 - 0.196, abs=1e-4), pytest.approx(0.5 + 0.196, abs=1e-4))
    write_comparison([tmp_path], tmp_path / "page.html")
    assert "No scores of single questions" in (tmp_path / "page.html").read_text()
