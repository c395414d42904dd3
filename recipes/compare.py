"""Compare runs: any number of result folders in one HTML page that opens alone from disk, with its tables as files.

    python recipes/compare.py build/runs/qwen build/runs/intern build/runs/random --out build/comparison.html

Reads results.json and predictions.parquet of each folder (or what lmms-eval wrote there), and for pictures the dataset
that they name, if it is at hand. Runs on the same questions of the same dataset are compared: scores with counts and
intervals, differences question by question, charts, and the questions that runs find hardest or disagree on. Runs on
other datasets, revisions, configs or splits get sections of their own. Beside the page: .scores.csv, .differences.csv
and .md. recipes/run.py runs what a file declares, then compares it. Exit codes: 0 done; 1 failed; 2 bad arguments or
input.
"""

from pathlib import Path
from typing import Annotated

import typer

from builders.command import run_command
from recipes.reporting.compare_page import write_comparison

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    result_dirs: Annotated[list[Path], typer.Argument(metavar="RESULT_DIR...", help="Folders that a recipe wrote with "
                                                      "--out, or lmms-eval with --output_path.")],
    out: Annotated[Path, typer.Option(help="The page to write, ending in .html.")],
    pictures: Annotated[bool, typer.Option(help="Look for the datasets that the results name, for pictures.")] = True,
    title: Annotated[str, typer.Option(help="Of the page.")] = "",
) -> None:
    for path in write_comparison(result_dirs, out, pictures, title):
        print(path)


if __name__ == "__main__":
    run_command(app)
