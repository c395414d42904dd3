"""Ask a model where things stand on a bird's-eye map, and measure by how many metres it is off.

    python recipes/bev.py --dataset build/spar_3d --model baseline:random --out build/runs/bev_random
    python recipes/bev.py --dataset build/spar_3d --model my-model --predictions answers.csv --out build/runs/mine

Takes the config bev of spar_3d: three views, three to seven objects; origin below the first camera, y along its view, x
to its right (SPAR, section 4.4). ape is the mean distance between the predicted and the true place of an object, in
metres, p50 and p90 are its median and 90th percentile; the same by the object's distance from the origin (0-1, 1-2,
2-3, 3-5, 5-7, 7-10, >10). Objects that an answer leaves out, or puts at two places, have no distance: they are counted
as missing, and count as wrong in within_0.5m and within_1m, the share of a question's objects placed so near. Lower ape
at more missing objects is no better model.

Writes predictions.parquet, results.json and report.html (true and predicted places, seen from above) into --out. Run
the same command again after an interruption: answers given are kept. Exit codes: 0 done; 1 failed; 2 bad arguments or
input.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from builders.command import run_command
from metrics.position_error._core import EDGES, position_error
from metrics.position_error._intervals import mean_interval
from recipes import evaluation
from recipes.answerers import options
from recipes.answerers.settings import DEFAULTS
from recipes.bev_baselines import make_bev_answerer
from recipes.evaluation import Recipe, Scored
from recipes.given_answers import read_given_answers
from recipes.items import items_of
from recipes.placing import gold_map
from recipes.predictions import FILE_NAME, Answers, read_predictions
from recipes.questions import Row, open_spar_3d
from recipes.reporting.bev_page import write_maps
from recipes.results import Results
from recipes.scoring import Score
from recipes.shards import Shard, run_on_gpus

CONFIGS = ("bev",)
NEAR = (0.5, 1.0)
"""Metres within which an object counts as placed."""
_ERRORS = {"ape": "", "p50": "_p50", "p90": "_p90"}
"""Figure -> end of the names of its bounds in the metric's result."""

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: options.Dataset,
    model: Annotated[str, options.model_option("oracle, random or middle")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet, results.json and report.html.")],
    revision: options.Revision = "",
    split: Annotated[str, typer.Option(help="train or validation.")] = "validation",
    limit: options.Limit = 0,
    batch_size: options.BatchSize = 16,
    predictions: Annotated[Path | None, options.predictions_option("id (the row's uid) and raw_text")] = None,
    prompts: options.Prompts = DEFAULTS.prompts,
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = 0,
    shard_index: options.ShardIndex = 0,
    num_shards: options.NumShards = 1,
    gpus: options.Gpus = 0,
) -> None:
    questions = open_spar_3d(dataset, revision or None, (), split, CONFIGS)
    if gpus:
        run_on_gpus(gpus)
        return
    results = evaluate(questions, model, out, limit=limit, batch_size=batch_size, predictions=predictions, seed=seed,
                       asking=options.asking(prompts, set_), shard=Shard(shard_index, num_shards))
    print(bev_text(results))
    rows = [questions.rows[position] for position in questions.scored(limit)]
    write_maps(out / "report.html", results, rows, read_predictions(out / FILE_NAME), bev_text(results))
    print(f"{out}: {FILE_NAME}, results.json, report.html")


def _score(rows: Sequence[Row], answers: Answers) -> Scored:
    given = [answers[row["uid"]].answer for row in rows]
    golds = [gold_map(row) for row in rows]
    scenes = [f"{row['source']}/{row['scene_id']}" for row in rows]
    whole = position_error(given, golds, groups=scenes, return_items=True)
    metrics = _errors("", whole) if whole["n"] else {}
    for low, high in zip((0.0, *EDGES), (*EDGES, np.inf)):
        metrics |= _in_bin(low, high, given, golds, scenes)
    near = {limit: np.zeros(len(rows)) for limit in NEAR}
    for item in whole["items"]:
        for limit, shares in near.items():
            shares[item["sample"]] += (item["error"] <= limit) / len(golds[item["sample"]])
    for limit, shares in near.items():
        interval = mean_interval(shares, scenes)
        assert interval.low is not None and interval.high is not None  # there is at least one question
        metrics[_within(limit)] = Score(float(shares.mean()), len(rows), interval.low, interval.high, interval.method,
                                        interval.n_groups, 1, given.count(None))
    items = items_of((row["uid"] for row in rows), near[NEAR[-1]], scenes, [(_within(NEAR[-1]),)] * len(rows))
    counts = {name: whole[name] for name in ("n", "n_samples", "n_missing", "n_extra", "n_unparsed")}
    bins = [{key: None if value != value else value for key, value in row.items()} for row in whole["bins"]]
    return Scored(metrics, items, {}, {"unit": "metres", "objects": counts, "bins": bins})


evaluate = partial(evaluation.evaluate, Recipe("bev", make_bev_answerer, read_given_answers, _score))


def _within(limit: float) -> str:
    return f"within_{limit:g}m"


def _in_bin(
    low: float, high: float, given: Sequence[str | None], golds: Sequence[Mapping[str, tuple[float, float]]],
    scenes: Sequence[str],
) -> dict[str, Score]:
    """The errors of objects from ``low`` up to ``high`` metres from the origin; none where none of them was placed."""
    held = [{name: at for name, at in gold.items() if low <= np.hypot(*at) < high} for gold in golds]
    here = [i for i, gold in enumerate(held) if gold]
    result = position_error([given[i] for i in here], [held[i] for i in here], groups=[scenes[i] for i in here])
    name = f"{low:g}-{high:g}m" if np.isfinite(high) else f">{low:g}m"
    return _errors(f"{name}/", result) if result["n"] else {}


def _errors(prefix: str, result: Mapping[str, Any]) -> dict[str, Score]:
    """The three figures of objects; ``n_unparsed`` counts objects without a place."""
    found = {}
    for name, end in _ERRORS.items():
        found[prefix + name] = Score(result[name], result["n"], result[f"low{end}"], result[f"high{end}"],
                                     result["interval"], result["n_groups"], 1, result["n_missing"])
    return found


def bev_text(results: Results) -> str:
    """The figures as a table for the terminal."""
    settings, counts = results.settings, results.settings["objects"]
    lines = [f"{results.model} on {results.dataset['repo']} ({settings['config']}/{settings['split']})", "",
             f"{'metres':<16}{'mean':>8}  {'95 % interval':<16}{'median':>8}{'P90':>8}{'objects':>9}{'missing':>9}"]
    names = [name for name in results.metrics if name.rpartition("/")[2] == "ape"]
    for name in names:
        prefix = name.removesuffix("ape")
        mean, median, high = (results.metrics[prefix + figure] for figure in _ERRORS)
        interval = f"[{mean.low:.2f}, {mean.high:.2f}]" if mean.low == mean.low else "-"
        lines.append(f"{prefix.rstrip('/') or 'all':<16}{mean.value:>8.2f}  {interval:<16}{median.value:>8.2f}"
                     f"{high.value:>8.2f}{mean.n:>9}{mean.n_unparsed:>9}")
    lines += [""] + [f"Share of a question's objects within {limit:g} m: {results.metrics[_within(limit)].value:.3f}"
                     for limit in NEAR]
    lines.append(f"{counts['n_samples']} questions; {counts['n_missing']} objects missing, {counts['n_extra']} made "
                 f"up; {counts['n_unparsed']} answers without any place.")
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(app)
