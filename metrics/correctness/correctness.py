"""Probability-based correctness of yes/no answers, as an `evaluate` module."""

import datasets
import evaluate

from ._core import correctness
from ._intervals import Interval

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Correctness", "Interval", "correctness"]

_DESCRIPTION = """
Correctness v scores a yes/no answer by the probability of the right answer: p = sigmoid(logit_yes - logit_no) of the
first answer token, v = p where the right answer is Yes, else 1 - p. Higher is better; 0.5 is chance, and what a model
without a preference gets. Accuracy, the share of margins with the right sign, is given beside it.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of margins logit_yes - logit_no.
    references: list of "Yes" or "No"; case and outer spaces do not matter.
    groups (optional): list with the image or scene of each item; the intervals then respect what items share.
    confidence (optional): coverage of the intervals, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, p_yes, correct}.
Returns:
    v: mean correctness, 0 to 1; NaN where there are no items.
    accuracy: share of margins with the right sign.
    yes_rate: share of positive margins.
    n: number of items.
    n_ties: how many margins are 0; each counts half in accuracy and in yes_rate.
    low, high, interval: bounds of the interval of v, and how it was made.
    accuracy_low, accuracy_high, accuracy_interval: the same of the accuracy.
    n_groups: number of groups, or of items where there are no groups.
    reasons: {key: why it is NaN}.
Examples:

    >>> metric = evaluate.load("correctness")
    >>> result = metric.compute(predictions=[2.0, -1.0, 3.0], references=["Yes", "Yes", "No"])
    >>> round(result["v"], 3), round(result["accuracy"], 3), round(result["yes_rate"], 3)
    (0.399, 0.333, 0.667)
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
class Correctness(evaluate.Metric):
    """Margins are kept as float64; None becomes NaN on the way and is refused by name of its item."""

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
        return correctness(predictions, references, **options)
