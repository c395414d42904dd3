"""What a run's report leaves for others: ``results.json`` with the figures at the chosen layer, and ``layers.csv`` with
those of every layer."""

import csv
import math
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from builders.hub.files import replacing
from recipes.probe.analysis import ALL, BOTH_CORRECT, Analysis, ReportSettings
from recipes.probe.measures import FIGURES, Figure, Measured
from recipes.results import Results, write_results
from recipes.scoring import Score

RECIPE = "probing"
LAYERS = "layers.csv"
_LIBRARIES = ("numpy", "pyarrow")


def results_of(analysis: Analysis, settings: ReportSettings) -> Results:
    """Figures of all pairs by their own names, of pairs right both ways under ``both_correct/``, of further wordings
    under ``style/<name>/``; ``accuracy_<axis>``. Fractions. A figure that is not defined is not there; ``undefined``
    says why. An interval that cannot be given is -1 to 1, "none"."""
    named: dict[str, Measured] = {"": analysis.at_layer(ALL)}
    if BOTH_CORRECT in analysis.subsets:
        named[f"{BOTH_CORRECT}/"] = analysis.at_layer(BOTH_CORRECT)
    named |= {f"style/{style}/": measured for style, measured in analysis.styles.items() if style != analysis.style}
    metrics, undefined = {}, {}
    for prefix, measured in named.items():
        for key in FIGURES:
            figure = measured.figures[key]
            if math.isnan(figure.value):
                undefined[prefix + key] = figure.reason
            else:
                metrics[prefix + key] = _score(figure, measured)
    for axis, accuracy in analysis.accuracy.items():
        held = accuracy.interval
        assert held.low is not None and held.high is not None  # there is a question
        metrics[f"accuracy_{axis}"] = Score(accuracy.value, held.n, held.low, held.high, held.method, held.n_groups, 1,
                                            0)
    main, choice, index = analysis.at_layer(ALL), analysis.choice, analysis.index
    held_settings = {
        "unit": "fraction",
        "style": analysis.style,
        "pairs": {"sha256": index.pairs_sha256, **analysis.about.get("settings", {})},
        "left_out": analysis.about.get("left_out", {}),
        "layer": {"chosen": analysis.layer, "of": index.n_layers, "measured": list(index.layers),
                  "candidates": [asdict(candidate) for candidate in choice.candidates] if choice else [],
                  "last_allowed": choice.last if choice else None, "rule": asdict(settings.rule),
                  "given": settings.layer >= 0},
        "counts": {"pairs": analysis.n_pairs, "both_correct": analysis.n_both_correct, "zero_deltas": main.n_zero,
                   "duplicate_deltas": main.n_duplicate, "not_finite": main.n_not_finite, "categories": main.counts},
        "permutation": {"draws": settings.permutations, "seed": settings.seed,
                        "p": {key: main.figures[key].p for key in FIGURES if not math.isnan(main.figures[key].p)}},
        "corrected": {key: main.figures[key].corrected for key in FIGURES
                      if not math.isnan(main.figures[key].corrected)},
        "undefined": undefined,
        "states": {"dtype": index.dtype, **index.settings},
    }
    environment = {"python": platform.python_version(), "platform": platform.machine()}
    environment |= {library: version(library) for library in _LIBRARIES}
    return Results(RECIPE, index.model, analysis.about["dataset"], metrics, held_settings, environment)


def outcome_text(results: Results) -> str:
    """The figures at the chosen layer as a table for the terminal."""
    layer, counts = results.settings["layer"], results.settings["counts"]
    lines = [f"{results.model} on {results.dataset['repo']}: {counts['pairs']} pairs, layer {layer['chosen']} of "
             f"{layer['of']}", "", f"{'':<28}{'value':>8}  {'95 % interval':<18}{'n':>7}{'groups':>8}"]
    for name, score in results.metrics.items():
        interval = f"[{score.low:.3f}, {score.high:.3f}]"
        lines.append(f"{name:<28}{score.value:>8.3f}  {interval:<18}{score.n:>7}{score.n_groups:>8}")
    lines += [f"{name:<28}       -  {reason}" for name, reason in results.settings["undefined"].items()]
    odd = [f"{counts[name]} {name.replace('_', ' ')}" for name in ("zero_deltas", "duplicate_deltas", "not_finite")
           if counts[name]]
    return "\n".join(lines + (["", ", ".join(odd)] if odd else []))


def write_outcome(analysis: Analysis, settings: ReportSettings) -> Results:
    """Write both files into the run's folder."""
    results = results_of(analysis, settings)
    write_results(analysis.run, results)
    with replacing(analysis.run / LAYERS) as temporary:
        _write_layers(analysis, temporary)
    return results


def _write_layers(analysis: Analysis, path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["layer", "pairs", "figure", "value", "low", "high", "null", "p", "n", "n_groups"])
        for subset, held in analysis.subsets.items():
            for layer, measured in zip(analysis.index.layers, held.measured, strict=True):
                for key in FIGURES:
                    figure = measured.figures[key]
                    cells: list[Any] = [figure.value, figure.low, figure.high, figure.null, figure.p]
                    shown = ["" if math.isnan(cell) else f"{cell:.6g}" for cell in cells]
                    writer.writerow([layer, subset, key, *shown, figure.n, figure.n_groups])


def _score(figure: Figure, measured: Measured) -> Score:
    open_ended = math.isnan(figure.low) or math.isnan(figure.high)
    low, high = (-1.0, 1.0) if open_ended else (figure.low, figure.high)
    method, left_out = "none" if open_ended else figure.interval, measured.n_zero + measured.n_not_finite
    return Score(figure.value, figure.n, low, high, method, figure.n_groups, 1, left_out)
