"""Mean relative accuracy (MRA) of numeric answers, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._core import mra
from ._intervals import Interval
from ._number_answers import score_numbers
from ._numbers import parse_number
from ._relative_accuracy import mra_scores
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["MRA", "Interval", "Parsed", "mra", "mra_scores", "parse_number", "score_numbers", "summary"]

_DESCRIPTION = """
Mean relative accuracy (MRA) scores numeric answers such as distances and depths: the share of the ten thresholds
t = 0.50, 0.55, ..., 0.95 with |prediction - reference| / |reference| <= 1 - t. Higher is better, 1 is the best.
Thresholds are compared exactly in decimal; a reference of 0 uses the absolute error; answers that are empty, refused or
commit to no single number score 0 and are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of numbers or of answer texts; None counts as an answer that could not be read.
    references: list of numbers.
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    unit (optional): unit of the references ("m", "cm", "deg", "m2"), one or one per item; answers that state another
        unit of the same dimension are converted.
    compat (optional): "spar", "lmms-eval" or "vlmevalkit" for the scores that these released evaluators give.
    multi_view (optional): one flag or one per item; "spar" and "lmms-eval" then read the last number, not the first.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    mra: mean score, 0 to 1; NaN where there are no items.
    n: number of items.
    n_unparsed: how many committed to no number.
    low, high: bounds of the interval; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("mra")
    >>> result = metric.compute(predictions=[2.0, 1.5, 2.1], references=[2.0, 2.0, 1.5])
    >>> round(result["mra"], 3)
    0.633
    >>> result = metric.compute(predictions=["1.9 m", "red 1.5, blue 2.0", None], references=[2.0, 2.0, 2.0])
    >>> round(result["mra"], 3), result["n_unparsed"]
    (0.333, 2)
"""

_CITATION = """
@article{zhang2025spar,
  title = {From Flatland to Space: Teaching Vision-Language Models to Perceive and Reason in 3D},
  author = {Zhang, Jiahui and others},
  journal = {arXiv preprint arXiv:2503.22976},
  year = {2025},
}
@article{yang2024thinking,
  title = {Thinking in Space: How Multimodal Large Language Models See, Remember, and Recall Spaces},
  author = {Yang, Jihan and others},
  journal = {arXiv preprint arXiv:2412.14171},
  year = {2024},
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class MRA(evaluate.Metric):
    """Predictions are kept as ``large_string``: numbers are stored as their shortest decimal and None stays None,
    where a float column would turn it into NaN and a ``string`` column would refuse it in the first row."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {"predictions": datasets.Value("large_string"), "references": datasets.Value("float64")}
            ),
            reference_urls=["https://arxiv.org/abs/2503.22976", "https://arxiv.org/abs/2412.14171"],
        )

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return mra(predictions, references, **options)
