"""A first training, on a CPU: a tiny model with random weights learns a small SPAR-7M by heart. A worked example.

    python scripts/build.py spar_7m --out build/spar_7m --renderer raycast --scenes 3 --set max_per_task=4
    python recipes/examples/first_training.py --dataset build/spar_7m --out build/first_training

It makes the model, trains it with recipes/finetune.py, and has recipes/spar_bench.py ask it, before and after, the very
questions that it is trained on, and those of the validation scenes, which it has not seen. It should know the former,
which shows that pictures, markers, questions and answers arrive; and be no better than chance at the latter, which no
model of this size could be. The same command again goes on where it was. Exit codes: 0 done; 1 failed; 2 bad arguments
or input.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from builders.command import run_command
from recipes import spar_bench
from recipes.answerers.settings import AnswererSettings
from recipes.examples.tiny_vlm import TinySize, make_tiny
from recipes.finetuning.fine_tune import fine_tune, open_data
from recipes.finetuning.mix import Mix, Source
from recipes.finetuning.settings import TrainSettings
from recipes.questions import open_questions
from recipes.results import Results

SIZE = TinySize(width=96, layers=2, vision_width=64, picture=32, patch=8)
WHERE = {"img_type": ("single_view", "multi_view"), "format_type": ("fill", "select")}
_SHOWN = ("average", "level_low", "level_medium", "level_high")
ASKING = AnswererSettings(prompts="bare", max_new_tokens=32)

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    dataset: Annotated[str, typer.Option(metavar="DIR_OR_REPO", help="A small SPAR-7M.")],
    out: Annotated[Path, typer.Option(help="The folder for models and runs.")],
    epochs: Annotated[int, typer.Option(min=1, help="How often each question is seen.")] = 12,
    seed: Annotated[int, typer.Option(help="Of weights and order.")] = 0,
) -> None:
    new, tuned = out / "new", out / "tuned"
    rows = [row for split in ("train", "validation") for row in open_questions(dataset, split=split).rows]
    if not (new / "processor_config.json").exists():
        make_tiny([row[key] for row in rows for key in ("question", "answer")], SIZE, seed, keeps_spaces=True).save(new)
    settings = TrainSettings(batch_size=8, accumulate=1, epochs=epochs, seed=seed, learning_rate=2e-3, longest_side=96,
                             gradient_checkpointing=False, workers=1, save_every=100)
    data = open_data(Mix("all that are scored", None, (Source("rooms", dataset, where=WHERE),)), None, settings)
    print(data.text())
    fine_tune(str(new), data, settings, tuned)
    curve = [step["loss"] for step in json.loads((tuned / "training.json").read_text())["curve"]]
    print(f"loss {np.mean(curve[:5]):.2f} to {np.mean(curve[-20:]):.2f}")
    asked = {f"{split}, {name}": _ask(dataset, split, model, out / "runs" / f"{split}_{name}")
             for split in ("train", "validation") for name, model in (("before", new), ("after", tuned / "model"))}
    print(_table(asked))


def _ask(dataset: str, split: str, model: Path, out: Path) -> Results:
    """Scores of the tasks that were trained."""
    questions = open_questions(dataset, split=split)
    rows = [row | {"metric": row["metric"] if all(row[key] in held for key, held in WHERE.items()) else ""}
            for row in questions.rows]
    return spar_bench.evaluate(type(questions)(**vars(questions) | {"rows": rows}), str(model), out, asking=ASKING)


def _table(asked: dict[str, Results]) -> str:
    lines = [f"{'':<22}" + "".join(f"{key.removeprefix('level_'):>9}" for key in _SHOWN) + f"{'questions':>11}"]
    for name, results in asked.items():
        lines.append(_line(name, {key: score.value for key, score in results.metrics.items()},
                           results.metrics["average"].n))
        if name.endswith("after"):
            lines.append(_line("    guessing", results.settings["chance"], results.metrics["average"].n))
    return "\n".join(lines)


def _line(name: str, scores: dict[str, float], count: int) -> str:
    return f"{name:<22}" + "".join(f"{scores[key]:>9.1f}" if key in scores else f"{'-':>9}" for key in _SHOWN) + (
        f"{count:>11}")


if __name__ == "__main__":
    run_command(app)
