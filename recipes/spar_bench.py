"""Score a model, or answers it has given, on SPAR-Bench or on a split of SPAR-7M.

    python recipes/spar_bench.py --dataset build/bench --model baseline:random --out build/runs/random
    python recipes/spar_bench.py --dataset build/bench --model my-model --predictions answers.csv --out build/runs/mine
    python recipes/spar_bench.py --dataset build/spar_7m --split validation --model baseline:random --out build/runs/v

Writes predictions.parquet and results.json into --out. Run the same command again after an interruption: answers given
are kept. Scores are percentages: mean relative accuracy (MRA) for numbers, accuracy for choices, and what the metric of
the row says for other answers. A task that is asked in several formats has a score for each; sentences are not scored.
A level is the mean of its tasks (and formats), the average that of all. Exit codes: 0 done; 1 failed; 2 bad arguments
or input.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from recipes import evaluation
from recipes.answerers import make_answerer, options
from recipes.answerers.settings import DEFAULTS
from recipes.evaluation import Recipe, Scored
from recipes.given_answers import read_given_answers
from recipes.predictions import FILE_NAME, Answers
from recipes.questions import Row, open_questions, require_spar
from recipes.score_text import score_text
from recipes.scoring import chance, score
from recipes.shards import Shard, run_on_gpus


def _score(rows: Sequence[Row], answers: Answers) -> Scored:
    scored = score(rows, {uid: given.answer for uid, given in answers.items()})
    return Scored(scored.metrics, scored.items, scored.composed, {"unit": "percent", "chance": chance(rows)})


evaluate = partial(evaluation.evaluate, Recipe("spar_bench", make_answerer, read_given_answers, _score))

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: options.Dataset,
    model: Annotated[str, options.model_option("oracle, random or frequency")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet and results.json.")],
    revision: options.Revision = "",
    config: Annotated[list[str], typer.Option(help="Of the dataset; may be repeated. Default: its config default, or "
                                              "where it has none (SPAR-7M) all that hold questions.")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Of the dataset; SPAR-7M has train and validation.")] = "test",
    limit: options.Limit = 0,
    batch_size: options.BatchSize = 64,
    predictions: Annotated[Path | None, options.predictions_option("id (the row's uid) and raw_text")] = None,
    prompts: options.Prompts = DEFAULTS.prompts,
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = 0,
    shard_index: options.ShardIndex = 0,
    num_shards: options.NumShards = 1,
    gpus: options.Gpus = 0,
) -> None:
    questions = open_questions(dataset, revision or None, config, split)
    require_spar(questions)
    if gpus:
        run_on_gpus(gpus)
        return
    results = evaluate(questions, model, out, limit=limit, batch_size=batch_size, predictions=predictions, seed=seed,
                       asking=options.asking(prompts, set_), shard=Shard(shard_index, num_shards))
    print(score_text(results))
    print(f"{out}: {FILE_NAME}, results.json")


if __name__ == "__main__":
    run_command(app)
