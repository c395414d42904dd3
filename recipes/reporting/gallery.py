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
from recipes.scoring import tasks_present

THUMBNAIL_WIDTH = 480
"""Pixels."""
_JPEG_QUALITY = 80
_OPTIONS_START = "\nA. "


@dataclass(frozen=True)
class View:
    """One picture of a question."""

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
    options: tuple[Option, ...]
    gold: str
    answers: tuple[GivenAnswer, ...]


@dataclass(frozen=True)
class TaskSamples:
    """The gallery section of one task."""

    name: str
    short: str
    level: str
    metric: str
    count: int
    samples: tuple[Sample, ...]


def gallery(questions: Questions, runs: Sequence[ReportedRun], per_task: int) -> list[TaskSamples]:
    """``per_task`` samples of each task, tasks in reading order."""
    tasks = tasks_present(questions.rows)
    chosen = {task.name: choose(questions.rows, task.name, per_task) for task in tasks}
    pictures = dict(questions.views([position for picks in chosen.values() for position in picks]))
    sections = []
    for task in tasks:
        rows = [(questions.rows[position], pictures[position]) for position in chosen[task.name]]
        samples = tuple(_sample(row, encoded, runs) for row, encoded in rows)
        metric = grader_of(samples[0].row).label
        count = sum(row["task"] == task.name for row in questions.rows)
        sections.append(TaskSamples(task.name, task.short, task.level, metric, count, samples))
    return sections


def choose(rows: Sequence[Row], task: str, count: int) -> list[int]:
    """Positions of up to ``count`` rows of a task: new scenes first, then new first views, then by hash."""
    left = [position for position, row in enumerate(rows) if row["task"] == task]
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


def _sample(row: Row, encoded: Sequence[bytes | None], runs: Sequence[ReportedRun]) -> Sample:
    options = tuple(
        Option(letter, text, letter == row["answer"])
        for letter, text in zip(LETTERS[: len(row["options"])], row["options"], strict=True)
    )
    return Sample(
        row=row,
        question=row["question"].split(_OPTIONS_START)[0] if options else row["question"],
        views=tuple(_view(row, frame_id, data) for frame_id, data in zip(row["frame_ids"], encoded, strict=True)),
        options=options,
        gold=row["answer"] if options else f"{row['answer']} {row['unit'][0]}",
        answers=tuple(_given(row, number, run) for number, run in enumerate(runs)),
    )


def _given(row: Row, number: int, run: ReportedRun) -> GivenAnswer:
    if row["uid"] not in run.answers:
        return GivenAnswer(number, "not asked", "none", 0.0, "")
    given = run.answers[row["uid"]]
    if given.answer is None:
        return GivenAnswer(number, given.raw_text[:80] or "no answer", "wrong", 0.0, given.status)
    score = float(grader_of(row).compare([given.answer], [row["answer"]])[0])
    return GivenAnswer(number, given.answer, "right" if score == 1 else "partial" if score else "wrong", score, "")


def _view(row: Row, frame_id: str, data: bytes | None) -> View:
    if data is None:
        return View(frame_id, None, 4, 3)
    try:
        with Image.open(BytesIO(data)) as image:
            small = image.convert("RGB")
    except OSError as error:
        raise InputError(f"{row['uid']}: the picture of frame {frame_id} cannot be decoded ({error})") from error
    small.thumbnail((THUMBNAIL_WIDTH, THUMBNAIL_WIDTH), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return View(frame_id, f"data:image/jpeg;base64,{encoded}", small.width, small.height)
