"""From answers to scores in percent: per task form, per level (mean over the level's forms), and on average (over all).

A task form is a task asked in one answer format. In SPAR-Bench every task has one, and is called by the task's name; a
form that SPAR-Bench does not ask is called "task/format". An answer that cannot be read, was refused or is missing
scores 0 and is counted.
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
from recipes.answerers.baselines import RandomGuess
from recipes.grading import grader_of
from recipes.items import MEAN, Composed, Items, items_of
from recipes.questions import Row

LEVELS = ("low", "medium", "high")


@dataclass(frozen=True)
class Score:
    """One figure, in percent."""

    value: float
    n: int
    """Questions."""
    low: float
    """NaN where there is no interval."""
    high: float
    interval: str
    """How the interval was made (``metrics/_shared/intervals.py``)."""
    n_groups: int
    """Scenes."""
    n_tasks: int
    """Task forms."""
    n_unparsed: int
    """Questions without an answer that could be read."""


@dataclass(frozen=True)
class Scores:
    """Everything one run scored."""

    metrics: dict[str, Score]
    """Names of task forms, ``level_<level>`` and ``average``, in reading order."""
    values: NDArray[np.float64]
    """(N,) score of each row, 0 to 1."""
    items: Items
    composed: Composed


@dataclass(frozen=True)
class TaskForm:
    """A task asked in one format."""

    task: Task
    format_type: str

    @property
    def name(self) -> str:
        """Key in ``Scores.metrics``."""
        published = self.format_type == self.task.bench_format
        return self.task.name if published else f"{self.task.name}/{self.format_type}"

    @property
    def short(self) -> str:
        """As a table shows it."""
        published = self.format_type == self.task.bench_format
        return self.task.short if published else f"{self.task.short} {self.format_type}"


def form_of(row: Row) -> TaskForm:
    """The form of a row.

    Raises:
        InputError: a task this version does not know.
    """
    if row["task"] not in TASKS:
        raise InputError(f"the dataset asks {row['task']!r}, a task this version does not know; update Vantage")
    return TaskForm(TASKS[row["task"]], row["format_type"])


def form_named(name: str) -> TaskForm | None:
    """The form of a key in ``Scores.metrics``; None for a level, an average or another version's task."""
    task, _, format_type = name.partition("/")
    return TaskForm(TASKS[task], format_type or TASKS[task].bench_format) if task in TASKS else None


def rows_by_form(rows: Sequence[Row]) -> dict[TaskForm, list[int]]:
    """Task form -> positions of its rows; forms by level, then as the registry has them."""
    found: dict[str, tuple[TaskForm, list[int]]] = {}
    for position, row in enumerate(rows):
        form = form_of(row)
        found.setdefault(form.name, (form, []))[1].append(position)
    order = list(TASKS)

    def place(form: TaskForm) -> tuple[int, int, int]:
        return LEVELS.index(form.task.level), order.index(form.task.name), form.task.formats.index(form.format_type)

    return dict(sorted(found.values(), key=lambda item: place(item[0])))


def tasks_present(rows: Sequence[Row]) -> list[Task]:
    """The tasks of these rows, by level, then as the registry has them.

    Raises:
        InputError: a task this version does not know.
    """
    return list({form.task.name: form.task for form in rows_by_form(rows)}.values())


def score(rows: Sequence[Row], answers: Mapping[str, str | None]) -> Scores:
    """Score the answers to these rows.

    Args:
        rows: at least one; each has a metric.
        answers: ``uid`` -> answer in the form of the gold; None where none could be read. A missing one counts as None.
    """
    values = np.zeros(len(rows))
    unread = np.array([answers.get(row["uid"]) is None for row in rows])
    found: dict[str, Score] = {}
    parts: list[tuple[str, ...]] = [()] * len(rows)
    forms = rows_by_form(rows)
    for form, here in forms.items():
        asked = [rows[i] for i in here]
        result = grader_of(asked[0]).summarise([answers.get(row["uid"]) for row in asked], asked)
        values[here] = [item["score"] for item in result["items"]]
        for position in here:
            parts[position] = (form.name,)
        interval = Interval(*(result[key] for key in ("low", "high", "interval", "n", "n_groups")))
        found[form.name] = _score(result["score"], interval, 1, int(unread[here].sum()))
    for level in LEVELS:
        of_level = {form: here for form, here in forms.items() if form.task.level == level}
        if of_level:
            found[f"level_{level}"] = _mean(rows, values, unread, of_level)
    found["average"] = _mean(rows, values, unread, forms)
    scenes = (f"{row['source']}/{row['scene_id']}" for row in rows)
    items = items_of((row["uid"] for row in rows), values, scenes, parts)
    return Scores(found, values, items, means_over([form.name for form in forms]))


def means_over(names: Sequence[str]) -> Composed:
    """What the levels and the average of these task forms are made of."""
    levels = {name: form.task.level for name in names if (form := form_named(name))}
    found = {f"level_{level}": {MEAN: [name for name, own in levels.items() if own == level]} for level in LEVELS
             if level in levels.values()}
    return found | {"average": {MEAN: list(levels)}}


def _mean(
    rows: Sequence[Row], values: NDArray[np.float64], unread: NDArray[np.bool_], forms: Mapping[TaskForm, list[int]]
) -> Score:
    names = {i: form.name for form, positions in forms.items() for i in positions}
    here = sorted(names)
    scenes = [(rows[i]["source"], rows[i]["scene_id"]) for i in here]
    value, interval = mean_of_task_means(values[here], [names[i] for i in here], scenes)
    return _score(value, interval, len(forms), int(unread[here].sum()))


def _score(value: float, interval: Interval, n_tasks: int, n_unparsed: int) -> Score:
    assert interval.low is not None and interval.high is not None  # there is at least one row
    return Score(100 * value, interval.n, 100 * interval.low, 100 * interval.high, interval.method, interval.n_groups,
                 n_tasks, n_unparsed)


def chance(rows: Sequence[Row]) -> dict[str, float]:
    """Figure -> percent that guessing scores in theory (``RandomGuess``), of each form, level and the average."""
    expected = 100 * RandomGuess(rows, 0).expected(rows)
    forms = rows_by_form(rows)
    found = {form.name: float(expected[here].mean()) for form, here in forms.items()}
    return found | {name: float(np.mean([found[form] for form in made_of[MEAN]]))
                    for name, made_of in means_over(list(found)).items()}
