"""Derived figures of *From Flatland to Space* (SPAR; arXiv 2503.22976)."""

from statistics import fmean

from recipes.published import Published, PublishedTable
from recipes.reproduction.figures import Check, Figure, in_range, nearest_share, within

LEVELS = ("Low", "Medium", "High")
TWO_OF_MEDIUM = "Medium without ViewChgI"
MEDIUM_OF_TWO = {
    "spar_bench_full": (
        "GPT-4o",
        "GPT-4.1",
        "Doubao-1.5-vision-pro",
        "InternVL2.5-26B",
        "InternVL2.5-38B",
        "Qwen2.5-VL-32B",
        "Qwen2.5-VL-72B",
        "LLaVA-v1.5-13B",
    )
}
"""Rows whose printed Medium is the mean of two tasks of three."""

_MEANS = 0.0101
"""Printed task scores are rounded by up to 0.005, and so is the printed mean."""


def _tasks(published: Published) -> dict[str, list[str]]:
    """Level -> its tasks."""
    tasks = published.table("spar_bench_tasks")
    return {level: [task for task, row in tasks.rows.items() if row["level"] == level] for level in LEVELS}


def _averages(published: Published, name: str) -> list[Figure]:
    """Average over all tasks, and per level; Medium also without view change in the rows known for that."""
    table, levels = published.table(name), _tasks(published)
    columns = {"Avg": [task for tasks in levels.values() for task in tasks], **levels}
    figures = []
    for row in table.rows:
        for column, tasks in columns.items():
            printed, scores = table.value(row, column), table.values(row, tasks)
            if printed is not None and len(scores) == len(tasks):
                figures.append(Figure(row, column, printed, fmean(scores), _MEANS, 2))
                if column == "Medium" and row in MEDIUM_OF_TWO.get(name, ()):
                    figures.append(Figure(row, TWO_OF_MEDIUM, printed, fmean(scores[:2]), _MEANS, 2))
    return figures


def _ranks(table: PublishedTable) -> list[Figure]:
    ranked = {row: table.value(row, "Avg") or 0.0 for row in table.rows if table.value(row, "Rank") is not None}
    return [
        Figure(row, "Rank", table.value(row, "Rank"), 1 + sum(other > average for other in ranked.values()), 0.0, 0)
        for row, average in ranked.items()
    ]


def _attainable(published: Published, name: str, questions: int | None = None) -> list[Figure]:
    """Each task score against the nearest one that whole counts allow: k/n for accuracy, k/(10 n) for MRA."""
    table, tasks = published.table(name), published.table("spar_bench_tasks")
    figures = []
    for task, row in tasks.rows.items():
        asked = questions or tasks.value(task, "questions")
        if row["metric"] == "VCI" or not asked:
            continue
        units = int(asked) * (10 if row["metric"] == "MRA" else 1)
        for model in table.rows:
            printed = table.value(model, task)
            if printed is not None:
                figures.append(Figure(model, task, printed, nearest_share(printed, units), 0.0051, 2))
    return figures


def _tiny_twice(published: Published) -> list[Figure]:
    main, appendix = published.table("spar_bench_tiny_main"), published.table("spar_bench_tiny")
    return [
        Figure(row, column, main.value(row, column), appendix.value(row, column) or 0.0, 0.0, 2)
        for row in main.rows
        for column in main.columns
        if column != "Rank"
    ]


def _position_error(published: Published) -> list[Figure]:
    """The mean over all objects is the mean of the bins, weighted by their objects.

    Besides, what holds for any errors: P50 is at most P90 and twice the mean, a P90 over all lies between those of the
    bins. And what holds for these: the mean of a bin is below its P90, and both grow with the distance.
    """
    bins, overall = published.table("position_error_bins"), published.table("position_error")
    objects = [bins.value(row, "objects") or 0.0 for row in bins.rows]
    figures = []
    for model, column in (("Base VLM", "base_mean"), ("SPAR-mix", "spar_mean")):
        means = [bins.value(row, column) or 0.0 for row in bins.rows]
        weighted = sum(n * mean for n, mean in zip(objects, means)) / sum(objects)
        mean, p50, p90 = (overall.value(model, quantity) or 0.0 for quantity in ("mean", "p50", "p90"))
        figures.append(Figure(model, "mean", mean, weighted, _MEANS, 2))
        p90s = [bins.value(row, column.replace("mean", "p90")) or 0.0 for row in bins.rows]
        figures.append(within(model, "P50 in bounds", p50, (0.0, min(p90, 2 * mean)), 2))
        figures.append(within(model, "P90 in bounds", p90, (max(p50, min(p90s)), max(p90s)), 2))
        for row, before, value, limit in zip(bins.rows, [0.0, *means], means, p90s):
            figures.append(within(f"{model}, {row} m", "mean in bounds", value, (before, limit), 2))
        for row, before, value in zip(bins.rows, [0.0, *p90s], p90s):
            figures.append(Figure(f"{model}, {row} m", "P90 grows", value, max(before, value), 0.0, 2))
    return figures


