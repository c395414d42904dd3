"""Score a model, or answers it has given, on ScanQA or SQA3D: short answers about ScanNet scenes, from their pictures.

    python recipes/scene_qa.py --benchmark scanqa --dataset scanqa/ --source scannet=/path/to/scans \\
        --model Qwen/Qwen2.5-VL-7B-Instruct --set dtype=bfloat16 --out build/runs/scanqa
    python recipes/scene_qa.py --benchmark sqa3d --dataset sqa_task/ --source scannet=/path/to/scans \\
        --model baseline:frequency --out build/runs/sqa3d

--dataset is the folder with the files of the release (ScanQA_v1.0_val.json; v1_balanced_questions_test_scannetv2.json
with its annotations). A scene is shown by 13 of its frames. Writes predictions.parquet and results.json into --out;
give the same command again after an interruption. Figures, in percent (CIDEr may be above 100):

    exact_match          one of the right answers, but for case, punctuation and numbers written as words
    exact_match_refined  one of them, without spaces, is part of the answer or the answer of it (as LEO counts)
    exact_match/KIND     by kind of question: SQA3D's by their first word, ScanQA's as its score.py sorts them
    bleu_4, cider        of ScanQA (recipes/captions.py)

Published tables differ in how they clean answers before they compare them (LEO and its followers mend typing errors of
the annotators by a list), so that half a point says little. Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from builders.command import run_command
from builders.errors import InputError
from builders.scenes import open_source
from metrics.phrase_match._core import phrase_match
from metrics.phrase_match._intervals import mean_interval
from recipes import evaluation
from recipes.answerers import make_answerer, options
from recipes.answerers.answerer import Answerer
from recipes.answerers.settings import DEFAULTS, AnswererSettings
from recipes.captions import caption_scores, require_captions
from recipes.evaluation import Recipe, Scored
from recipes.given_answers import read_given_answers
from recipes.items import items_of
from recipes.predictions import FILE_NAME, Answers
from recipes.questions import Row
from recipes.results import Results
from recipes.scene_questions import SceneQuestions, open_scene_questions
from recipes.scene_views import SceneViews
from recipes.scoring import Score
from recipes.shards import Shard, run_on_gpus

_LABEL = 28
EXACT, REFINED = "exact_match", "exact_match_refined"


def score_scene_qa(rows: Sequence[Row], answers: Answers, tokenizer: str) -> Scored:
    """Score the answers to these rows.

    Args:
        tokenizer: of BLEU-4 and CIDEr; ``none`` leaves them out.
    """
    said = [answers[row["uid"]].answer or "" for row in rows]
    scenes = [row["scene_id"] for row in rows]
    kinds = [row["task"] for row in rows]
    unread = np.array([answers[row["uid"]].answer is None for row in rows])
    result = phrase_match(said, [row["answers"][0] for row in rows],
                          alternatives=[row["answers"][1:] for row in rows], return_items=True)
    exact, refined = (np.array([item[key] for item in result["items"]]) for key in ("score", "refined"))

    def share(hits: np.ndarray, here: np.ndarray) -> Score:
        interval = mean_interval(hits[here], [scenes[i] for i in np.flatnonzero(here)])
        assert interval.low is not None and interval.high is not None  # there is a row
        return Score(100 * float(hits[here].mean()), interval.n, 100 * interval.low, 100 * interval.high,
                     interval.method, interval.n_groups, 1, int(unread[here].sum()))

    everything = np.ones(len(rows), dtype=bool)
    metrics = {EXACT: share(exact, everything), REFINED: share(refined, everything)}
    settings: dict[str, Any] = {"unit": "percent"}
    if tokenizer != "none":
        settings |= {"tokenizer": tokenizer, "pycocoevalcap": version("pycocoevalcap")}
        for name, found in caption_scores(said, [row["answers"] for row in rows], scenes, tokenizer).items():
            low, high = (100 * found.value if bound is None else 100 * bound
                         for bound in (found.interval.low, found.interval.high))
            metrics[name] = Score(100 * found.value, len(rows), low, high, found.interval.method,
                                  len(set(scenes)), 1, int(unread.sum()))
    for kind in sorted(set(kinds)):
        metrics[f"{EXACT}/{kind}"] = share(exact, np.array([one == kind for one in kinds]))
    parts = [(EXACT, f"{EXACT}/{kind}") for kind in kinds]
    return Scored(metrics, items_of((row["uid"] for row in rows), exact, scenes, parts), {}, settings)


def scene_recipe(questions: SceneQuestions, tokenizer: str) -> Recipe:
    """The recipe for these questions: what is shown is among the settings that a run is resumed under."""

    def answerer(model: str, all_rows: Sequence[Row], seed: int, settings: AnswererSettings) -> Answerer:
        made = make_answerer(model, all_rows, seed, settings)
        if made.reads_images:
            if questions.source is None:
                raise InputError(f"--model {model}: looks at pictures of ScanNet scenes; say where yours are: --source "
                                 "scannet=/path/to/scans")
            made.settings = {**made.settings, "views": asdict(questions.shown)}
        return made

    def score(rows: Sequence[Row], answers: Answers) -> Scored:
        scored = score_scene_qa(rows, answers, tokenizer)
        return scored._replace(settings=scored.settings | {"left_out": questions.left_out})

    return Recipe("scene_qa", answerer, read_given_answers, score)


def scene_text(results: Results) -> str:
    """All figures as a table for the terminal."""
    settings = results.settings
    lines = [f"{results.model} on {settings['config']}/{settings['split']}, percent", "",
             f"{'':<{_LABEL}}{'score':>7}  {'95 % interval':<16}{'questions':>9}{'scenes':>8}{'unread':>8}"]
    for name, score in results.metrics.items():
        known = score.interval != "none"
        interval = f"[{score.low:.1f}, {score.high:.1f}]" if known else "one scene: none"
        label = f"  {name.partition('/')[2]}" if "/" in name else name
        lines.append(f"{label:<{_LABEL}}{score.value:>7.1f}  {interval:<16}{score.n:>9}{score.n_groups:>8}"
                     f"{score.n_unparsed:>8}")
    if tokenizer := settings.get("tokenizer"):
        lines += ["", f"BLEU-4 and CIDEr: pycocoevalcap {settings['pycocoevalcap']}, tokenizer {tokenizer}"]
    if unread := {status: n for status, n in settings["answers_by_status"].items() if status != "ok"}:
        lines += ["", "Answers that score 0: " + ", ".join(f"{count} {status}" for status, count in unread.items())]
    if settings["left_out"]:
        lines += ["", "Questions that were left out: "
                  + ", ".join(f"{count} ({reason})" for reason, count in settings["left_out"].items())]
    return "\n".join(lines)


app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    benchmark: Annotated[str, typer.Option(help="scanqa or sqa3d.")],
    dataset: Annotated[str, typer.Option(metavar="DIR", help="The folder with the benchmark's files.")],
    model: Annotated[str, options.model_option("oracle, random or frequency")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet and results.json.")],
    source: Annotated[str, typer.Option(metavar="NAME=ROOT", help="Your copy of the scans: scannet=/path/to/scans. "
                                        "Without it only baselines and --predictions can answer.")] = "",
    split: Annotated[str, typer.Option(help="Default: val of ScanQA, test of SQA3D.")] = "",
    frames: Annotated[int, typer.Option(help="Frames of a scene that are shown.")] = SceneViews.frames,
    sampling: Annotated[str, typer.Option(help="even: at even steps of the capture; keyframes: of those that differ in "
                                          "place or direction.")] = SceneViews.sampling,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Scale frames to this; default: as they "
                                      "are.")] = SceneViews.size,
    tokenizer: Annotated[str, typer.Option(help="Of BLEU-4 and CIDEr: ptb (published; needs Java), words, or none, "
                                           "which leaves them out. Default: ptb for ScanQA, none for SQA3D.")] = "",
    limit: options.Limit = 0,
    batch_size: options.BatchSize = 8,
    predictions: Annotated[Path | None, options.predictions_option("id (question_id) and raw_text")] = None,
    prompts: options.Prompts = DEFAULTS.prompts,
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = 0,
    shard_index: options.ShardIndex = 0,
    num_shards: options.NumShards = 1,
    gpus: options.Gpus = 0,
) -> None:
    tokenizer = tokenizer or ("ptb" if benchmark == "scanqa" else "none")
    if tokenizer != "none":
        require_captions(tokenizer)
    scans = open_source(source) if source else None
    questions = open_scene_questions(benchmark, dataset, split, scans, SceneViews(frames, sampling, size))
    if gpus:
        run_on_gpus(gpus)
        return
    results = evaluation.evaluate(scene_recipe(questions, tokenizer), questions, model, out, limit=limit,
                                  batch_size=batch_size, predictions=predictions, seed=seed,
                                  asking=options.asking(prompts, set_), shard=Shard(shard_index, num_shards))
    print(scene_text(results))
    print(f"{out}: {FILE_NAME}, results.json")


if __name__ == "__main__":
    run_command(app)
