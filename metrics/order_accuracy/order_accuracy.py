"""Accuracy of answers that put names in order, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._choices import plain_text
from ._core import order_accuracy
from ._intervals import Interval
from ._names import mentions
from ._orders import score_orders
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "OrderAccuracy", "Parsed", "mentions", "order_accuracy", "plain_text", "score_orders", "summary"]

_DESCRIPTION = """
Order accuracy is the share of answers that put all names in the true order; beside it stands the share of pairs of
names in the right order. Higher is better. Answers that are empty, refused or do not hold each name once score 0 and
are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of texts such as "chair, table, lamp".
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    accuracy: share of exact orders, 0 to 1; NaN where there are no items.
    pair_accuracy: mean share of pairs in the right order, 0 to 1.
    n: number of items.
    n_unparsed: how many do not hold each name once.
    low, high: bounds of the interval of accuracy; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("order_accuracy")
    >>> answers = ["1. Chair; 2. Table; 3. Lamp", "chair, lamp, table", "chair, table"]
    >>> result = metric.compute(predictions=answers, references=["chair, table, lamp"] * 3)
    >>> round(result["accuracy"], 3), round(result["pair_accuracy"], 3), result["n_unparsed"]
    (0.333, 0.556, 1)
"""

_CITATION = """
@article{zhang2025spar,
  title = {From Flatland to Space: Teaching Vision-Language Models to Perceive and Reason in 3D},
  author = {Zhang, Jiahui and others},
  journal = {arXiv preprint arXiv:2503.22976},
  year = {2025},
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class OrderAccuracy(evaluate.Metric):
    """Predictions are kept as ``large_string``, where None stays None; ``string`` would refuse it in the first row."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {"predictions": datasets.Value("large_string"), "references": datasets.Value("large_string")}
            ),
            reference_urls=["https://arxiv.org/abs/2503.22976"],
        )

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return order_accuracy(predictions, references, **options)
