"""Run what a file declares, then compare it: every model on every set of questions, and one page about them all.

    python recipes/run.py recipes/configs/baselines.yaml --out build/comparison

The file names questions (a recipe, a dataset) and models (recipes/configs has examples; recipes/declared.py says what
can stand there). Each run gets a folder of its own below --out, as its recipe's command would write it. Run the same
command again after an interruption or a change of the file: runs that are done are kept, others are finished or made
anew where the dataset or the options have changed. A model that fails does not keep the others from running. Exit
codes: 0 done; 1 a run failed, and the page is about the others; 2 bad arguments or input.
"""

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.command import run_command
from builders.errors import InputError
from builders.hub.files import replacing
from recipes.answerers.answerer import FAILED
from recipes.comparison import lmms_eval
from recipes.comparison.runs import READERS
from recipes.declared import RECIPES, DeclaredRun, read_comparison
from recipes.predictions import FILE_NAME as PREDICTIONS
from recipes.reporting.compare_page import write_comparison
from recipes.results import FILE_NAME as RESULTS
from recipes.results import read_results
from recipes.shards import run_on_gpus

DECLARED = "declared.json"
"""In the folder of a run: what it was made from."""

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    file: Annotated[Path, typer.Argument(metavar="CONFIG", help="A YAML file such as those in recipes/configs.")],
    out: Annotated[Path, typer.Option(help="The folder for all runs and report.html.")],
) -> None:
    comparison = read_comparison(file)
    failed = []
    for number, run in enumerate(comparison.runs, 1):
        name = f"[{number}/{len(comparison.runs)}] {run.folder}"
        try:
            made_from = _made_from(run)
            if is_done(out / run.folder, made_from):
                print(f"{name}: done already", flush=True)
                continue
            print(f"{name}: {run.options['model']} on {run.asked}", flush=True)
            _start(out / run.folder, made_from)
            _run(run, out / run.folder)
        except (InputError, OSError) as error:
            failed.append(f"{name}: {error}")
        except Exception:  # whatever one model dies of, the others are still run
            failed.append(f"{name}: {traceback.format_exc()}")
    finished = [out / run.folder for run in comparison.runs if has_results(out / run.folder)]
    if finished:
        for path in write_comparison(finished, out / "report.html", title=comparison.title):
            print(path)
    if failed:
        typer.echo("\n".join(f"failed: {what}" for what in failed), err=True)
        raise typer.Exit(1)


def _run(run: DeclaredRun, out: Path) -> None:
    predictions, gpus = run.options.get("predictions"), run.options.get("gpus")
    recipe = RECIPES[run.recipe]
    if gpus and not predictions and recipe.shares:
        run_on_gpus(gpus, run.command(out))
    else:
        given = {"predictions": Path(predictions), "gpus": 0} if predictions else {}
        recipe.main(out=out, **run.options | given)


def is_done(folder: Path, made_from: Mapping[str, Any]) -> bool:
    """Whether a folder holds the results of a run that was made from this, with an answer to every question."""
    try:
        same = json.loads((folder / DECLARED).read_text(encoding="utf-8")) == made_from
    except (OSError, ValueError):
        return False
    if not same or not has_results(folder):
        return False
    own = (folder / RESULTS).is_file()
    return not own or not read_results(folder).settings["answers_by_status"].get(FAILED)


def has_results(folder: Path) -> bool:
    """Whether a run has ended there, whatever program it was."""
    return any(reader.holds(folder) for reader in READERS.values())


def _made_from(run: DeclaredRun) -> dict[str, Any]:
    """What a run's answers depend on, as JSON gives it back; by how many processes they are given is no part of it."""
    sha256 = RECIPES[run.recipe].identity(run.options)
    given = run.options.get("predictions")
    changed = Path(given).stat().st_mtime_ns if given and Path(given).is_file() else None
    options = {key: value for key, value in run.options.items() if key != "gpus"}
    return {"recipe": run.recipe, "options": options, "manifest_sha256": sha256, "predictions_changed": changed}


def _start(folder: Path, made_from: Mapping[str, Any]) -> None:
    """Note what the run is made from. Answers of a run that was made from something else are put aside; answers of an
    interrupted one are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    noted = folder / DECLARED
    if noted.is_file() and json.loads(noted.read_text(encoding="utf-8")) != made_from:
        for path in (*folder.glob(f"{Path(PREDICTIONS).stem}*.parquet"), *folder.glob(RESULTS)):  # with unfolded parts
            path.replace(path.with_name(f"earlier_{path.name}"))
        lmms_eval.put_aside(folder)
    with replacing(noted) as temporary:
        temporary.write_text(json.dumps(made_from, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_command(app)
