"""What a task is: one entry that owns its published name, form, markers, metric and generator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from builders.spar.facts import Asked, Fact, Rejected
from builders.spar.limits import Limits
from builders.spar.records import SceneRecord

Proposal = tuple[tuple[int, ...], tuple[Asked, ...]]
"""Image record indices in the order shown, and the objects asked about."""

Propose = Callable[[SceneRecord, Limits, np.random.Generator], Iterator[Proposal]]
Measure = Callable[[SceneRecord, Limits, np.random.Generator, Proposal], Fact | Rejected]


@dataclass(frozen=True)
class Task:
    """One of the task types of SPAR-7M (figure 4 and table 4 of the paper)."""

    name: str
    """The published name, the ``task`` column."""
    short: str
    """The paper's column head in table 4."""
    level: str
    """``low``, ``medium`` or ``high``."""
    relation: str
    """``oo`` object-object, ``oc`` object-camera, ``none``."""
    img_type: str
    """``single_view``, ``multi_view`` or ``video``."""
    views: int
    """Images a question shows."""
    formats: tuple[str, ...]
    """Published answer formats this project generates."""
    bench_format: str
    """Its format in SPAR-Bench, one of ``formats``; empty when the benchmark does not have the task."""
    options: int
    """Number of options of its ``select`` format; 0 without one."""
    marker: str
    """``point``, ``box`` or ``none``; colours follow from the proposals."""
    quantity: str
    """What is measured; ``verify`` recomputes it under this name."""
    propose: Propose
    """Yields proposals in random order, each at most once."""
    measure: Measure
    """Turns a proposal into a fact, or says why not."""

    def metric(self, format_type: str) -> str:
        """The ``metrics/`` module that scores answers of this format; sentences have none."""
        return {"fill": "mra", "select": "choice_accuracy", "judge": "choice_accuracy"}.get(format_type, "")
