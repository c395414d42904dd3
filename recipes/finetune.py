"""Fine-tune a vision-language model on a declared mix of datasets, ours and others.

    python recipes/finetune.py --model Qwen/Qwen2.5-VL-3B-Instruct --source spar=build/spar_7m --lora 16 \\
           --out build/tuned
    python recipes/finetune.py --model Qwen/Qwen2.5-VL-3B-Instruct --mix recipes/mixes/spar_mix.yaml \\
           --source spar=org/SPAR-7M --source general=org/conversations --total 100000 --out build/tuned
    torchrun --nproc_per_node 8 recipes/finetune.py ... (several GPUs: the same options)
    python recipes/spar_bench.py --dataset build/bench --model build/tuned/model --prompts bare --out build/runs/tuned

A mix (recipes/mixes/) says of which datasets how much is taken, and of which rows; counts are met exactly, and printed
first (--dry-run: that alone). General datasets are conversations in the forms of ShareGPT and LLaVA ("conversations"),
"messages" or "texts", from the Hub, a folder or a JSON file. Pictures of SPAR-7M get their markers when they are read.
The loss is on answers alone, and all weights are trained, those of the vision tower too, unless --freeze-vision or
--lora RANK says otherwise.

Writes into --out: model (a folder that every recipe takes as --model; adapters merged, and also in adapter),
training.json (what was seen by source and task, where it came from, settings, loss of every step), loss.svg, and
samples.jsonl (every sample in the order of training). Run the same command again after an interruption: it goes on from
the last checkpoint with the very samples that would have come. Exit codes: 0 done; 1 failed; 2 bad arguments or input.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from builders.settings import apply_settings, settable
from recipes.answerers.options import Prompts
from recipes.finetuning.mix import read_mix, with_datasets
from recipes.finetuning.settings import TrainSettings

_DEFAULTS = TrainSettings()
_OWN_OPTIONS = ("batch_size", "accumulate", "epochs", "seed", "lora", "freeze_vision", "prompts")

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    model: Annotated[str, typer.Option(help="A Hub id or a folder (families of AutoModelForImageTextToText).")],
    out: Annotated[Path, typer.Option(help="The folder for the model and all that is said of it.")],
    mix: Annotated[Path | None, typer.Option(metavar="FILE", help="What to train on, as those in recipes/mixes; none: "
                                             "all rows of each --source, once.")] = None,
    source: Annotated[list[str], typer.Option(metavar="NAME=DATASET[@REVISION]", help="Where a source of the mix is: a "
                                              "folder, a Hub repository or a JSON file. May be repeated.")] = [],  # noqa: B006
    total: Annotated[int, typer.Option(min=0, help="Samples of an epoch; counts of the mix are scaled to it. 0: what "
                                       "the mix says, or as many as there are without repeating one.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="How often these are seen, each time in another order.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples at once on each GPU.")] = _DEFAULTS.batch_size,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches of each GPU in a step.")] = _DEFAULTS.accumulate,
    lora: Annotated[int, typer.Option(min=0, metavar="RANK", help="Train adapters of this rank; 0: all weights.")] = 0,
    freeze_vision: Annotated[bool, typer.Option("--freeze-vision", help="Leave the vision tower as it is: Qwen's "
                                                   "with its merger, LLaVA's without its projector.")] = False,
    prompts: Prompts = _DEFAULTS.prompts,
    scans: Annotated[list[str], typer.Option(metavar="NAME=ROOT", help="Your scans (scannet=/data/scans), for rows "
                                             "that refer to pictures they may not hold. May be repeated.")] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Of the rows that are drawn, and of their order.")] = 0,
    set_: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="How it is trained: "
                                            + ", ".join(f"{key}={value}" for key, value in settable(
                                                _DEFAULTS, _OWN_OPTIONS).items()) + ". May be repeated.")] = [],  # noqa: B006
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be trained on.")] = False,
) -> None:
    from recipes.finetuning.fine_tune import fine_tune, open_data

    settings = TrainSettings(
        batch_size=batch_size, accumulate=accumulate, epochs=epochs, seed=seed, lora=lora, freeze_vision=freeze_vision,
        prompts=prompts, **apply_settings(_DEFAULTS, set_, _OWN_OPTIONS))
    is_first = os.environ.get("RANK", "0") == "0"
    data = open_data(with_datasets(read_mix(mix) if mix else None, source), total or None, settings, scans, is_first)
    if is_first:
        print(data.text())
    if dry_run:
        return
    fine_tune(model, data, settings, out, is_first)
    if is_first:
        print(f"{out}: model, training.json, loss.svg, samples.jsonl")


if __name__ == "__main__":
    run_command(app)
