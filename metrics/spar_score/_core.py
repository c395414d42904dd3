"""SPAR-Bench scores: per task, per level, and the mean over tasks (SPAR, section 3.3 and table 4), in percent."""

from collections.abc import Hashable, Iterator, Sequence
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._answers import Compat, GoldError, Parsed, check_compat
from ._averages import mean_of_task_means
from ._choice_answers import score_choices
from ._forms import score_form
from ._intervals import Interval, mean_interval
from ._motion_answers import score_motions
from ._number_answers import score_numbers
from ._summary import check_lengths
from ._tasks import ALIASES, BENCH_FORMATS, BENCH_TASKS, FORMATS, LEVELS, OTHER_FORMS, TASK_NAMES, format_of

_UNITS = {"mra": "m", "distance": "m", "area": "m2", "count": None}

Scored = tuple[NDArray[np.float64], list[Parsed[Any]], dict[str, float]]


def _form(task: str, form: str) -> str | None:
    """What scores answers of this task in this format; None for sentences, which nothing scores."""
    if task in BENCH_TASKS and form == BENCH_FORMATS[BENCH_TASKS[task].metric]:
        return BENCH_TASKS[task].metric
    return OTHER_FORMS.get((task, form))


def _score(form: str, task: str, predictions: list, references: list, options: list, compat: Compat) -> Scored:
    """Scores (N,) from 0 to 1 of the answers to one task in one format, as read, and what else the form reports."""
    if form in _UNITS:
        n = len(references)
        views = [task.endswith("_mv")] * n
        return *score_numbers(predictions, references, units=[_UNITS[form]] * n, multi_view=views, compat=compat), {}
    if form in ("choice_accuracy", "choice", "yes_no"):
        return *score_choices(predictions, references, options=options, compat=compat), {}
    if form == "view_change":
        return *score_motions(predictions, references, compat=compat), {}
    return score_form(form, predictions, references)


def _checked(tasks: Sequence[str], formats: Sequence[str | None] | None) -> list[tuple[str, str]]:
    """(task, format) of each item; ValueError for names that SPAR-7M does not have."""
    pairs = []
    for i, (name, form) in enumerate(zip(tasks, formats or [None] * len(tasks))):
        task = ALIASES.get(name, name)
        if task not in TASK_NAMES:
            raise ValueError(f"tasks: item {i} is {name!r}; there are: {', '.join(TASK_NAMES)}")
        if form is not None and form not in FORMATS:
            raise ValueError(f"formats: item {i} is {form!r}; expected {', '.join(FORMATS)} or None")
        pairs.append((task, form or format_of(task)))
    return pairs


def _bounds(interval: Interval) -> dict[str, Any]:
    low, high = (nan if bound is None else 100 * bound for bound in (interval.low, interval.high))
    return {"low": low, "high": high, "interval": interval.method, "n": interval.n, "n_groups": interval.n_groups}


def _level_tasks(level: str, compat: Compat) -> list[str]:
    names = [task.name for task in BENCH_TASKS.values() if task.level == level]
    if compat in ("spar", "lmms-eval"):  # they cut "_metric" off "view_change_infer_vci_metric" and lose the task
        names = [name for name in names if name != "view_change_infer"]
    return names


