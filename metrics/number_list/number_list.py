"""Relative accuracy of lists of numbers, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._core import number_list
from ._intervals import Interval
from ._number_lists import score_number_lists
from ._numbers import unit_of
from ._relative_accuracy import mra_scores
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "NumberList", "Parsed", "mra_scores", "number_list", "score_number_lists", "summary", "unit_of"]

_DESCRIPTION = """
Number list scores answers that are several numbers in a fixed order, such as the length, width and height of an object:
the mean over the numbers of their relative accuracy (MRA). Higher is better, 1 is the best. An answer must have as many
numbers as its gold; answers that are empty, refused or of another count score 0 and are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of texts such as "120, 60, 75".
    unit (optional): unit of the references ("m", "cm", "deg"), one or one per item; answers that state another unit of
        the same dimension are converted.
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    mra: mean score, 0 to 1; NaN where there are no items.
    n: number of items.
    n_unparsed: how many do not list as many numbers as their gold.
    low, high: bounds of the interval of mra; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("number_list")
    >>> answers = ["length 120 cm, width 60 cm, height 90 cm", "1.2 x 0.6 x 0.75 m", "120 by 60"]
    >>> result = metric.compute(predictions=answers, references=["120, 60, 75"] * 3, unit="cm")
    >>> round(result["mra"], 3), result["n_unparsed"]
    (0.633, 1)
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
class NumberList(evaluate.Metric):
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
        return number_list(predictions, references, **options)
