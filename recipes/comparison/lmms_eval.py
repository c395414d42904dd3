"""Results that lmms-eval wrote: ``<date>_results.json``, and with ``--log_samples`` ``<date>_samples_<task>.jsonl``.

Tasks of ``recipes/lmms_eval`` log what each question scored, so that their runs have our intervals (over scenes or
images) and paired differences. Of other tasks it is read from what they log under a figure's name: a number, or an
entry with one (``_SCORES``). It is believed where it explains the figure, as the mean over the questions whose entry
names the figure's stem (``height_accuracy``: category ``height``), or over all. Other figures, such as means of means,
are shown as they are, with lmms-eval's standard error where it is the figure's own: lmms-eval 0.7.3 gives every figure
of a task that of all its questions. Groups of tasks have no questions of their own.

Runs are told to be about the same questions by a hash of the ids and golds that were logged, else of the dataset's
path, so that results of lmms-eval are compared among themselves.

To score such answers as the recipes do, give the samples file to them: ``--predictions <date>_samples_<task>.jsonl``.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite, nan
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from builders.errors import InputError
from recipes.answerers.answerer import Answer
from recipes.comparison.figures import figure_of
from recipes.items import DIFFERENCE, MEAN, Composed, Item, Items, figures_of
from recipes.predictions import Answers
from recipes.results import Results
from recipes.scoring import Score, means_over

_RESULTS = "*_results.json"
_EARLIER = "earlier_"
_KEPT = {"id", "score", "group", "parts"}
"""What our tasks log with each question."""
_Z = 1.959964
"""Of a 95 % interval."""
_SCORES = ("score", "is_correct", "accuracy", "MRA:.5:.95:.05")
"""Under which tasks log what a question scored, 0 to 1: 3DSRBench; BLINK and CV-Bench; VSI-Bench."""
_ROUNDING = 1e-6
"""Of figures: VSI-Bench's have six decimals."""


def holds_results(folder: Path) -> bool:
    return bool(newest(folder))


def newest(folder: Path) -> Path | None:
    """The results of the newest run; None where there is none. lmms-eval puts the files of a model into a folder below
    ``--output_path`` and names them by date."""
    return max(_all_results(folder), key=lambda path: path.name, default=None)


def _all_results(folder: Path) -> list[Path]:
    return [path for path in (*folder.glob(_RESULTS), *folder.glob(f"*/{_RESULTS}"))
            if not path.name.startswith(_EARLIER)]


def put_aside(folder: Path) -> None:
    """Let earlier results be read no more."""
    for path in _all_results(folder):
        path.replace(path.with_name(f"{_EARLIER}{path.name}"))


