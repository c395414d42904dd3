"""The runs to compare, whatever program wrote their folders, sorted into groups that were asked the same questions."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from builders.errors import InputError
from recipes.comparison import lmms_eval
from recipes.items import Items
from recipes.predictions import FILE_NAME, Answers, read_items, read_predictions
from recipes.questions import Questions
from recipes.results import FILE_NAME as RESULTS
from recipes.results import Results, read_results
from recipes.scoring import Score


@dataclass(frozen=True)
class Run:
    """One column of a report."""

    label: str
    caption: str
    """A word below the label: ``baseline``, or the folder where two runs have one label."""
    folder: Path
    results: Results
    items: Items
    """Empty where the folder does not say what each question scored: such a run has no paired differences."""
    answers: Answers

    @property
    def metrics(self) -> dict[str, Score]:
        return self.results.metrics


class Asked(NamedTuple):
    """What a run was asked. Only runs that agree in all of it are compared."""

    recipe: str
    manifest_sha256: str
    config: str
    split: str


@dataclass(frozen=True)
class Group:
    """Runs on the same questions."""

    asked: Asked
    runs: tuple[Run, ...]

    @property
    def repo(self) -> str:
        return self.runs[0].results.dataset["repo"]

    @property
    def revision(self) -> str | None:
        return self.runs[0].results.dataset["revision"]

    @property
    def scale(self) -> float:
        """What a score of 1 is in the figures: 100 in percent."""
        return 1.0 if self.runs[0].results.settings.get("unit") in ("fraction", "metres") else 100.0


class Reader(NamedTuple):
    """How the folders of one program are told and read."""

    holds: Callable[[Path], bool]
    read: Callable[[Path], list[tuple[Results, Items, Answers]]]
    """Raises ``InputError`` where the folder is damaged."""


def _read_own(folder: Path) -> list[tuple[Results, Items, Answers]]:
    path = folder / FILE_NAME
    return [(read_results(folder), read_items(path), read_predictions(path))]


READERS = {
    "a recipe's --out": Reader(lambda folder: (folder / RESULTS).is_file(), _read_own),
    "lmms-eval's --output_path": Reader(lmms_eval.holds_results, lmms_eval.read_results),
}
"""Kind of folder -> how it is read. A new kind is one file, and its entry here."""


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """The runs in these folders, in order, with labels that tell them apart.

    Raises:
        InputError: no folder, one twice, or one that none of ``READERS`` can read.
    """
    if not folders:
        raise InputError("expected at least one folder with results")
    if twice := [folder for folder, count in Counter(folder.resolve() for folder in folders).items() if count > 1]:
        raise InputError(f"{twice[0]}: given twice")
    runs = []
    for folder in folders:
        for results, items, answers in _reader_of(folder).read(folder):
            kind, _, name = results.model.partition(":")
            if kind == "endpoint":
                name = name.partition("#")[2] or name
            runs.append(Run(name or results.model, kind if name else "", folder, results, items, answers))
    asked = Counter((asked_of(run.results), run.label) for run in runs)
    return [replace(run, caption=run.folder.name) if asked[asked_of(run.results), run.label] > 1 else run
            for run in runs]


def _reader_of(folder: Path) -> Reader:
    for reader in READERS.values():
        if reader.holds(folder):
            return reader
    what = f"no {RESULTS}" if folder.is_dir() else "no such folder"
    raise InputError(f"{folder}: {what}; give a folder that is {' or '.join(READERS)}")


def asked_of(results: Results) -> Asked:
    """What a run was asked."""
    settings = results.settings
    return Asked(results.recipe, str(results.dataset.get("manifest_sha256")), str(settings.get("config", "")),
                 str(settings.get("split", "")))


def runs_on(questions: Questions, folders: Sequence[Path]) -> list[Run]:
    """The runs in these folders, all on these questions.

    Raises:
        InputError: a folder without results, or results on other questions.
    """
    runs = read_runs(folders)
    for run in runs:
        asked = asked_of(run.results)
        if asked[1:] != (questions.manifest_sha256, questions.config, questions.split):
            held = f"{questions.config}/{questions.split}, manifest {questions.manifest_sha256[:12]}"
            raise InputError(f"{run.folder}: scored on other questions ({asked.config}/{asked.split}, manifest "
                             f"{asked.manifest_sha256[:12]}) than {questions.repo} holds ({held}); run its recipe "
                             "again")
    return runs


def groups_of(runs: Sequence[Run]) -> list[Group]:
    """The runs by what they were asked, in order of first appearance."""
    found: dict[Asked, list[Run]] = {}
    for run in runs:
        found.setdefault(asked_of(run.results), []).append(run)
    return [Group(asked, tuple(own)) for asked, own in found.items()]
