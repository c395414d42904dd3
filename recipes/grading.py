"""How an answer is read and scored, by the row's ``metric``. A new metric is one entry in ``GRADERS``, or, where a
recipe of its own does the scoring, in ``READERS``.

A row whose ``metric`` is empty asks for a sentence, which no metric scores: recipes leave it out, and say so.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from metrics._shared.answers import Parsed
from metrics._shared.camera_positions import camera_scores, parse_camera_position
from metrics._shared.choices import parse_choice
from metrics._shared.image_boxes import image_box_ious, parse_image_box
from metrics._shared.motion_answers import PARTS, motion_scores, parse_motion
from metrics._shared.names import parse_name, plain_name
from metrics._shared.number_lists import parse_numbers
from metrics._shared.numbers import parse_number, unit_of
from metrics._shared.orders import names_of, parse_order
from metrics._shared.phrases import parse_phrase, plain_phrase
from metrics._shared.yes_no import parse_yes_no
from metrics.box_overlap._core import box_overlap
from metrics.camera_position._core import camera_position
from metrics.choice_accuracy._core import choice_accuracy
from metrics.mra._core import mra, mra_scores
from metrics.name_accuracy._core import name_accuracy
from metrics.number_list._core import number_list
from metrics.order_accuracy._core import order_accuracy
from metrics.phrase_match._core import phrase_match
from metrics.view_change._core import view_change
from recipes.placing import read_box_answer, read_map_answer
from recipes.questions import Row

Scores = NDArray[np.float64]


class Grader(NamedTuple):
    """One metric, as the recipes use it."""

    label: str
    """What a table calls it."""
    read: Callable[[Row, object], Parsed[str]]
    """Commits a model's text to one answer in the gold's form, or says why there is none."""
    compare: Callable[[Sequence[str], Sequence[str]], Scores]
    """(N,) scores, 0 to 1, of answers in the gold's form against golds."""
    metric: Callable[..., dict[str, Any]]
    """The metric's function: answers, golds, ``groups``, ``return_items`` and its own columns."""
    key: str
    """Under which the metric gives its mean score."""
    columns: Callable[[Sequence[Row]], dict[str, Any]] = lambda rows: {}
    """The columns that the metric takes besides."""

    def summarise(self, answers: Sequence[str | None], rows: Sequence[Row]) -> dict[str, Any]:
        """The metric's own result over rows of one task and format, with items and with intervals clustered by scene;
        the mean score is also under ``score``."""
        scenes = [f"{row['source']}/{row['scene_id']}" for row in rows]
        golds = [row["answer"] for row in rows]
        result = self.metric(answers, golds, groups=scenes, return_items=True, **self.columns(rows))
        return result | {"score": result[self.key]}


def _joined(parsed: Parsed[Any], write: Callable[[Any], str]) -> Parsed[str]:
    return Parsed(None if parsed.value is None else write(parsed.value), parsed.status)


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(repr, values))


# ---------------------------------------------------------------- numbers


def _unit(row: Row) -> str | None:
    """The unit of a row's number, or of each of its numbers; counts have none."""
    return row["unit"][0] if unit_of(row["unit"][0]) else None


def _units(rows: Sequence[Row]) -> dict[str, Any]:
    return {"unit": [_unit(row) for row in rows]}


def _read_number(row: Row, text: object) -> Parsed[str]:
    return _joined(parse_number(text, _unit(row)), repr)


