"""Scores as the report shows them: one line per task, grouped by level, with what guessing would score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from builders.spar.tasks import TASKS
from recipes.answerers.baselines import make_baseline
from recipes.grading import grader_of
from recipes.questions import Row
from recipes.reporting.runs import ReportedRun
from recipes.scoring import LEVELS, Score, tasks_present

CHANCE = ("random", "frequency")
"""The baselines whose expected scores stand beside the measured ones."""


@dataclass(frozen=True)
class ScoreLine:
    """One line of the table, one row of the chart."""

    label: str
    detail: str
    """The task's full name, or how many tasks a mean is over."""
    kind: str
    """``task``, ``level`` or ``average``."""
    metric: str
    n: int
    chance: tuple[float, ...]
    """Expected percent of each of ``CHANCE``, in closed form."""
    scores: tuple[Score | None, ...]
    """Of each run; None where the run does not have it."""


def score_lines(rows: Sequence[Row], runs: Sequence[ReportedRun]) -> list[ScoreLine]:
    """The average, then each level followed by its tasks."""
    chance = {name: _expected_by_task(rows, name) for name in CHANCE}
    tasks = tasks_present(rows)
    counts = {task.name: sum(row["task"] == task.name for row in rows) for task in tasks}
    labels = {row["task"]: grader_of(row).label for row in rows}

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
        names = [task.name for task in tasks if task.level == level]
        if not names:
            continue
        lines.append(mean_line(level.capitalize(), "level", f"level_{level}", names))
        for name in names:
            lines.append(
                ScoreLine(
                    label=TASKS[name].short,
                    detail=name,
                    kind="task",
                    metric=labels[name],
                    n=counts[name],
                    chance=tuple(chance[c][name] for c in CHANCE),
                    scores=tuple(run.metrics.get(name) for run in runs),
                )
            )
    return [mean_line("Average", "average", "average", list(counts)), *lines]


def _expected_by_task(rows: Sequence[Row], name: str) -> dict[str, float]:
    expected = 100 * make_baseline(name, rows, 0).expected(rows)
    found: dict[str, list[float]] = {}
    for row, value in zip(rows, expected.tolist(), strict=True):
        found.setdefault(row["task"], []).append(value)
    return {task: float(np.mean(values)) for task, values in found.items()}
