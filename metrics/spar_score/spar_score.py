"""SPAR-Bench scores by task and level, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._averages import mean_of_task_means
from ._camera_positions import score_camera_positions
from ._choice_answers import score_choices
from ._choices import parse_choice
from ._core import spar_score
from ._forms import score_form
from ._image_boxes import score_image_boxes
from ._intervals import Interval
from ._motion_answers import score_motions
from ._names import score_names
from ._number_answers import score_numbers
from ._number_lists import score_number_lists
from ._numbers import parse_number
from ._orders import score_orders
from ._relative_accuracy import mra_scores
from ._summary import check_lengths
from ._tasks import BENCH_TASKS
from ._yes_no import parse_yes_no

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = [
    "BENCH_TASKS",
    "Interval",
    "Parsed",
    "SparScore",
    "check_lengths",
    "mean_of_task_means",
    "mra_scores",
    "parse_choice",
    "parse_number",
    "parse_yes_no",
    "score_camera_positions",
    "score_choices",
    "score_form",
    "score_image_boxes",
    "score_motions",
    "score_names",
    "score_number_lists",
    "score_numbers",
    "score_orders",
    "spar_score",
]

_DESCRIPTION = """
Scores of SPAR-Bench in percent: mean relative accuracy for the eight depth and distance tasks, accuracy for the eleven
choice tasks, the view-change score for view_change_infer; means over the tasks of the low, medium and high level, and
the average over all tasks. Answers that are empty, refused or commit to no answer score 0 and are counted. Tasks that
are not there are listed, and the average says whether all 20 are.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of golds as published: a number in metres, an option letter, or a motion.
    tasks: list of the published task names.
    formats (optional): list with the answer format of each item ("fill", "select", "sentence", "judge"), None for the
        benchmark's. Other formats of SPAR-7M are scored under `other`, outside every average.
    options (optional): list with the option texts of each item in letter order, or None for an item without.
    groups (optional): list with the scene of each item; the intervals then respect what items share.
    compat (optional): "spar", "lmms-eval" or "vlmevalkit" for the scores that these released evaluators give.
    confidence (optional): coverage of the intervals, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {task, format, score, value, status}.
Returns:
    average, low, medium, high: means over tasks, 0 to 100; NaN where there are no items.
    weighted_average: mean over items.
    tasks, counts, unparsed: score, items and unread answers by task; n and n_unparsed in all.
    intervals: {low, high, interval, n, n_groups} of each figure.
    missing, complete: the tasks without items, and whether there are none.
    other, unscored: answers in other formats than the benchmark's.
    reasons: why a figure is NaN.
Examples:

    >>> metric = evaluate.load("spar_score")
    >>> names = ["depth_prediction_oc", "depth_prediction_oo", "position_matching"]
    >>> result = metric.compute(predictions=["1.9 m", "two", "(C)"], references=["2.0", "4.0", "C"], tasks=names)
    >>> round(result["average"], 1), round(result["low"], 1), result["medium"], len(result["missing"])
    (70.0, 55.0, 100.0, 17)
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
class SparScore(evaluate.Metric):
    """Texts are kept as ``large_string``: numbers are stored as their shortest decimal, and None stays None, where
    ``string`` would refuse it in the first row."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {
                    "predictions": datasets.Value("large_string"),
                    "references": datasets.Value("large_string"),
                    "tasks": datasets.Value("string"),
                }
            ),
            reference_urls=["https://arxiv.org/abs/2503.22976"],
        )

    def _compute(self, predictions: list, references: list, tasks: list, **options) -> dict:
        return spar_score(predictions, references, tasks, **options)
