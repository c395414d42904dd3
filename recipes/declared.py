"""Comparisons declared in YAML (``recipes/configs/``): which questions, which models, with which options.

    title: Two models on rooms and corridors
    options: {batch-size: 16}                  # of every run; any option of the recipes' commands
    questions:                                 # name -> recipe, dataset and further options
      rooms: {recipe: shortcut_splits, dataset: build/embspatial_rooms}
      corridor: {recipe: spatial_tunnel, dataset: build/tunnel, config: phase_variation}
    models:                                    # name -> model and further options
      chance: {model: baseline:random}
      qwen: {model: Qwen/Qwen2.5-VL-7B-Instruct, set: {dtype: bfloat16}}
      mine: {model: my-model, predictions: {rooms: answers.csv}}     # answers given elsewhere
      height: {model: baseline:higher-is-farther, only: [rooms]}     # not asked the other questions

Options that a model needs for one recipe alone stand under the recipe's name: ``lmms_eval: {lmms-model: qwen2_5_vl}``.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from builders.errors import InputError
from recipes import bev, grounding, lmms, scene_qa, shortcut_splits, spar_bench, spatial_tunnel
from recipes.questions import manifest_sha256
from recipes.scene_questions import questions_sha256

Options = Mapping[str, Any]


def _of_manifest(options: Options) -> str:
    return manifest_sha256(options["dataset"], options.get("revision") or None)


class Declarable(NamedTuple):
    """A recipe that a file can name."""

    main: Callable[..., None]
    """Its command."""
    identity: Callable[[Options], str]
    """What identifies the questions; ``InputError`` where they are not there. A run is made anew when it changes."""
    shares: bool = True
    """Whether several processes take shares of its questions (``--shard-index``)."""


RECIPES: dict[str, Declarable] = {
    "spar_bench": Declarable(spar_bench.main, _of_manifest),
    "spatial_tunnel": Declarable(spatial_tunnel.main, _of_manifest),
    "shortcut_splits": Declarable(shortcut_splits.main, _of_manifest),
    "grounding": Declarable(grounding.main, _of_manifest),
    "bev": Declarable(bev.main, _of_manifest),
    "scene_qa": Declarable(scene_qa.main, lambda options: questions_sha256(
        options["benchmark"], options["dataset"], options.get("split", ""))),
    "lmms_eval": Declarable(lmms.main, lambda options: options["tasks"], shares=False),
}
"""Name -> recipe."""

_KEYS = ("title", "options", "questions", "models")
_OF_THE_FILE = ("recipe", "only", "predictions")
_GIVEN_HERE = ("out", "shard_index", "num_shards")
"""Options that are not for the file to say."""


@dataclass(frozen=True)
class DeclaredRun:
    """One model asked one set of questions."""

    questions: str
    model: str
    """Both are names in the file: the run's folder is ``<questions>/<model>``."""
    recipe: str
    options: dict[str, Any]
    """Of the recipe's command."""

    @property
    def folder(self) -> Path:
        return Path(self.questions) / self.model

    @property
    def asked(self) -> str:
        """What the model is asked, for people."""
        return str(self.options.get("dataset") or self.options.get("tasks"))

    def command(self, out: Path) -> list[str]:
        """The recipe's program and its arguments, as they would be typed, for processes of their own."""
        given = {"out": out} | {key: value for key, value in self.options.items() if key != "gpus"}
        return [inspect.getfile(RECIPES[self.recipe].main)] + [
            f"--{key.rstrip('_').replace('_', '-')}={one}" for key, value in given.items()
            for one in (value if isinstance(value, list) else [value]) if one is not None]


@dataclass(frozen=True)
class Comparison:
    """One file."""

    title: str
    runs: tuple[DeclaredRun, ...]


def read_comparison(path: Path) -> Comparison:
    """The comparison that a file declares.

    Raises:
        InputError: not readable, or a name or option that does not exist; nothing has been run then.
    """
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(held, dict) or not {"questions", "models"} <= held.keys() <= set(_KEYS):
        raise InputError(f"{path}: expected the keys {', '.join(_KEYS)}, of which questions and models are needed")
    questions, models = (_entries(path, key, held[key]) for key in ("questions", "models"))
    shared = _mapping(path, "options", held.get("options") or {})
    runs = []
    for model, about in models.items():
        files = about.get("predictions") or {}
        only = about.get("only") or list(files) or list(questions)
        if not isinstance(only, list) or not isinstance(files, Mapping) or (
                unknown := {*only, *files} - questions.keys()):
            what = f"there is no {sorted(unknown)[0]}" if isinstance(only, list) and isinstance(files, Mapping) else ""
            raise InputError(f"{path}: models: {model}: 'only' is a list and 'predictions' a mapping of questions "
                             f"({', '.join(questions)}); {what}".rstrip("; "))
        for name in only:
            recipe = str(questions[name].get("recipe"))
            options = shared | questions[name] | about | _mapping(path, f"models: {model}: {recipe}",
                                                                  about.get(recipe) or {})
            runs.append(_run(path, name, model, options, files.get(name)))
    return Comparison(str(held.get("title") or path.stem), tuple(runs))


def _entries(path: Path, key: str, held: Any) -> dict[str, dict[str, Any]]:
    entries = {str(name): _mapping(path, f"{key}: {name}", entry) for name, entry in _mapping(path, key, held).items()}
    if wrong := [name for name in entries if not re.fullmatch(r"[\w][\w.+-]*", name)]:
        raise InputError(f"{path}: {key}: {wrong[0]!r} names a folder: letters, digits, '.', '-', '_' and '+' only")
    return entries


def _mapping(path: Path, key: str, held: Any) -> dict[str, Any]:
    if not isinstance(held, dict):
        raise InputError(f"{path}: {key}: expected a mapping, got {held!r}")
    return held


def _run(path: Path, questions: str, model: str, given: Mapping[str, Any], predictions: Any) -> DeclaredRun:
    recipe = given.get("recipe")
    if recipe not in RECIPES:
        raise InputError(f"{path}: {questions}: recipe is {recipe!r}; expected one of: {', '.join(RECIPES)}")
    options = {key.replace("-", "_"): value for key, value in given.items() if key not in (*_OF_THE_FILE, *RECIPES)}
    options = {"set_" if key == "set" else key: value for key, value in options.items()}
    known = {name: option for name, option in inspect.signature(RECIPES[recipe].main).parameters.items()
             if name not in _GIVEN_HERE}
    if unknown := [key for key in options if key not in known]:
        names = ", ".join(name.rstrip("_").replace("_", "-") for name in known)
        raise InputError(f"{path}: {model} on {questions}: {recipe} has no option {unknown[0]}; there are: {names}")
    if missing := [name for name, option in known.items() if option.default is option.empty and name not in options]:
        raise InputError(f"{path}: {model} on {questions}: {missing[0]} is missing")
    if isinstance(options.get("config"), str):
        options["config"] = [options["config"]]
    if isinstance(options.get("set_"), Mapping):
        options["set_"] = [f"{key}={_text(value)}" for key, value in options["set_"].items()]
    if predictions:
        options["predictions"] = str(predictions)
    return DeclaredRun(questions, model, recipe, options)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
