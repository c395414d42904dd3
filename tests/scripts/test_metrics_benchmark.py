"""The loops that the metrics are timed against give the scores of the metrics."""

import importlib
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from scripts.benchmarks import metrics as benchmark
from scripts.benchmarks.metric_loops import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.metric)
def test_loop_and_metric_agree(case):
    predictions, references = case.make(120, random.Random(1))
    columns = case.columns(120)
    core = getattr(importlib.import_module(f"metrics.{case.metric}._core"), case.metric)
    value = core(predictions, references, **columns, **case.options)[case.key]
    assert case.loop(predictions, references, **columns) == pytest.approx(value, abs=1e-9)


def measured() -> tuple[float, int]:
    return benchmark.peak_growth(lambda: benchmark.by_matrix(*pairs()))


def pairs():
    return np.random.default_rng(0).normal(size=(3000, 16)), ["far", "close"] * 1500


def test_matrix_form_agrees_and_its_peak_is_seen():
    """In a process of its own: what earlier tests have left to be freed would hide the growth."""
    from metrics.axis_coherence._core import axis_coherence

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        value, grown = pool.submit(measured).result()
    assert value == pytest.approx(axis_coherence(*pairs(), permutations=0)["coh_distance"])
    assert grown > 3000 * 3000 * 8 * 0.8
