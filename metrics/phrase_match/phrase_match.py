"""Exact match of short free answers, as an `evaluate` module."""

import datasets
import evaluate

from ._answers import Parsed
from ._core import phrase_match
from ._intervals import Interval
from ._phrases import plain_phrase
from ._summary import summary

# `evaluate` copies the sibling files that this script imports itself, and no others: each is imported here.
__all__ = ["Interval", "Parsed", "PhraseMatch", "phrase_match", "plain_phrase", "summary"]

_DESCRIPTION = """
Phrase match is the share of short free answers that are a right one, but for case, punctuation at the ends of words,
spaces and numbers written as digits; and, beside it, the share of those of which a right one is part, or that are part
of one.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: list of answer texts; None counts as an answer that could not be read.
    references: list of right answers, such as "on the left side".
    alternatives (optional): list with the further right answers of each question, or None for an item without.
    groups (optional): list with the image or scene of each item; the interval then respects what items share.
    confidence (optional): coverage of the interval, 0.95.
    seed (optional): of the bootstrap, 0.
    return_items (optional): True adds `items`, a list of {score, value, status, refined}.
Returns:
    exact_match: share of right answers, 0 to 1; NaN where there are no items.
    refined: share of answers of which a right one is part, or that are part of one.
    n: number of items.
    n_unparsed: how many hold no words.
    low, high: bounds of the interval of exact_match; NaN where there are no items.
    interval: how the interval was made.
    n_groups: number of groups, or of items where there are no groups.
Examples:

    >>> metric = evaluate.load("phrase_match")
    >>> answers, golds = ["Two chairs.", "on the left", "red"], ["2 chairs", "left", "blue"]
    >>> result = metric.compute(predictions=answers, references=golds)
    >>> round(result["exact_match"], 3), round(result["refined"], 3)
    (0.333, 0.667)
"""

_CITATION = """
@inproceedings{azuma2022scanqa,
  title = {ScanQA: 3D Question Answering for Spatial Scene Understanding},
  author = {Azuma, Daichi and Miyanishi, Taiki and Kurita, Shuhei and Kawanabe, Motoaki},
  booktitle = {CVPR},
  year = {2022},
}
@inproceedings{ma2023sqa3d,
  title = {SQA3D: Situated Question Answering in 3D Scenes},
  author = {Ma, Xiaojian and Yong, Silong and Zheng, Zilong and Li, Qing and Liang, Yitao and Zhu, Song-Chun and
            Huang, Siyuan},
  booktitle = {ICLR},
  year = {2023},
}
"""


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class PhraseMatch(evaluate.Metric):
    """Predictions are kept as ``large_string``, where None stays None; ``string`` would refuse it in the first row."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {"predictions": datasets.Value("large_string"), "references": datasets.Value("large_string")}
            ),
            reference_urls=["https://arxiv.org/abs/2112.10482", "https://arxiv.org/abs/2210.07474"],
        )

    def _compute(self, predictions: list, references: list, **options) -> dict:
        return phrase_match(predictions, references, **options)
