"""Score a model, or answers it has given, on the yes/no configs of SpatialTunnel: does it see depth, or height?

    python recipes/spatial_tunnel.py --dataset build/tunnel --model baseline:higher-is-farther --out build/runs/higher
    python recipes/spatial_tunnel.py --dataset build/tunnel --config phase_variation --model my-model \\
           --predictions margins.parquet --out build/runs/mine

Writes predictions.parquet, results.json and report.html (figures: heat maps over both angles, the size curve) into
--out. p = sigmoid(logit_yes - logit_no), v = p where Yes is right, else 1 - p; delta = v(consistent) - v(counter);
delta_s = v at the smallest size of the farther object - v at the largest. Beside each stand accuracy (the share of
right signs) and, where the model writes its answers too (unless --set exact_match=false), exact match. Figures are
fractions. Run the same command again after an interruption: answers given are kept. Exit codes: 0 done; 1 failed; 2 bad
arguments or input.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.errors import InputError
from recipes import evaluation
from recipes.answerers import make_yes_no_answerer, options
from recipes.answerers.settings import DEFAULTS
from recipes.evaluation import Recipe, Scored
from recipes.given_answers import read_given_margins
from recipes.predictions import FILE_NAME, Answers
from recipes.questions import Questions, Row, open_questions
from recipes.results import Results
from recipes.shards import Shard, run_on_gpus
from recipes.tunnel_scoring import SIZE, score_tunnel

CONFIGS = ("phase_variation", "size_variation", "horizontal_control", "roll_control")
"""Those with yes/no questions; contrastive_probing is for probing."""

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: options.Dataset,
    model: Annotated[str, options.model_option("oracle, random, always-yes, higher-is-farther or bigger-is-closer")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet, results.json and report.html.")],
    revision: options.Revision = "",
    config: Annotated[list[str], typer.Option(help="Of the dataset; may be repeated (default: all with yes/no "
                                              "questions).")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Of the dataset.")] = "test",
    limit: options.Limit = 0,
    batch_size: options.BatchSize = 64,
    predictions: Annotated[Path | None, options.predictions_option(
        "id (index; of several configs config/index) and margin (logit_yes - logit_no), or raw_text")] = None,
    cluster: Annotated[str, typer.Option(help="What shares its errors, for intervals: scene or image.")] = "scene",
    prompts: options.Prompts = DEFAULTS.prompts,
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = 0,
    shard_index: options.ShardIndex = 0,
    num_shards: options.NumShards = 1,
    gpus: options.Gpus = 0,
) -> None:
    from recipes.reporting.compare_page import write_comparison

    questions = open_tunnel(dataset, revision or None, config, split)
    if gpus:
        run_on_gpus(gpus)
        return
    results = evaluation.evaluate(tunnel_recipe(cluster), questions, model, out, limit=limit, batch_size=batch_size,
                                  predictions=predictions, seed=seed,
                                  asking=options.asking(prompts, set_), shard=Shard(shard_index, num_shards))
    print(tunnel_text(results))
    write_comparison([out], out / "report.html", tables=False)
    print(f"{out}: {FILE_NAME}, results.json, report.html")


def open_tunnel(
    dataset: str, revision: str | None = None, configs: Sequence[str] = (), split: str = "test"
) -> Questions:
    """The yes/no questions of SpatialTunnel. Each row says its ``config``; its ``uid`` is its index, or where there
    are several configs ``config/index``.

    Raises:
        InputError: another dataset, or a config without yes/no questions.
    """
    if wrong := [name for name in configs if name not in CONFIGS]:
        raise InputError(f"--config {wrong[0]}: expected one with yes/no questions: {', '.join(CONFIGS)}")
    questions = open_questions(dataset, revision, configs, split)
    if questions.manifest["dataset"] != "spatial_tunnel":
        raise InputError(f"{dataset}: holds {questions.manifest['dataset']}, not spatial_tunnel")
    held = [name for name in configs or CONFIGS if f"{name}/{split}" in questions.manifest["rows"]]
    if not held:
        raise InputError(f"{dataset}: has no yes/no questions, only {', '.join(questions.manifest['rows'])}")
    if not configs:
        questions = replace(open_questions(dataset, revision, held, split), config="all")
    counts = questions.manifest["rows"]
    names = [name for name in dict.fromkeys(held) for _ in range(counts[f"{name}/{split}"])]
    several = len(set(held)) > 1
    rows = [row | {"config": name, "uid": f"{name}/{row['index']}" if several else str(row["index"]),
                   "metric": "correctness"}
            for name, row in zip(names, questions.rows, strict=True)]
    return replace(questions, rows=rows)


def tunnel_recipe(cluster: str = "scene") -> Recipe:
    """The recipe with intervals clustered by ``scene`` or ``image``.

    Raises:
        InputError: another word.
    """
    if cluster not in ("scene", "image"):
        raise InputError(f"--cluster {cluster}: expected scene or image")

    def score(rows: Sequence[Row], answers: Answers) -> Scored:
        margins = {uid: given.margin for uid, given in answers.items()}
        wrote = any(given.raw_text for given in answers.values())
        said = {uid: given.answer for uid, given in answers.items()} if wrote else None
        scored = score_tunnel(rows, margins, cluster, said)
        return Scored(scored.metrics, scored.items, scored.composed, {
            "unit": "fraction", "cluster": cluster, "uninformative": scored.uninformative})

    return Recipe("spatial_tunnel", make_yes_no_answerer, read_given_margins, score)


evaluate = partial(evaluation.evaluate, tunnel_recipe())


def tunnel_text(results: Results) -> str:
    """The main figures as a table for the terminal; results.json has them all."""
    units = results.settings["cluster"] + "s"
    lines = [f"{results.model} on {results.dataset['repo']}", "",
             f"{'':<42}{'value':>8}  {'95 % interval':<18}{'questions':>9}{units:>8}{'unread':>8}"]
    for name, score in results.metrics.items():
        if SIZE in name or (("/accuracy_" in name or "/exact_match_" in name) and "delta" not in name):
            continue
        interval = f"[{score.low:.3f}, {score.high:.3f}]"
        note = "  uninformative: v may be chance" if name in results.settings["uninformative"] else ""
        lines.append(f"{name:<42}{score.value:>8.3f}  {interval:<18}{score.n:>9}{score.n_groups:>8}"
                     f"{score.n_unparsed:>8}{note}")
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(app)
