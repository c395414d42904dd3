"""The report on consistent and counter rows: figure, scores and sample pictures in one page that needs no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builders.heuristic import TAGS
from builders.hub.files import replacing
from builders.randomness import stable_hash
from recipes.answerers.answerer import Answer
from recipes.questions import Questions, Row
from recipes.reporting.runs import ReportedRun, read_runs
from recipes.reporting.shortcut_figure import bar_chart
from recipes.reporting.thumbnails import Outline, thumbnail
from recipes.results import Results, read_results
from recipes.scoring import Score
from recipes.shortcut_boxes import pair_boxes
from recipes.shortcut_scoring import GAP, few_groups

_FOLDER = Path(__file__).parent
_SAMPLES = {"consistent": 4, "counter": 4, "ambiguous": 2}
"""Pictures of each tag."""
_WIDTH = 320
FAR, NEAR = "#1668c7", "#d1600a"
"""Colours of the compared objects, as in the style sheet."""

LABELS = {GAP: "gap", "all": "all questions", "tagged": "all with a tag"}


@dataclass(frozen=True)
class Cell:
    """One figure of one run."""

    score: Score
    uninformative: bool


@dataclass(frozen=True)
class Line:
    """One figure of all runs."""

    label: str
    is_gap: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Picture:
    """One sample."""

    row: Row
    data_uri: str
    outlined: bool
    gold: str
    answers: tuple[tuple[str, str, bool], ...]
    """(run, what it answered, whether that is the gold answer)."""


def write_shortcut_report(questions: Questions, folders: Sequence[Path], out: Path) -> None:
    """Write the page about these questions and the runs in these folders.

    Raises:
        InputError: a folder holds no results, or results on other questions.
    """
    page = render_shortcut_page(questions, read_runs(folders, questions), [read_results(folder) for folder in folders])
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render_shortcut_page(questions: Questions, runs: Sequence[ReportedRun], results: Sequence[Results]) -> str:
    """The page's HTML; every text from the dataset and the runs is escaped.

    Args:
        results: of each run.
    """
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    settings = [result.settings for result in results]
    return environment.get_template("shortcuts.html.jinja").render(
        style=Markup((_FOLDER / "style.css").read_text()),
        questions=questions,
        manifest=questions.manifest,
        tagged=sum(bool(row["heuristic"] and row["metric"]) for row in questions.rows),
        scored=len(questions.scored()),
        images=len({row["image_id"] for row in questions.rows if row["metric"]}),
        tags=TAGS,
        cluster=settings[0]["cluster"],
        few=few_groups(runs[0].metrics),
        runs=runs,
        charts=[bar_chart(run.metrics, held["chance"]) for run, held in zip(runs, settings, strict=True)],
        blocks=_lines(results),
        chance=settings[0]["chance"],
        samples=_samples(questions, runs),
    )


def _lines(results: Sequence[Results]) -> dict[str, list[Line]]:
    """Block -> its figures."""
    blocks: dict[str, list[Line]] = {}
    for name in dict.fromkeys(name for result in results for name in result.metrics):
        block, _, part = name.rpartition("/")
        cells = tuple(
            Cell(result.metrics[name], name in result.settings["uninformative"]) if name in result.metrics else None
            for result in results
        )
        blocks.setdefault(block, []).append(Line(LABELS.get(part, part), part == GAP, cells))
    return blocks


def _samples(questions: Questions, runs: Sequence[ReportedRun]) -> list[Picture]:
    """A few pictures of each tag, no picture twice, tag by tag."""
    rows = questions.rows
    chosen: dict[str, dict[str, int]] = {tag: {} for tag in _SAMPLES}
    for position in sorted(range(len(rows)), key=lambda i: stable_hash("samples", rows[i]["uid"])):
        row = rows[position]
        same = chosen.get(row["heuristic"], {})
        if row["metric"] and len(same) < _SAMPLES.get(row["heuristic"], 0):
            same.setdefault(row["image_id"], position)
    positions = [position for picks in chosen.values() for position in picks.values()]
    held = {position: encoded for position, encoded in questions.views(positions) if encoded[0]}
    return [_picture(rows[position] | {"image": held[position]}, runs) for position in positions if position in held]


def _picture(row: Row, runs: Sequence[ReportedRun]) -> Picture:
    pair = pair_boxes(row) if "objects" in row and "far_object" in row else None  # CV-Bench's are drawn already
    outlines: list[Outline] = []
    if pair:
        outlines = [(box, FAR) for box in pair.far] + [(box, NEAR) for box in pair.near]
    answers = tuple((run.label, _said(row, run.answers[row["uid"]]), run.answers[row["uid"]].answer == row["answer"])
                    for run in runs if row["uid"] in run.answers)
    small = thumbnail(row["image"][0], _WIDTH, outlines)
    return Picture(row, small, bool(pair), _in_words(row, row["answer"]), answers)


def _said(row: Row, given: Answer) -> str:
    return given.status if given.answer is None else _in_words(row, given.answer)


def _in_words(row: Row, answer: str) -> str:
    """An answer, with the text of the option it names."""
    named = dict(zip(ascii_uppercase, row["options"]))
    return f"{answer}. {named[answer]}" if answer in named else answer
