"""The layers of a checkpoint's language model, and what they put out.

A state is the raw output of a decoder layer at the last token of the prompt, before the final norm: the convention of
the released code. transformers' ``hidden_states[k + 1]`` is the same for every layer but the last, which comes normed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from builders.errors import InputError


def decoder_layers(model: Any) -> list[Any]:
    """The layers of the language model in order; never those of a vision tower.

    Raises:
        InputError: they cannot be told.
    """
    import torch

    config = model.config.get_text_config(decoder=True)
    lists = [module for module in model.get_decoder().modules()
             if isinstance(module, torch.nn.ModuleList) and len(module) == config.num_hidden_layers]
    kinds = [module for module in lists if len({type(layer) for layer in module}) <= 2]  # hybrids alternate two kinds
    if len(kinds) != 1:
        raise InputError(f"{type(model).__name__}: {len(kinds)} lists of {config.num_hidden_layers} layers in its "
                         "language model, expected 1; record its states elsewhere and use `probing.py import`")
    return list(kinds[0])


def _whole(output: Any) -> Any:
    return output


@contextmanager
def listening(layers: Sequence[Any], cut: Callable[[Any], Any] = _whole) -> Iterator[list[tuple[int, Any]]]:
    """While it lasts: (position in ``layers``, what is kept of its output) of each time one of them runs.

    Args:
        cut: output (batch, sequence, width) -> what is kept; a copy, so that the rest can be freed.
    """
    heard: list[tuple[int, Any]] = []

    def listen(number: int) -> Any:
        def hook(module: Any, given: Any, output: Any) -> None:
            heard.append((number, cut(output[0] if isinstance(output, tuple) else output)))
        return hook

    handles = [layer.register_forward_hook(listen(number)) for number, layer in enumerate(layers)]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def chosen_layers(text: str, count: int) -> tuple[int, ...]:
    """The layers that ``--layers`` names: ``all``, or numbers and ranges with an optional step.

    Raises:
        InputError: not of this form, or beyond the model's layers.

    >>> chosen_layers("0,4-8:2,-1", 12)
    (0, 4, 6, 8, 11)
    """
    if text == "all":
        return tuple(range(count))
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.strip().partition(":")
        first, dash, last = span.rpartition("-") if not span.startswith("-") else ("", "", span)
        try:
            low, high = (int(first), int(last)) if dash else (int(last), int(last))
            low, high = (low + count if low < 0 else low), (high + count if high < 0 else high)
            numbers = range(low, high + 1, int(step or 1))
            if not numbers or not 0 <= low <= high < count:
                raise ValueError
        except ValueError:
            raise InputError(f"--layers {part}: expected all, or layers from 0 to {count - 1} as in 0,10-20,24-34:2"
                             ) from None
        found.update(numbers)
    return tuple(sorted(found))
