"""Everything the report says about a run: each layer, all pairs and those answered right both ways, each wording."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from metrics.axis_coherence._intervals import Interval, mean_interval
from metrics.vd_ei._vectors import AXES
from recipes.probe.layers import LayerChoice, LayerRule, choose_layer
from recipes.probe.measures import COHERENCE, Measured, measure, principal_components
from recipes.probe.pair_files import read_pairs
from recipes.probe.pairs import Pair
from recipes.probe.state_files import StateFolder, StateIndex
from recipes.probe.wording import PUBLISHED

ALL = "all"
BOTH_CORRECT = "both_correct"


@dataclass(frozen=True)
class ReportSettings:
    """How a run is measured."""

    layer: int = -1
    """0-based; -1: by the rule."""
    permutations: int = 999
    """Of the null; 0: none."""
    seed: int = 0
    """Of the permutations."""
    rule: LayerRule = field(default_factory=LayerRule)


@dataclass(frozen=True)
class Subset:
    """Some pairs of one wording."""

    measured: tuple[Measured, ...]
    """By layer."""
    categories: tuple[str, ...]
    """Of the pairs whose deltas are drawn."""
    components: NDArray[np.float64]
    """(pairs, 3) of the deltas at the chosen layer, those that are not finite left out."""
    explained: NDArray[np.float64]
    """(3,) share of the variance."""


@dataclass(frozen=True)
class Accuracy:
    """Share of right first tokens, over original and swapped questions."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Analysis:
    """A run."""

    run: Path
    index: StateIndex
    about: dict[str, Any]
    """Of the pairs."""
    style: str
    """The wording of the main figures."""
    layer: int
    choice: LayerChoice | None
    """None where the layer was given, or no axis has a positive coherence."""
    subsets: dict[str, Subset]
    """``all``, and ``both_correct`` where answers are known and two pairs or more were right both ways."""
    styles: dict[str, Measured]
    """Each wording at that layer, all pairs."""
    accuracy: dict[str, Accuracy]
    """Axis -> share of right answers; nothing where answers are not known."""
    n_both_correct: int
    n_pairs: int
    """Of the main wording."""

    def at_layer(self, subset: str = ALL) -> Measured:
        return self.subsets[subset].measured[self.index.layers.index(self.layer)]


def analyse(run: Path, settings: ReportSettings) -> Analysis:
    """Measure a run.

    Raises:
        InputError: no states or pairs there, some missing or damaged, states of other pairs, a layer that was not
            collected, or no state that is finite.
    """
    folder, pairs = StateFolder.open(run), read_pairs(run)
    index = folder.index
    if pairs.sha256 != index.pairs_sha256:
        raise InputError(f"{pairs.path}: not the pairs whose states these are; collect again into another --out")
    if settings.layer >= 0 and settings.layer not in index.layers:
        raise InputError(f"--layer {settings.layer}: was not collected; there are {', '.join(map(str, index.layers))}")
    folder.require_whole()
    rows = pairs.pairs[: index.n_rows]
    style = PUBLISHED if any(pair.style == PUBLISHED for pair in rows) else rows[0].style
    main = np.array([pair.style == style for pair in rows])
    margins = np.stack([folder.read("margin_original"), folder.read("margin_swapped")])
    right = main & (margins > 0).all(axis=0)
    masks = {ALL: main} | ({BOTH_CORRECT: right} if right.sum() > 1 else {})
    curves: dict[str, list[Measured]] = {name: [] for name in masks}
    for layer in index.layers:
        deltas = _deltas(folder, layer)
        for name, mask in masks.items():
            curves[name].append(_measure(deltas[mask], _chosen(rows, mask), settings))
    if curves[ALL][0].n_not_finite == main.sum():
        raise InputError(f"{run}: no pair has finite states")
    choice = None if settings.layer >= 0 else _choice(index, curves[ALL], settings.rule)
    layer = settings.layer if settings.layer >= 0 else choice.layer if choice else index.layers[len(index.layers) // 2]
    deltas = _deltas(folder, layer)
    wordings = {name: np.array([pair.style == name for pair in rows]) for name in dict.fromkeys(p.style for p in rows)}
    return Analysis(
        run, index, pairs.about, style, layer, choice,
        {name: _subset(curves[name], deltas, rows, mask) for name, mask in masks.items()},
        {name: _measure(deltas[mask], _chosen(rows, mask), settings, 0) for name, mask in wordings.items()},
        _accuracy(rows, main, margins), int(right.sum()), int(main.sum()))


def _deltas(folder: StateFolder, layer: int) -> NDArray[np.float32]:
    with np.errstate(invalid="ignore"):  # infinite states; they are counted
        return folder.read("swapped", layer) - folder.read("original", layer)


def _chosen(rows: Sequence[Pair], mask: NDArray[np.bool_]) -> list[Pair]:
    return [pair for pair, chosen in zip(rows, mask, strict=True) if chosen]


def _measure(
    deltas: NDArray[np.float32], rows: Sequence[Pair], settings: ReportSettings, permutations: int | None = None
) -> Measured:
    return measure(deltas, [pair.category for pair in rows], [pair.group for pair in rows],
                   settings.permutations if permutations is None else permutations, settings.seed)


def _choice(index: StateIndex, curve: Sequence[Measured], rule: LayerRule) -> LayerChoice | None:
    coherence = {axis: np.array([measured.figures[key].value for measured in curve])
                 for axis, key in zip(AXES, COHERENCE, strict=True)}
    vd_ei = np.array([measured.figures["vd_ei"].value for measured in curve])
    return choose_layer(index.layers, index.n_layers, coherence, vd_ei, rule)


def _subset(
    curve: Sequence[Measured], deltas: NDArray[np.float32], rows: Sequence[Pair], mask: NDArray[np.bool_]
) -> Subset:
    drawn = mask & np.isfinite(deltas).all(axis=1)
    components, explained = principal_components(deltas[drawn])
    return Subset(tuple(curve), tuple(pair.category for pair in _chosen(rows, drawn)), components, explained)


def _accuracy(
    rows: Sequence[Pair], main: NDArray[np.bool_], margins: NDArray[np.float32]
) -> dict[str, Accuracy]:
    found = {}
    for axis in AXES:
        here = main & np.array([pair.axis == axis for pair in rows]) & np.isfinite(margins).all(axis=0)
        if here.any():
            right = (margins[:, here] > 0).astype(float)
            groups = [pair.group for pair in _chosen(rows, here)] * 2
            found[axis] = Accuracy(float(right.mean()), mean_interval(right.reshape(-1), groups))
    return found


