"""``results.json``: what a run scored, on what, and how. Comparisons and reports read this file."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import nan
from pathlib import Path
from typing import Any

from builders.errors import InputError
from builders.hub.files import replacing
from recipes.questions import Questions
from recipes.scoring import Score

SCHEMA_VERSION = 1
FILE_NAME = "results.json"

_LIBRARIES = ("datasets", "huggingface_hub", "numpy", "pyarrow")


@dataclass(frozen=True)
class Results:
    """One results.json."""

    recipe: str
    model: str
    dataset: dict[str, Any]
    """``repo``, ``revision`` (None for a folder) and ``manifest_sha256``."""
    metrics: dict[str, Score]
    settings: dict[str, Any]
    environment: dict[str, str]


def make_results(
    recipe: str, model: str, questions: Questions, metrics: dict[str, Score], settings: Mapping[str, Any],
    answered_with: Mapping[str, str],
) -> Results:
    """Results of a run that has just been scored.

    Args:
        answered_with: libraries and devices of the answerer.
    """
    dataset = {"repo": questions.repo, "revision": questions.revision, "manifest_sha256": questions.manifest_sha256}
    environment = {"python": platform.python_version(), "platform": platform.machine()}
    environment |= {library: version(library) for library in _LIBRARIES} | dict(answered_with)
    return Results(recipe, model, dataset, metrics, dict(settings), environment)


def write_results(folder: Path, results: Results) -> None:
    with replacing(folder / FILE_NAME) as temporary:
        held = {"schema_version": SCHEMA_VERSION} | asdict(results)
        held["metrics"] = {name: {key: None if value != value else value for key, value in score.items()}
                           for name, score in held["metrics"].items()}  # JSON has no NaN
        temporary.write_text(json.dumps(held, indent=1) + "\n")


def read_results(folder: Path) -> Results:
    """The results in a folder.

    Raises:
        InputError: none there, or of another schema.
    """
    path = folder / FILE_NAME
    try:
        held = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{folder}: no {FILE_NAME}; give a folder that a recipe wrote with --out") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(held, dict) or held.pop("schema_version", None) != SCHEMA_VERSION:
        raise InputError(f"{path}: expected schema_version {SCHEMA_VERSION}")
    try:
        held["metrics"] = {name: Score(**score | {key: nan for key, value in score.items() if value is None})
                           for name, score in held["metrics"].items()}
        return Results(**held)
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not the fields of results.json ({error}); run the recipe again") from error
