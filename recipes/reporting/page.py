"""The report on a SPAR dataset: what it holds, what was scored on it, and samples."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from recipes.comparison.runs import Run
from recipes.questions import Questions
from recipes.reporting import dataset_facts
from recipes.reporting.chart import Row, chart
from recipes.reporting.gallery import gallery
from recipes.reporting.html import render
from recipes.reporting.score_table import CHANCE, score_lines
from recipes.scoring import LEVELS


def render_page(questions: Questions, runs: Sequence[Run], per_task: int, more: Markup | None = None) -> str:
    """The page's HTML; every text from the dataset and the runs is escaped.

    Args:
        per_task: samples in the gallery.
        more: sections on another dataset, at the end.
    """
    lines = score_lines(questions.rows, runs)
    marks = [[(f"run-{number % 8}", f"{run.label}, {line.label}", score)
              for number, (run, score) in enumerate(zip(runs, line.scores, strict=True))] for line in lines]
    return render(
        "page.html.jinja",
        script=Markup(Path(__file__).with_name("filter.js").read_text(encoding="utf-8")),
        title=questions.manifest["dataset"].replace("_", "-").upper().replace("BENCH", "Bench"),
        facts=dataset_facts.header_facts(questions),
        manifest=questions.manifest,
        manifest_sha256=questions.manifest_sha256,
        runs=runs,
        chance=CHANCE,
        lines=lines,
        chart=chart([Row(line.label, own, line.kind, line.chance) for line, own in zip(lines, marks, strict=True)]),
        few_scenes=_few_scenes(runs),
        letters=dataset_facts.letter_balance(questions.rows),
        shortcuts=dataset_facts.shortcut_balance(questions.rows),
        histograms=dataset_facts.gold_histograms(questions.rows),
        rejections=dataset_facts.rejections(questions.manifest),
        sections=gallery(questions, runs, per_task),
        levels=LEVELS,
        more=more or "",
    )


def _few_scenes(runs: Sequence[Run]) -> int:
    """How many scenes the scores rest on if that is too few for a bootstrap, else 0."""
    few = [run.metrics["average"] for run in runs if run.metrics["average"].interval.endswith("_few_groups")]
    return min((score.n_groups for score in few), default=0)
