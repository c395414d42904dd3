"""The options of a recipe's command that say how a model is asked, and by how many processes."""

from typing import Annotated

import typer

from builders.settings import apply_settings, settable
from recipes.answerers.settings import DEFAULTS, AnswererSettings

_OWN_OPTIONS = ("prompts",)

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


def asking(prompts: str, set_: list[str]) -> AnswererSettings:
    """Settings from the options; ``InputError`` for an unknown form or key, or a wrong value."""
    return AnswererSettings(prompts=prompts, **apply_settings(DEFAULTS, set_, _OWN_OPTIONS))
