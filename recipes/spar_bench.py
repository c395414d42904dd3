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

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.errors import InputError
from recipes.answerers import make_answerer
from recipes.given_answers import read_given_answers
from recipes.predictions import FILE_NAME, answer_all, read_predictions, write_predictions
from recipes.questions import Questions, open_questions, require_spar
from recipes.results import Results, make_results, write_results
from recipes.score_text import score_text
from recipes.scoring import score

RECIPE = "spar_bench"

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: Annotated[str, typer.Option(metavar="DIR_OR_REPO", help="A folder of scripts/build.py, or ORG/NAME.")],
    model: Annotated[str, typer.Option(help="baseline:oracle, baseline:random or baseline:frequency; with "
                                       "--predictions, the name to report.")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet and results.json.")],
    revision: Annotated[str, typer.Option(help="Of a Hub repository: tag, branch or commit.")] = "",
    config: Annotated[list[str], typer.Option(help="Of the dataset; may be repeated. Default: its config default, or "
                                              "where it has none (SPAR-7M) all that hold questions.")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Of the dataset; SPAR-7M has train and validation.")] = "test",
    limit: Annotated[int, typer.Option(min=0, help="Only the first so many questions; 0: all.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Questions the model gets at once.")] = 64,
    predictions: Annotated[Path | None, typer.Option(metavar="FILE", help="Score these answers: .parquet, .jsonl or "
                                                     ".csv with id (the row's uid) and raw_text.")] = None,
    seed: Annotated[int, typer.Option(help="Of answers that are drawn.")] = 0,
) -> None:
    questions = open_questions(dataset, revision or None, config, split)
    require_spar(questions)
    results = evaluate(questions, model, out, limit=limit, batch_size=batch_size, predictions=predictions, seed=seed)
    print(score_text(results))
    print(f"{out}: {FILE_NAME}, results.json")


def evaluate(
    questions: Questions,
    model: str,
    out: Path,
    *,
    limit: int = 0,
    batch_size: int = 64,
    predictions: Path | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Results:
    """Answer the questions (or read the answers given), score them, and write both files into ``out``.

    Raises:
        InputError: an unknown model, a predictions file that does not fit, or ``out`` belongs to another run.
    """
    asked = questions.scored(limit)
    if not asked:
        held = f"{questions.config}/{questions.split}"
        raise InputError(f"{questions.repo}: {held} holds no question that a metric scores")
    run = {
        "recipe": RECIPE,
        "model": model,
        "seed": seed,
        "config": questions.config,
        "split": questions.split,
        "manifest_sha256": questions.manifest_sha256,
        "answers": "given" if predictions else "asked",
    }
    path = out / FILE_NAME
    if predictions:
        read_predictions(path, run)
        answers = read_given_answers(predictions, questions.rows)
        write_predictions(path, run, answers, questions.rows)
    else:
        answerer = make_answerer(model, [questions.rows[position] for position in questions.scored()], seed)
        answers = answer_all(answerer, questions, limit, path, run, batch_size, progress)
    rows = [questions.rows[position] for position in asked]
    scored = score(rows, {uid: given.answer for uid, given in answers.items()})
    settings = {
        "config": questions.config,
        "split": questions.split,
        "limit": limit,
        "seed": seed,
        "predictions": predictions.name if predictions else None,
        "confidence": 0.95,
        "unscored": len(questions.rows) - len(questions.scored()),
        "answers_by_status": dict(Counter(answers[row["uid"]].status for row in rows).most_common()),
    }
    results = make_results(RECIPE, model, questions, scored.metrics, settings)
    write_results(out, results)
    return results


if __name__ == "__main__":
    run_command(app)
