"""The options of a recipe's command that say how a model is asked."""

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


def asking(prompts: str, set_: list[str]) -> AnswererSettings:
    """Settings from the options; ``InputError`` for an unknown form or key, or a wrong value."""
    return AnswererSettings(prompts=prompts, **apply_settings(DEFAULTS, set_, _OWN_OPTIONS))
