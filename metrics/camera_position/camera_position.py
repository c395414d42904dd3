"""Score of answers that place a camera in an image, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._camera_positions import score_camera_positions
from ._core import camera_position
from ._intervals import Interval
from ._number_lists import parse_numbers
from ._numbers import parse_number
from ._relative_accuracy import mra_scores
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = [
    "CameraPosition",
    "Interval",
    "Parsed",
    "camera_position",
    "mra_scores",
    "parse_number",
    "parse_numbers",
    "score_camera_positions",
    "summary",
]

_DESCRIPTION = """
Camera position scores answers that say where another camera is seen in an image: u and v from 0 to 1000, and depth in
metres. It is the mean of the relative accuracy (MRA) of the depth and of the share of the tolerances 25, 50, ..., 250
that the distance from the true image point meets. Higher is better, 1 is the best. Answers that are empty, refused or
state no point and depth score 0 and are counted. The score is this project's own; no paper has one.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of texts such as "(514, 95), 4.8" or "Image Coor: (514, 95), Depth: 4.8 meters".
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status}.
Returns:
    camera_position: mean score, 0 to 1; NaN where there are no items.
    point, depth: its two halves, 0 to 1.
    point_error: mean distance of the image points of the answers that could be read, on the scale of 0 to 1000.
    n: number of items.
    n_unparsed: how many state no point and depth.
    low, high: bounds of the interval of camera_position; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("camera_position")
    >>> answers = ["Image Coor: (514, 155), Depth: 4.8 meters", "to the left"]
    >>> result = metric.compute(predictions=answers, references=["(514, 95), 4.8"] * 2)
    >>> result["camera_position"], result["point_error"], result["n_unparsed"]
    (0.45, 60.0, 1)
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
class CameraPosition(evaluate.Metric):
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
        return camera_position(predictions, references, **options)
