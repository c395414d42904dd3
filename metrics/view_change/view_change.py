"""Score of camera motions between two views, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._core import view_change
from ._intervals import Interval
from ._motion_answers import Motion
from ._numbers import unit_of
from ._relative_accuracy import mra_scores
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "Motion", "Parsed", "ViewChange", "mra_scores", "summary", "unit_of", "view_change"]

_DESCRIPTION = """
The view-change score rates a camera motion between two views, stated as five signed parts: right, up and forward in
metres, rotation to the right and up in degrees. It is the mean of the five relative accuracies (MRA), with the true
part as denominator; thresholds are compared exactly in decimal. A part that the answer leaves out scores 0; answers
that are empty, refused or state no motion score 0 and are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of texts such as "move_right:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_left:90".
    groups (optional): list with the image pair or scene of each item; the interval then respects what items share.
    compat (optional): "spar", "lmms-eval" or "vlmevalkit" for the scores that these released evaluators give.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    view_change: mean score, 0 to 1; NaN where there are no items.
    n: number of items.
    n_unparsed: how many state no motion.
    n_incomplete: how many were read but leave parts out.
    low, high: bounds of the interval; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("view_change")
    >>> gold = "move_right:1.2,move_up:0.4,move_forward:1.4,rotate_up:5,rotate_left:90"
    >>> answer = "move right: 1.0 m, move up: 0.3 m, move forward: 1.0 m, rotate up: 5 degrees, rotate left: 80 degrees"
    >>> round(metric.compute(predictions=[answer], references=[gold])["view_change"], 2)
    0.72
    >>> metric.compute(predictions=["I cannot tell", None], references=[gold, gold])["n_unparsed"]
    2
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
class ViewChange(evaluate.Metric):
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
        return view_change(predictions, references, **options)
