"""Samples into a batch of what a model takes, with ``labels`` for the answers alone."""

from collections.abc import Sequence
from typing import Any

from builders.errors import InputError
from recipes.answerers.settings import THINKING
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.finetuning.masking import Span, answer_span, common, places_of
from recipes.finetuning.samples import Message, Sample

IGNORED = -100
"""Label of a token that does not count."""
SEEN = "samples"
"""Key of the batch under which it says what it is made of; not for the model."""


class AnswerCollator:
    """Renders conversations with the processor's chat template, as the recipes do when they ask."""

    def __init__(self, vlm: VisionLanguageModel, stops: Sequence[int]) -> None:
        """
        Args:
            stops: tokens that end an answer. A template that writes none gets one: a model must learn to stop.
        """
        self._processor = vlm.processor
        self._tokenizer = vlm.processor.tokenizer
        self._options = THINKING["off"] if "enable_thinking" in vlm.chat_template else {}
        self._stops = frozenset(stops)
        self._template = vlm.chat_template
        probe: list[Message] = [{"role": role, "content": [{"type": "text", "text": "1"}]}
                                for role in ("user", "assistant")]
        start, end = self._spans(probe)[1][-1]
        if not self._stops.intersection(self._spans(probe)[0][start:end]):
            self._template += self._tokenizer.eos_token

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        import torch

        batch = dict(self._processor.apply_chat_template(
            [_shown(sample) for sample in samples], chat_template=self._template, tokenize=True, return_dict=True,
            return_tensors="pt", processor_kwargs={"padding": True, "padding_side": "right"}, **self._options))
        labels = torch.full_like(batch["input_ids"], IGNORED)
        seen = []
        for row, sample in enumerate(samples):
            held = batch["attention_mask"][row].nonzero()[:, 0]
            expanded = batch["input_ids"][row, held].tolist()
            for start, end in self.spans(sample.messages, expanded) if not sample.problem else ():
                labels[row, held[start:end]] = batch["input_ids"][row, held[start:end]]
            seen.append({"position": sample.position, "uid": sample.uid, "source": sample.source, "task": sample.task,
                         "problem": sample.problem, "pictures": len(sample.views), "tokens": len(expanded)})
        return batch | {"labels": labels, SEEN: seen}

    def spans(self, messages: Sequence[Message], expanded: Sequence[int]) -> list[Span]:
        """The answers among the tokens of a conversation, pictures included.

        Raises:
            InputError: they cannot be found.
        """
        text, spans = self._spans(messages)
        places = places_of(text, expanded)
        found = [(places[start], places[end - 1] + 1) for start, end in spans]
        if any(b - a != end - start for (a, b), (start, end) in zip(found, spans, strict=True)):
            raise InputError("the processor puts tokens into answers, so they cannot be told from questions")
        return found

    def _spans(self, messages: Sequence[Message]) -> tuple[list[int], list[Span]]:
        """Tokens of the text, and the answers among them."""
        text = self._tokens(messages, chat_template=self._template)
        spans = []
        for number, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._tokens(messages[:number], add_generation_prompt=True)
            start = common(before, text)
            if start < len(before) - 1:  # one token: the end of a prompt may be one with the start of an answer
                raise InputError("the chat template writes what comes before an answer differently once there is one, "
                                 "so answers cannot be told from questions")
            after = text if number == len(messages) - 1 else self._tokens(messages[: number + 1])
            end = len(text) if after is text else common(after, text)
            spans.append(answer_span(text, start, end, self._stops))
        return text, spans

    def _tokens(self, messages: Sequence[Message], **options: Any) -> list[int]:
        text = self._processor.apply_chat_template(list(messages), tokenize=False, **options, **self._options)
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]


def _shown(sample: Sample) -> list[Message]:
    """The messages with their pictures in place."""
    pictures = iter(sample.views)
    return [message | {"content": [part | {"image": next(pictures)} if part["type"] == "image" else part
                                   for part in message["content"]]} for message in sample.messages]
