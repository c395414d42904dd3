"""What a model is sent with the pictures: the question in one of the forms of ``prompts.yaml``."""

from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase

import yaml

from recipes.questions import Row

FORMS: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("prompts.yaml").read_text(encoding="utf-8"))
"""Form -> kind of question -> template."""

_PLAIN = {"cv_bench": "{prompt}", "embspatial": "{question}\n{options}"}
"""Of kinds whose question does not list its options."""

_SPAR_KINDS = {"mra": "spar_number", "choice_accuracy": "spar_choice", "view_change": "spar_view_change"}
_BOX_CHOICES = ("position_matching", "camera_motion_infer")


def prompt_of(row: Row, form: str) -> str:
    """The text that goes with a row's pictures.

    >>> prompt_of({"question": "Is it?"}, "published")
    'Is it?'
    """
    options = row.get("options") or []
    listed = "\n".join(f"{letter}) {option}" for letter, option in zip(ascii_uppercase, options))
    return _template(row, form).format(
        question=row["question"],
        options=listed,
        letters=", ".join(ascii_uppercase[: len(options)]),
        prompt=row.get("prompt") or f"{row['question']}\n{listed}",
    )


def templates_of(rows: Sequence[Row], form: str) -> dict[str, str]:
    """Kind of question -> template, of those among the rows: what ``results.json`` says of the prompts."""
    return {_kind(row): _template(row, form) for row in rows}


def _template(row: Row, form: str) -> str:
    kind = _kind(row)
    return FORMS[form].get(kind) or _PLAIN.get(kind, "{question}")


def _kind(row: Row) -> str:
    """What kind of question a row asks, by the columns that its dataset has."""
    if "answer_options" in row:
        return "embspatial"
    if "choices" in row:
        return "cv_bench"
    if "situation" in row:
        return "scene_qa"
    if "template_id" not in row or row["format_type"] == "judge":
        return "plain"
    return "spar_box_choice" if row["task"] in _BOX_CHOICES and row["options"] else _SPAR_KINDS.get(
        row["metric"], "plain")