def _compare_numbers(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return mra_scores([float(a) for a in answers], [float(g) for g in golds])


def _read_number_list(row: Row, text: object) -> Parsed[str]:
    return _joined(parse_numbers(text, len(row["unit"]), _unit(row)), _listed)


def _compare_number_lists(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    pairs = [(_numbers(a), _numbers(g)) for a, g in zip(answers, golds, strict=True)]
    return np.array([mra_scores(a, g).mean() if len(a) == len(g) else 0.0 for a, g in pairs], dtype=np.float64)


@cache
def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


# ---------------------------------------------------------------- letters, yes or no


def _read_choice(row: Row, text: object) -> Parsed[str]:
    return parse_choice(text, row["options"]) if row["options"] else parse_yes_no(text)


def _options(rows: Sequence[Row]) -> dict[str, Any]:
    return {"options": [row["options"] or None for row in rows]}


def _compare_texts(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return np.array([a == g for a, g in zip(answers, golds, strict=True)], dtype=np.float64)


# ---------------------------------------------------------------- motions, camera positions, boxes


def _read_motion(row: Row, text: object) -> Parsed[str]:
    return _joined(parse_motion(text), lambda motion: ",".join(
        f"{part}:{value!r}" for part, value in zip(PARTS, motion, strict=True) if value is not None))


@cache
def _motion(text: str) -> tuple[float, ...]:
    return tuple(np.nan if part is None else part for part in parse_motion(text).value or (None,) * len(PARTS))


def _compare_motions(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return motion_scores(np.array([_motion(a) for a in answers]), np.nan_to_num([_motion(g) for g in golds]))


def _read_camera(row: Row, text: object) -> Parsed[str]:
    return _joined(parse_camera_position(text), lambda value: "({!r}, {!r}), {!r}".format(*value))


@cache
def _camera(text: str) -> tuple[float, ...]:
    return parse_camera_position(text).value or (np.nan,) * 3


def _compare_cameras(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return camera_scores([_camera(a) for a in answers], [_camera(g) for g in golds]).score


def _read_box(row: Row, text: object) -> Parsed[str]:
    return _joined(parse_image_box(text), lambda box: f"({_listed(box)})")


@cache
def _box(text: str) -> tuple[float, ...]:
    return parse_image_box(text).value or (np.nan,) * 4


def _compare_boxes(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return image_box_ious([_box(a) for a in answers], [_box(g) for g in golds])


# ---------------------------------------------------------------- names and orders


def _names(row: Row) -> list[str]:
    """The names a question has, as far as its row tells."""
    return [row["answer"], *(item["label"] for item in row["objects"])]


def _read_name(row: Row, text: object) -> Parsed[str]:
    return parse_name(text, _names(row))


_plain_name = cache(plain_name)


def _compare_names(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return _compare_texts([_plain_name(a) for a in answers], [_plain_name(g) for g in golds])


def _read_order(row: Row, text: object) -> Parsed[str]:
    return _joined(parse_order(text, names_of(row["answer"])), ", ".join)


@cache
def _order(text: str) -> str:
    return ", ".join(names_of(text))


def _compare_orders(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return _compare_texts([_order(a) for a in answers], [_order(g) for g in golds])


# ---------------------------------------------------------------- phrases


def _read_phrase(row: Row, text: object) -> Parsed[str]:
    return parse_phrase(text)


def _compare_phrases(answers: Sequence[str], golds: Sequence[str]) -> Scores:
    return _compare_texts([plain_phrase(a) for a in answers], [plain_phrase(g) for g in golds])


GRADERS: dict[str, Grader] = {
    "mra": Grader("MRA", _read_number, _compare_numbers, mra, "mra", _units),
    "choice_accuracy": Grader("accuracy", _read_choice, _compare_texts, choice_accuracy, "accuracy", _options),
    "view_change": Grader("MRA of 5 parts", _read_motion, _compare_motions, view_change, "view_change"),
    "number_list": Grader("mean MRA", _read_number_list, _compare_number_lists, number_list, "mra", _units),
    "name_accuracy": Grader("accuracy", _read_name, _compare_names, name_accuracy, "accuracy",
                            lambda rows: {"candidates": [_names(row) for row in rows]}),
    "order_accuracy": Grader("exact order", _read_order, _compare_orders, order_accuracy, "accuracy"),
    "camera_position": Grader("point and MRA", _read_camera, _compare_cameras, camera_position, "camera_position"),
    "box_overlap": Grader("IoU", _read_box, _compare_boxes, box_overlap, "mean_iou"),
    "phrase_match": Grader("exact match", _read_phrase, _compare_phrases, phrase_match, "exact_match",
                           lambda rows: {"alternatives": [row["answers"][1:] for row in rows]}),
}
"""Name in the ``metric`` column -> grader."""

READERS: dict[str, Callable[[Row, object], Parsed[str]]] = {
    **{name: grader.read for name, grader in GRADERS.items()},
    "box_iou": read_box_answer,
    "position_error": read_map_answer,
}
"""Name in the ``metric`` column -> what commits a model's text to one answer. Boxes and maps are scored by
``recipes/grounding.py`` and ``recipes/bev.py``."""


def read_answer(row: Row, text: object) -> Parsed[str]:
    """What a text commits to, or why there is nothing; ``InputError`` for a metric this version does not know."""
    if row["metric"] not in READERS:
        raise InputError(f"row {row['uid']}: unknown metric {row['metric']!r}; there are: {', '.join(READERS)}")
    return READERS[row["metric"]](row, text)


def grader_of(row: Row) -> Grader:
    """The grader of a row; ``InputError`` for a metric this version does not know."""
    if row["metric"] not in GRADERS:
        raise InputError(f"row {row['uid']}: unknown metric {row['metric']!r}; there are: {', '.join(GRADERS)}")
    return GRADERS[row["metric"]]
