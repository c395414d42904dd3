"""Derived figures of *Why Far Looks Up* (SpatialTunnel; arXiv 2605.30161)."""

from typing import Any

from scipy.stats import spearmanr

from metrics._shared.intervals import wilson
from recipes.published import Published, PublishedTable
from recipes.reproduction.figures import Check, Figure, nearest_share

DELTA_TOLERANCE = 0.0011
"""A printed difference was rounded after subtracting, so that it may be 0.001 off the difference of printed values."""

_TENTH = 0.0501
"""Half of the last digit of a percentage with one decimal."""


def _delta(table: str, minuend: str, subtrahend: str, column: str, published: Published) -> list[Figure]:
    rows: PublishedTable = published.table(table)
    return [
        Figure(
            row,
            column,
            rows.value(row, column),
            (rows.value(row, minuend) or 0.0) - (rows.value(row, subtrahend) or 0.0),
            DELTA_TOLERANCE,
            3,
        )
        for row in rows.rows
    ]


def _split_counts(published: Published) -> list[Figure]:
    table = published.table("split_counts")
    figures = []
    for benchmark in ("embspatial", "cv3d"):
        kinds = [row for row in table.rows if row != "total"]
        counts = {row: table.value(row, benchmark) or 0.0 for row in kinds}
        total = sum(counts.values())
        figures.append(Figure("total", benchmark, table.value("total", benchmark), total, 0.0, 0))
        for row, count in counts.items():
            percent = table.value(row, f"{benchmark}_percent")
            figures.append(Figure(row, f"{benchmark}_percent", percent, 100 * count / total, _TENTH, 1))
    return figures


def _split_accuracy(published: Published) -> list[Figure]:
    """Accuracies as whole counts of the split's examples, gaps from those counts, and Wilson intervals of counter."""
    table, splits = published.table("real_split_accuracy"), published.table("split_counts")
    figures = []
    for row in table.rows:
        for benchmark in ("embspatial", "cv3d"):
            printed, exact = {}, {}
            for kind in ("consistent", "counter"):
                n = int(splits.value(kind, benchmark) or 0)
                printed[kind] = table.value(row, f"{benchmark}_{kind}") or 0.0
                exact[kind] = nearest_share(printed[kind], n)
                figures.append(Figure(row, f"{benchmark}_{kind}", printed[kind], exact[kind], _TENTH, 1))
            gap = printed["consistent"] - printed["counter"]
            exact_gap = exact["consistent"] - exact["counter"]
            figures.append(Figure(row, f"{benchmark} gap", gap, exact_gap, 2 * _TENTH, 1))
            low, high = (100 * bound for bound in wilson(round(exact["counter"] / 100 * n), n))
            figures.append(Figure(row, f"{benchmark}_counter low", None, low, 0.0, 1))
            figures.append(Figure(row, f"{benchmark}_counter high", None, high, 0.0, 1))
    return figures


QUESTIONS = {"cv2d_relation": 650, "cv3d_depth": 600, "cv3d_distance": 600, "blink_depth": 124, "blink_relation": 143}


def _benchmark_counts(published: Published) -> list[Figure]:
    table = published.table("benchmark_accuracy")
    return [
        Figure(row, column, value, nearest_share(value, n), _TENTH, 1)
        for column, n in QUESTIONS.items()
        for row in table.rows
        if (value := table.value(row, column)) is not None
    ]


def _blink_intervals(published: Published) -> list[Figure]:
    table = published.table("blink_intervals")
    figures = []
    for row in table.rows:
        n = int(table.value(row, "questions") or 0)
        correct = round((table.value(row, "accuracy") or 0.0) / 100 * n)
        low, high = wilson(correct, n)
        recomputed = {"accuracy": correct / n, "low": low, "high": high}
        figures += [Figure(row, name, table.value(row, name), 100 * x, _TENTH, 1) for name, x in recomputed.items()]
    return figures


def _mix_totals(published: Published) -> list[Figure]:
    table = published.table("finetuning_mix")
    sizes = [column for column in table.columns if column != "available"]
    datasets = [row for row in table.rows if row != "Total"]
    sums = {size: sum(table.value(row, size) or 0.0 for row in datasets) for size in sizes}
    totals = [Figure("Total", size, table.value("Total", size), total, 0.0, 0) for size, total in sums.items()]
    share = 100 * (table.value("RefSpatial", "2M") or 0.0) / (table.value("RefSpatial", "available") or 1.0)
    return [*totals, Figure("RefSpatial", "2M in percent", 3.3, share, _TENTH, 1)]


