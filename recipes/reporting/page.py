"""Renders the report: one HTML page that needs no other file and no network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from recipes.questions import Questions
from recipes.reporting import dataset_facts
from recipes.reporting.chart import score_chart
from recipes.reporting.gallery import gallery
from recipes.reporting.runs import ReportedRun
from recipes.reporting.score_table import CHANCE, score_lines
from recipes.scoring import LEVELS

_FOLDER = Path(__file__).parent


def render_page(questions: Questions, runs: Sequence[ReportedRun], per_task: int, more: Markup | None = None) -> str:
    """The page's HTML; every text from the dataset and the runs is escaped.

    Args:
        per_task: samples in the gallery.
        more: sections on another dataset, at the end.
    """
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    lines = score_lines(questions.rows, runs)
    values: dict[str, Any] = {
        "style": Markup((_FOLDER / "style.css").read_text()),
        "script": Markup((_FOLDER / "filter.js").read_text()),
        "title": questions.manifest["dataset"].replace("_", "-").upper().replace("BENCH", "Bench"),
        "facts": dataset_facts.header_facts(questions),
        "manifest": questions.manifest,
        "manifest_sha256": questions.manifest_sha256,
        "runs": runs,
        "chance": CHANCE,
        "lines": lines,
        "chart": score_chart(lines, [run.label for run in runs]),
        "few_scenes": _few_scenes(runs),
        "letters": dataset_facts.letter_balance(questions.rows),
        "shortcuts": dataset_facts.shortcut_balance(questions.rows),
        "histograms": dataset_facts.gold_histograms(questions.rows),
        "rejections": dataset_facts.rejections(questions.manifest),
        "sections": gallery(questions, runs, per_task),
        "levels": LEVELS,
        "more": more or "",
    }
    return environment.get_template("page.html.jinja").render(values)


def _few_scenes(runs: Sequence[ReportedRun]) -> int:
    """How many scenes the scores rest on if that is too few for a bootstrap, else 0."""
    few = [run.metrics["average"] for run in runs if run.metrics["average"].interval.endswith("_few_groups")]
    return min((score.n_groups for score in few), default=0)
