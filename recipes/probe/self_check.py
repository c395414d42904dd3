"""Before a collection starts: is what will be read what it is said to be? On the first prompts, with the model at hand.

Against one prompt run alone, without padding or sharing: each layer of the language model runs once, in order; there
are as many as the configuration says; their outputs have the length of the prompt and the width of the language model,
which those of a vision tower have not; transformers' own ``hidden_states`` are the same (the last layer apart, which
comes normed there); and the states read in a batch are those of the last prompt token, and of no other.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builders.errors import InputError
from recipes.answerers.vision_language import _conversation
from recipes.probe.decoder import decoder_layers, listening
from recipes.probe.hidden_states import Prompt, StateReader

logger = logging.getLogger(__name__)

TOLERANCE = {"float32": 1e-3, "float16": 0.03, "bfloat16": 0.1}
"""Largest difference of two ways to compute a state, as a share of its length."""


@dataclass(frozen=True)
class Checked:
    """What was found."""

    n_layers: int
    width: int
    last_tokens: str
    """The end of the prompt, whose last token the states belong to."""
    difference: float
    """Largest difference from a prompt run alone, as a share of the state's length."""
    shares: bool
    """Whether the beginning of prompts with one picture runs once."""
    why_not: str = ""
    """Why it does not."""


def check(reader: StateReader, prompts: Sequence[Prompt], layers: Sequence[int]) -> Checked:
    """Check a reader on some prompts, at least two of them about one picture; where their beginning cannot be shared,
    it is set not to.

    Raises:
        InputError: the states would not be what they are said to be.
    """
    alone = [_alone(reader, prompt) for prompt in prompts]
    tolerance = TOLERANCE.get(reader.vlm.dtype, max(TOLERANCE.values()))
    why_not = ""
    try:
        difference = _difference(reader, prompts, alone, layers, tolerance)
        if reader.counts["prompts run whole"]:
            why_not = "where the words after the picture begin cannot be told"
    except (InputError, AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError,
            ValueError) as error:  # a family's own code, asked for what it may not be made for
        why_not = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if why_not:
        logger.warning("the beginning of prompts is not shared (%s); each runs whole, which is slower", why_not)
        reader.shares = False
        difference = _difference(reader, prompts, alone, layers, tolerance)
    reader.counts.clear()
    tokenizer = reader.vlm.processor.tokenizer
    width, last_tokens = alone[0].states[0].shape[1], tokenizer.decode(alone[0].tokens[-4:])
    return Checked(len(alone[0].states), width, last_tokens, difference, reader.shares, why_not)


@dataclass(frozen=True)
class _Alone:
    """One prompt run alone."""

    states: list[NDArray[np.float32]]
    """Of each layer: (tokens, width)."""
    tokens: list[int]


def _alone(reader: StateReader, prompt: Prompt) -> _Alone:
    import torch

    model, (data, text) = reader.vlm.model, prompt
    config = model.config.get_text_config(decoder=True)
    layers = decoder_layers(model)
    inputs = reader.vlm.processor.apply_chat_template(
        [_conversation([data], text)], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        **reader.template).to(model.device, dtype=model.dtype)
    with torch.inference_mode(), listening(layers) as heard:
        made = model(**inputs, output_hidden_states=True, use_cache=False)
    fired = [number for number, _ in heard]
    _require(fired == list(range(config.num_hidden_layers)),
             f"its {config.num_hidden_layers} layers ran as {fired}, expected each once and in order")
    shape = (1, inputs["input_ids"].shape[1], config.hidden_size)
    wrong = [f"layer {number} puts out {tuple(output.shape)}" for number, output in heard if output.shape != shape]
    _require(not wrong, f"{wrong[:1]}, expected {shape}: the prompt's tokens, the language model's width")
    for number, output in heard[:-1]:
        _require(bool(torch.equal(output, made.hidden_states[number + 1].to(output.device))),
                 f"layer {number} puts out something else than hidden_states[{number + 1}]")
    return _Alone([output[0].float().cpu().numpy() for _, output in heard], inputs["input_ids"][0].tolist())


def _difference(
    reader: StateReader, prompts: Sequence[Prompt], alone: Sequence[_Alone], layers: Sequence[int], tolerance: float
) -> float:
    """Largest relative difference between the states read together and alone."""
    read = reader.read(prompts)
    found = 0.0
    for states, single in zip(read.states, alone, strict=True):
        for state, layer in zip(states, layers, strict=True):
            every = single.states[layer]
            far = np.linalg.norm(every - state, axis=1) / np.linalg.norm(every[-1])
            _require(bool(np.isfinite(far[-1]) and far[-1] <= tolerance),
                     f"layer {layer} differs by {far[-1]:.2g} of its length from the same prompt run alone, more than "
                     f"{tolerance:g}")
            _require(len(far) < 2 or far[-1] < far[-2], f"layer {layer} is not read at the last token of the prompt")
            found = max(found, float(far[-1]))
    return found


def _require(holds: bool, problem: Any) -> None:
    if not holds:
        raise InputError(f"check of the hidden states: {problem}; record this model's states elsewhere and use "
                         "`probing.py import`")
