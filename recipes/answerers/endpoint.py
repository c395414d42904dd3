"""Answers from a server that speaks the OpenAI protocol: vLLM, SGLang, ``transformers serve``, commercial APIs.

    --model endpoint:http://localhost:8000/v1#Qwen/Qwen2.5-VL-7B-Instruct

Questions go out with temperature 0. What else a checkpoint brings for its decoding (a repetition penalty, in its
generation_config.json) servers apply unless told not to: ``vllm serve --generation-config vllm``, for answers as those
of the checkpoint run here. A key is read from the environment, OPENAI_API_KEY. Several questions are under way at once,
and each answer is kept as it comes. A question that all attempts failed to get answered has the status ``failed``, and
the next run asks it again; where the server is gone, the run ends with the answers it had.
"""

import base64
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from time import perf_counter
from typing import Any

from builders.errors import InputError
from recipes.answerers.answerer import FAILED, Answer, Answerer, answer_from_text, pictures_of
from recipes.answerers.chat_client import ChatClient, QuestionFailed, Refused, Reply, ServerGone
from recipes.answerers.prompts import prompt_of, templates_of
from recipes.answerers.settings import THINKING, AnswererSettings
from recipes.answerers.yes_no import answer_of_lean, answer_of_margin, answer_of_yes_no_text
from recipes.questions import Row

logger = logging.getLogger(__name__)

_TOP = 20
"""First tokens whose probability is asked for: the most that the protocol allows."""


class _Endpoint(Answerer):
    """What both have in common."""

    reads_images = True

    def __init__(self, place: str, all_rows: Sequence[Row], settings: AnswererSettings) -> None:
        """
        Args:
            place: ``URL#MODEL``.

        Raises:
            InputError: another form, or a wrong setting.
        """
        address, _, model = place.partition("#")
        if not address.startswith(("http://", "https://")) or not model:
            raise InputError(f"--model endpoint:{place}: expected endpoint:URL#MODEL, such as "
                             "endpoint:http://localhost:8000/v1#Qwen/Qwen2.5-VL-7B-Instruct")
        self._form = settings.prompts
        self._endpoint = settings.endpoint
        self._limit = settings.max_new_tokens
        self._client = ChatClient(address, model, os.environ.get("OPENAI_API_KEY", ""), settings.endpoint)
        # Servers of open models hand these on to the chat template; others refuse fields they do not know.
        template = THINKING[settings.thinking]
        self._extra = {"chat_template_kwargs": template} if template else {}
        self.settings = {
            "prompts": {"form": settings.prompts, "templates": templates_of(all_rows, settings.prompts)},
            "chat_template": template,
            "max_new_tokens": self._limit,
            "decoding": "greedy",
        }

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        given = {uid: answer for answers in self.as_they_come(rows) for uid, answer in answers.items()}
        return [given[row["uid"]] for row in rows]

    def as_they_come(self, rows: Sequence[Row]) -> Iterator[Mapping[str, Answer]]:
        gone: ServerGone | None = None
        with ThreadPoolExecutor(self._endpoint.concurrency) as pool:
            try:
                uids = {pool.submit(self._timed, row): row["uid"] for row in rows}
                for future in as_completed(uids):
                    if isinstance(error := future.exception(), ServerGone):
                        self._client.stop()
                        gone = gone or error
                    else:
                        yield {uids[future]: future.result()}
            except BaseException:  # such as Ctrl-C: do not wait for what is under way
                self._client.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if gone:
            raise ConnectionError(f"the endpoint does not answer: {gone}") from gone

    def environment(self) -> dict[str, str]:
        return {"served_model": self._client.served} if self._client.served else {}

    def counts(self) -> dict[str, float]:
        counts: dict[str, float] = dict(self._client.counts)
        prices = {"prompt_tokens": self._endpoint.prompt_price, "completion_tokens": self._endpoint.completion_price}
        if any(prices.values()):
            counts["cost"] = sum(counts.get(name, 0) * price / 1e6 for name, price in prices.items())
        return counts

    def _timed(self, row: Row) -> Answer:
        start = perf_counter()
        try:
            return self._one(row, start)
        except QuestionFailed as error:
            logger.warning("%s: not answered: %s", row["uid"], error)
            return Answer("", None, FAILED, None, perf_counter() - start)

    def _one(self, row: Row, start: float) -> Answer:
        raise NotImplementedError

    def _ask(self, row: Row, limit: int, **more: Any) -> Reply:
        reply = self._client.ask(messages=self._messages(row), max_tokens=limit, temperature=0, **more, **self._extra)
        if not reply.is_complete and limit > 1:
            self._client.count("cut_short")
        return reply

    def _messages(self, row: Row) -> list[dict[str, Any]]:
        shown = [{"type": "image_url", "image_url": {"url": _data_url(data)}} for data in pictures_of(row)]
        return [{"role": "user", "content": [*shown, {"type": "text", "text": prompt_of(row, self._form)}]}]


