"""Write a report: one self-contained HTML page about a dataset and the runs scored on it.

    python recipes/report.py --dataset build/bench build/runs/random build/runs/frequency --out report.html

The page shows scores with intervals beside what guessing would score, what the dataset holds, what was rejected and
why, and sample questions with their pictures and every run's answer. Exit codes: 0 done; 1 failed; 2 bad input.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from markupsafe import Markup

from builders.command import run_command
from recipes.comparison.runs import runs_on
from recipes.questions import Questions, open_questions, require_spar
from recipes.reporting.html import write_page
from recipes.reporting.page import render_page

SAMPLES_PER_TASK = 4

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    result_dirs: Annotated[list[Path], typer.Argument(metavar="RESULT_DIR...", help="Folders that a recipe wrote.")],
    dataset: Annotated[str, typer.Option(metavar="DIR_OR_REPO", help="The dataset the runs were scored on.")],
    out: Annotated[Path, typer.Option(help="The page to write.")],
    revision: Annotated[str, typer.Option(help="Of a Hub repository: tag, branch or commit.")] = "",
    config: Annotated[list[str], typer.Option(help="Of the dataset; may be repeated. Give what the recipe was given.")]
    = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="Of the dataset.")] = "test",
    samples: Annotated[int, typer.Option(min=1, help="Sample questions per task.")] = SAMPLES_PER_TASK,
) -> None:
    questions = open_questions(dataset, revision or None, config, split)
    require_spar(questions)
    write_report(questions, result_dirs, out, samples)
    print(out)


def write_report(
    questions: Questions, folders: Sequence[Path], out: Path, samples: int = SAMPLES_PER_TASK,
    more: Markup | None = None,
) -> None:
    """Write the page about these questions and the runs in these folders, and ``more`` sections at its end.

    Raises:
        InputError: a folder holds no results, or results on other questions.
    """
    write_page(render_page(questions, runs_on(questions, folders), samples, more), out)


if __name__ == "__main__":
    run_command(app)
