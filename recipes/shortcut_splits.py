"""Score a model, or answers it has given, where "higher is farther" holds and where it does not.

A model that has learned from photographs that the higher of two objects is mostly the farther one is right on
consistent rows and wrong on counter rows, and the gap between the two says so. Tag a benchmark and score a model:

    python scripts/build.py embspatial_tagged --source hub --out build/embspatial
    python recipes/shortcut_splits.py --dataset build/embspatial --model my-model \\
           --predictions answers.csv --out build/runs/mine

The same without the Hub, with an answerer that has nothing but the shortcut, and a glance at one split alone:

    python scripts/build.py embspatial_tagged --renderer raycast --out build/rooms
    python recipes/shortcut_splits.py --dataset build/rooms --model baseline:higher-is-farther --out build/runs/higher
    python recipes/shortcut_splits.py --dataset build/rooms --split counter --model baseline:random --out build/runs/r

Takes embspatial_tagged, cv_bench_tagged, and of spar_bench and spar_7m (--split validation) the rows that carry a tag.
Writes predictions.parquet, results.json and report.html (figure, table, pictures) into --out. Figures are percentages:
the share of right choices, or of numbers their mean relative accuracy; gap = consistent - counter. Intervals are 95 %,
clustered by image. Below 20 images of a tag they are wide for good reason: read the gap with its interval, and not at
all where it is called uninformative (scores near chance). Run the same command again after an interruption: answers
given are kept. Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.errors import InputError
from recipes import evaluation
from recipes.answerers import make_answerer, options
from recipes.answerers.answerer import Answerer
from recipes.answerers.baselines import BASELINES
from recipes.answerers.settings import DEFAULTS, AnswererSettings
from recipes.answerers.shortcuts import SHORTCUTS
from recipes.evaluation import Recipe, Scored
from recipes.given_answers import read_given_answers
from recipes.predictions import FILE_NAME, Answers
from recipes.questions import Row
from recipes.results import Results
from recipes.shards import Shard, run_on_gpus
from recipes.shortcut_questions import open_shortcuts
from recipes.shortcut_scoring import FEW_GROUPS, GAP, few_groups, score_shortcuts

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_LABEL = 34
"""Width of the first column."""


@app.command(help=__doc__)
def main(
    dataset: options.Dataset,
    model: Annotated[str, options.model_option("oracle, random, frequency, higher-is-farther or bigger-is-closer")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet, results.json and report.html.")],
    revision: options.Revision = "",
    config: Annotated[list[str], typer.Option(help="Of the dataset (default: default, every row; depth: those with a "
                                              "tag); may be repeated for SPAR-7M.")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Of the dataset: test, or consistent, counter or ambiguous alone (default: "
                                       "test; of config depth all three).")] = "",
    limit: options.Limit = 0,
    batch_size: options.BatchSize = 64,
    predictions: Annotated[Path | None, options.predictions_option(
        "id (question_id of EmbSpatial-Bench, idx of CV-Bench, uid of SPAR) and raw_text")] = None,
    cluster: Annotated[str, typer.Option(help="What shares its errors, for intervals: image or scene.")] = "image",
    prompts: options.Prompts = DEFAULTS.prompts,
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = 0,
    shard_index: options.ShardIndex = 0,
    num_shards: options.NumShards = 1,
    gpus: options.Gpus = 0,
) -> None:
    from recipes.reporting.compare_page import write_comparison

    recipe = shortcut_recipe(cluster)
    questions = open_shortcuts(dataset, revision or None, config, split)
    if gpus:
        run_on_gpus(gpus)
        return
    results = evaluation.evaluate(recipe, questions, model, out, limit=limit, batch_size=batch_size,
                                  predictions=predictions, seed=seed,
                                  asking=options.asking(prompts, set_), shard=Shard(shard_index, num_shards))
    print(shortcut_text(results))
    write_comparison([out], out / "report.html", tables=False)
    print(f"{out}: {FILE_NAME}, results.json, report.html")


def shortcut_recipe(cluster: str = "image") -> Recipe:
    """The recipe with intervals clustered by ``image`` or ``scene``.

    Raises:
        InputError: another word.
    """
    if cluster not in ("image", "scene"):
        raise InputError(f"--cluster {cluster}: expected image or scene")

    def score(rows: Sequence[Row], answers: Answers) -> Scored:
        scored = score_shortcuts(rows, {uid: given.answer for uid, given in answers.items()}, cluster)
        return Scored(scored.metrics, scored.items, scored.composed, {
            "unit": "percent", "cluster": cluster, "chance": scored.chance, "uninformative": scored.uninformative})

    return Recipe("shortcut_splits", _make_answerer, read_given_answers, score)


def _make_answerer(model: str, all_rows: Sequence[Row], seed: int, settings: AnswererSettings) -> Answerer:
    name = model.removeprefix("baseline:")
    if name in SHORTCUTS and any(row["heuristic"] and "far_object" not in row for row in all_rows):
        raise InputError(f"--model {model}: answers embspatial_tagged and cv_bench_tagged, whose rows name the objects "
                         f"they compare; for SPAR choose one of: {', '.join(f'baseline:{name}' for name in BASELINES)}")
    return make_answerer(model, all_rows, seed, settings, BASELINES | SHORTCUTS)


evaluate = partial(evaluation.evaluate, shortcut_recipe())


def shortcut_text(results: Results) -> str:
    """All figures as a table for the terminal."""
    settings = results.settings
    lines = [f"{results.model} on {results.dataset['repo']} ({settings['config']}/{settings['split']}), percent", "",
             f"{'':<{_LABEL}}{'score':>7}  {'95 % interval':<18}{'questions':>9}{settings['cluster'] + 's':>8}"
             f"{'unread':>8}"]
    block = ""
    for name, score in results.metrics.items():
        before, _, part = name.rpartition("/")
        if before != block:
            block = before
            lines.append(f"{block} (chance {settings['chance'][block]:.1f})")
        sign = "+" if part == GAP else ""
        interval = f"[{score.low:{sign}.1f}, {score.high:{sign}.1f}]"
        note = "  uninformative: may be chance" if name in settings["uninformative"] else ""
        label = "gap, consistent - counter" if part == GAP else part
        lines.append(f"{'  ' + label:<{_LABEL}}{score.value:>{sign}7.1f}  {interval:<18}{score.n:>9}{score.n_groups:>8}"
                     f"{score.n_unparsed:>8}{note}")
    if not any(name.endswith(f"/{GAP}") for name in results.metrics):
        lines += ["", "No gap: it takes consistent and counter rows."]
    if few := few_groups(results.metrics):
        lines += ["", f"Fewer than {FEW_GROUPS} {settings['cluster']}s ({few}): intervals say little about others."]
    if unread := {status: n for status, n in settings["answers_by_status"].items() if status != "ok"}:
        lines += ["", "Answers that score 0: " + ", ".join(f"{count} {status}" for status, count in unread.items())]
    if settings["unscored"]:
        lines += ["", f"Left out: {settings['unscored']} rows without a picture, a valid gold or an id of their own; "
                      "of SPAR, those without a tag."]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(app)
