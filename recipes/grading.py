"""How an answer is read and scored, by the row's ``metric``. A new metric is one entry in ``GRADERS``."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from metrics._shared.answers import Parsed
from metrics._shared.choices import parse_choice
from metrics._shared.numbers import parse_number
from metrics.choice_accuracy._core import choice_accuracy
from metrics.mra._core import mra, mra_scores
from recipes.questions import Row


class Grader(NamedTuple):
    """One metric, as the recipes use it."""

    label: str
    """What a table calls it."""
    read: Callable[[Row, object], Parsed[str]]
    """Commits a model's text to one answer in the gold's form, or says why there is none."""
    compare: Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]]
    """(N,) scores, 0 to 1, of answers in the gold's form against golds."""
    summarise: Callable[[Sequence[str | None], Sequence[Row]], dict[str, Any]]
    """The metric's own result over rows of one task (``return_items`` form), intervals clustered by scene; the mean
    score is under ``score``."""


def _read_number(row: Row, text: object) -> Parsed[str]:
    parsed = parse_number(text, row["unit"][0])
    return Parsed(None if parsed.value is None else repr(parsed.value), parsed.status)


def _read_choice(row: Row, text: object) -> Parsed[str]:
    return parse_choice(text, row["options"])


def _compare_numbers(answers: Sequence[str], golds: Sequence[str]) -> NDArray[np.float64]:
    return mra_scores([float(a) for a in answers], [float(g) for g in golds])


def _compare_letters(answers: Sequence[str], golds: Sequence[str]) -> NDArray[np.float64]:
    return np.array([a == g for a, g in zip(answers, golds, strict=True)], dtype=np.float64)


def _summarise_numbers(answers: Sequence[str | None], rows: Sequence[Row]) -> dict[str, Any]:
    golds, units, scenes = [r["answer"] for r in rows], [r["unit"][0] for r in rows], _scenes(rows)
    result = mra(answers, golds, groups=scenes, unit=units, return_items=True)
    return result | {"score": result["mra"]}


def _summarise_choices(answers: Sequence[str | None], rows: Sequence[Row]) -> dict[str, Any]:
    golds, options = [r["answer"] for r in rows], [r["options"] for r in rows]
    result = choice_accuracy(answers, golds, options=options, groups=_scenes(rows), return_items=True)
    return result | {"score": result["accuracy"]}


def _scenes(rows: Sequence[Row]) -> list[str]:
    return [f"{row['source']}/{row['scene_id']}" for row in rows]


GRADERS: dict[str, Grader] = {
    "mra": Grader("MRA", _read_number, _compare_numbers, _summarise_numbers),
    "choice_accuracy": Grader("accuracy", _read_choice, _compare_letters, _summarise_choices),
}
"""Name in the ``metric`` column -> grader."""


def grader_of(row: Row) -> Grader:
    """The grader of a row; ``InputError`` for a metric this version does not know."""
    if row["metric"] not in GRADERS:
        raise InputError(f"row {row['uid']}: unknown metric {row['metric']!r}; there are: {', '.join(GRADERS)}")
    return GRADERS[row["metric"]]
