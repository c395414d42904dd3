"""Vertical-distance entanglement index of contrastive-probing vectors, as an `evaluate` module."""

import datasets
import evaluate

from ._core import vd_ei
from ._intervals import Interval
from ._vectors import DeltaVectors

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["DeltaVectors", "Interval", "VdEi", "vd_ei"]

_DESCRIPTION = """
The vertical-distance entanglement index (VD-EI) tells whether a model's delta vectors h(swapped question) - h(original
question) for above and far point the same way, and those for below and close. It lies between -1 and 1: 0 where
height in the image and distance are separate directions, positive where "higher" is also "farther".
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of delta vectors, each a list of numbers of one length.
    references: list of categories: left, right, above, below (also under, beneath), far, close.
    groups (optional): list with the image or scene of each vector; the intervals then respect what vectors share.
    confidence (optional): coverage of the intervals, 0.95.
Returns:
    vd_ei: the paper's four-term equation on raw mean vectors; NaN where above, below, far or close is missing.
    low, high, interval: bounds of its jackknife interval, and how it was made; -1 and 1, "undetermined", where a mean
        cannot be told from noise.
    vd_ei_pooled: cosine of the pooled sign-corrected vertical and distance means, as the released code has it.
    vd_ei_pooled_low, vd_ei_pooled_high, vd_ei_pooled_interval: the same of it.
    vd_ei_corrected, vd_ei_pooled_corrected: both without the noise of the means, which draws them towards 0; the
        intervals lie around these.
    similarity: 6 x 6 cosines of the category means; rows of missing categories are NaN.
    categories: their order: left, right, above, below, far, close.
    counts: {category: number of vectors}.
    n, n_zero: number of all vectors, and of zero vectors, which are dropped.
    n_groups: number of groups among the vertical and distance vectors, or of vectors where there are no groups.
    reasons: {key: why it is NaN}.
Examples:

    >>> metric = evaluate.load("vd_ei")
    >>> vectors = [[1.0, 1.0], [-1.0, -1.0], [0.0, 2.0], [0.0, -3.0]]
    >>> result = metric.compute(predictions=vectors, references=["above", "below", "far", "close"])
    >>> round(result["vd_ei"], 3), round(result["vd_ei_pooled"], 3)
    (0.707, 0.707)
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
class VdEi(evaluate.Metric):
    """For small sets and for parity; arrays of hidden states are better given to the function `vd_ei`."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("float64")),
                    "references": datasets.Value("large_string"),
                }
            ),
            reference_urls=["https://arxiv.org/abs/2605.30161"],
        )

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return vd_ei(predictions, references, **options)
