"""Overlap of 2D boxes that answers state, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._core import box_overlap
from ._image_boxes import score_image_boxes
from ._intervals import Interval
from ._number_lists import parse_numbers
from ._numbers import parse_number
from ._relative_accuracy import mra_scores
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = [
    "BoxOverlap",
    "Interval",
    "Parsed",
    "box_overlap",
    "mra_scores",
    "parse_number",
    "parse_numbers",
    "score_image_boxes",
    "summary",
]

_DESCRIPTION = """
Box overlap scores answers that state a 2D box (x1, y1, x2, y2) by the area it shares with the true box over the area of
both together: its mean, and the share of boxes that reach 0.5. Higher is better, 1 is the best. Answers that are empty,
refused or state no box score 0 and are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of texts such as "(100, 200, 300, 400)".
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    mean_iou: mean overlap, 0 to 1; NaN where there are no items.
    acc@0.5: share of boxes with an overlap of 0.5 or more.
    n: number of items.
    n_unparsed: how many state no box.
    low, high: bounds of the interval of mean_iou; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("box_overlap")
    >>> answers = ["(100, 100, 300, 200)", "the box is at the top left"]
    >>> result = metric.compute(predictions=answers, references=["(100, 100, 300, 300)"] * 2)
    >>> result["mean_iou"], result["acc@0.5"], result["n_unparsed"]
    (0.25, 0.5, 1)
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
class BoxOverlap(evaluate.Metric):
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
        return box_overlap(predictions, references, **options)
