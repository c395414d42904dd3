"""The runs a report compares: their scores and answers, checked to be about the report's questions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builders.errors import InputError
from recipes.answerers.answerer import Answer
from recipes.predictions import FILE_NAME, read_predictions
from recipes.questions import Questions
from recipes.results import read_results
from recipes.scoring import Score


@dataclass(frozen=True)
class ReportedRun:
    """One column of the report."""

    label: str
    kind: str
    """A word below the label: ``baseline``, or the folder where two runs have one model."""
    metrics: dict[str, Score]
    answers: dict[str, Answer]
    """``uid`` -> answer."""


def read_runs(folders: Sequence[Path], questions: Questions) -> list[ReportedRun]:
    """The runs in these folders, in order.

    Raises:
        InputError: a folder without results, or results on other questions.
    """
    results = [read_results(folder) for folder in folders]
    models = Counter(result.model for result in results)
    runs = []
    for folder, result in zip(folders, results, strict=True):
        settings = result.settings
        asked = (result.dataset.get("manifest_sha256"), settings.get("config"), settings.get("split"))
        if asked != (questions.manifest_sha256, questions.config, questions.split):
            held = f"{questions.config}/{questions.split}, manifest {questions.manifest_sha256[:12]}"
            raise InputError(f"{folder}: scored on other questions ({asked[1]}/{asked[2]}, manifest "
                             f"{str(asked[0])[:12]}) than {questions.repo} holds ({held}); run its recipe again")
        kind, _, name = result.model.rpartition(":")
        caption = folder.name if models[result.model] > 1 else kind
        runs.append(ReportedRun(name, caption, result.metrics, read_predictions(folder / FILE_NAME)))
    return runs
