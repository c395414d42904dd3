"""Figures of contrastive probing, at the sizes of a two-column paper (3.3 and 6.9 inches wide)."""

from collections.abc import Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from metrics.vd_ei._vectors import AXES, CATEGORIES
from recipes.probe.across import Relation
from recipes.probe.analysis import Analysis, Subset
from recipes.probe.measures import COHERENCE, FIGURES, NAMES, Measured

WIDE = 6.9
NARROW = 3.3
COLORS = {"coh_horizontal": "#2f6db3", "coh_vertical": "#cf6f1f", "coh_distance": "#2f8f63", "vd_ei": "#8458b3",
          "vd_ei_pooled": "#b8385e"}
_OF_AXIS = dict(zip(AXES, (COLORS[key] for key in COHERENCE), strict=True))
_MARKERS = ("o", "^")
"""Of an axis' canonical category and its opposite."""
_SOFT = "#8b939c"
STYLE: Any = {
    "font.family": "sans-serif", "font.size": 8, "axes.titlesize": 8.5, "axes.labelsize": 8, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "legend.fontsize": 7, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7, "lines.linewidth": 1.4,
    "legend.frameon": False, "pdf.fonttype": 42, "figure.dpi": 100,
}


def layer_curves(analysis: Analysis, subset: str) -> Figure:
    """Coherence of the three axes and VD-EI against the layer, with intervals and the permutation null (dotted); the
    chosen layer as a line, the end that is never chosen in grey. Hollow marks: any value is possible there."""
    layers, held = analysis.index.layers, analysis.subsets[subset].measured
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(1, 2, figsize=(WIDE, 2.5), layout="constrained", sharex=True)
        for panel, keys, label in zip(panels, (COHERENCE, FIGURES[3:]), ("coherence", "VD-EI"), strict=True):
            for key in keys:
                _curve(panel, layers, held, key)
            panel.axvline(analysis.layer, color="black", linewidth=0.8)
            if analysis.choice and analysis.choice.last < layers[-1]:
                panel.axvspan(analysis.choice.last + 0.5, layers[-1] + 0.5, color="#eceef0", zorder=0, linewidth=0)
            panel.axhline(0, color=_SOFT, linewidth=0.6, zorder=0)
            panel.set(xlabel="layer", ylabel=label, xlim=(layers[0] - 0.5, layers[-1] + 0.5))
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.legend(loc="best", ncols=1)
    return figure


def _curve(panel: Axes, layers: Sequence[int], held: Sequence[Measured], key: str) -> None:
    figures = [measured.figures[key] for measured in held]
    value, low, high, null = (np.array([getattr(figure, name) for figure in figures])
                              for name in ("value", "low", "high", "null"))
    known = np.array([figure.interval != "undetermined" for figure in figures])
    panel.plot(layers, value, color=COLORS[key], label=NAMES[key])
    for here, face in ((known, COLORS[key]), (~known, "white")):
        panel.plot(np.array(layers)[here], value[here], "o", color=COLORS[key], markerfacecolor=face, markersize=2.8,
                   markeredgewidth=0.8)
    panel.fill_between(layers, low, high, where=known, color=COLORS[key], alpha=0.18, linewidth=0)
    if np.isfinite(null).any():
        panel.plot(layers, null, color=COLORS[key], linestyle=":", linewidth=0.9)


def heat_map(measured: Measured) -> Figure:
    """Cosines of the six category means."""
    with plt.rc_context(STYLE | {"axes.spines.top": True, "axes.spines.right": True}):
        figure, panel = plt.subplots(figsize=(NARROW, 2.7), layout="constrained")
        colors = plt.get_cmap("RdBu_r").with_extremes(bad="#d9dcdf")
        drawn = panel.imshow(measured.similarity, cmap=colors, vmin=-1, vmax=1)
        ticks = range(len(CATEGORIES))
        panel.set(xticks=ticks, yticks=ticks, xticklabels=CATEGORIES, yticklabels=CATEGORIES)
        panel.tick_params(length=0)
        for row in ticks:
            for column in ticks:
                value = measured.similarity[row, column]
                if np.isfinite(value):
                    shown = f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
                    panel.text(column, row, shown, ha="center", va="center", fontsize=6.5,
                               color="white" if abs(value) > 0.6 else "black")
        for edge in (1.5, 3.5):
            panel.axhline(edge, color="white", linewidth=1.5)
            panel.axvline(edge, color="white", linewidth=1.5)
        figure.colorbar(drawn, ax=panel, shrink=0.8, label="cosine")
    return figure


