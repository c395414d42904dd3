"""The task types as a table for readers: on the terminal, and as ``builders/spar/tasks/README.md``."""

from collections.abc import Iterable

from builders.spar.tasks.task import Task
from builders.spar.wording import asks_briefly

HEAD = ("task", "level", "views", "formats", "SPAR-Bench", "scored by", "asks")

_INTRODUCTION = """\
# Task types

Every task type of SPAR-7M, from the registry in this folder. Views: images that a question shows. SPAR-Bench: the
format in which the benchmark asks it. Scored by: modules of `metrics/`; sentences are for training and have none.

"""


def task_lines(tasks: Iterable[Task]) -> list[tuple[str, ...]]:
    """A line per task, parallel to ``HEAD``."""
    lines: list[tuple[str, ...]] = []
    for task in tasks:
        metrics = dict.fromkeys(filter(None, map(task.metric, task.formats)))
        lines.append((task.name, task.level, str(task.views or task.img_type), " ".join(task.formats),
                      task.bench_format or "-", " ".join(metrics) or "-", asks_briefly(task.name)))
    return lines


def as_markdown(tasks: Iterable[Task]) -> str:
    """The page."""
    rows: list[tuple[str, ...]] = [HEAD, ("---",) * len(HEAD), *task_lines(tasks)]
    return _INTRODUCTION + "".join(f"| {' | '.join(row)} |\n" for row in rows)
