"""Differences between two runs on the questions that both were asked, with their intervals.

With a and b the two scores of a question, (a - b + 1) / 2 lies between 0 and 1 as a score does. So the interval of a
difference is that of a mean of such values (``metrics/_shared/intervals.py``), of a mean of task means, or of a
difference of two means: over the same groups (scenes, images) as the figures themselves. What both runs find hard
cancels out, which is why these intervals are narrower than two separate ones suggest. Each covers its own difference at
95 %; among many pairs a few miss.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from metrics.shortcut_gap._intervals import wilson
from recipes.comparison.figures import figure_of
from recipes.comparison.runs import Group, Run
from recipes.items import DIFFERENCE, MEAN, Composed, figures_of

_CLOSE = 1e-6


@dataclass(frozen=True)
class Difference:
    """One figure of a run less that of another."""

    value: float
    low: float
    high: float
    interval: str
    n: int
    """Questions that both runs were asked."""
    n_groups: int

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return not self.low <= 0 <= self.high


class Paired:
    """The scores of a group's runs, question by question."""

    def __init__(self, group: Group) -> None:
        for run in group.runs:
            _check_items(run, group.scale)
        self._scale = group.scale
        uids = list(dict.fromkeys(uid for run in group.runs for uid in run.items))
        place = {uid: i for i, uid in enumerate(uids)}
        self.scores = np.full((len(group.runs), len(uids)), np.nan)
        """(R, N); NaN where a run was not asked."""
        self.uids = uids
        groups: list[str] = [""] * len(uids)
        members: dict[str, list[int]] = {}
        for number, run in enumerate(group.runs):
            for uid, item in run.items.items():
                position = place[uid]
                self.scores[number, position] = item.score
                if not groups[position]:
                    groups[position] = item.group
                    for part in item.parts:
                        members.setdefault(part, []).append(position)
        self._groups = np.array(groups)
        self._members = {part: np.array(positions) for part, positions in members.items()}
        self._composed: Composed = {}
        for run in group.runs:
            self._composed |= run.results.settings.get("composed", {})

    def difference(self, figure: str, first: int, second: int) -> Difference | None:
        """``figure`` of one run less that of another; None where it is not made of scores of questions, or where they
        share none."""
        distance = self.scores[first] - self.scores[second]
        kind, names = MEAN, [figure]
        if figure not in self._members:
            kind, names = next(iter(self._composed.get(figure, {"": []}).items()))
        parts = [here[np.isfinite(distance[here])] for here in (self._members.get(name, _NONE) for name in names)]
        if not parts or not all(map(len, parts)):
            return None
        halves = [(distance[here] + 1) / 2 for here in parts]
        groups = [self._groups[here].tolist() for here in parts]
        value, (low, high, method, n, n_groups) = figure_of(halves, groups, kind)
        assert low is not None and high is not None  # there is at least one question
        centre = 0.0 if kind == DIFFERENCE else 0.5
        if all((part == 0.5).all() for part in halves):  # equal on each: a difference is as rare as what was never seen
            bound = wilson(0, n_groups)[1] / (1 if kind == DIFFERENCE else 2)
            low, high, method = centre - bound, centre + bound, "equal"
        value, low, high = (2 * self._scale * (x - centre) for x in (value, low, high))
        return Difference(value, low, high, f"paired_{method}", n, n_groups)


_NONE: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


def _check_items(run: Run, scale: float) -> None:
    """Raise ``InputError`` where what the questions scored is not what the figures say."""
    for name, uids in figures_of(run.items).items():
        if name in run.metrics:
            mean = scale * float(np.mean([run.items[uid].score for uid in uids]))
            if len(uids) != run.metrics[name].n or abs(mean - run.metrics[name].value) > _CLOSE * scale:
                raise InputError(f"{run.folder}: {name} is {run.metrics[name].value:.4f} in its results and {mean:.4f} "
                                 "by its predictions; run its recipe again (answers are kept)")
