"""The charts of the comparison page: scores by task, by tag, by class of cells."""

from dataclasses import dataclass

from builders.heuristic import TAGS
from recipes.comparison.runs import Group, Run
from recipes.comparison.tables import Compared, number
from recipes.reporting.chart import Chart, Row, chart
from recipes.reporting.speed_charts import FIGURES, speed_charts
from recipes.shortcut_scoring import ALL
from recipes.tunnel_scoring import CLASSES


@dataclass(frozen=True)
class Figure:
    """A chart with its legend."""

    title: str
    chart: Chart
    legend: list[tuple[str, str]]
    """(class in the style sheet, name)."""
    has_chance: bool


def charts(part: Compared) -> list[Figure]:
    """Those of the recipe; of others, bars of every figure that is a score."""
    special = {"shortcut_splits": _tag_charts, "spatial_tunnel": _class_charts, "efficiency": _speed_charts}.get(
        part.group.asked.recipe)
    return special(part.group) if special else _score_chart(part)


def _score_chart(part: Compared) -> list[Figure]:
    runs, scale = part.group.runs, part.group.scale
    chance = runs[0].results.settings.get("chance") or {}
    rows = []
    for line in part.lines:
        scores = [run.metrics.get(line.figure) for run in runs]
        if not (line.signed or line.less_is_better) and all(0 <= score.value <= scale for score in scores if score):
            marks = [(_color(i), f"{run.label}, {line.label}", score)
                     for i, (run, score) in enumerate(zip(runs, scores, strict=True))]
            rows.append(Row(line.name, marks, line.kind, (chance[line.figure],) if line.figure in chance else ()))
    if not rows:
        return []
    legend = [(_color(i), run.label) for i, run in enumerate(runs)]
    return [Figure("Scores", chart(rows, top_value=scale, bars=True), legend, bool(chance))]


def _color(number_of_run: int) -> str:
    return f"run-{number_of_run % 8}"


def _tag_charts(group: Group) -> list[Figure]:
    """Bars of each tag: a line per run in a chart per block; of a single run one chart with a line per block."""
    chance = group.runs[0].results.settings["chance"]
    blocks = [block for block in chance if any(f"{block}/{tag}" in run.metrics for run in group.runs for tag in TAGS)]
    legend = [(tag, tag) for tag in TAGS]

    def row(label: str, run: Run, block: str) -> Row:
        gap = run.metrics.get(f"{block}/gap")
        marks = [(tag, f"{run.label}, {block}, {tag}", run.metrics.get(f"{block}/{tag}")) for tag in TAGS]
        return Row(label, marks, "task", (chance[block],), f"gap {number(gap.value, 1, True)}" if gap else "no gap")

    if len(group.runs) == 1:
        rows = [row(block, group.runs[0], block) for block in blocks]
        return [Figure("Score by tag", chart(rows, bars=True), legend, True)]
    figures = []
    for block in blocks:
        rows = [row(run.label, run, block) for run in group.runs]
        title = "all questions" if block == ALL else block
        figures.append(Figure(title, chart(rows, bars=True), legend, True))
    return figures


def _class_charts(group: Group) -> list[Figure]:
    """v of consistent and counter cells, a line per run in a chart per config."""
    names = (name for run in group.runs for name in run.metrics)
    figures = []
    for config in dict.fromkeys(name.rpartition("/")[0] for name in names if name.endswith("/delta")):
        rows = []
        for run in group.runs:
            gap = run.metrics.get(f"{config}/delta")
            marks = [(css, f"{run.label}, {config}, {css}", run.metrics.get(f"{config}/{name}"))
                     for css, name in zip(CLASSES, ("v_cons", "v_ctr"), strict=True)]
            rows.append(Row(run.label, marks, "task", (0.5,), f"delta {number(gap.value, 2, True)}" if gap else ""))
        legend = [(tag, tag) for tag in CLASSES]
        figures.append(Figure(f"{config}: v", chart(rows, top_value=1.0, bars=True), legend, True))
    return figures


def _speed_charts(group: Group) -> list[Figure]:
    """Bars of each measured figure, a line per setting."""
    runs = [(run.label, run.metrics) for run in group.runs]
    legend = [(_color(i), run.label) for i, run in enumerate(group.runs)]
    return [Figure(title, drawn, legend, False) for title, drawn in speed_charts(runs, FIGURES)]