def components(subset: Subset) -> Figure:
    """The deltas along their first principal components, in two dimensions and in three."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(WIDE, 3.2))
        flat = figure.add_axes((0.1, 0.13, 0.38, 0.72))
        deep: Any = figure.add_axes((0.51, 0.0, 0.45, 0.98), projection="3d")
        names = np.array(subset.categories)
        for axis, halves in AXES.items():
            for category, marker in zip(halves, _MARKERS, strict=True):
                points = subset.components[names == category]
                look: Any = {"color": _OF_AXIS[axis], "marker": marker, "linewidths": 0.3, "edgecolors": "white"}
                flat.scatter(points[:, 0], points[:, 1], s=11, alpha=0.8, label=category, **look)
                deep.scatter(*points.T, s=8, alpha=0.7, **look)
        share = [f"PC{n + 1} ({part:.0%})" for n, part in enumerate(subset.explained)]
        flat.set(xlabel=share[0], ylabel=share[1])
        flat.axhline(0, color=_SOFT, linewidth=0.5, zorder=0)
        flat.axvline(0, color=_SOFT, linewidth=0.5, zorder=0)
        flat.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), columnspacing=1, handletextpad=0.2)
        deep.set(xlabel=share[0], ylabel=share[1])
        deep.set_zlabel(share[2])
        deep.tick_params(labelsize=5.5, pad=-3)
        deep.zaxis.set_tick_params(pad=1)
        deep.xaxis.labelpad = deep.yaxis.labelpad = deep.zaxis.labelpad = -4
        for side in (deep.xaxis, deep.yaxis, deep.zaxis):
            side.set_major_locator(MaxNLocator(5))
        deep.set_box_aspect((1, 1, 0.85), zoom=0.88)
    return figure


def wordings(analysis: Analysis) -> Figure:
    """Each figure in each wording at the chosen layer, with its interval."""
    with plt.rc_context(STYLE):
        figure, panel = plt.subplots(figsize=(WIDE, 2.2), layout="constrained")
        grey = plt.get_cmap("viridis")(np.linspace(0, 0.88, len(analysis.styles)))
        for number, ((style, measured), color) in enumerate(zip(analysis.styles.items(), grey, strict=True)):
            figures = [measured.figures[key] for key in FIGURES]
            values = np.array([held.value for held in figures])
            reach = np.abs(np.array([[held.low for held in figures], [held.high for held in figures]]) - values)
            place = np.arange(len(FIGURES)) + (number - (len(analysis.styles) - 1) / 2) * 0.13
            panel.errorbar(place, values, np.nan_to_num(reach), fmt="o", markersize=3.5, linewidth=0.9, color=color,
                           label=style)
        panel.axhline(0, color=_SOFT, linewidth=0.6, zorder=0)
        panel.set(xticks=range(len(FIGURES)), xticklabels=[NAMES[key] for key in FIGURES])
        panel.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="wording")
    return figure


def scatter(relation: Relation) -> Figure:
    """Two figures over models, each with its name."""
    with plt.rc_context(STYLE):
        figure, panel = plt.subplots(figsize=(NARROW, 2.8), layout="constrained")
        for model, x, y in relation.points:
            panel.plot(x, y, "o", color=COLORS["coh_horizontal"], markersize=4)
            panel.annotate(model.rsplit("/", 1)[-1], (x, y), xytext=(4, 3), textcoords="offset points", fontsize=6)
        panel.margins(0.18, 0.12)
        panel.set(xlabel=relation.x_label, ylabel=relation.y_label)
        if relation.rho is not None:
            bounds = relation.interval
            shown = f" [{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else ""
            panel.set_title(f"Spearman {relation.rho:.2f}{shown}, {len(relation.points)} models", loc="left")
    return figure

