"""``--model``: what answers questions, by name. A new kind of model is one file, and its entry here."""

from collections.abc import Iterable, Mapping, Sequence

from builders.errors import InputError
from recipes.answerers.answerer import Answerer
from recipes.answerers.baselines import BASELINES, MakeBaseline, make_baseline
from recipes.answerers.endpoint import WrittenEndpoint, YesNoEndpoint
from recipes.answerers.settings import DEFAULTS, AnswererSettings
from recipes.answerers.yes_no import YES_NO_BASELINES, YesNoBaseline
from recipes.questions import Row


def make_answerer(
    model: str,
    all_rows: Sequence[Row],
    seed: int,
    settings: AnswererSettings = DEFAULTS,
    baselines: Mapping[str, MakeBaseline] = BASELINES,
) -> Answerer:
    """The answerer that ``--model`` names, of questions whose answer is read from what is written.

    Args:
        all_rows: of the split, answered or not; baselines take their golds from them.
        baselines: NAME of ``baseline:NAME`` -> maker.

    Raises:
        InputError: no such model, or not one that can be run here.
    """
    kind, _, name = model.partition(":")
    if kind == "baseline":
        return make_baseline(name, all_rows, seed, baselines)
    if kind == "endpoint":
        return WrittenEndpoint(name, all_rows, settings)
    _check_kind(model, baselines)
    from recipes.answerers.transformers_vlm import WrittenAnswers

    return WrittenAnswers(model, all_rows, settings)


def make_yes_no_answerer(
    model: str, all_rows: Sequence[Row], seed: int, settings: AnswererSettings = DEFAULTS
) -> Answerer:
    """The answerer that ``--model`` names, of yes/no questions: its ``margin`` says by how much it leans to Yes.

    Raises:
        InputError: no such model, or not one that can be run here.
    """
    kind, _, name = model.partition(":")
    if kind == "baseline" and name in YES_NO_BASELINES:
        return YesNoBaseline(YES_NO_BASELINES[name], seed)
    if kind == "endpoint":
        return YesNoEndpoint(name, all_rows, settings)
    _check_kind(model, YES_NO_BASELINES)
    from recipes.answerers.transformers_vlm import YesNoLean

    return YesNoLean(model, all_rows, settings)


def _check_kind(model: str, baselines: Iterable[str]) -> None:
    """Raise ``InputError`` for what can be neither a folder nor a Hub id."""
    if ":" in model or not model.strip():
        known = ", ".join(f"baseline:{name}" for name in baselines)
        raise InputError(f"--model {model}: expected a Hub id or folder, endpoint:URL#MODEL, or one of: {known}; to "
                         "score another model's answers, add --predictions FILE")