def _percentages(published: Published) -> list[Figure]:
    figures = []
    for name in ("spar_bench_full", "spar_bench_tiny", "spar_bench_tiny_main"):
        table = published.table(name)
        scores = tuple(column for column in table.columns if column != "Rank")
        figures += in_range(table, scores, 0, 100, 2)
    return figures


MIXED_SHARE = {"fill": 0.1, "select": 0.1, "sentence": 1.0, "judge": 0.1}
MIXED_ROWS = 7_821_248
FIGURE_4 = {"low": 37.13, "medium": 11.64, "high": 51.23}


def _seven_million(published: Published) -> list[Figure]:
    """Row totals by format and by source, the size of the mix ("7M"), and its shares by level against figure 4."""
    table = published.table("spar_7m_rows")
    sources = ["scannet", "scannetpp", "structured3d"]
    figures, mixed = [], dict.fromkeys(FIGURE_4, 0.0)
    for task, row in table.rows.items():
        total = table.value(task, "total")
        figures.append(Figure(task, "by format", total, sum(table.values(task, list(MIXED_SHARE))), 0.0, 0))
        if table.values(task, sources):
            figures.append(Figure(task, "by source", total, sum(table.values(task, sources)), 0.0, 0))
        for form, share in MIXED_SHARE.items():
            mixed[row["level"]] += share * (table.value(task, form) or 0.0)
    rows = sum(mixed.values())
    figures.append(Figure("all tasks", "mixed rows", MIXED_ROWS, rows, len(table.rows) * 4, 0))
    figures += [
        Figure("all tasks", f"share of {level}", share, 100 * mixed[level] / rows, 0.0051, 2)
        for level, share in FIGURE_4.items()
    ]
    return figures


CHECKS = {
    "spar_full": Check(
        "SPAR-Bench, full set (table 4): Avg and levels as means of task scores; tolerance 0.0101, since scores and "
        "mean are both rounded. Rank by Avg, exact.",
        lambda published: _averages(published, "spar_bench_full") + _ranks(published.table("spar_bench_full")),
    ),
    "spar_tiny": Check(
        "SPAR-Bench, tiny set (table 11): Avg and levels as means of task scores; tolerance 0.0101. Rank (table 4), "
        "exact.",
        lambda published: _averages(published, "spar_bench_tiny") + _ranks(published.table("spar_bench_tiny_main")),
    ),
    "spar_tiny_twice": Check("SPAR-Bench, tiny set: rows printed both in table 4 and in table 11; exact.", _tiny_twice),
    "spar_full_counts": Check(
        "SPAR-Bench, full set (table 4): task scores against the nearest that whole counts allow (k/n for accuracy, "
        "k/(10 n) for MRA); tolerance 0.0051, half of the last digit.",
        lambda published: _attainable(published, "spar_bench_full"),
    ),
    "spar_tiny_counts": Check(
        "SPAR-Bench, tiny set (table 11): the same with 50 questions a task; tolerance 0.0051.",
        lambda published: _attainable(published, "spar_bench_tiny", 50),
    ),
    "spar_percentages": Check("SPAR-Bench: the extreme score of each column is a percentage; exact.", _percentages),
    "position_error": Check(
        "Bird's-eye probe (section 4.4): mean error as the mean of the bins weighted by objects; tolerance 0.0101. "
        "P50, P90 and bins in the order that they must have, and errors that grow with distance; exact.",
        _position_error,
    ),
    "spar_7m": Check(
        "SPAR-7M: rows per task as sums by format and by source, exact; size of the mix (sentence rows and a tenth of "
        "the others, cut down per file: tolerance 140 rows); shares by level against figure 4, tolerance 0.0051.",
        _seven_million,
    ),
}
