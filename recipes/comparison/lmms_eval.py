"""Results that lmms-eval wrote: ``<date>_results.json``, and with ``--log_samples`` ``<date>_samples_<task>.jsonl``.

Every task gives its figures with lmms-eval's own standard error. Tasks of ``recipes/lmms_eval`` also log what each
question scored, so that their runs have our intervals (over scenes or images) and paired differences; of other tasks
only the figures are known. Runs are told to be about the same questions by a hash of the ids and golds that were
logged, else of the dataset's path, so that results of lmms-eval are compared among themselves.

To score such answers as the recipes do, give the samples file to them: ``--predictions <date>_samples_<task>.jsonl``.
"""

import hashlib
import json
from collections.abc import Mapping
from math import isfinite, nan
from pathlib import Path
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
_Z = 1.959964
"""Of a 95 % interval."""


def holds_results(folder: Path) -> bool:
    return bool(_newest(folder))


def _newest(folder: Path) -> Path | None:
    """lmms-eval puts the files of a model into a folder below ``--output_path``, named by date."""
    found = [*folder.glob(_RESULTS), *folder.glob(f"*/{_RESULTS}")]
    return max(found, key=lambda path: path.name, default=None)


def read_results(folder: Path) -> list[tuple[Results, Items, Answers]]:
    """The newest run in the folder, task by task.

    Raises:
        InputError: a file that cannot be read.
    """
    path = _newest(folder)
    assert path is not None
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        tasks = held["results"]
        return [_of_task(held, task, figures, path) for task, figures in tasks.items() if _numbers(figures)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = type(error).__name__
        raise InputError(f"{path}: not readable as results of lmms-eval ({what}: {error})") from error


def _of_task(
    held: Mapping[str, Any], task: str, figures: Mapping[str, Any], path: Path
) -> tuple[Results, Items, Answers]:
    config = held.get("configs", {}).get(task, {})
    samples = _samples(path.with_name(path.name.replace("_results.json", f"_samples_{task}.jsonl")))
    items = {sample["id"]: Item(sample["score"], sample["group"], tuple(sample["parts"]))
             for sample in samples if {"id", "score", "group", "parts"} <= sample.keys()}
    answers = {sample["id"]: Answer(sample["raw_text"], sample["raw_text"], "ok", None, 0.0)
               for sample in samples if sample.get("id") in items}
    n = held.get("n-samples", {}).get(task, {}).get("effective", len(samples))
    metrics = {}
    for key, value in _numbers(figures).items():
        reach = _Z * _error(figures, key)
        metrics[key.partition(",")[0]] = Score(value, n, value - reach, value + reach, "lmms-eval stderr", n, 1, 0)
    repo = str(config.get("dataset_path", task))
    notes = config.get("metadata") if isinstance(config.get("metadata"), dict) else {}
    identity = sorted((sample["id"], str(sample["target"])) for sample in samples if sample.get("id") in items)
    dataset = {"repo": repo, "revision": None,
               "manifest_sha256": "lmms-eval:" + hashlib.sha256(repr(identity or repo).encode()).hexdigest()[:24]}
    model = held.get("model_name") or str(held.get("model_source") or path.parent.name)
    parts = figures_of(items)
    composed = means_over(list(parts)) if "average" in metrics else {"gap": {DIFFERENCE: ["consistent", "counter"]}}
    metrics |= _of_items(items, {name: {MEAN: [name]} for name in parts} | composed)
    settings = {"config": config.get("dataset_name") or "default", "split": config.get("test_split") or "",
                "unit": notes.get("unit", ""), "composed": composed,
                "answerer": {"generation_kwargs": config.get("generation_kwargs", {})}}
    return Results(f"lmms-eval: {task}", model, dataset, metrics, settings, {}), items, answers


def _of_items(items: Items, made_of: Composed) -> dict[str, Score]:
    """The figures in percent, with intervals over the groups that the items name."""
    parts, found = figures_of(items), {}
    for name, ((kind, names),) in ((name, parts_of.items()) for name, parts_of in made_of.items()):
        if all(part in parts for part in names):
            own = [[items[uid] for uid in parts[part]] for part in names]
            value, (low, high, method, n, n_groups) = figure_of(
                [np.array([item.score for item in part]) for part in own],
                [[item.group for item in part] for part in own], kind)
            assert low is not None and high is not None  # no part is empty
            found[name] = Score(100 * value, n, 100 * low, 100 * high, method, n_groups, len(names), 0)
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
