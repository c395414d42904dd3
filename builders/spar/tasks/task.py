"""What a task is: one entry that owns its published name, form, markers, metric, generator, wording slots and second
route. A new task is one entry in a family file of this folder, and its wording in ``templates/<name>.yaml``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from builders.spar.facts import Asked, Fact, Gold, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord
from builders.spar.second_route import Second

Proposal = tuple[tuple[int, ...], tuple[Asked, ...]]
"""Image record indices in the order shown, and the objects asked about."""

FORMATS = ("fill", "select", "sentence", "judge")
"""Published answer formats."""

Propose = Callable[[SceneRecord, Limits, np.random.Generator], Iterator[Proposal]]
Measure = Callable[[SceneRecord, Limits, np.random.Generator, Proposal], Fact | Rejected]
Answer = Callable[[Any, str, SceneRecord, Limits, np.random.Generator], Gold | Rejected]
"""(the fact that ``measure`` made, format, ...)."""
Recompute = Callable[[dict[str, Any], SceneRecord, Limits], Second | str]
"""(row, ...); a string says what is wrong with the row."""


@dataclass(frozen=True)
class Task:
    """One of the task types of SPAR-7M (figure 4 and table 4 of the paper)."""

    name: str
    """The published name, the ``task`` column."""
    short: str
    """The paper's column head in table 4, or one of its kind for tasks outside the benchmark."""
    level: str
    """``low``, ``medium`` or ``high``."""
    relation: str
    """``oo`` object-object, ``oc`` object-camera, ``none``."""
    img_type: str
    """``single_view``, ``multi_view`` or ``video``."""
    views: int
    """Images a question shows; 0 where it depends on the scene (videos)."""
    formats: tuple[str, ...]
    """Those of ``FORMATS`` in which it is asked, in this order."""
    bench_format: str
    """Its format in SPAR-Bench, one of ``formats``; empty when the benchmark does not have the task."""
    options: int
    """Number of options of its ``select`` format; 0 without one."""
    marker: str
    """``point``, ``box`` (colours follow from the proposals), ``none`` (labels alone tell which objects are meant) or
    ``described`` (words that the task finds do)."""
    propose: Propose
    """Yields proposals in random order, each at most once."""
    measure: Measure
    """Turns a proposal into a fact, or says why not."""
    answer: Answer
    """The gold of a fact in a format: its text, numbers, options and the words that the wording needs."""
    recompute: Recompute
    """The gold of a finished row, computed again from stored cameras and boxes by other formulas."""
    fill_metric: str = "mra"
    """The ``metrics/`` module that scores its fill answers."""
    balanced: tuple[str, ...] = ()
    """Formats whose rows are chosen by ``Gold.balance``."""
    asks_all: bool = False
    """Whether objects may be asked about any number of times: proposals are given, not drawn."""
    needs: str = ""
    """What a source must have beyond posed frames, mesh and instances: a key of ``NEEDS`` in
    ``builders.spar.availability``."""

    def metric(self, format_type: str) -> str:
        """The ``metrics/`` module that scores answers of this format; sentences have none."""
        scored = {"fill": self.fill_metric, "select": "choice_accuracy", "judge": "choice_accuracy"}
        return scored.get(format_type, "")
