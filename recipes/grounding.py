"""Ask a model where objects are in 3D, turn its words into boxes through the cameras, and score these by their overlap.

    python recipes/grounding.py --dataset build/spar_3d --model baseline:oracle --out build/runs/grounding_oracle
    python recipes/grounding.py --dataset build/spar_3d --model my-model --predictions answers.csv --out build/runs/mine

Takes the configs grounding and scanrefer of spar_3d. An answer names a frame, and in it the image point, the depth and
the size of a box; the frame's camera places that box in the world (SPAR, section 3.5). Acc@k is the share of boxes that
have an IoU of at least k (0.25, 0.5) with the true one; "refined" are the same figures after each box was replaced by
the best-matching one of --proposals: the scene's own boxes, which flatters, or those of a detector. unique and multiple
(ScanRefer's words; here by label, not by class): things whose label nothing else in the scene has, and others. Answers
that cannot be read score 0 and are counted.

Writes predictions.parquet and results.json into --out; figures are percentages. Run the same command again after an
interruption: answers given are kept. Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from builders.command import run_command
from builders.errors import InputError
from metrics.box_iou._core import THRESHOLDS, box_iou
from recipes import evaluation
from recipes.answerers import make_answerer, options
from recipes.answerers.settings import DEFAULTS
from recipes.evaluation import Recipe, Scored
from recipes.given_answers import read_given_answers
from recipes.items import items_of
from recipes.placing import Array, box_of, gold_box, parse_box, refined
from recipes.predictions import FILE_NAME, Answers
from recipes.proposals import NONE, OBJECTS, Proposals, read_proposals
from recipes.questions import Row, open_spar_3d
from recipes.results import Results
from recipes.scoring import Score
from recipes.shards import Shard, run_on_gpus

CONFIGS = ("grounding", "scanrefer")
REFINED = "refined"
_FIGURES = (*(f"acc@{k:g}" for k in THRESHOLDS), "mean_iou")
_UNIQUE, _MULTIPLE = "unique", "multiple"

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: options.Dataset,
    model: Annotated[str, options.model_option("oracle, random or frequency")],
    out: Annotated[Path, typer.Option(help="The folder for predictions.parquet and results.json.")],
    revision: options.Revision = "",
    config: Annotated[list[str], typer.Option(help="grounding or scanrefer (default: both, where there are "
                                              "both).")] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="train or validation.")] = "validation",
    proposals: Annotated[str, typer.Option(metavar="objects|none|FILE", help="Boxes to refine by: the config objects "
                                           "of the dataset, none, or a .parquet or .jsonl file with scene_id, center "
                                           "and extents in metres.")] = OBJECTS,
    limit: options.Limit = 0,
    batch_size: options.BatchSize = 8,
    predictions: Annotated[Path | None, options.predictions_option("id (the row's uid) and raw_text")] = None,
    prompts: options.Prompts = DEFAULTS.prompts,
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = 0,
    shard_index: options.ShardIndex = 0,
    num_shards: options.NumShards = 1,
    gpus: options.Gpus = 0,
) -> None:
    questions = open_spar_3d(dataset, revision or None, config, split, CONFIGS)
    recipe = grounding_recipe(proposals, read_proposals(proposals, questions))
    if gpus:
        run_on_gpus(gpus)
        return
    results = evaluation.evaluate(recipe, questions, model, out, limit=limit, batch_size=batch_size,
                                  predictions=predictions, seed=seed,
                                  asking=options.asking(prompts, set_), shard=Shard(shard_index, num_shards))
    print(grounding_text(results))
    print(f"{out}: {FILE_NAME}, results.json")


def grounding_recipe(where: str = NONE, proposals: Proposals | None = None) -> Recipe:
    """The recipe with proposals, by scene, from ``where``.

    Raises:
        InputError: when scoring, if none of the questions' scenes has a proposal.
    """

    def score(rows: Sequence[Row], answers: Answers) -> Scored:
        return _score(rows, answers, where, proposals or {})

    return Recipe("grounding", make_answerer, read_given_answers, score)


def _score(rows: Sequence[Row], answers: Answers, where: str, proposals: Proposals) -> Scored:
    if where != NONE and not any(row["scene_id"] in proposals for row in rows):
        raise InputError(f"--proposals {where}: holds no box of any scene that is asked about, such as "
                         f"{rows[0]['scene_id']}")
    predicted = [predicted_box(row, answers[row["uid"]].answer) for row in rows]
    versions = {"": predicted}
    if where != NONE:
        versions[f"{REFINED}/"] = [
            None if box is None else refined(box, proposals.get(row["scene_id"], np.zeros((0, 6))))
            for row, box in zip(rows, predicted, strict=True)]
    kinds = [_UNIQUE if row["same_label"] == 1 else _MULTIPLE for row in rows]
    metrics: dict[str, Score] = {}
    for version, boxes in versions.items():
        for kind in ("", _UNIQUE, _MULTIPLE):
            here = [i for i, own in enumerate(kinds) if kind in ("", own)]
            prefix = f"{version}{kind}/" if kind else version
            metrics |= _figures(prefix, [rows[i] for i in here], [boxes[i] for i in here]) if here else {}
    ious = box_iou(*_pairs(rows, predicted), return_items=True)["items"]
    items = items_of((row["uid"] for row in rows), ious, map(_scene, rows),
                     [("mean_iou", f"{kind}/mean_iou") for kind in kinds])
    held = [row["scene_id"] in proposals for row in rows]
    settings = {
        "unit": "percent",
        "proposals": {"from": Path(where).name, "boxes": sum(len(proposals.get(scene, ())) for scene in _scenes(rows)),
                      "questions_without": held.count(False)} if where != NONE else None,
        "center_error_m": _center_errors(rows, predicted),
    }
    return Scored(metrics, items, {}, settings)


def predicted_box(row: Row, answer: str | None) -> Array | None:
    """(6,) the box that an answer, in the form that it was read into, means; None without one."""
    numbers = None if answer is None else parse_box(answer).value
    return None if numbers is None else box_of(row, numbers)


def _figures(prefix: str, rows: Sequence[Row], boxes: Sequence[Array | None]) -> dict[str, Score]:
    result = box_iou(*_pairs(rows, boxes), groups=[_scene(row) for row in rows])
    found = {}
    for name in _FIGURES:
        low, high, method = (result["intervals"][name][key] for key in ("low", "high", "interval"))
        found[prefix + name] = Score(100 * result[name], result["n"], 100 * low, 100 * high, method, result["n_groups"],
                                     1, result["n_missing"])
    return found


def _pairs(rows: Sequence[Row], boxes: Sequence[Array | None]) -> tuple[list[Any], list[Any]]:
    return [box if box is None else box.tolist() for box in boxes], [gold_box(row).tolist() for row in rows]


def _scene(row: Row) -> str:
    return f"{row['source']}/{row['scene_id']}"


def _scenes(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["scene_id"] for row in rows))


def _center_errors(rows: Sequence[Row], boxes: Sequence[Array | None]) -> dict[str, float] | None:
    """Metres between predicted and true centres, of the answers that could be read; None if there are none."""
    errors: NDArray[np.float64] = np.array([
        np.linalg.norm(box[:3] - gold_box(row)[:3]) for row, box in zip(rows, boxes, strict=True) if box is not None])
    return {"p50": float(np.median(errors)), "p90": float(np.quantile(errors, 0.9))} if len(errors) else None


def grounding_text(results: Results) -> str:
    """The figures as a table for the terminal."""
    settings = results.settings
    lines = [f"{results.model} on {results.dataset['repo']} ({settings['config']}/{settings['split']})", "",
             f"{'percent':<30}{'value':>8}  {'95 % interval':<18}{'questions':>9}{'scenes':>8}{'unread':>8}"]
    for name, score in results.metrics.items():
        lines.append(f"{name:<30}{score.value:>8.1f}  {f'[{score.low:.1f}, {score.high:.1f}]':<18}{score.n:>9}"
                     f"{score.n_groups:>8}{score.n_unparsed:>8}")
    if error := settings["center_error_m"]:
        lines += ["", f"Centers are off by {error['p50']:.3f} m (median), {error['p90']:.3f} m (90th percentile)."]
    if given := settings["proposals"]:
        of = "the scenes' own objects" if given["from"] == OBJECTS else given["from"]
        lines += ["", f"Refined by {given['boxes']} boxes of {of}; {given['questions_without']} questions are about "
                      "scenes without any."]
    if unread := {k: v for k, v in settings["answers_by_status"].items() if k != "ok"}:
        lines += ["", "Answers that score 0: " + ", ".join(f"{count} {status}" for status, count in unread.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(app)
