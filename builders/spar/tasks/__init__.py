"""The task registry. A new task is one entry in one family file; nothing else lists task names."""

from builders.spar.tasks.depth import DEPTH_TASKS
from builders.spar.tasks.distance import DISTANCE_TASKS
from builders.spar.tasks.matching import MATCHING_TASKS
from builders.spar.tasks.relation import RELATION_TASKS
from builders.spar.tasks.task import Task

TASKS: dict[str, Task] = {t.name: t for t in (*DEPTH_TASKS, *DISTANCE_TASKS, *MATCHING_TASKS, *RELATION_TASKS)}
"""Published name -> task."""

BENCH_TASKS: dict[str, Task] = {name: t for name, t in TASKS.items() if t.bench_format}
"""The tasks SPAR-Bench asks, each in its ``bench_format``."""
