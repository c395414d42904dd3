"""From answers to scores in percent: per task, per level (mean over the level's tasks), and on average (over tasks).

An answer that cannot be read, was refused or is missing scores 0 and is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from builders.spar.tasks import TASKS
from builders.spar.tasks.task import Task
from metrics.spar_score._averages import mean_of_task_means
from metrics.spar_score._intervals import Interval
from recipes.grading import grader_of
from recipes.questions import Row

LEVELS = ("low", "medium", "high")


@dataclass(frozen=True)
class Score:
    """One figure, in percent."""

    value: float
    n: int
    """Questions."""
    low: float
    high: float
    interval: str
    """How the interval was made (``metrics/_shared/intervals.py``)."""
    n_groups: int
    """Scenes."""
    n_tasks: int
    n_unparsed: int
    """Questions without an answer that could be read."""


@dataclass(frozen=True)
class Scores:
    """Everything one run scored."""

    metrics: dict[str, Score]
    """Task names, ``level_<level>`` and ``average``, in reading order."""
    items: NDArray[np.float64]
    """(N,) score of each row, 0 to 1."""


def tasks_present(rows: Sequence[Row]) -> list[Task]:
    """The tasks of these rows, in the order of the registry.

    Raises:
        InputError: a task this version does not know.
    """
    present = {row["task"] for row in rows}
    if unknown := sorted(present - set(TASKS)):
        raise InputError(f"the dataset asks {unknown[0]!r}, a task this version does not know; update Vantage")
    ordered = sorted(TASKS.values(), key=lambda task: LEVELS.index(task.level))
    return [task for task in ordered if task.name in present]


def score(rows: Sequence[Row], answers: Mapping[str, str | None]) -> Scores:
    """Score the answers to these rows.

    Args:
        rows: at least one.
        answers: ``uid`` -> answer in the form of the gold; None where none could be read. A missing one counts as None.
    """
    items = np.zeros(len(rows))
    unread = np.array([answers.get(row["uid"]) is None for row in rows])
    found: dict[str, Score] = {}
    tasks = tasks_present(rows)
    for task in tasks:
        here = [i for i, row in enumerate(rows) if row["task"] == task.name]
        asked = [rows[i] for i in here]
        result = grader_of(asked[0]).summarise([answers.get(row["uid"]) for row in asked], asked)
        items[here] = [item["score"] for item in result["items"]]
        interval = Interval(*(result[key] for key in ("low", "high", "interval", "n", "n_groups")))
        found[task.name] = _score(result["score"], interval, 1, int(unread[here].sum()))
    for level in LEVELS:
        if any(task.level == level for task in tasks):
            found[f"level_{level}"] = _mean(rows, items, unread, [t.name for t in tasks if t.level == level])
    found["average"] = _mean(rows, items, unread, [task.name for task in tasks])
    return Scores(found, items)


def _mean(rows: Sequence[Row], items: NDArray[np.float64], unread: NDArray[np.bool_], tasks: Sequence[str]) -> Score:
    here = [i for i, row in enumerate(rows) if row["task"] in tasks]
    scenes = [(rows[i]["source"], rows[i]["scene_id"]) for i in here]
    value, interval = mean_of_task_means(items[here], [rows[i]["task"] for i in here], scenes)
    return _score(value, interval, len(tasks), int(unread[here].sum()))


def _score(value: float, interval: Interval, n_tasks: int, n_unparsed: int) -> Score:
    assert interval.low is not None and interval.high is not None  # there is at least one row
    return Score(100 * value, interval.n, 100 * interval.low, 100 * interval.high, interval.method, interval.n_groups,
                 n_tasks, n_unparsed)
