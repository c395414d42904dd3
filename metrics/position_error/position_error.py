"""Bird's-eye position error of named objects, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._core import position_error
from ._intervals import Interval
from ._positions import as_text

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "Parsed", "PositionError", "as_text", "position_error"]

_DESCRIPTION = """
Position error scores where a model places objects on the ground plane: the Euclidean distance in metres between the
predicted and the true (x, y) of each object. Its mean is the average position error (APE); lower is better. Median,
90th percentile and scores by distance of the object come with it; objects that were left out or made up are counted.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: one entry per sample: a list of {"name", "x", "y"}, a mapping name -> (x, y), a text such as
        "Object1 :(0.4,1.2). Object2 :(-1.0,3.5).", or None for no answer. Metres.
    references: the same forms; every object of a sample once.
    edges (optional): edges of the distance bins in metres, (1, 2, 3, 5, 7, 10).
    missing_error (optional): metres to charge for an object that was not placed; without it they are only counted.
    groups (optional): list with the scene of each sample; the interval then respects what samples share.
    confidence, resamples, seed (optional): of the intervals; 0.95, 2000, 0.
    return_items (optional): True adds `items`, a list of {sample, name, distance, error}.
Returns:
    ape, p50, p90: mean, median and 90th percentile of the error in metres; NaN with a `reason` where there is none.
    low, high, low_p50, high_p50, low_p90, high_p90, interval: bounds, and how they were made.
    n, n_samples, n_groups, n_missing, n_extra, n_conflicting, n_unparsed: counts.
    bins: list of {bin, ape, p50, p90, n, n_missing} by the distance of the true place from the origin.
Examples:

    >>> metric = evaluate.load("position_error")
    >>> result = metric.compute(
    ...     predictions=["Object1 :(0.0,1.0). Object2 :(3.0,0.0)."],
    ...     references=["Object1 :(0.0,2.0). Object2 :(3.0,4.0). Object3 :(0.0,9.0)."],
    ... )
    >>> result["ape"], result["n"], result["n_missing"]
    (2.5, 2, 1)
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
class PositionError(evaluate.Metric):
    """Every form of positions is held as text in the column: lists, mappings and texts may then be mixed."""

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

    def add(self, *, prediction=None, reference=None, **kwargs) -> None:
        """Add one sample."""
        super().add(prediction=as_text(prediction), reference=as_text(reference), **kwargs)

    def add_batch(self, *, predictions=None, references=None, **kwargs) -> None:
        """Add samples."""
        columns = ([] if given is None else [as_text(item) for item in given] for given in (predictions, references))
        super().add_batch(**dict(zip(("predictions", "references"), columns)), **kwargs)

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return position_error(predictions, references, **options)
