"""Derived figures of *Why Far Looks Up* (SpatialTunnel; arXiv 2605.30161)."""

from typing import Any

from scipy.stats import spearmanr

from metrics._shared.intervals import wilson
from recipes.published import Published, PublishedTable
from recipes.reproduction.figures import Check, Figure, in_range, nearest_share, within

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


TABLE_3_SLACK = (-0.0061, 0.0021)
TABLE_8_SLACK = (-0.0046, 0.0091)
"""How far the overall value lies off the middle of v_cons and v_ctr. By the symmetry of the grid, consistent and
counter cells are equally many; what shifts the middle is a third, excluded set, and rounding. The bounds are those seen
in each table."""


def _off_middle(
    table: str, columns: tuple[str, str, str], slack: tuple[float, float], published: Published
) -> list[Figure]:
    rows, (overall, consistent, counter) = published.table(table), columns
    figures = []
    for row in rows.rows:
        value, *ends = (rows.value(row, column) or 0.0 for column in (overall, consistent, counter))
        bounds = (max(sum(ends) / 2 + slack[0], 0.0), min(sum(ends) / 2 + slack[1], 1.0))
        figures.append(within(row, f"{overall} near the middle", value, bounds, 3))
    return figures + in_range(rows, columns, 0, 1, 3)


def _overall_size(published: Published) -> list[Figure]:
    """The mean over all sizes lies between those of the extreme ones; 0.0011 for the models that sizes hardly move."""
    table = published.table("tunnel_size")
    figures = []
    for row in table.rows:
        value, small, large = (table.value(row, column) or 0.0 for column in ("v", "v_01", "v_03"))
        figures.append(within(row, "v between the sizes", value, (small, large), 3, DELTA_TOLERANCE))
    return figures + in_range(table, ("v", "v_01", "v_03"), 0, 1, 3)


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
    return figures + in_range(table, table.columns, 0, 100, 1)


QUESTIONS = {"cv2d_relation": 650, "cv3d_depth": 600, "cv3d_distance": 600, "blink_depth": 124, "blink_relation": 143}


def _benchmark_counts(published: Published) -> list[Figure]:
    table = published.table("benchmark_accuracy")
    counted = [
        Figure(row, column, value, nearest_share(value, n), _TENTH, 1)
        for column, n in QUESTIONS.items()
        for row in table.rows
        if (value := table.value(row, column)) is not None
    ]
    return counted + in_range(table, table.columns, 0, 100, 1) + _benchmark_bounds(published)


def _benchmark_bounds(published: Published) -> list[Figure]:
    """What table 2 leaves open: questions that are neither consistent nor counter are all wrong or all right."""
    table, splits, counts = (published.table(n) for n in ("benchmark_accuracy", "real_split_accuracy", "split_counts"))
    figures = []
    for column, benchmark, questions in (("cv3d_depth", "cv3d", 600), ("embspatial", "embspatial", 3640)):
        sizes = {kind: counts.value(kind, benchmark) or 0.0 for kind in ("consistent", "counter")}
        for row in (row for row in table.rows if row in splits.rows):
            right = sum((splits.value(row, f"{benchmark}_{kind}") or 0.0) * size for kind, size in sizes.items())
            bounds = (right / questions, (right + 100 * (questions - sum(sizes.values()))) / questions)
            figures.append(within(row, f"{column} by table 2", table.value(row, column) or 0.0, bounds, 1, _TENTH))
    return figures


def _blink_intervals(published: Published) -> list[Figure]:
    table, accuracies = published.table("blink_intervals"), published.table("benchmark_accuracy")
    figures = []
    for row in table.rows:
        n = int(table.value(row, "questions") or 0)
        correct = round((table.value(row, "accuracy") or 0.0) / 100 * n)
        low, high = wilson(correct, n)
        recomputed = {"accuracy": correct / n, "low": low, "high": high}
        figures += [Figure(row, name, table.value(row, name), 100 * x, _TENTH, 1) for name, x in recomputed.items()]
        model, _, kind = row.partition(", ")
        again = accuracies.value(model, f"blink_{kind}") or 0.0
        figures.append(Figure(row, "accuracy in table 4", table.value(row, "accuracy"), again, 0.0, 1))
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
    stored = [
        Figure(row, form, table.value(row, "vd_ei") if row in table.rows else None,
               heat_maps.value(row, form) or 0.0, DELTA_TOLERANCE, 3)
        for form in ("four_term", "pooled")
        for row in heat_maps.rows
    ]  # fmt: skip
    bounds = []
    for row in heat_maps.rows:
        four, pooled = (heat_maps.value(row, form) or 0.0 for form in ("four_term", "pooled"))
        between = (POOLED_RATIO[0] * four, POOLED_RATIO[1] * four)
        bounds.append(within(row, "pooled by four_term", pooled, between, 3, DELTA_TOLERANCE))
    return stored + bounds + in_range(table, table.columns, -1, 1, 3)


