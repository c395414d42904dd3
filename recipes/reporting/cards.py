"""A question as a card: its pictures, what is asked, the gold answer, and what each run answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from builders.errors import InputError
from recipes.comparison.runs import Run
from recipes.questions import EncodedViews, Row
from recipes.reporting.thumbnails import Outline, thumbnail
from recipes.shortcut_boxes import pair_boxes

THUMBNAIL_WIDTH = 480
"""Pixels."""
SMALL_WIDTH = 200
"""Pixels, of a frame in a strip."""
MOST_VIEWS = 8
"""Of a question with more views (a video), so many are shown, evenly spaced."""
FAR, NEAR = "#1668c7", "#d1600a"
"""Colours of the compared objects, as in the style sheet."""
_OPTIONS_START = "\nA. "


@dataclass(frozen=True)
class View:
    """One picture of a question."""

    number: int
    """Place among the question's views, from 1."""
    name: str
    data_uri: str | None
    """None where the row refers to a picture it does not hold."""
    width: int
    height: int


@dataclass(frozen=True)
class Option:
    """One choice."""

    letter: str
    text: str
    gold: bool


@dataclass(frozen=True)
class GivenAnswer:
    """What one run answered."""

    run: int
    text: str
    mark: str
    """``right``, ``partial``, ``wrong`` or ``none`` (not asked)."""
    score: float
    status: str


@dataclass(frozen=True)
class Card:
    """Everything the macro draws."""

    uid: str
    answers: tuple[GivenAnswer, ...]
    question: str = ""
    """Without the options, which have a list of their own."""
    views: tuple[View, ...] = ()
    """Not more than ``MOST_VIEWS`` of ``total_views``."""
    total_views: int = 0
    scene: str = ""
    objects: tuple[dict, ...] = ()
    """Of SPAR: label, color, point, image_index of each asked object."""
    pair: tuple[str, str] | None = None
    """The farther and the nearer of two compared objects."""
    tag: str = ""
    options: tuple[Option, ...] = ()
    gold: str = ""
    exact: tuple[float, ...] = field(default=())
    """Unrounded gold numbers."""


def card_of(row: Row | None, uid: str, encoded: EncodedViews, runs: Sequence[Run]) -> Card:
    """The card of a question.

    Args:
        row: None where the dataset is not at hand: only the answers are shown then.
        encoded: its pictures, all of them.
    """
    answers = tuple(_given(uid, number, run) for number, run in enumerate(runs))
    if row is None:
        return Card(uid, answers)
    options = tuple(Option(letter, text, letter == row["answer"])
                    for letter, text in zip(ascii_uppercase, row.get("options") or ()))
    numbers = row.get("unit") or ()
    unit = numbers[0] if numbers and row["metric"] == "mra" and numbers[0] != "count" else ""
    pair = (row["far_object"], row["near_object"]) if row.get("far_object") and row.get("heuristic") else None
    return Card(
        uid, answers,
        question=row["question"].split(_OPTIONS_START)[0] if options else row["question"],
        views=_views(row, encoded),
        total_views=len(encoded),
        scene=row.get("scene_id") or "",
        objects=tuple(row["objects"]) if "frame_ids" in row else (),
        pair=pair if "cell" not in row else None,  # the tunnel's question says both
        tag=row.get("heuristic") or "",
        options=options,
        gold=f"{row['answer']} {unit}".strip(),
        exact=tuple(row.get("answer_exact") or ()),
    )


def _given(uid: str, number: int, run: Run) -> GivenAnswer:
    item, answer = run.items.get(uid), run.answers.get(uid)
    if item is None or answer is None:
        return GivenAnswer(number, "not asked", "none", 0.0, "")
    text = answer.raw_text[:80] or "no answer" if answer.answer is None else answer.answer
    if run.results.recipe == "spatial_tunnel":  # v, a probability: right where it is above one half
        sign = (item.score > 0.5) - (item.score < 0.5)
        mark = ("wrong", "partial", "right")[sign + 1]
        said = answer.answer or answer.status
        text = f"v {item.score:.2f}, wrote {said}" if answer.raw_text else f"{said}, v {item.score:.2f}"
    else:
        mark = "right" if item.score == 1 else "partial" if item.score else "wrong"
    return GivenAnswer(number, text, mark, item.score, "" if answer.status == "ok" else answer.status)


def _views(row: Row, encoded: EncodedViews) -> tuple[View, ...]:
    """At most ``MOST_VIEWS`` of the pictures, the first and the last among them."""
    count = min(len(encoded), MOST_VIEWS)
    shown = [round(i * (len(encoded) - 1) / max(1, count - 1)) for i in range(count)]
    width = THUMBNAIL_WIDTH if count == len(encoded) else SMALL_WIDTH
    names = row.get("frame_ids") or [""] * len(encoded)
    outlines: list[Outline] = []
    if row.get("heuristic") and "answer_options" in row:  # the boxes of CV-Bench are drawn into its pictures
        pair = pair_boxes(row | {"image": encoded})
        outlines = [(box, FAR) for box in pair.far] + [(box, NEAR) for box in pair.near] if pair else []
    return tuple(_view(row, i, names[i], encoded[i], width, outlines) for i in shown)


def _view(row: Row, index: int, name: str, data: bytes | None, width: int, outlines: Sequence[Outline]) -> View:
    if data is None:
        return View(index + 1, name, None, 4, 3)
    try:
        small = thumbnail(data, width, outlines)
    except OSError as error:
        raise InputError(f"{row['uid']}: the picture of frame {name} cannot be decoded ({error})") from error
    return View(index + 1, name, *small)
