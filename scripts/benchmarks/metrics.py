"""Time and memory of the metrics: each against a plain loop over rows, and against what `evaluate` adds.

    python scripts/benchmarks/metrics.py [--repeats 5] [--metric NAME]... [--skip-memory]

* loop / score: time of a loop that scores row by row, over that of the metric's function with its intervals left out.
  Below 1 the function is slower than the loop: it reads answers strictly, checks its input, and counts (and vd_ei also
  takes out the noise of its means, leaving out each vector in turn).
* core / score: time of the function as it is, intervals included, over that without them.
* evaluate / core: time of ``compute`` of the `evaluate` module, over that of the function.

Everything is timed in turns within one run; a line has the medians of the ratios and their range. All ways must give
the same score. Then the memory of axis coherence by its closed form and by the matrix of all pairs.
"""

import importlib
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # before this folder, where `metrics` is this very file

import evaluate
import numpy as np
import typer

from metrics._shared.intervals import Interval
from scripts.benchmarks.metric_loops import CASES, CATEGORIES, OPPOSITE, Case

INTERVAL_FUNCTIONS = {"mean_interval", "difference_interval", "jackknife_interval", "_clustered_intervals"}
NO_INTERVAL = Interval(0.0, 1.0, "none", 0, 0)

SIZES = ((3_600, 4_096), (3_600, 256), (7_200, 256), (14_400, 256))
"""(N, d) of the memory comparison; the first is SpatialTunnel's probing at three times its rows, on a 7B model."""


def main(
    repeats: Annotated[int, typer.Option(min=1)] = 5,
    metric: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
    skip_memory: Annotated[bool, typer.Option("--skip-memory")] = False,
) -> None:
    heads = "".join(f"{head:>24}" for head in ("loop / score", "core / score", "evaluate / core"))
    print(f"{'metric':<16}{'rows':>7}{'core':>10}{heads}  score")
    with tempfile.TemporaryDirectory() as cache:
        for case in CASES:
            if not metric or case.metric in metric:
                print(time_case(case, repeats, cache), flush=True)
    if not skip_memory:
        print()
        print_memory()


def time_case(case: Case, repeats: int, cache: str) -> str:
    """One line: time of the core, the three ratios, and the score."""
    predictions, references = case.make(case.rows, random.Random(0))
    columns = case.columns(case.rows)
    core = getattr(importlib.import_module(f"metrics.{case.metric}._core"), case.metric)
    module = module_of(case.metric, cache)
    ways: dict[str, Callable[[], Any]] = {
        "core": lambda: core(predictions, references, **columns, **case.options)[case.key],
        "score": lambda: without_intervals(case.metric, ways["core"]),
        "loop": lambda: case.loop(predictions, references, **columns),
        "evaluate": lambda: module.compute(
            predictions=predictions, references=references, **columns, **case.options
        )[case.key],
    }
    scores = {name: way() for name, way in ways.items()}
    if not np.allclose(list(scores.values()), scores["core"], rtol=1e-9, atol=1e-12):
        raise AssertionError(f"{case.metric}: different scores {scores}")
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    pairs = (("loop", "score"), ("core", "score"), ("evaluate", "core"))
    ratios = "".join(f"{ratio_text(seconds[a], seconds[b]):>24}" for a, b in pairs)
    median = statistics.median(seconds["core"])
    return f"{case.metric:<16}{case.rows:>7}{1000 * median:>7.1f} ms{ratios}  {scores['core']:.6g}"


def without_intervals(metric: str, core: Callable[[], Any]) -> Any:
    """What the function gives with the interval functions of its modules replaced by one that does nothing."""
    with ExitStack() as stack:
        for module in [module for name, module in sys.modules.items() if name.startswith(f"metrics.{metric}._")]:
            for name in INTERVAL_FUNCTIONS & vars(module).keys():
                nothing: Any = {"interval": "none"} if name == "_clustered_intervals" else NO_INTERVAL
                stack.enter_context(mock.patch.object(module, name, lambda *args, _value=nothing, **options: _value))
        return core()


def module_of(name: str, cache: str) -> evaluate.Metric:
    """An instance of the metric's `evaluate` class."""
    script = importlib.import_module(f"metrics.{name}.{name}")
    classes = [value for value in vars(script).values() if isinstance(value, type)]
    kind = next(value for value in classes if issubclass(value, evaluate.Metric))
    return kind(cache_dir=cache)


def ratio_text(seconds: list[float], base: list[float]) -> str:
    """Median and range of the ratios of times taken in the same turn."""
    ratios = [a / b for a, b in zip(seconds, base)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def print_memory() -> None:
    """Growth of the peak resident memory: closed form against the matrix of pairs, all vectors on one axis."""
    if not Path("/proc/self/clear_refs").exists():
        print("memory: measured on Linux only")
        return
    from metrics.axis_coherence._core import axis_coherence

    print("axis coherence, memory on top of the N x d vectors (growth of the peak, MB); all N on one axis")
    print(f"{'N':>7}{'d':>7}{'vectors':>9}{'closed form':>13}{'per N d':>9}{'matrix':>9}{'per N N':>9}  coherence")
    rng = np.random.default_rng(0)
    for n, d in SIZES:
        vectors = rng.normal(size=(n, d)) + 0.3
        categories = [("far", "close")[i % 2] for i in range(n)]
        vectors[1::2] *= -1

        def closed(vectors: Any = vectors, categories: list[str] = categories) -> float:
            return float(axis_coherence(vectors, categories, permutations=0)["coh_distance"])

        def matrix(vectors: Any = vectors, categories: list[str] = categories) -> float:
            return by_matrix(vectors, categories)

        (first, linear), (second, square) = peak_growth(closed), peak_growth(matrix)
        if abs(first - second) > 1e-9:
            raise AssertionError(f"coherence {first} by the closed form, {second} by the matrix")
        print(f"{n:>7}{d:>7}{vectors.nbytes / 1e6:>9.0f}{linear / 1e6:>13.0f}{linear / vectors.nbytes:>9.1f}"
              f"{square / 1e6:>9.0f}{square / (8 * n * n):>9.1f}  {first:.6f}")


def by_matrix(vectors: np.ndarray, categories: list[str]) -> float:
    """Coherence from the N x N matrix of cosines, the way the definition reads."""
    assert set(categories) <= set(CATEGORIES)
    signs = np.array([-1.0 if category in OPPOSITE else 1.0 for category in categories])
    units = vectors * (signs / np.linalg.norm(vectors, axis=1))[:, None]
    cosines = units @ units.T
    n = len(units)
    return float((cosines.sum() - np.trace(cosines)) / (n * (n - 1)))


def peak_growth(function: Callable[[], float]) -> tuple[float, int]:
    """What the function returns, and by how many bytes the peak of resident memory rose while it ran (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak to what is resident now
    before = status_bytes("VmRSS")
    value = function()
    return value, status_bytes("VmHWM") - before


def status_bytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, name
    return 1024 * int(found[1])


if __name__ == "__main__":
    typer.run(main)