def _read(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(held, dict) and isinstance(held.get("results"), dict):
            return held
        raise ValueError("no results in it")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as results of lmms-eval ({type(error).__name__}: {error})") from error


def read_results(folder: Path) -> list[tuple[Results, Items, Answers]]:
    """The newest run in the folder, task by task.

    Raises:
        InputError: a file that cannot be read.
    """
    path = newest(folder)
    assert path is not None
    held = _read(path)
    try:
        return [_of_task(held, task, figures, path) for task, figures in held["results"].items() if _numbers(figures)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = type(error).__name__
        raise InputError(f"{path}: not readable as results of lmms-eval ({what}: {error})") from error


def _of_task(
    held: Mapping[str, Any], task: str, figures: Mapping[str, Any], path: Path
) -> tuple[Results, Items, Answers]:
    config = held.get("configs", {}).get(task, {})
    notes = config.get("metadata") if isinstance(config.get("metadata"), dict) else {}
    values = {key.partition(",")[0]: value for key, value in _numbers(figures).items()}
    unit = notes.get("unit") or ("fraction" if all(0 <= value <= 1 for value in values.values()) else "")
    scale = 1.0 if unit == "fraction" else 100.0
    samples = _samples(path.with_name(path.name.replace("_results.json", f"_samples_{task}.jsonl")))
    if samples and not any(sample.keys() >= _KEPT for sample in samples):
        samples = _understood(samples, {name: value / scale for name, value in values.items()})
    items = {sample["id"]: Item(sample["score"], sample["group"], tuple(sample["parts"]))
             for sample in samples if sample.keys() >= _KEPT}
    answers = {sample["id"]: Answer(str(sample["raw_text"]), str(sample["raw_text"]), "ok", None, 0.0)
               for sample in samples if sample.get("id") in items}
    n = _count(held, task) or len(samples)
    errors = {name: _error(figures, key) for key in _numbers(figures) for name in [key.partition(",")[0]]}
    shared = {error for error, count in Counter(errors.values()).items() if count > 1}
    metrics = {}
    for name, value in values.items():
        reach = _Z * (nan if errors[name] in shared else errors[name])
        metrics[name] = Score(value, n, value - reach, value + reach, "lmms-eval stderr", n, 1, 0)
    repo = str(config.get("dataset_path", task))
    identity = sorted((sample["id"], str(sample.get("target"))) for sample in samples if sample.get("id") in items)
    dataset = {"repo": repo, "revision": None,
               "manifest_sha256": "lmms-eval:" + hashlib.sha256(repr(identity or repo).encode()).hexdigest()[:24]}
    model = held.get("model_name") or str(held.get("model_source") or path.parent.name)
    parts = figures_of(items)
    composed = means_over(list(parts)) if "average" in metrics else {"gap": {DIFFERENCE: ["consistent", "counter"]}}
    metrics |= _of_items(items, {name: {MEAN: [name]} for name in parts} | composed, scale)
    settings = {"config": config.get("dataset_name") or "default", "split": config.get("test_split") or "",
                "unit": unit, "composed": composed,
                "answerer": {"generation_kwargs": config.get("generation_kwargs", {}),
                             "lmms_eval": held.get("lmms_eval_version")}}
    return Results(f"lmms-eval: {task}", model, dataset, metrics, settings, {}), items, answers


def _count(held: Mapping[str, Any], task: str) -> int:
    """Questions of a task; of a group, those of its tasks."""
    counts = held.get("n-samples", {})
    names = held.get("group_subtasks", {}).get(task) or [task]
    return sum(counts.get(name, {}).get("effective", 0) for name in names)


def _understood(samples: Sequence[dict[str, Any]], figures: Mapping[str, float]) -> list[dict[str, Any]]:
    """Samples of a task of lmms-eval's own, with the fields of ours: those figures are parts of a question that are
    means over its questions.

    Args:
        figures: 0 to 1.
    """
    scores: dict[int, float] = {}
    parts: dict[int, list[str]] = {number: [] for number in range(len(samples))}
    for name, figure in figures.items():
        logged = {number: (value, sample[name]) for number, sample in enumerate(samples)
                  if name in sample and (value := _score_of(sample[name])) is not None}
        named = [number for number, (_, entry) in logged.items() if _names(entry, name.rpartition("_")[0])]
        for numbers in (named, list(logged)):
            own = {number: logged[number][0] for number in numbers}
            if own and abs(fmean(own.values()) - figure) <= _ROUNDING and all(
                    scores.get(number, value) == value for number, value in own.items()):
                scores |= own
                for number in own:
                    parts[number].append(name)
                break
    return [sample | {"id": str(sample.get("doc_id", number)), "score": scores[number], "parts": parts[number],
                      "group": str(sample.get("doc_id", number)), "raw_text": sample.get("filtered_resps", "")}
            if number in scores else sample for number, sample in enumerate(samples)]


def _score_of(entry: Any) -> float | None:
    """What a question scored, 0 to 1; None where the entry does not say."""
    values = [entry.get(key) for key in _SCORES] if isinstance(entry, dict) else [entry]
    return next((float(value) for value in values if isinstance(value, bool | int | float) and 0 <= value <= 1), None)


def _names(entry: Any, stem: str) -> bool:
    """Whether an entry says that its question is of this kind."""
    return isinstance(entry, dict) and stem in [value for value in entry.values() if isinstance(value, str)]


def _of_items(items: Items, made_of: Composed, scale: float) -> dict[str, Score]:
    """The figures, a score of 1 being ``scale``, with intervals over the groups that the items name."""
    parts, found = figures_of(items), {}
    for name, ((kind, names),) in ((name, parts_of.items()) for name, parts_of in made_of.items()):
        if all(part in parts for part in names):
            own = [[items[uid] for uid in parts[part]] for part in names]
            value, (low, high, method, n, n_groups) = figure_of(
                [np.array([item.score for item in part]) for part in own],
                [[item.group for item in part] for part in own], kind)
            assert low is not None and high is not None  # no part is empty
            found[name] = Score(scale * value, n, scale * low, scale * high, method, n_groups, len(names), 0)
    return found


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """``<metric>,<filter>`` -> value, without errors of others and without words."""
    return {key: float(value) for key, value in figures.items()
            if "," in key and "_stderr" not in key and isinstance(value, int | float) and isfinite(value)}


def _error(figures: Mapping[str, Any], key: str) -> float:
    """The standard error that lmms-eval gives with a figure, clustered where it is; NaN where it gives none."""
    name, _, filtered = key.partition(",")
    errors = (figures.get(f"{name}_{kind},{filtered}") for kind in ("stderr_clustered", "stderr", "stderr_clt"))
    return next((float(error) for error in errors if isinstance(error, int | float) and isfinite(error)), nan)


def _samples(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
