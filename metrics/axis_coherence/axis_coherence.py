"""Axis coherence of contrastive-probing vectors, as an `evaluate` module."""

import datasets
import evaluate

from ._core import axis_coherence
from ._intervals import Interval
from ._permutation import permuted_coherence
from ._vectors import DeltaVectors

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["AxisCoherence", "DeltaVectors", "Interval", "axis_coherence", "permuted_coherence"]

_DESCRIPTION = """
Axis coherence tells how well a model's delta vectors h(swapped question) - h(original question) of one spatial axis
agree on a direction: the mean pairwise cosine after the vectors of the opposite category (right, below, close) are
negated. It is 1 for vectors along one direction and about 0 for unrelated ones; higher means a clearer axis.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of delta vectors, each a list of numbers of one length.
    references: list of categories: left, right, above, below (also under, beneath), far, close.
    groups (optional): list with the image or scene of each vector; intervals and null then respect what vectors share.
    confidence (optional): coverage of the intervals, 0.95.
    permutations (optional): draws of the permutation null, 999; 0 leaves it out.
    seed (optional): of the permutations, 0.
Returns:
    coh_horizontal, coh_vertical, coh_distance: coherence; NaN for fewer than two vectors.
    coh_<axis>_low, coh_<axis>_high, coh_<axis>_interval: bounds of its jackknife interval, and how it was made.
    coh_<axis>_p, coh_<axis>_null: p value under permuted labels, and the mean coherence under them.
    n_<axis>, n_groups_<axis>: number of vectors and of groups.
    counts: {category: number of vectors}.
    n, n_zero: number of all vectors, and of zero vectors, which are dropped.
    reasons: {key: why it is NaN}.
Examples:

    >>> metric = evaluate.load("axis_coherence")
    >>> vectors = [[1.0, 0.0], [-1.0, 0.1], [0.2, 1.0], [0.0, 0.0]]
    >>> result = metric.compute(predictions=vectors, references=["left", "right", "above", "below"])
    >>> round(result["coh_horizontal"], 3), result["coh_vertical"], result["n_zero"]
    (0.995, nan, 1)
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
class AxisCoherence(evaluate.Metric):
    """For small sets and for parity; arrays of hidden states are better given to the function `axis_coherence`."""

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
        return axis_coherence(predictions, references, **options)
