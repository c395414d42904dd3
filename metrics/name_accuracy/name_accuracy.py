"""Accuracy of answers that name an object, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._choices import plain_text
from ._core import name_accuracy
from ._intervals import Interval
from ._names import score_names
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "NameAccuracy", "Parsed", "name_accuracy", "plain_text", "score_names", "summary"]

_DESCRIPTION = """
Name accuracy is the share of answers that name the true object and no other. Case, articles, punctuation and a short
sentence around the name do not matter. Answers that are empty, refused or name several objects score 0 and are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of names, such as "office chair".
    candidates (optional): list with the further names of each question, or None for an item without.
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    accuracy: share of right answers, 0 to 1; NaN where there are no items.
    n: number of items.
    n_unparsed: how many commit to no single name.
    low, high: bounds of the interval of accuracy; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("name_accuracy")
    >>> answers = ["The Office Chair.", "It is the office chair", "bed", "bed or office chair"]
    >>> result = metric.compute(predictions=answers, references=["office chair"] * 4)
    >>> result["accuracy"], result["n_unparsed"]
    (0.5, 1)
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
class NameAccuracy(evaluate.Metric):
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
        return name_accuracy(predictions, references, **options)
