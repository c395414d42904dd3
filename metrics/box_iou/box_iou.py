"""Overlap of oriented 3D boxes, as an `evaluate` module."""

import datasets
import evaluate

from ._boxes import as_numbers
from ._core import box_iou
from ._intervals import Interval
from ._overlap import intersection_volumes

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["BoxIoU", "Interval", "as_numbers", "box_iou", "intersection_volumes"]

_DESCRIPTION = """
Box IoU scores 3D boxes, turned in any way, by the volume they share with the true box over the volume of both
together: its mean, and the share of boxes that reach 0.25 and 0.5 (Acc@0.25, Acc@0.5 of 3D grounding). Higher is
better, 1 is the best.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: one box per item, or None for no answer. A box is 6 numbers (centre, full extents; axis-aligned), 7
        (and yaw in radians about +Z), 15 (centre, 3 x 3 axes with unit rows, extents), or a mapping with center,
        extents and axes or yaw.
    references: one box per item, in the same unit.
    thresholds (optional): IoUs to reach, (0.25, 0.5).
    groups (optional): list with the scene of each item; the intervals then respect what items share.
    confidence, seed (optional): of the intervals; 0.95, 0.
    return_items (optional): True adds `items`, the IoU of each pair.
Returns:
    mean_iou, acc@0.25, acc@0.5: 0 to 1; NaN with a `reason` where there are no items.
    n, n_missing, n_invalid, n_groups: items, those without an answer, those whose answer has no volume, is not finite
        or has axes that are not orthonormal (the IoU of both is 0), groups.
    intervals: {name: {low, high, interval}}.
Examples:

    >>> metric = evaluate.load("box_iou")
    >>> result = metric.compute(predictions=[[0, 0, 0, 2, 2, 2], None], references=[[0, 0, 1, 2, 2, 2]] * 2)
    >>> result["acc@0.25"], result["acc@0.5"], result["n_missing"]
    (0.5, 0.0, 1)
"""

_CITATION = """
@inproceedings{chen2020scanrefer,
  title = {ScanRefer: 3D Object Localization in RGB-D Scans using Natural Language},
  author = {Chen, Dave Zhenyu and Chang, Angel X. and Nie{\\ss}ner, Matthias},
  booktitle = {ECCV},
  year = {2020},
}
@article{zhang2025spar,
  title = {From Flatland to Space: Teaching Vision-Language Models to Perceive and Reason in 3D},
  author = {Zhang, Jiahui and others},
  journal = {arXiv preprint arXiv:2503.22976},
  year = {2025},
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class BoxIoU(evaluate.Metric):
    """Every form of box is held as a list of numbers in the column: forms and None may be mixed."""

    def _info(self) -> evaluate.MetricInfo:
        boxes = datasets.List(datasets.Value("float64"))
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features({"predictions": boxes, "references": boxes}),
            reference_urls=["https://arxiv.org/abs/2503.22976", "https://arxiv.org/abs/1912.08830"],
        )

    def add(self, *, prediction=None, reference=None, **kwargs) -> None:
        """Add one pair."""
        super().add(prediction=as_numbers(prediction), reference=as_numbers(reference), **kwargs)

    def add_batch(self, *, predictions=None, references=None, **kwargs) -> None:
        """Add pairs."""
        columns = ([] if given is None else [as_numbers(box) for box in given] for given in (predictions, references))
        super().add_batch(**dict(zip(("predictions", "references"), columns)), **kwargs)

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return box_iou(predictions, references, **options)
