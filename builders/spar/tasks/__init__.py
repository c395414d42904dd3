"""The task registry. A new task is one entry in one family file; nothing else lists task names."""

from builders.spar.tasks.counting import COUNTING_TASKS
from builders.spar.tasks.depth import DEPTH_TASKS
from builders.spar.tasks.distance import DISTANCE_TASKS
from builders.spar.tasks.frames import FRAMES_TASKS
from builders.spar.tasks.grounding import GROUNDING, SCANREFER
from builders.spar.tasks.imagination import IMAGINATION_TASKS
from builders.spar.tasks.map import BEV, MAP_TASKS
from builders.spar.tasks.matching import MATCHING_TASKS
from builders.spar.tasks.motion import MOTION_TASKS
from builders.spar.tasks.navigation import NAVIGATION_TASKS
from builders.spar.tasks.nearest import NEAREST_TASKS
from builders.spar.tasks.relation import RELATION_TASKS
from builders.spar.tasks.task import Task
from builders.spar.tasks.volume import VOLUME_TASKS

TASKS: dict[str, Task] = {t.name: t for t in (*DEPTH_TASKS, *DISTANCE_TASKS, *NEAREST_TASKS, *MATCHING_TASKS,
                                          *RELATION_TASKS, *IMAGINATION_TASKS, *MOTION_TASKS, *VOLUME_TASKS,
                                          *MAP_TASKS, *FRAMES_TASKS, *COUNTING_TASKS, *NAVIGATION_TASKS)}
"""Published name -> task."""

TASKS_3D: dict[str, Task] = {t.name: t for t in (GROUNDING, SCANREFER, BEV)}
"""What the SPAR paper tests with beside its datasets (sections 3.5, 4.3 and 4.4): the tasks of spar_3d."""

ALL_TASKS: dict[str, Task] = TASKS | TASKS_3D

BENCH_TASKS: dict[str, Task] = {name: t for name, t in TASKS.items() if t.bench_format}
"""The tasks SPAR-Bench asks, each in its ``bench_format``."""
