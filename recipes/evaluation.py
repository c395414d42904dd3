"""What every recipe does between opening its questions and printing: answer them, or read answers given elsewhere, and
score them. Answers are kept in ``predictions.parquet``, scores in ``results.json``."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from builders.errors import InputError, ShareDone
from recipes.answerers.answerer import Answerer
from recipes.answerers.settings import DEFAULTS, AnswererSettings
from recipes.asking import answer_all
from recipes.items import Composed, Items
from recipes.predictions import (
    FILE_NAME,
    Answers,
    Counts,
    PredictionStore,
    read_predictions,
    write_items,
    write_predictions,
)
from recipes.questions import Questions, Row
from recipes.results import Results, make_results, write_results
from recipes.scoring import Score
from recipes.shards import WHOLE, Shard


class Scored(NamedTuple):
    """What a recipe makes of answers."""

    metrics: dict[str, Score]
    items: Items
    composed: Composed
    """How the figures are made that are no mean over items."""
    settings: dict[str, Any]
    """What the recipe adds to the settings in ``results.json``."""


@dataclass(frozen=True)
class Recipe:
    """In what one recipe differs from another."""

    name: str
    make_answerer: Callable[[str, Sequence[Row], int, AnswererSettings], Answerer]
    """(``--model``, all scored rows of the split, seed, settings) -> what answers."""
    read_given: Callable[[Path, Sequence[Row]], Answers]
    """(``--predictions``, all rows) -> an answer to every scored row."""
    score: Callable[[Sequence[Row], Answers], Scored]
    """(rows asked, answers)."""


def evaluate(
    recipe: Recipe,
    questions: Questions,
    model: str,
    out: Path,
    *,
    limit: int = 0,
    batch_size: int = 64,
    predictions: Path | None = None,
    seed: int = 0,
    asking: AnswererSettings = DEFAULTS,
    shard: Shard = WHOLE,
    progress: bool = True,
) -> Results:
    """Answer the questions (or read the answers given), score them, and write both files into ``out``.

    Raises:
        InputError: nothing to score, an unknown model, a predictions file that does not fit, or ``out`` belongs to
            another run.
        ShareDone: other shards have not answered theirs; the last of them scores.
    """
    asked = questions.scored(limit)
    if not asked:
        held = f"{questions.config}/{questions.split}"
        raise InputError(f"{questions.repo}: {held} holds no question that a metric scores")
    run = {
        "recipe": recipe.name,
        "model": model,
        "seed": seed,
        "config": questions.config,
        "split": questions.split,
        "manifest_sha256": questions.manifest_sha256,
        "answers": "given" if predictions else "asked",
    }
    path = out / FILE_NAME
    answerer = None
    counts: Counts = {}
    if predictions:
        if shard != WHOLE:
            raise InputError("--num-shards: is for asking; one process reads --predictions")
        read_predictions(path, run)
        answers = recipe.read_given(predictions, questions.rows)
        write_predictions(path, run, answers, questions.rows)
    else:
        all_rows = [questions.rows[position] for position in questions.scored()]
        answerer = recipe.make_answerer(model, all_rows, seed, asking)
        store = PredictionStore(path, {**run, **answerer.settings})
        answers, counts = answer_all(answerer, questions, limit, store, batch_size, progress, shard)
    rows = [questions.rows[position] for position in asked]
    if left := sum(row["uid"] not in answers for row in rows):
        raise ShareDone(f"{out}: share {shard.index} of {shard.count} is answered; {left} questions are left to others")
    scored = recipe.score(rows, answers)
    write_items(path, scored.items)
    settings = {
        "config": questions.config,
        "split": questions.split,
        "limit": limit,
        "seed": seed,
        "predictions": predictions.name if predictions else None,
        "confidence": 0.95,
        "unscored": len(questions.rows) - len(questions.scored()),
        "answers_by_status": dict(Counter(answers[row["uid"]].status for row in rows).most_common()),
        "composed": scored.composed,
    }
    if answerer:
        settings |= {"answerer": {**answerer.settings}, "counts": {**counts}}
    environment = answerer.environment() if answerer else {}
    results = make_results(recipe.name, model, questions, scored.metrics, settings | scored.settings, environment)
    write_results(out, results)
    return results
