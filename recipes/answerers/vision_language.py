"""Checkpoints that transformers runs: any family of ``AutoModelForImageTextToText``, in batches.

Everything that differs between families is left to transformers: the processor's chat template places the pictures,
``generate`` prepares positions and attention, and keeps the logits of the last position alone (``logits_to_keep``).
Prompts are padded on the left, so that the last position is the end of every prompt.
"""

import hashlib
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from PIL import Image

from builders.errors import InputError
from recipes.answerers.processors import load_processor
from recipes.answerers.settings import LocalSettings
from recipes.answerers.shared_pictures import FAMILIES as SHARING
from recipes.answerers.shared_pictures import Chat, continued_inputs

logger = logging.getLogger(__name__)

PADDING_SIDE = "left"
_WEIGHTS = (".safetensors", ".bin")
_SAMPLE = 1 << 16
_LIBRARIES = ("torch", "transformers", "accelerate", "tokenizers")

Result = TypeVar("Result")


class Written(NamedTuple):
    """What a model wrote."""

    text: str
    tokens: int
    is_complete: bool
    """False where the limit of tokens cut it short."""


class VisionLanguageModel:
    """A checkpoint. Its configuration and processor are read at once; its weights when the first question is asked.

    Attributes:
        name: a Hub id or a folder.
        commit: of a Hub id; None for a folder.
        chat_template: text of the template.
        pictures_encoded: how many the model has looked at; those that several prompts of a batch share count once.
        batch_size: the largest number of prompts that have fitted into memory since one did not; None: no limit yet.
        shares_pictures: prompts about the same pictures go on from one run of their common beginning.
    """

    def __init__(self, name: str, settings: LocalSettings) -> None:
        """
        Args:
            name: a Hub id or a folder.

        Raises:
            InputError: the extra ``models`` is not installed; no such model; no model of pictures and text; it has no
                chat template.
        """
        try:
            import torch  # noqa: F401
            from transformers import AutoConfig
            from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        except ImportError as error:
            raise InputError(f"--model {name}: needs torch and transformers ({_first_line(error)}): "
                             "bash scripts/setup.sh geometry,render,dev,models") from error
        self.name = name
        self._settings = settings
        self._revision = settings.model_revision or None
        self._config = self._read(AutoConfig.from_pretrained, name, revision=self._revision)
        self.commit: str | None = getattr(self._config, "_commit_hash", None)
        self.batch_size: int | None = None
        self.pictures_encoded = 0
        self.shares_pictures = settings.share_pictures and self._config.model_type in SHARING
        if type(self._config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
            raise InputError(f"--model {name}: {self._config.model_type} is no family of AutoModelForImageTextToText; "
                             "serve it and give endpoint:URL#MODEL, or score its answers: --predictions FILE")
        self.processor = self._read(load_processor, name, self._config, self._revision)
        tokenizer = getattr(self.processor, "tokenizer", None)
        self.chat_template = str(getattr(self.processor, "chat_template", None) or getattr(
            tokenizer, "chat_template", None) or "")
        if tokenizer is None or not self.chat_template:
            raise InputError(f"--model {name}: has no chat template, so it is not known how to ask it; take a "
                             "checkpoint tuned for chats or instructions")
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token

    @property
    def dtype(self) -> str:
        """Of the weights: ``bfloat16`` and so on."""
        return self.saved_dtype if self._settings.dtype == "auto" else self._settings.dtype

    @property
    def saved_dtype(self) -> str:
        """Of the weights in their files, as the configuration says."""
        return str(self._config.dtype or self._config.get_text_config().dtype or "float32").removeprefix("torch.")

    @cached_property
    def model(self) -> Any:
        """The weights, ready to generate greedily."""
        import torch
        from transformers import AutoModelForImageTextToText, GenerationConfig

        given = {"attn_implementation": self._settings.attention} if self._settings.attention else {}
        model = self._read(AutoModelForImageTextToText.from_pretrained, self.name, revision=self._revision,
                           dtype=getattr(torch, self.dtype), device_map=self._settings.device_map or None, **given)
        # Checkpoints bring temperatures and repetition penalties along; greedy decoding has neither.
        held, tokenizer = model.generation_config, self.processor.tokenizer
        model.generation_config = GenerationConfig(
            bos_token_id=held.bos_token_id, decoder_start_token_id=held.decoder_start_token_id,
            eos_token_id=tokenizer.eos_token_id if held.eos_token_id is None else held.eos_token_id,
            pad_token_id=tokenizer.pad_token_id)
        return model.eval()

    def first_logits(self, chats: Sequence[Chat], template: Mapping[str, Any]) -> Any:
        """(N, vocabulary) float32 logits of the first token of each answer, on the CPU."""
        return self.lean_and_write(chats, template, 1)[0]

    def lean_and_write(
        self, chats: Sequence[Chat], template: Mapping[str, Any], max_new_tokens: int
    ) -> tuple[Any, list[Written]]:
        """The logits of ``first_logits``, and the answers that go on from there."""
        import torch

        def forward(part: Sequence[Chat]) -> list[tuple[Any, Written]]:
            first: list[Any] = []

            def keep(input_ids: Any, logits: Any) -> Any:
                if not first:
                    first.extend(logits.float().cpu())
                return logits

            return list(zip(first, self._write(part, template, max_new_tokens, logits_processor=[keep]), strict=True))

        both = self._in_batches(forward, chats)
        return torch.stack([logits for logits, _ in both]), [written for _, written in both]

    def write(self, chats: Sequence[Chat], template: Mapping[str, Any], max_new_tokens: int) -> list[Written]:
        """The answers, decoded greedily."""
        return self._in_batches(lambda part: self._write(part, template, max_new_tokens), chats)

    def environment(self) -> dict[str, str]:
        """Versions of the libraries, and the devices that there are."""
        import torch

        devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] or ["CPU"]
        return {library: version(library) for library in _LIBRARIES} | {"devices": ", ".join(devices)}

    def _write(
        self, chats: Sequence[Chat], template: Mapping[str, Any], max_new_tokens: int, **options: Any
    ) -> list[Written]:
        import torch

        model = self.model
        with torch.inference_mode():
            inputs = self._inputs(chats, template)
            made = model.generate(**inputs, do_sample=False, max_new_tokens=max_new_tokens, **options)
        return [self._written(tokens) for tokens in made[:, inputs["input_ids"].shape[1] :].tolist()]

    def _inputs(self, chats: Sequence[Chat], template: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``generate`` is given; pictures that several prompts show have been looked at already."""
        if self.shares_pictures:
            texts = self.processor.apply_chat_template(
                [_asked(len(pictures), text) for pictures, text in chats], add_generation_prompt=True, **template)
            shared = continued_inputs(self.model, self.processor, chats, texts,
                                      lambda part: self.encode(part, template))
            if shared is not None:
                return shared
        return self.encode(chats, template)

    def encode(self, chats: Sequence[Chat], template: Mapping[str, Any]) -> Any:
        """Each prompt whole, as the model's inputs on its device: pictures decoded and cut up, text as tokens."""
        self.pictures_encoded += sum(len(pictures) for pictures, _ in chats)
        return self.processor.apply_chat_template(
            [_conversation(*chat) for chat in chats], add_generation_prompt=True, tokenize=True, return_dict=True,
            return_tensors="pt", processor_kwargs={"padding": True, "padding_side": PADDING_SIDE}, **template,
        ).to(self.model.device, dtype=self.model.dtype)

    def _written(self, tokens: list[int]) -> Written:
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        end = next((position for position, token in enumerate(tokens) if token in ends), None)
        text = self.processor.tokenizer.decode(tokens[:end], skip_special_tokens=True)
        return Written(text.strip(), len(tokens) if end is None else end + 1, end is not None)

    def _in_batches(self, forward: Callable[[Sequence[Chat]], list[Result]], chats: Sequence[Chat]) -> list[Result]:
        """Results in order; a batch that does not fit into memory is halved, and so are those after it."""
        import torch

        results: list[Result] = []
        while len(results) < len(chats):
            size = self.batch_size or len(chats)
            part = chats[len(results) : len(results) + size]
            try:
                results += forward(part)
            except torch.OutOfMemoryError as error:
                if len(part) == 1:
                    raise InputError(f"--model {self.name}: out of memory with a single question; take a card with "
                                     "more memory, several, or a smaller --set dtype=") from error
                self.batch_size = len(part) // 2
                logger.warning("out of memory with %d questions at once; going on with %d", len(part), self.batch_size)
            else:
                continue
            torch.cuda.empty_cache()  # out of the handler, whose traceback holds on to the tensors
        return results

    def _read(self, read: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        from safetensors import SafetensorError

        try:
            return read(*arguments, **options)
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            problem = f"cannot be read, here or from the Hub ({_first_line(error)})"
            raise InputError(f"--model {self.name}: {problem}") from error


def sample_of_weights(name: str) -> str | None:
    """A hash that tells the weights of a folder from others after more training: of each file the size, and 64 KiB at
    its start, middle and end (reading all would take minutes). None for a Hub id, whose commit says the same."""
    folder = Path(name)
    if not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted(path for suffix in _WEIGHTS for path in folder.glob(f"*{suffix}")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            for start in (0, size // 2, max(size - _SAMPLE, 0)):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def _conversation(pictures: Sequence[bytes], text: str) -> list[dict[str, Any]]:
    conversation = _asked(len(pictures), text)
    for part, data in zip(conversation[0]["content"], pictures):
        part["image"] = Image.open(io.BytesIO(data)).convert("RGB")
    return conversation


def _asked(pictures: int, text: str) -> list[dict[str, Any]]:
    """A conversation without its pictures, which is enough for the chat template."""
    content = [*({"type": "image"} for _ in range(pictures)), {"type": "text", "text": text}]
    return [{"role": "user", "content": content}]


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
