"""Several questions about the same pictures, as SpatialTunnel asks four of each: the pictures are looked at once.

A prompt is pictures, then words. What the model makes of the part up to the last picture (its keys and values) depends
on nothing behind it, where attention is causal; so that part goes through the model once per group of prompts that
share it, and each prompt goes on from there. Logits are those of the whole prompt, up to rounding. This is done for the
families in ``FAMILIES``, whose equality the tests show; others (attention within a prompt that is not causal, states
that cannot be copied) get each prompt whole.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

FAMILIES = ("qwen2_5_vl", "qwen3_vl", "internvl", "llava_onevision", "idefics3", "smolvlm")
"""``model_type`` of configurations."""

Chat = tuple[Sequence[bytes], str]
"""Encoded pictures and the text after them."""
Encode = Callable[[Sequence[Chat]], Any]
"""Prompts -> the model's inputs, padded on the left."""


def continued_inputs(
    model: Any, processor: Any, chats: Sequence[Chat], texts: Sequence[str], encode: Encode
) -> dict[str, Any] | None:
    """Inputs for ``generate`` that go on from what prompts have in common; None where there is nothing to share, or the
    tokens of a prompt are not those of its parts.

    Args:
        texts: what the chat template makes of each prompt.
    """
    mark = getattr(processor, "image_token", None)
    if not mark or not all(mark in text for text in texts):
        return None
    heads, tails = zip(*(_cut(text, mark) for text in texts))
    groups: dict[tuple[tuple[bytes, ...], str], list[int]] = {}
    for place, ((pictures, _), head) in enumerate(zip(chats, heads)):
        groups.setdefault((tuple(pictures), head), []).append(place)
    if len(groups) == len(chats):
        return None
    ends = [processor.tokenizer.encode(tail, add_special_tokens=False) for tail in tails]
    first = [places[0] for places in groups.values()]
    shown = encode([chats[place] for place in first])
    length = shown["input_ids"].shape[1]
    if not all(ends) or any(shown["input_ids"][n, length - len(ends[place]) :].tolist() != ends[place]
                            for n, place in enumerate(first)):
        return None
    group_of = [0] * len(chats)
    for n, places in enumerate(groups.values()):
        for place in places:
            group_of[place] = n
    begun = _without_ends(shown, [len(ends[place]) for place in first])
    return _continued(model, begun, group_of, ends, processor.tokenizer.pad_token_id)


def _cut(text: str, mark: str) -> tuple[str, str]:
    """Up to the last picture, and from there."""
    head, _, tail = text.rpartition(mark)
    return head, tail


def _without_ends(inputs: Mapping[str, Any], lengths: Sequence[int]) -> dict[str, Any]:
    """Inputs without the last so many tokens of each row, padded on the left again."""
    import torch

    rows, columns = inputs["input_ids"].shape
    shortest = min(lengths)
    cut = {}
    for name, value in inputs.items():
        if value.shape[:2] == (rows, columns) and value.ndim == 2:  # one entry per token: what is cut comes in front
            value = torch.stack([row.roll(length)[shortest:] for row, length in zip(value, lengths)])
        cut[name] = value
    for row, length in enumerate(lengths):
        cut["attention_mask"][row, : length - shortest] = 0
    return cut


def _continued(
    model: Any, begun: Mapping[str, Any], group_of: Sequence[int], ends: Sequence[Sequence[int]], padding: int
) -> dict[str, Any]:
    """Keys and values of the beginnings, one row per prompt, and the tokens that follow; padding stands between."""
    import torch

    cache = model.generate(**begun, do_sample=False, max_new_tokens=1, return_dict_in_generate=True).past_key_values
    rows = torch.tensor(group_of)
    cache.batch_select_indices(rows)
    shift = getattr(model.model, "rope_deltas", None)  # of families with positions in the plane: per row, and kept
    if shift is not None:
        model.model.rope_deltas = shift[rows.to(shift.device)]
    width = max(map(len, ends))
    filled = torch.tensor([[padding] * (width - len(end)) + [*end] for end in ends])
    there = torch.tensor([[0] * (width - len(end)) + [1] * len(end) for end in ends])
    rows = rows.to(begun["input_ids"].device)
    return {
        "input_ids": torch.cat([begun["input_ids"][rows], filled.to(rows.device)], dim=1),
        "attention_mask": torch.cat([begun["attention_mask"][rows], there.to(rows.device)], dim=1),
        "past_key_values": cache,
    }
