"""Figures of SpatialTunnel as SVG text: heat maps over both angles, and the size curve."""

import io
from collections.abc import Iterable, Mapping, Sequence

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from builders.tunnel.layout import ANGLES, theta
from recipes.items import Item
from recipes.scoring import Score
from recipes.tunnel_scoring import CLASSES, SIZE, heat_map

_COLORS = ("#2f6db3", "#cf6f1f", "#2f8f63", "#8458b3", "#b8385e", "#2390a3", "#8a7a1d", "#6d747c")
"""Of runs, as in the page."""
_ABSENT = "#ffffff"
"""Not the grey that stands for v = 0.5."""


def heat_maps(items: Iterable[Item]) -> str:
    """One map for each class, mean v of each cell: red high, blue low, pale grey one half; white where none is."""
    held = list(items)
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), layout="constrained")
    colors = plt.get_cmap("coolwarm").with_extremes(bad=_ABSENT)
    ticks = range(0, ANGLES, 4)
    labels = [f"{theta(k):g}" for k in ticks]
    for axis, name in zip(axes, CLASSES, strict=True):
        drawn = axis.imshow(heat_map(held, name).T, origin="lower", cmap=colors, vmin=0, vmax=1)
        axis.set(title=name, xlabel="farther object, degrees", ylabel="nearer object, degrees", xticks=ticks,
                 yticks=ticks, xticklabels=labels, yticklabels=labels)
    figure.colorbar(drawn, ax=axes, label="v", shrink=0.85)
    return _svg(figure)


def size_curve(runs: Sequence[tuple[str, Mapping[str, Score]]]) -> str:
    """v against the size of the farther object, a line per run with its intervals.

    Args:
        runs: (label, metrics).
    """
    figure, axis = plt.subplots(figsize=(7.6, 3.4), layout="constrained")
    start = f"size_variation/{SIZE}"
    for number, (label, metrics) in enumerate(runs):
        points = sorted((float(name.removeprefix(start)), score) for name, score in metrics.items()
                        if name.startswith(start))
        if points:
            sizes, scores = zip(*points, strict=True)
            values = np.array([score.value for score in scores])
            reach = np.abs(np.array([[score.low for score in scores], [score.high for score in scores]]) - values)
            axis.errorbar(np.array(sizes) + 0.001 * (number - len(runs) / 2), values, reach, label=label, marker="o",
                          markersize=3.5, linewidth=1.3, elinewidth=0.8, color=_COLORS[number % len(_COLORS)])
    axis.axhline(0.5, color="#8b939c", linewidth=0.8, linestyle="--")
    axis.set(xlabel="size of the farther object, m (the nearer one has the rest of the sum)", ylabel="v",
             ylim=(-0.03, 1.03))
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return _svg(figure)


def _svg(figure: Figure) -> str:
    """The drawing, without the XML head, for a page. Equal figures give equal text."""
    with io.StringIO() as text, matplotlib.rc_context({"svg.hashsalt": "vantage", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        plt.close(figure)
        drawn = text.getvalue()
    return drawn[drawn.index("<svg"):]