def _entanglement(published: Published) -> list[Figure]:
    heat_maps, table = published.table("heat_map_vd_ei"), published.table("coherence")
    return [
        Figure(row, form, table.value(row, "vd_ei") if row in table.rows else None,
               heat_maps.value(row, form) or 0.0, DELTA_TOLERANCE, 3)
        for form in ("four_term", "pooled")
        for row in heat_maps.rows
    ]  # fmt: skip


def correlation(entry: dict[str, Any], published: Published) -> tuple[float, float, int]:
    """Spearman's rho, its two-sided p, and the number of models of an entry of correlations.yaml."""
    (x_table, x_column), (y_table, y_column) = entry["x"].split("."), entry["y"].split(".")
    x, y = published.table(x_table), published.table(y_table)
    models = [row for row in x.rows if row in y.rows and row not in entry.get("without", ())]
    if families := tuple(entry.get("family", ())):
        models = [model for model in models if model.startswith(families)]
    rho, p = spearmanr([x.value(model, x_column) for model in models], [y.value(model, y_column) for model in models])
    return float(rho), float(p), len(models)


def _correlations(published: Published) -> list[Figure]:
    figures = []
    for entry in published.listed("correlations"):
        rho, p, n = correlation(entry, published)
        row = f"{entry['x']} and {entry['y'].partition('.')[2]}"
        row += f", {' and '.join(entry['family'])}" if "family" in entry else ""
        figures.append(Figure(f"{row}, n={n}", "rho", entry.get("published"), rho, DELTA_TOLERANCE, 3))
        figures.append(Figure(f"{row}, n={n}", "p", None, p, 0.0, 5))
    return figures


def _layers(published: Published) -> list[Figure]:
    table = published.table("layers")
    return [
        Figure(row, "percent", table.value(row, "percent"),
               100 * (table.value(row, "probed") or 0.0) / (table.value(row, "layers") or 1.0), 0.5, 0)
        for row in table.rows
    ]  # fmt: skip


def _quotes(published: Published) -> list[Figure]:
    pick = {"value": max, "min": min, "max": max}
    figures = []
    for quote in published.listed("quotes"):
        table = published.table(quote["table"])
        values = [table.value(model, quote["column"]) or 0.0 for model in quote["models"]]
        value = pick[quote.get("statistic", "value")](values)
        figures.append(Figure(quote["statement"], quote["column"], quote["published"], value, quote["tolerance"], 3))
    return figures


_ROUNDED_AFTER = "tolerance 0.0011: the papers subtracted before rounding."

CHECKS = {
    "split_counts": Check(
        "Consistent and counter examples (table 1): totals exact, percentages to 0.0501.",
        _split_counts,
    ),
    "split_accuracy": Check(
        "Accuracy on consistent and counter (table 2): as whole counts of the examples of table 1, tolerance 0.0501; "
        "gaps from those counts, 0.1002; Wilson intervals of counter, which the paper does not print.",
        _split_accuracy,
    ),
    "tunnel": Check(
        f"SpatialTunnel (table 3): delta = v_cons - v_ctr; {_ROUNDED_AFTER}",
        lambda published: _delta("tunnel_correctness", "v_cons", "v_ctr", "delta", published),
    ),
    "benchmark_counts": Check(
        "Spatial benchmarks (table 4): as whole counts of the questions, tolerance 0.0501. EmbSpatial has so many "
        "questions that every percentage is attainable.",
        _benchmark_counts,
    ),
    "mix_totals": Check("Fine-tuning mixes (table 6): totals, exact; share of RefSpatial, to 0.0501.", _mix_totals),
    "blink_wilson": Check("BLINK (table 7): Wilson intervals from whole counts, tolerance 0.0501.", _blink_intervals),
    "tunnel_exact_match": Check(
        f"SpatialTunnel by exact match (table 8): delta = cons - ctr; {_ROUNDED_AFTER}",
        lambda published: _delta("tunnel_exact_match", "cons", "ctr", "delta", published),
    ),
    "tunnel_size": Check(
        f"SpatialTunnel, sizes (table 9): delta_s = v at 0.1 - v at 0.3; {_ROUNDED_AFTER}",
        lambda published: _delta("tunnel_size", "v_01", "v_03", "delta_s", published),
    ),
    "entanglement": Check(
        "VD-EI: table 5 against the heat maps of figures 11 to 13, by the paper's equation and in the pooled form of "
        "its code; tolerance 0.0011. The cells of the heat maps are not here, so what they give stands in the data.",
        _entanglement,
    ),
    "correlations": Check("Spearman correlations across models; tolerance 0.0011.", _correlations),
    "layers": Check("Probed layers (appendices D.3, D.4): depth in percent; tolerance 0.5.", _layers),
    "quotes": Check(
        "Figures quoted in running text, looked up in the tables; tolerance half of the last digit.",
        _quotes,
    ),
}
