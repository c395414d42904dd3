"""Shortcut gap between consistent and counter items, as an `evaluate` module."""

import datasets
import evaluate

from ._core import shortcut_gap
from ._difference import difference_interval
from ._intervals import Interval

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "ShortcutGap", "difference_interval", "shortcut_gap"]

_DESCRIPTION = """
The shortcut gap delta = v_cons - v_ctr is the mean score on items where a visual shortcut gives the right answer,
minus the mean score on items where it gives the wrong one. It is 0 for a model that does not use the shortcut,
positive for one that does, and at most 1. A model near chance has a gap near 0 as well: `informative` is then False.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of scores between 0 and 1: correctness v, or 0 and 1 for wrong and right answers.
    references: list of "consistent", "counter" or "ambiguous".
    groups (optional): list with the image or scene of each item; the intervals then respect what items share.
    chance (optional): score of a model that knows nothing, 0.5.
    chance_margin (optional): how far from chance a mean score still counts as chance, 0.
    confidence (optional): coverage of the intervals, 0.95.
    resamples, seed (optional): of the bootstrap, 2000 and 0.
Returns:
    v, v_cons, v_ctr: mean scores of all, consistent and counter items; NaN where there are none.
    delta: v_cons - v_ctr.
    n, n_cons, n_ctr, n_ambiguous: counts.
    low, high, interval, n_groups: bounds of the interval of delta, how it was made, number of independent units.
    v_low, v_high, v_cons_low, v_cons_high, v_ctr_low, v_ctr_high: bounds of the other scores.
    near_chance: whether the interval of v reaches chance.
    informative: False where delta is NaN, or where v is near chance and the interval of delta holds 0.
    reasons: {key: why it is NaN}.
Examples:

    >>> metric = evaluate.load("shortcut_gap")
    >>> tags = ["consistent"] * 3 + ["counter"] * 3
    >>> result = metric.compute(predictions=[0.9, 0.8, 0.7, 0.4, 0.2, 0.3], references=tags)
    >>> round(result["delta"], 3), result["n_cons"], result["n_ctr"], result["informative"]
    (0.5, 3, 3, True)
"""

_CITATION = """
@article{min2026whyfar,
  title = {Why Far Looks Up: Probing Spatial Representation in Vision-Language Models},
  author = {Min, Cheolhong and others},
  journal = {arXiv preprint arXiv:2605.30161},
  year = {2026},
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class ShortcutGap(evaluate.Metric):
    """Scores are kept as float64; None becomes NaN on the way and is refused by name of its item."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("large_string")}
            ),
            reference_urls=["https://arxiv.org/abs/2605.30161"],
        )

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return shortcut_gap(predictions, references, **options)
