"""The same checkpoint here and behind a server: the same answers, text for text and margin for margin."""

import threading
from collections.abc import Iterator

import pytest

from recipes.answerers.endpoint import WrittenEndpoint, YesNoEndpoint
from recipes.answerers.settings import AnswererSettings, EndpointSettings, LocalSettings
from recipes.answerers.transformers_vlm import WrittenAnswers, YesNoLean
from recipes.answerers.vision_language import VisionLanguageModel
from tests.recipes.chat_server import ChatServer, completion, pictures_of, question_of
from tests.recipes.made import jpeg, make_row
from tests.recipes.tiny_models import save_tiny, torch

SETTINGS = AnswererSettings(max_new_tokens=6, local=LocalSettings(dtype="float32"),
                            endpoint=EndpointSettings(attempts=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny("idefics3", tmp_path_factory.mktemp("idefics3")))


@pytest.fixture(scope="module")
def server(folder: str) -> Iterator[ChatServer]:
    model, lock = VisionLanguageModel(folder, SETTINGS.local), threading.Lock()
    words = model.processor.tokenizer.convert_tokens_to_ids(["ĠYes", "ĠNo"])

    def reply(body: dict, number: int) -> dict:
        chat = (pictures_of(body), question_of(body))
        with lock:
            if "logprobs" not in body:
                return completion(model.write([chat], {}, body["max_tokens"])[0].text)
            logprobs = model.first_logits([chat], {})[0].log_softmax(0)
        return completion("?", {model.processor.tokenizer.decode([token]): float(logprobs[token]) for token in words})

    server = ChatServer(reply)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_what_is_written_is_the_same(folder: str, server: ChatServer):
    rows = [make_row("position_matching", i, "A", ("1", "2", "3", "4"), image=[jpeg(40 * i), jpeg(200 - 30 * i)])
            for i in range(5)]
    served = WrittenEndpoint(server.model.removeprefix("endpoint:"), rows, SETTINGS).answer(rows)
    local = WrittenAnswers(folder, rows, SETTINGS).answer(rows)
    assert [(a.raw_text, a.answer, a.status) for a in served] == [(a.raw_text, a.answer, a.status) for a in local]


def test_margins_are_the_same(folder: str, server: ChatServer):
    rows = [{"uid": str(i), "question": f"Is {i} closer?", "image": [jpeg(50 * i)]} for i in range(5)]
    served = YesNoEndpoint(server.model.removeprefix("endpoint:"), rows, SETTINGS).answer(rows)
    local = [answer.margin for answer in YesNoLean(folder, rows, SETTINGS).answer(rows)]
    assert [answer.margin for answer in served] == pytest.approx(local, abs=1e-4)
    assert torch.tensor(local).std() > 0.01
