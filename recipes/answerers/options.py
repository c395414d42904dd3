"""The options that recipes' commands share: what is asked, of which model, how, and by how many processes."""

from typing import Annotated, Any

import typer

from builders.settings import apply_settings, settable
from recipes.answerers.settings import DEFAULTS, AnswererSettings

_OWN_OPTIONS = ("prompts",)

Dataset = Annotated[str, typer.Option(metavar="DIR_OR_REPO", help="A folder of scripts/build.py, or ORG/NAME.")]
Revision = Annotated[str, typer.Option(help="Of a Hub repository: tag, branch or commit.")]
Limit = Annotated[int, typer.Option(min=0, help="Only the first so many questions; 0: all.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Questions the model gets at once.")]
Seed = Annotated[int, typer.Option(help="Of answers that are drawn.")]

Prompts = Annotated[str, typer.Option(metavar="FORM", help="published (what lmms-eval sends), published_number (its "
                                      "form for GPT-4V and Gemini) or bare (the question alone).")]
Set = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="How the model runs: "
                                        + ", ".join(f"{key}={value}" for key, value in settable(
                                            DEFAULTS, _OWN_OPTIONS).items()) + ". May be repeated.")]

ShardIndex = Annotated[int, typer.Option(metavar="I", help="Of --num-shards, counted from 0.")]
NumShards = Annotated[int, typer.Option(min=1, metavar="N", help="Answer one of N shares of the questions; N processes "
                                        "with the same --out, here or elsewhere. The last to end scores.")]
Gpus = Annotated[int, typer.Option(min=0, metavar="N", help="Answer with N processes, one per GPU (0: one process, "
                                   "which spreads a model over the GPUs there are).")]


def model_option(baselines: str) -> Any:
    """Of ``--model``, for a recipe with these baselines."""
    return typer.Option(help="A Hub id or a folder (families of AutoModelForImageTextToText), endpoint:URL#MODEL, or "
                             f"baseline:NAME with {baselines}; with --predictions, the name to report.")


def predictions_option(columns: str) -> Any:
    """Of ``--predictions``, for a recipe that reads these columns."""
    return typer.Option(metavar="FILE", help=f"Score these answers: .parquet, .jsonl or .csv with {columns}.")


def asking(prompts: str, set_: list[str]) -> AnswererSettings:
    """Settings from the options; ``InputError`` for an unknown form or key, or a wrong value."""
    return AnswererSettings(prompts=prompts, **apply_settings(DEFAULTS, set_, _OWN_OPTIONS))
