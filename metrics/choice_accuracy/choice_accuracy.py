"""Accuracy of multiple-choice answers, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._choice_answers import score_choices
from ._choices import parse_choice
from ._core import choice_accuracy
from ._intervals import Interval
from ._summary import summary
from ._yes_no import parse_yes_no

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = [
    "ChoiceAccuracy",
    "Interval",
    "Parsed",
    "choice_accuracy",
    "parse_choice",
    "parse_yes_no",
    "score_choices",
    "summary",
]

_DESCRIPTION = """
Choice accuracy is the share of multiple-choice answers that commit to the gold letter and to no other. The letter may
stand alone ("B", "(B)"), before its text ("B. left"), in a sentence ("The correct option is (B)"), after reasoning or
in an <answer> tag; with the option texts at hand an answer may also repeat one of them. Answers that are empty, refused
or undecided score 0 and are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of gold letters ("B" or "(B)"), or of option texts where `options` is given; "Yes" or "No" for
        items without options.
    options (optional): list with the option texts of each item in letter order, or None for an item without.
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    compat (optional): "spar", "lmms-eval" or "vlmevalkit" for the scores that these released evaluators give.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    accuracy: share of right answers, 0 to 1; NaN where there are no items.
    n: number of items.
    n_unparsed: how many committed to no single letter.
    low, high: bounds of the interval; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("choice_accuracy")
    >>> result = metric.compute(predictions=["B", "(c)", "A or B", ""], references=["B", "C", "A", "D"])
    >>> result["accuracy"], result["n_unparsed"], result["interval"]
    (0.5, 2, 'wilson')
    >>> result = metric.compute(predictions=["To the left."], references=["B"], options=[["right", "left"]])
    >>> result["accuracy"]
    1.0
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
class ChoiceAccuracy(evaluate.Metric):
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
        return choice_accuracy(predictions, references, **options)
