"""Hidden states at the last prompt token, and first-token logits, of many prompts about few pictures.

All prompts about one picture begin alike: chat header and picture. That beginning runs through the model once, its keys
and values are copied for each prompt, and only the words after the picture run for each. So a picture is encoded once,
its tokens pass the language model once, and nothing is generated. Pictures of one size have beginnings of one length
and run together. The ends are padded on the right, where a causal model does not see it.

Where a family does not allow that (``self_check`` finds out), prompts run whole, in batches padded on the left.
"""

import io
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builders.errors import InputError
from recipes.answerers.vision_language import VisionLanguageModel, _conversation
from recipes.probe.decoder import decoder_layers, listening

logger = logging.getLogger(__name__)

Prompt = tuple[bytes, str]
"""Encoded picture, and the text after it."""
_OF_TOKENS = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")


class Read(NamedTuple):
    """What a model makes of some prompts."""

    states: NDArray[np.float32]
    """(prompts, layers, width)."""
    logits: NDArray[np.float32]
    """(prompts, tokens) of the first token of the answer."""


class CannotShare(Exception):
    """Why the beginning of prompts cannot be shared."""


class _Pictures(NamedTuple):
    """Pictures of one size with as many prompts each: what runs at once."""

    pictures: list[bytes]
    prompts: list[list[int]]
    """Positions of each picture's prompts."""