POOLED_RATIO = tuple(
    (((1 - vertical) / 2) * ((1 - distance) / 2)) ** -0.5 for vertical, distance in ((-0.998, -0.96), (-0.975, -0.82))
)
"""Pooled over four-term, by the cosines of opposite categories in the heat maps: -0.975 to -0.998 for above and below,
-0.82 to -0.96 for far and close."""

_READING = 0.0105
"""Reading a bar, and rounding of the table."""


def _bars(published: Published) -> list[Figure]:
    bars, table = published.table("coherence_bars"), published.table("coherence")
    again = [
        Figure(row, "real", bars.value(row, "real"), table.value(row, "coh_d") or 0.0, _READING, 3)
        for row in bars.rows
        if row in table.rows
    ]
    return again + in_range(bars, bars.columns, 0, 1, 2)


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
        if "published" in entry:
            figures.append(Figure(f"{row}, n={n}", "rho", entry["published"], rho, DELTA_TOLERANCE, 3))
        figures.append(Figure(f"{row}, n={n}", "rho on record", entry.get("known"), rho, 0.00051, 3))
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
        f"SpatialTunnel (table 3): delta = v_cons - v_ctr; {_ROUNDED_AFTER} v is at most 0.006 below and 0.002 above "
        "the middle of v_cons and v_ctr.",
        lambda published: (
            _delta("tunnel_correctness", "v_cons", "v_ctr", "delta", published)
            + _off_middle("tunnel_correctness", ("v", "v_cons", "v_ctr"), TABLE_3_SLACK, published)
        ),
    ),
    "benchmark_counts": Check(
        "Spatial benchmarks (table 4): as whole counts of the questions, tolerance 0.0501. EmbSpatial has so many "
        "questions that every percentage is attainable. All within 0 to 100, and EmbSpatial and CV-Bench depth within "
        "what table 2 leaves open.",
        _benchmark_counts,
    ),
    "mix_totals": Check("Fine-tuning mixes (table 6): totals, exact; share of RefSpatial, to 0.0501.", _mix_totals),
    "blink_wilson": Check(
        "BLINK (table 7): Wilson intervals from whole counts, tolerance 0.0501; accuracies as in table 4, exact.",
        _blink_intervals,
    ),
    "tunnel_exact_match": Check(
        f"SpatialTunnel by exact match (table 8): delta = cons - ctr; {_ROUNDED_AFTER} The accuracy on all is at "
        "most 0.0045 below and 0.009 above the middle of cons and ctr.",
        lambda published: (
            _delta("tunnel_exact_match", "cons", "ctr", "delta", published)
            + _off_middle("tunnel_exact_match", ("all", "cons", "ctr"), TABLE_8_SLACK, published)
        ),
    ),
    "tunnel_size": Check(
        f"SpatialTunnel, sizes (table 9): delta_s = v at 0.1 - v at 0.3; {_ROUNDED_AFTER} v lies between the two.",
        lambda published: _delta("tunnel_size", "v_01", "v_03", "delta_s", published) + _overall_size(published),
    ),
    "entanglement": Check(
        "VD-EI: table 5 against the heat maps of figures 11 to 13, by the paper's equation and in the pooled form of "
        "its code; tolerance 0.0011. Their cells are not at hand: for four_term and pooled, the column 'recomputed' "
        "holds figures that were worked out from them before and stored (heat_map_vd_ei.csv), not recomputed here. "
        "Pooled over four_term is bounded by the cosines of opposite categories.",
        _entanglement,
    ),
    "coherence_bars": Check(
        "Coh_D on photographs: the bars of figure 10 against table 5; tolerance 0.0105, for reading and rounding.",
        _bars,
    ),
    "correlations": Check(
        "Spearman correlations across models: rho against what the paper prints, tolerance 0.0011; 'rho on record' "
        "against an earlier computation, which stands in the column 'printed', tolerance 0.0005.",
        _correlations,
    ),
    "layers": Check("Probed layers (appendices D.3, D.4): depth in percent; tolerance 0.5.", _layers),
    "quotes": Check(
        "Figures quoted in running text, looked up in the tables; tolerance half of the last digit.",
        _quotes,
    ),
}
