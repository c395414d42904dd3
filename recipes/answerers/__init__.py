"""``--model``: what answers questions, by name."""

from collections.abc import Mapping, Sequence

from builders.errors import InputError
from recipes.answerers.answerer import Answerer
from recipes.answerers.baselines import BASELINES, MakeBaseline, make_baseline
from recipes.questions import Row


def make_answerer(
    model: str, all_rows: Sequence[Row], seed: int, baselines: Mapping[str, MakeBaseline] = BASELINES
) -> Answerer:
    """The answerer that ``--model`` names.

    Args:
        all_rows: of the split, answered or not; baselines take their golds from them.
        baselines: NAME of ``baseline:NAME`` -> maker.

    Raises:
        InputError: a model this version cannot run; the message says which it can.
    """
    kind, _, name = model.partition(":")
    if kind != "baseline":
        known = ", ".join(f"baseline:{name}" for name in baselines)
        raise InputError(f"--model {model}: supported now: {known}; to score another model's answers, add "
                         "--predictions FILE (columns id and raw_text)")
    return make_baseline(name, all_rows, seed, baselines)