class StateReader:
    """Reads the states of a checkpoint.

    Attributes:
        shares: whether beginnings are shared.
        counts: prompts by how they ran.
    """

    def __init__(
        self, vlm: VisionLanguageModel, layers: Sequence[int], tokens: Sequence[int], template: Mapping[str, Any],
        batch_size: int,
    ) -> None:
        """
        Args:
            layers: 0-based, whose output is read.
            tokens: ids whose logits are read.
            template: what the chat template is given besides the conversation.
            batch_size: prompts at once; halved where that does not fit into memory.
        """
        self.vlm = vlm
        self.vlm.shares_pictures = False  # a prompt that runs whole is heard once at each layer
        self.shares = True
        self.counts: Counter[str] = Counter()
        self._tokens = list(tokens)
        self.template = dict(template)
        self._batch_size = batch_size
        every = decoder_layers(vlm.model)
        self._layers = [every[number] for number in layers]
        self._image_token = getattr(vlm.model.config, "image_token_id", None)
        self._keeps = "logits_to_keep" in signature(vlm.model.forward).parameters

    def read(self, prompts: Sequence[Prompt]) -> Read:
        """States and logits in the order of the prompts; a prompt that comes twice runs once."""
        distinct = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
        asked = list(distinct)
        states: list[Any] = [None] * len(asked)
        logits: list[Any] = [None] * len(asked)
        for batch in self._batches(asked):
            for positions, made in self._run(asked, batch):
                for position, state, logit in zip(positions, made.states, made.logits, strict=True):
                    states[position], logits[position] = state, logit
        order = [distinct[prompt] for prompt in prompts]
        return Read(np.stack([states[n] for n in order]), np.stack([logits[n] for n in order]))

    def _batches(self, prompts: Sequence[Prompt]) -> Iterator[_Pictures]:
        """Pictures of one size and with as many prompts, no more prompts than a batch holds."""
        of_picture: dict[bytes, list[int]] = {}
        for number, (data, _) in enumerate(prompts):
            of_picture.setdefault(data, []).append(number)
        alike: dict[tuple[tuple[int, int], int], list[tuple[bytes, list[int]]]] = {}
        for data, numbers in of_picture.items():
            for start in range(0, len(numbers), self._batch_size):
                part = numbers[start : start + self._batch_size]
                alike.setdefault((Image.open(io.BytesIO(data)).size, len(part)), []).append((data, part))
        for (_, count), held in alike.items():
            step = max(1, self._batch_size // count)
            for start in range(0, len(held), step):
                pictures, numbers_of = zip(*held[start : start + step], strict=True)
                yield _Pictures(list(pictures), list(numbers_of))

    def _run(self, prompts: Sequence[Prompt], batch: _Pictures) -> Iterator[tuple[list[int], Read]]:
        """(positions, what was read); in halves where the whole does not fit into memory."""
        import torch

        positions = [number for numbers in batch.prompts for number in numbers]
        try:
            yield positions, self._made(batch, [[prompts[n][1] for n in numbers] for numbers in batch.prompts])
            return
        except torch.OutOfMemoryError as error:
            if len(positions) == 1:
                raise InputError("out of memory with a single prompt; take a card with more memory, several, or a "
                                 "smaller --set dtype=") from error
            self._batch_size = max(1, len(positions) // 2)
            logger.warning("out of memory with %d prompts at once; going on with %d", len(positions), self._batch_size)
        torch.cuda.empty_cache()  # out of the handler, whose traceback holds on to the tensors
        for part in self._batches([prompts[n] for n in positions]):
            for numbers, made in self._run([prompts[n] for n in positions], part):
                yield [positions[n] for n in numbers], made

    def _made(self, batch: _Pictures, texts: list[list[str]]) -> Read:
        if self.shares:
            try:
                made = self.shared(batch.pictures, texts)
                self.counts["prompts with a shared beginning"] += len(made.states)
                return made
            except CannotShare as reason:
                logger.info("prompts run whole: %s", reason)
        made = self.whole([(data, text) for data, said in zip(batch.pictures, texts) for text in said])
        self.counts["prompts run whole"] += len(made.states)
        return made

    def whole(self, prompts: Sequence[Prompt]) -> Read:
        """Each prompt from its first token to its last, as answers are made elsewhere in the recipes."""
        parts: list[Read] = []
        done = 0
        while done < len(prompts):
            fits = self.vlm.batch_size
            part = prompts[done : done + (fits or len(prompts))]
            with listening(self._layers, lambda output: output[:, -1].clone()) as heard:
                logits = self.vlm.first_logits([([data], text) for data, text in part], self.template)
            if self.vlm.batch_size != fits:
                continue  # a run that did not fit into memory was heard in part
            parts.append(Read(self._stacked(heard), logits[:, self._tokens].numpy()))
            done += len(part)
        return Read(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def shared(self, pictures: Sequence[bytes], texts: Sequence[Sequence[str]]) -> Read:
        """As many texts about each picture; all beginnings must have one length.

        Raises:
            CannotShare: where the words after the picture begin cannot be told.
        """
        import torch

        model, tokenizer, each = self.vlm.model, self.vlm.processor.tokenizer, len(texts[0])
        inputs = self.vlm.processor.apply_chat_template(
            [_conversation([data], said[0]) for data, said in zip(pictures, texts)], add_generation_prompt=True,
            tokenize=True, return_dict=True, return_tensors="pt",
            processor_kwargs={"padding": True, "padding_side": "right"}, **self.template)
        ends = self._ends([text for said in texts for text in said])
        start = self._length_of_beginning(inputs, ends[::each])
        inputs = inputs.to(model.device, dtype=model.dtype)
        beginning = {name: value[:, :start] if name in _OF_TOKENS else value for name, value in inputs.items()}
        last = torch.tensor([len(end) - 1 for end in ends])
        padded = torch.full((len(ends), int(last.max()) + 1), tokenizer.pad_token_id)
        for row, end in zip(padded, ends):
            row[: len(end)] = torch.tensor(end)
        rows = torch.arange(len(ends))
        kept, place = torch.unique(last, return_inverse=True)
        with torch.inference_mode():
            cache = model(**beginning, use_cache=True, **({"logits_to_keep": 1} if self._keeps else {})).past_key_values
            cache.batch_repeat_interleave(each)
            with listening(self._layers, lambda out: out[rows.to(out.device), last.to(out.device)]) as heard:
                keep = {"logits_to_keep": kept.to(model.device)} if self._keeps else {}
                made = model(input_ids=padded.to(model.device), past_key_values=cache, use_cache=True, **keep)
            at = (place if self._keeps else last).to(made.logits.device)
            logits = made.logits[rows.to(at.device), at][:, self._tokens].float().cpu().numpy()
        return Read(self._stacked(heard), logits)

    def _ends(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of each prompt after its picture."""
        processor = self.vlm.processor
        written = processor.apply_chat_template(
            [[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}] for text in texts],
            add_generation_prompt=True, **self.template)
        ends = []
        for tokens in processor.tokenizer(written, add_special_tokens=False)["input_ids"]:
            if self._image_token not in tokens:
                raise CannotShare("the place of the picture in a prompt cannot be told")
            ends.append(tokens[len(tokens) - tokens[::-1].index(self._image_token) :])
        return ends

    def _length_of_beginning(self, inputs: Any, ends: Sequence[list[int]]) -> int:
        """Tokens before the words, the same in all prompts; checked against the prompts as the processor made them."""
        lengths = set()
        for row, mask, end in zip(inputs["input_ids"], inputs["attention_mask"], ends, strict=True):
            tokens = row[: int(mask.sum())].tolist()
            lengths.add(len(tokens) - len(end))
            if tokens[len(tokens) - len(end) :] != end or not end:
                raise CannotShare("a prompt does not end in the tokens of its own words")
        if len(lengths) != 1:
            raise CannotShare("pictures of one size have different numbers of tokens")
        return lengths.pop()

    def _stacked(self, heard: Sequence[tuple[int, Any]]) -> NDArray[np.float32]:
        """(prompts, layers, width) from what the layers put out, each once."""
        import torch

        assert [number for number, _ in heard] == list(range(len(self._layers)))
        return torch.stack([state.float().cpu() for _, state in heard], dim=1).numpy()