def spar_score(
    predictions: Sequence[object],
    references: Sequence[object],
    tasks: Sequence[str],
    *,
    formats: Sequence[str | None] | None = None,
    options: Sequence[Sequence[object] | None] | None = None,
    groups: Sequence[Hashable] | None = None,
    compat: Compat = None,
    confidence: float = 0.95,
    seed: int = 0,
    return_items: bool = False,
) -> dict[str, Any]:
    """Scores of N answers to SPAR-Bench questions, 0 to 100.

    Args:
        predictions: (N,) answer texts; what commits to no answer scores 0 and is counted.
        references: (N,) golds as published: a number in metres, an option letter, or a motion.
        tasks: (N,) published task names.
        formats: (N,) answer format of each item ("fill", "select", "sentence", "judge"), or None for the benchmark's.
            Answers in another format than the benchmark's are scored under ``other``, sentences not at all.
        options: (N,) option texts of each item in letter order, or None.
        groups: (N,) scene of each item, for intervals that respect what items share.
        compat: None, or the evaluator whose scores to give: "spar", "lmms-eval" (the same) or "vlmevalkit". Scores stay
            in percent; the first two leave view_change_infer out of the medium level. ``other`` but for numbers and
            letters knows no such modes.
        confidence: coverage of the intervals.
        seed: of the bootstrap.
        return_items: add ``items``, a list of {task, format, score, value, status}; scores 0 to 1.

    Returns:
        * average: mean of the scores of the tasks that are present; ``complete`` tells whether all 20 are, ``missing``
          lists the others.
        * low, medium, high: means over the level's tasks that are present.
        * weighted_average: mean over items.
        * tasks, counts, unparsed: score, number of items and number of unread answers by task; n and n_unparsed in all.
        * intervals: {low, high, interval, n, n_groups} of average, low, medium, high, weighted_average and each task.
        * other: by "<task>_<format>" {score, n, n_unparsed, form, low, high, interval, ...}, outside every average.
        * unscored: number of items by "<task>_<format>" that nothing scores.
        * reasons: why a figure is NaN, by its key.

    Raises:
        ValueError: unknown task or format, a gold that is not of its task's form, columns of different lengths.

    >>> names = ["depth_prediction_oc", "position_matching"]
    >>> result = spar_score(["1.9 m", "(C)"], ["2.0", "B"], names)
    >>> result["average"], result["low"], result["medium"], result["high"], result["complete"]
    (50.0, 100.0, 0.0, nan, False)
    """
    check_compat(compat)
    n = len(references)
    check_lengths(n, predictions=predictions, tasks=tasks, formats=formats, options=options, groups=groups)
    pairs = _checked(tasks, formats)
    scores, read = np.full(n, nan), [Parsed[Any](None, "empty")] * n
    other: dict[str, dict[str, Any]] = {}
    unscored: dict[str, int] = {}
    bench: dict[str, list[int]] = {}
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed}
    for (task, form_name), here in _positions(pairs):
        form = _form(task, form_name)
        if form is None:
            unscored[f"{task}_{form_name}"] = len(here)
            continue
        given, golds = [predictions[i] for i in here], [references[i] for i in here]
        texts = [options[i] if options else None for i in here]
        try:
            found, answers, extras = _score(form, task, given, golds, texts, compat)
        except GoldError as error:
            raise GoldError(here[error.item], f"{error.problem} ({task}, {form_name})") from None
        scores[here] = found
        for i, answer in zip(here, answers):
            read[i] = answer
        if form in BENCH_FORMATS:
            bench[task] = here
        else:
            interval = mean_interval(found, _at(groups, here), **settings)
            unread = sum(answer.status != "ok" for answer in answers)
            figures = {"score": 100 * float(found.mean()), "n_unparsed": unread, "form": form, **_bounds(interval)}
            other[f"{task}_{form_name}"] = figures | {
                name: value if name == "point_error" else 100 * value for name, value in extras.items()
            }
    result = _bench_result(scores, read, bench, groups, compat, settings)
    result |= {"other": other, "unscored": unscored}
    if return_items:
        result["items"] = [
            {"task": task, "format": form, "score": float(score), "value": _plain(item.value), "status": item.status}
            if _form(task, form)
            else {"task": task, "format": form, "score": nan, "value": None, "status": "unscored"}
            for (task, form), score, item in zip(pairs, scores, read)
        ]
    return result


def _positions(pairs: list[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], list[int]]]:
    """The items of each (task, format), tasks in the order of the table."""
    where: dict[tuple[str, str], list[int]] = {}
    for i, pair in enumerate(pairs):
        where.setdefault(pair, []).append(i)
    yield from sorted(where.items(), key=lambda item: (TASK_NAMES.index(item[0][0]), FORMATS.index(item[0][1])))


def _at(column: Sequence[Hashable] | None, here: list[int]) -> list[Hashable] | None:
    return None if column is None else [column[i] for i in here]


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else list(value) if isinstance(value, tuple) else value


def _bench_result(
    scores: NDArray[np.float64],
    read: list[Parsed[Any]],
    bench: dict[str, list[int]],
    groups: Sequence[Hashable] | None,
    compat: Compat,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Everything about the items that have their task's benchmark format."""
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    intervals: dict[str, Any] = {}
    empty = Interval(None, None, "none", 0, 0)
    for key in ("average", *LEVELS):
        wanted = list(BENCH_TASKS) if key == "average" else _level_tasks(key, compat)
        here = [i for name in wanted for i in bench.get(name, [])]
        values[key], interval = nan, empty
        if here:
            names = [name for name in wanted for _ in bench.get(name, [])]
            mean, interval = mean_of_task_means(scores[here], names, _at(groups, here), **settings)
            values[key] = 100 * mean
        else:
            reasons[key] = "no items of its tasks: " + ", ".join(wanted) if key != "average" else "no items"
        intervals[key] = _bounds(interval)
    all_items = [i for here in bench.values() for i in here]
    values["weighted_average"] = 100 * float(scores[all_items].mean()) if all_items else nan
    intervals["weighted_average"] = _bounds(mean_interval(scores[all_items], _at(groups, all_items), **settings))
    if not all_items:
        reasons["weighted_average"] = "no items"
    intervals["tasks"] = {
        name: _bounds(mean_interval(scores[here], _at(groups, here), **settings)) for name, here in bench.items()
    }
    unparsed = {name: sum(read[i].status != "ok" for i in here) for name, here in bench.items()}
    missing = [name for name in BENCH_TASKS if name not in bench]
    return values | {
        "tasks": {name: 100 * float(scores[here].mean()) for name, here in bench.items()},
        "counts": {name: len(here) for name, here in bench.items()},
        "unparsed": unparsed,
        "n": len(all_items),
        "n_unparsed": sum(unparsed.values()),
        "intervals": intervals,
        "missing": missing,
        "complete": not missing,
        "reasons": reasons,
    }
