"""Scores as the report shows them: one line per task, grouped by level, with what guessing would score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recipes.answerers.baselines import make_baseline
from recipes.comparison.runs import Run
from recipes.grading import grader_of
from recipes.questions import Row
from recipes.scoring import LEVELS, Score, TaskForm, rows_by_form

CHANCE = ("random", "frequency")
"""The baselines whose expected scores stand beside the measured ones."""


@dataclass(frozen=True)
class ScoreLine:
    """One line of the table, one row of the chart."""

    label: str
    detail: str
    """The task's full name (and format), or how many tasks a mean is over."""
    kind: str
    """``task``, ``level`` or ``average``."""
    metric: str
    n: int
    chance: tuple[float, ...]
    """Expected percent of each of ``CHANCE``, in closed form."""
    scores: tuple[Score | None, ...]
    """Of each run; None where the run does not have it."""


def score_lines(rows: Sequence[Row], runs: Sequence[Run]) -> list[ScoreLine]:
    """The average, then each level followed by its tasks, in every format that a metric scores."""
    rows = [row for row in rows if row["metric"]]
    forms = rows_by_form(rows)
    chance = {name: _expected_by_form(rows, forms, name) for name in CHANCE}
    counts = {form.name: len(here) for form, here in forms.items()}

    def mean_line(label: str, kind: str, key: str, names: list[str]) -> ScoreLine:
        return ScoreLine(
            label=label,
            detail=f"mean of {len(names)} task{'s' * (len(names) > 1)}",
            kind=kind,
            metric="",
            n=sum(counts[name] for name in names),
            chance=tuple(float(np.mean([chance[c][name] for name in names])) for c in CHANCE),
            scores=tuple(run.metrics.get(key) for run in runs),
        )

    lines = []
    for level in LEVELS:
        own = {form: here for form, here in forms.items() if form.task.level == level}
        if not own:
            continue
        lines.append(mean_line(level.capitalize(), "level", f"level_{level}", [form.name for form in own]))
        for form, here in own.items():
            lines.append(
                ScoreLine(
                    label=form.short,
                    detail=form.name,
                    kind="task",
                    metric=grader_of(rows[here[0]]).label,
                    n=len(here),
                    chance=tuple(chance[c][form.name] for c in CHANCE),
                    scores=tuple(run.metrics.get(form.name) for run in runs),
                )
            )
    return [mean_line("Average", "average", "average", list(counts)), *lines]


def _expected_by_form(rows: Sequence[Row], forms: Mapping[TaskForm, list[int]], baseline: str) -> dict[str, float]:
    expected = 100 * make_baseline(baseline, rows, 0).expected(rows)
    return {form.name: float(expected[here].mean()) for form, here in forms.items()}
