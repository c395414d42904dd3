"""Answers from a real HTTP server on loopback that also fails, in every way a server fails."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders.errors import InputError
from recipes import spar_bench
from recipes.answerers.endpoint import WrittenEndpoint, YesNoEndpoint, margin_of
from recipes.answerers.prompts import prompt_of
from recipes.answerers.settings import AnswererSettings, EndpointSettings
from recipes.predictions import FILE_NAME, read_predictions
from recipes.questions import Questions, open_questions
from tests.recipes.chat_server import Behaviour, ChatServer, completion, pictures_of, question_of
from tests.recipes.made import jpeg, make_folder, make_row

FAST = AnswererSettings(endpoint=EndpointSettings(first_wait=0.01, timeout=30, attempts=4))
LETTERS = "ABCD"


@pytest.fixture(autouse=True)
def no_proxy_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    started: list[ChatServer] = []

    def start(behaviour: Behaviour, port: int = 0) -> ChatServer:
        started.append(ChatServer(behaviour, port))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def bench(tmp_path: Path) -> Questions:
    """Twelve questions that name their answer, with two pictures each."""
    rows = [make_row("position_matching", i, LETTERS[i % 4], ("1", "2", "3", "4"), scene=f"room_{i % 3}",
                     question=f"Question {i}: is it {LETTERS[i % 4]}?",
                     image=[{"bytes": jpeg(i), "path": "a.jpg"}, {"bytes": jpeg(100 + i), "path": "b.jpg"}])
            for i in range(12)]
    return open_questions(str(make_folder(tmp_path / "bench", rows)))


def right(body: dict, number: int = 0) -> dict:
    return completion(question_of(body).split("is it ")[1][0])


def run(questions: Questions, server: ChatServer, out: Path, **options):
    return spar_bench.evaluate(questions, server.model, out, asking=FAST, progress=False, **options)


def yes_no_row(number: int = 0) -> dict:
    return {"uid": str(number), "question": f"Is {number} closer?", "image": [jpeg(number)]}


def asked_yes_no(server: ChatServer, **settings):
    return YesNoEndpoint(server.model.removeprefix("endpoint:"), [], AnswererSettings(
        endpoint=FAST.endpoint, **settings))


# ---------------------------------------------------------------- what is sent, what is read


def test_a_question_goes_out_with_its_pictures_and_prompt(serve, bench: Questions, tmp_path: Path):
    server = serve(right)
    results = run(bench, server, tmp_path / "run")
    assert results.metrics["average"].value == 100
    by_text = {question_of(body): body for body in server.requests}
    for row in bench.rows:
        body = by_text[prompt_of(row, "published")]
        assert pictures_of(body) == [jpeg(row["id"]), jpeg(100 + row["id"])]
        assert body["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
        assert (body["model"], body["temperature"], body["path"]) == ("tiny", 0, "/v1/chat/completions")
        assert body["max_tokens"] == FAST.max_new_tokens and "chat_template_kwargs" not in body
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer secret"}


def test_results_say_what_it_cost_and_what_served_it(serve, bench: Questions, tmp_path: Path):
    asking = AnswererSettings(endpoint=EndpointSettings(prompt_price=2.0, completion_price=5.0))
    results = spar_bench.evaluate(bench, serve(right).model, tmp_path / "run", asking=asking, progress=False)
    assert results.settings["counts"] == {
        "requests": 12, "prompt_tokens": 120, "completion_tokens": 24,
        "cost": pytest.approx((120 * 2 + 24 * 5) / 1e6)}
    assert results.environment["served_model"] == "served"
    assert results.settings["answerer"]["prompts"]["form"] == "published"
    assert "secret" not in (tmp_path / "run" / "results.json").read_text()


def test_questions_are_asked_several_at_once(serve, bench: Questions, tmp_path: Path):
    barrier = threading.Barrier(4, timeout=5)  # a reply comes only when four questions wait for theirs

    def together(body: dict, number: int) -> dict:
        barrier.wait()
        return right(body)

    server = serve(together)
    asking = AnswererSettings(endpoint=EndpointSettings(concurrency=4, attempts=1))
    results = spar_bench.evaluate(bench, server.model, tmp_path / "run", asking=asking, progress=False)
    assert results.metrics["average"].value == 100 and server.most_at_once == 4


def test_a_reply_without_text_is_an_empty_answer_and_a_cut_one_is_counted(serve, bench: Questions, tmp_path: Path):
    results = run(bench, serve(lambda body, number: completion(None, finish="length")), tmp_path / "run")
    assert results.settings["answers_by_status"] == {"empty": 12}
    assert results.settings["counts"]["cut_short"] == 12


# ---------------------------------------------------------------- failures that pass


@pytest.mark.parametrize(("failure", "kind"), [
    ((429, {}), "overloaded"),
    ((503, {}), "server_errors"),
    (b"<html>busy</html>", "malformed_replies"),
    (b'{"choices": []}', "malformed_replies"),
    (b'{"choices": [{"message": {"content": 5}}]}', "malformed_replies"),
    (b"[1]", "malformed_replies"),
    (0.0, "unreachable"),  # hangs up
    (4.0, "timeouts"),
])
def test_a_failure_that_passes_is_survived_and_counted(
    serve, bench: Questions, tmp_path: Path, failure: object, kind: str
):
    times = Counter()

    def fails_first(body: dict, number: int) -> object:
        times[question_of(body)] += 1
        return failure if times[question_of(body)] == 1 else right(body)

    asking = replace(FAST, endpoint=replace(FAST.endpoint, timeout=1.5 if kind == "timeouts" else 30))
    results = spar_bench.evaluate(bench, serve(fails_first).model, tmp_path / "run", asking=asking, progress=False)
    assert results.metrics["average"].value == 100
    assert set(times.values()) == {2}
    counts = results.settings["counts"]
    assert (counts["requests"], counts[kind]) == (24, 12)


def test_the_wait_that_a_server_asks_for_is_kept(serve):
    arrived: list[float] = []

    def busy_once(body: dict, number: int) -> object:
        arrived.append(time.monotonic())
        return (429, {"Retry-After": "0.4"}) if number == 0 else completion("Yes", {"Yes": -0.1, "No": -2.1})

    asked_yes_no(serve(busy_once)).answer([yes_no_row()])
    assert 0.4 <= arrived[1] - arrived[0] < 5


# ---------------------------------------------------------------- failures that stay


def test_a_question_that_always_fails_is_failed_alone_and_asked_again_by_the_next_run(
    serve, bench: Questions, tmp_path: Path
):
    out, works = tmp_path / "run", False

    def stumbles(body: dict, number: int) -> object:
        return right(body) if works or "Question 5:" not in question_of(body) else b"nonsense"

    server = serve(stumbles)
    first = run(bench, server, out)
    assert first.settings["answers_by_status"] == {"ok": 11, "failed": 1}
    assert first.metrics["average"].value == pytest.approx(100 * 11 / 12)
    assert first.settings["counts"]["requests"] == 11 + FAST.endpoint.attempts
    works = True
    assert run(bench, server, out).metrics["average"].value == 100
    assert len(server.requests) == 11 + FAST.endpoint.attempts + 1


def test_a_request_the_server_refuses_is_not_repeated(serve, bench: Questions, tmp_path: Path):
    server = serve(lambda body, number: (400, {}) if "Question 3:" in question_of(body) else right(body))
    results = run(bench, server, tmp_path / "run")
    assert results.settings["answers_by_status"] == {"ok": 11, "failed": 1}
    assert len(server.requests) == 12 and results.settings["counts"]["refused"] == 1


def test_a_server_killed_on_the_way_loses_nothing(serve, bench: Questions, tmp_path: Path):
    """Answered questions are kept, also those of the batch it died in, and never asked again."""
    out, asked = tmp_path / "run", []

    def dies(body: dict, number: int) -> object:
        if number >= 7:
            return 0.0  # hangs up, as a dead server's port does
        asked.append(question_of(body))
        return right(body)

    server = serve(dies)
    with pytest.raises(OSError, match="the endpoint does not answer: unreachable"):
        run(bench, server, out, batch_size=5)
    assert {question for question in asked} == {
        prompt_of(row, "published") for row in bench.rows if row["uid"] in read_predictions(out / FILE_NAME)}
    assert len(asked) == 7
    server.close()
    with pytest.raises(OSError, match="the endpoint does not answer: unreachable"):
        run(bench, server, out)
    again = serve(right, server.port)
    resumed = run(bench, again, out)
    assert sorted(asked + [question_of(body) for body in again.requests]) == sorted(
        prompt_of(row, "published") for row in bench.rows)
    whole = run(bench, again, tmp_path / "whole")
    assert resumed.metrics == whole.metrics

    def without_time(folder: Path) -> dict:
        return {uid: (a.raw_text, a.answer, a.status) for uid, a in read_predictions(folder / FILE_NAME).items()}

    assert without_time(out) == without_time(tmp_path / "whole")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_or_model_ends_the_run_at_once(serve, bench: Questions, tmp_path: Path, status: int):
    server = serve(lambda body, number: (status, {}))
    with pytest.raises(OSError, match=rf"{status} .*OPENAI_API_KEY") as caught:
        run(bench, server, tmp_path / "run")
    assert len(server.requests) <= FAST.endpoint.concurrency and "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["localhost:8000#m", "http://localhost:8000/v1", "ftp://a#m"])
def test_an_address_of_another_form_is_refused(place: str):
    with pytest.raises(InputError, match="expected endpoint:URL#MODEL"):
        WrittenEndpoint(place, [], FAST)


# ---------------------------------------------------------------- Yes or No


@pytest.mark.parametrize(("logprobs", "variants", "margin"), [
    ({"Yes": -0.2, "No": -1.7}, False, 1.5),
    ({" No": -0.2, "Yes": -1.7, "yes": -2.0}, False, -1.5),
    ({"No": -0.7, "no": -1.7, "YES": -0.9}, True, -0.9 - math.log(math.exp(-0.7) + math.exp(-1.7))),
    ({"Yes": -0.1, "The": -4.0, "I": -6.0}, False, 5.9),  # No is at most as probable as the last that is listed
    ({"The": -0.1, "I": -6.0}, False, None),
    ({}, False, None),
])
def test_margins_from_probabilities(logprobs: dict, variants: bool, margin: float | None):
    assert margin_of(logprobs, variants) == (None if margin is None else pytest.approx(margin))


def test_the_lean_to_yes_is_read_from_the_first_token(serve):
    server = serve(lambda body, number: completion("Yes", {"Yes": -0.25, "No": -1.75}))
    (answer,) = asked_yes_no(server, thinking="off", exact_match=False).answer([yes_no_row()])
    assert answer.margin == pytest.approx(1.5) and (answer.answer, answer.raw_text) == ("Yes", "")
    (body,) = server.requests
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_one_request_gives_the_lean_and_the_answer_in_words(serve):
    server = serve(lambda body, number: completion("Hm. No, it is not.", {"Yes": -0.25, "No": -1.75}))
    (answer,) = asked_yes_no(server).answer([yes_no_row()])
    assert answer.margin == pytest.approx(1.5) and (answer.answer, answer.raw_text) == ("No", "Hm. No, it is not.")
    assert [(body["max_tokens"], body["logprobs"]) for body in server.requests] == [(4096, True)]


def without_logprobs(body: dict, number: int) -> object:
    return completion("No, it is not.")


def that_refuses_logprobs(body: dict, number: int) -> object:
    return (400, {}) if "logprobs" in body else completion("No, it is not.")


def with_other_words_first(body: dict, number: int) -> object:
    text = "Well" if body["max_tokens"] == 1 else "No, it is not."
    return completion(text, {"Well": -0.1, "So": -3.0} if "logprobs" in body else None)


@pytest.mark.parametrize("exact_match", [True, False])
@pytest.mark.parametrize("behaviour", [without_logprobs, that_refuses_logprobs, with_other_words_first])
def test_without_probabilities_of_yes_and_no_the_text_is_read(serve, behaviour: Behaviour, exact_match: bool):
    answerer = asked_yes_no(serve(behaviour), exact_match=exact_match)
    answers = answerer.answer([yes_no_row(i) for i in range(3)])
    assert {(a.answer, a.margin, a.raw_text) for a in answers} == {("No", -math.inf, "No, it is not.")}
    assert answerer.counts()["without_logprobs"] == 3


def test_a_server_that_refuses_to_give_probabilities_is_asked_for_them_once(serve):
    server = serve(that_refuses_logprobs)
    answerer = asked_yes_no(server)
    for number in range(3):
        answerer.answer([yes_no_row(number)])
    assert ["logprobs" in body for body in server.requests] == [True, False, False, False]
