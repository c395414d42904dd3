"""Samples with their pictures: a few questions per task, from as many scenes and views as there are."""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from builders.errors import InputError
from builders.randomness import stable_hash
from builders.spar.choices import LETTERS
from recipes.grading import grader_of
from recipes.questions import Questions, Row
from recipes.reporting.runs import ReportedRun
from recipes.scoring import rows_by_form

THUMBNAIL_WIDTH = 480
"""Pixels."""
SMALL_WIDTH = 200
"""Pixels, of a frame in a strip."""
MOST_VIEWS = 8
"""Of a question with more views (a video), so many are shown, evenly spaced."""
_JPEG_QUALITY = 80
_OPTIONS_START = "\nA. "


@dataclass(frozen=True)
class View:
    """One picture of a question."""

    number: int
    """Place among the question's views, from 1."""
    frame_id: str
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
class Sample:
    """One card of the gallery."""

    row: Row
    question: str
    """Without the options, which have a list of their own."""
    views: tuple[View, ...]
    """Not more than ``MOST_VIEWS`` of ``row["frame_ids"]``."""
    options: tuple[Option, ...]
    gold: str
    answers: tuple[GivenAnswer, ...]


@dataclass(frozen=True)
class TaskSamples:
    """The gallery section of one task form."""

    name: str
    short: str
    level: str
    metric: str
    """What scores it; ``not scored`` of sentences."""
    count: int
    samples: tuple[Sample, ...]


def gallery(questions: Questions, runs: Sequence[ReportedRun], per_task: int) -> list[TaskSamples]:
    """``per_task`` samples of each task form, in reading order."""
    forms = rows_by_form(questions.rows)
    chosen = {form: choose(questions.rows, here, per_task) for form, here in forms.items()}
    pictures = {
        position: _samples_of(encoded)
        for position, encoded in questions.views([position for picks in chosen.values() for position in picks])
    }
    sections = []
    for form, picks in chosen.items():
        samples = tuple(_sample(questions.rows[position], pictures[position], runs) for position in picks)
        first = samples[0].row
        metric = grader_of(first).label if first["metric"] else "not scored"
        sections.append(TaskSamples(form.name, form.short, form.task.level, metric, len(forms[form]), samples))
    return sections


def choose(rows: Sequence[Row], among: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of the positions ``among``: new scenes first, then new first views, then by hash."""
    left = list(among)
    order = {position: stable_hash("gallery", rows[position]["uid"]) for position in left}
    scenes: Counter[str] = Counter()
    views: Counter[tuple[str, str]] = Counter()
    picked: list[int] = []
    while left and len(picked) < count:
        best = min(left, key=lambda p: (scenes[rows[p]["scene_id"]], views[_first_view(rows[p])], order[p]))
        left.remove(best)
        picked.append(best)
        scenes[rows[best]["scene_id"]] += 1
        views[_first_view(rows[best])] += 1
    return picked


def _first_view(row: Row) -> tuple[str, str]:
    return row["scene_id"], row["frame_ids"][0]


def _samples_of(encoded: Sequence[bytes | None]) -> list[tuple[int, bytes | None]]:
    """(index, picture) of at most ``MOST_VIEWS`` views, the first and the last among them."""
    count = min(len(encoded), MOST_VIEWS)
    shown = [round(i * (len(encoded) - 1) / max(1, count - 1)) for i in range(count)]
    return [(i, encoded[i]) for i in shown]


def _sample(row: Row, encoded: Sequence[tuple[int, bytes | None]], runs: Sequence[ReportedRun]) -> Sample:
    width = THUMBNAIL_WIDTH if len(encoded) == len(row["frame_ids"]) else SMALL_WIDTH
    options = tuple(
        Option(letter, text, letter == row["answer"])
        for letter, text in zip(LETTERS[: len(row["options"])], row["options"], strict=True)
    )
    return Sample(
        row=row,
        question=row["question"].split(_OPTIONS_START)[0] if options else row["question"],
        views=tuple(_view(row, index, data, width) for index, data in encoded),
        options=options,
        gold=_gold(row),
        answers=tuple(_given(row, number, run) for number, run in enumerate(runs)),
    )


def _gold(row: Row) -> str:
    """The gold answer, with its unit where it is one number."""
    unit = row["unit"][0] if row["metric"] == "mra" and row["unit"][0] != "count" else ""
    return f"{row['answer']} {unit}".strip()


def _given(row: Row, number: int, run: ReportedRun) -> GivenAnswer:
    if row["uid"] not in run.answers:
        return GivenAnswer(number, "not asked", "none", 0.0, "")
    given = run.answers[row["uid"]]
    if given.answer is None:
        return GivenAnswer(number, given.raw_text[:80] or "no answer", "wrong", 0.0, given.status)
    score = float(grader_of(row).compare([given.answer], [row["answer"]])[0])
    return GivenAnswer(number, given.answer, "right" if score == 1 else "partial" if score else "wrong", score, "")


def _view(row: Row, index: int, data: bytes | None, width: int) -> View:
    frame_id = row["frame_ids"][index]
    if data is None:
        return View(index + 1, frame_id, None, 4, 3)
    try:
        with Image.open(BytesIO(data)) as image:
            small = image.convert("RGB")
    except OSError as error:
        raise InputError(f"{row['uid']}: the picture of frame {frame_id} cannot be decoded ({error})") from error
    small.thumbnail((width, width), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return View(index + 1, frame_id, f"data:image/jpeg;base64,{encoded}", small.width, small.height)