class WrittenEndpoint(_Endpoint):
    """Reads what the model writes."""

    def _one(self, row: Row, start: float) -> Answer:
        text = self._ask(row, self._limit).text
        return answer_from_text(row, text, perf_counter() - start)


class YesNoEndpoint(_Endpoint):
    """Takes the lean to Yes or No from the probabilities of the first token, where the server gives them, and (exact
    match) reads what the model writes. Without probabilities that counts as certain, so that v is exact match; how
    often, ``counts`` says: the two do not compare."""

    def __init__(self, place: str, all_rows: Sequence[Row], settings: AnswererSettings) -> None:
        super().__init__(place, all_rows, settings)
        self._variants = settings.local.token_variants
        self._writes = settings.exact_match
        self._asks_logprobs = True
        self.settings = {**self.settings, "token_variants": self._variants, "exact_match": self._writes}

    def _one(self, row: Row, start: float) -> Answer:
        reply = None
        if self._asks_logprobs:
            limit = self._limit if self._writes else 1
            try:
                reply = self._ask(row, limit, logprobs=True, top_logprobs=_TOP)
            except Refused as error:  # it may be the fields for probabilities that the server refuses
                logger.warning("%s: asking without logprobs: %s", row["uid"], error)
            else:
                self._asks_logprobs = reply.logprobs is not None
                margin = margin_of(reply.logprobs or {}, self._variants)
                if margin is not None:
                    seconds = perf_counter() - start
                    return answer_of_lean(margin, reply.text, seconds) if self._writes else answer_of_margin(
                        margin, seconds)
        if reply is None or not self._writes:
            was_refused = self._asks_logprobs and reply is None
            reply = self._ask(row, self._limit)
            if was_refused:  # and this was not
                self._asks_logprobs = False
        self._client.count("without_logprobs")
        return answer_of_yes_no_text(reply.text, perf_counter() - start)


def margin_of(logprobs: dict[str, float], variants: bool = False) -> float | None:
    """log p(Yes) - log p(No) from the most probable first tokens, with or without a space before; None where neither is
    among them.

    A word that is not among them is taken to be as probable as the last that is: no more than that it can be.

    Args:
        variants: also yes, YES and so on.

    >>> margin_of({"Yes": -0.5, " No": -1.5, "The": -3.0})
    1.0
    >>> margin_of({"No": -0.5, "The": -2.5})
    -2.0
    """
    def total(word: str) -> float | None:
        of_word = [value for token, value in logprobs.items()
                   if (token.strip().casefold() == word.casefold() if variants else token.strip() == word)]
        return math.log(sum(map(math.exp, of_word))) if of_word else None

    yes, no = total("Yes"), total("No")
    if yes is None and no is None:
        return None
    floor = min(logprobs.values())
    return (floor if yes is None else yes) - (floor if no is None else no)


def _data_url(data: bytes) -> str:
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
