"""Runs side by side: does distance coherence go with counter accuracy, with VD-EI, and with itself on other pairs?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from statistics import NormalDist

from scipy.stats import spearmanr

from builders.errors import InputError
from recipes.results import Results

COUNTER = "all/counter"
"""Accuracy where the farther object is the lower one, of ``recipes/shortcut_splits.py``, in percent."""
DISTANCE = "coh_distance"
ENTANGLEMENT = "vd_ei"


@dataclass(frozen=True)
class Relation:
    """Two figures over several models."""

    name: str
    x_label: str
    y_label: str
    points: tuple[tuple[str, float, float], ...]
    """(model, x, y)."""
    rho: float | None
    """Spearman's; None below three models, or where one figure is the same for all."""
    interval: tuple[float, float] | None
    """Of rho at 95 %; None below four."""


def relations(runs: Sequence[Results], scores: Sequence[Results]) -> list[Relation]:
    """What can be related: two models or more with both figures.

    Args:
        runs: of probing, reported.
        scores: of ``recipes/shortcut_splits.py``; models are matched by name.

    Raises:
        InputError: scores of another recipe.
    """
    for result in scores:
        if COUNTER not in result.metrics:
            raise InputError(f"--scores {result.model}: holds no {COUNTER} (recipe {result.recipe}); give folders of "
                             "recipes/shortcut_splits.py")
    found = []
    coherence: dict[str, dict[str, float]] = {}
    entanglement: dict[str, dict[str, float]] = {}
    for result in runs:
        where = str(result.dataset["repo"])
        for table, name in ((coherence, DISTANCE), (entanglement, ENTANGLEMENT)):
            if name in result.metrics:
                table.setdefault(where, {})[result.model] = result.metrics[name].value
    for where, held in coherence.items():
        counters: dict[str, dict[str, float]] = {}
        for result in scores:
            counters.setdefault(str(result.dataset["repo"]), {})[result.model] = result.metrics[COUNTER].value
        for benchmark, accuracy in counters.items():
            found.append(relation("Coh_D and counter accuracy", f"Coh_D, {where}", f"counter accuracy, {benchmark}, %",
                                  held, accuracy))
        found.append(relation("Coh_D and VD-EI", f"Coh_D, {where}", f"VD-EI, {where}", held,
                              entanglement.get(where, {})))
    datasets = list(coherence)
    for number, first in enumerate(datasets):
        for second in datasets[number + 1 :]:
            found.append(relation("Coh_D on two sets of pairs", f"Coh_D, {first}", f"Coh_D, {second}", coherence[first],
                                  coherence[second]))
    return [each for each in found if len(each.points) > 1]


def relation(name: str, x_label: str, y_label: str, x: Mapping[str, float], y: Mapping[str, float]) -> Relation:
    """Relate two figures over the models that have both."""
    points = tuple((model, x[model], y[model]) for model in x if model in y)
    xs, ys = [point[1] for point in points], [point[2] for point in points]
    rho = float(spearmanr(xs, ys).statistic) if len(points) > 2 and len(set(xs)) > 1 and len(set(ys)) > 1 else None
    return Relation(name, x_label, y_label, points, rho, None if rho is None else rank_interval(rho, len(points)))


def rank_interval(rho: float, n: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Interval of Spearman's rho: Fisher's transformation with the standard error of Bonett and Wright (2000). Models
    of one family are not independent, which no formula knows: the true uncertainty is larger.

    >>> tuple(round(bound, 2) for bound in rank_interval(0.662, 16))
    (0.19, 0.88)
    """
    if n < 4:
        return None
    rho = max(-0.999, min(0.999, rho))  # a perfect order of few models does not make certain
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * sqrt((1 + rho**2 / 2) / (n - 3))
    return tanh(atanh(rho) - reach), tanh(atanh(rho) + reach)
