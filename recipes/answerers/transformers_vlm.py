"""Answerers for checkpoints that transformers runs: one reads what the model writes, one its lean to Yes or No."""

from collections import Counter
from collections.abc import Sequence
from time import perf_counter

from recipes.answerers.answerer import Answer, Answerer, answer_from_text, pictures_of
from recipes.answerers.prompts import prompt_of, templates_of
from recipes.answerers.settings import THINKING, AnswererSettings
from recipes.answerers.vision_language import Chat, VisionLanguageModel, Written, sample_of_weights
from recipes.answerers.yes_no import answer_of_lean, answer_of_margin
from recipes.answerers.yes_no_tokens import yes_no_tokens
from recipes.questions import Row


class _Checkpoint(Answerer):
    """What both have in common."""

    reads_images = True

    def __init__(self, name: str, all_rows: Sequence[Row], settings: AnswererSettings, thinking: str) -> None:
        self._form = settings.prompts
        self._model = VisionLanguageModel(name, settings.local)
        self._template = THINKING[thinking] if "enable_thinking" in self._model.chat_template else {}
        self._counts: Counter[str] = Counter()
        self.settings = {
            "model_revision": self._model.commit,
            "weights_sample_sha256": sample_of_weights(name),
            "dtype": self._model.dtype,
            "attention": settings.local.attention,
            "prompts": {"form": settings.prompts, "templates": templates_of(all_rows, settings.prompts)},
            "chat_template": self._template,
        }

    def environment(self) -> dict[str, str]:
        return self._model.environment()

    def counts(self) -> dict[str, float]:
        return {**self._counts, "pictures_encoded": self._model.pictures_encoded}

    def _will_write(self, limit: int) -> None:
        self._limit = limit
        self.settings = {**self.settings, "max_new_tokens": limit, "decoding": "greedy"}

    def _count(self, written: Sequence[Written]) -> None:
        self._counts["completion_tokens"] += sum(each.tokens for each in written)
        self._counts["cut_short"] += sum(not each.is_complete for each in written)

    def _chats(self, rows: Sequence[Row]) -> list[Chat]:
        chats: list[Chat] = [(pictures_of(row), prompt_of(row, self._form)) for row in rows]
        self._counts["pictures"] += sum(len(pictures) for pictures, _ in chats)
        return chats


class WrittenAnswers(_Checkpoint):
    """Has the model write its answers, greedily, and reads them."""

    def __init__(self, name: str, all_rows: Sequence[Row], settings: AnswererSettings) -> None:
        super().__init__(name, all_rows, settings, settings.thinking)
        self._will_write(settings.max_new_tokens)

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        start = perf_counter()
        written = self._model.write(self._chats(rows), self._template, self._limit)
        seconds = (perf_counter() - start) / len(rows)
        self._count(written)
        return [answer_from_text(row, each.text, seconds) for row, each in zip(rows, written, strict=True)]


class YesNoLean(_Checkpoint):
    """Looks at the logits of the first token, and (exact match) at what the model goes on to write."""

    def __init__(self, name: str, all_rows: Sequence[Row], settings: AnswererSettings) -> None:
        super().__init__(name, all_rows, settings, settings.thinking or "off")
        self._tokens = yes_no_tokens(self._model.processor, self._template, settings.local.token_variants)
        self.settings = {**self.settings, "token_ids": self._tokens.described()}
        self._writes = settings.exact_match
        self._limit = 1
        if self._writes:
            self._will_write(settings.max_new_tokens)

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        start = perf_counter()
        logits, written = self._model.lean_and_write(self._chats(rows), self._template, self._limit)
        seconds = (perf_counter() - start) / len(rows)
        margins = self._tokens.margins(logits).tolist()
        if not self._writes:
            return [answer_of_margin(margin, seconds) for margin in margins]
        self._count(written)
        return [answer_of_lean(margin, each.text, seconds) for margin, each in zip(margins, written, strict=True)]
