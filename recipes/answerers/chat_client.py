"""Requests to a server that speaks the OpenAI protocol (``POST <address>/chat/completions``), repeated while a failure
may pass: the server is overloaded (408, 409, 425, 429, 5xx), slow or away, or its reply is no answer."""

import json
import random
from collections import Counter
from http.client import HTTPException
from threading import Event, Lock
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from recipes.answerers.settings import EndpointSettings

_MAY_PASS = (408, 409, 425, 429)
_SAME_FOR_ALL = (401, 403, 404)
_LONGEST_WAIT = 60.0
_MOST_SHOWN = 200
"""Characters of a server's error that a message repeats."""


class Reply(NamedTuple):
    """One answer of the server."""

    text: str
    logprobs: dict[str, float] | None
    """Most probable first tokens -> natural logarithm of their probability; None where the server gives none."""
    is_complete: bool


class QuestionFailed(Exception):
    """This question got no answer; others may."""


class Refused(QuestionFailed):
    """The server does not take this request, now or later."""


class ServerGone(Exception):
    """No question will get an answer now."""


class _MayPass(Exception):
    def __init__(self, kind: str, problem: object, wait: float = 0.0) -> None:
        super().__init__(f"{kind}: {problem}")
        self.kind = kind
        self.wait = wait
        """Seconds the server asks for."""


class ChatClient:
    """One model on one server. May be used from several threads at once.

    Attributes:
        counts: requests, tokens, and failures by kind.
        served: what the server calls the model.
    """

    def __init__(self, address: str, model: str, key: str, settings: EndpointSettings) -> None:
        self._url = f"{address.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._settings = settings
        self._stopped = Event()
        self._lock = Lock()
        self.counts: Counter[str] = Counter()
        self.served = ""

    def stop(self) -> None:
        """Let no thread wait or begin another attempt."""
        self._stopped.set()

    def ask(self, **body: Any) -> Reply:
        """The reply to a request, which is repeated while failures may pass.

        Raises:
            Refused: the server does not take this request.
            QuestionFailed: all attempts failed.
            ServerGone: it cannot be reached, it refuses key or model, or ``stop`` was called.
        """
        failure, wait = _MayPass("unreachable", "not asked yet"), self._settings.first_wait
        for attempt in range(self._settings.attempts):
            if attempt:
                self._stopped.wait(failure.wait or wait * random.uniform(0.75, 1.25))  # not all threads at once
                wait = min(2 * wait, _LONGEST_WAIT)
            if self._stopped.is_set():
                raise ServerGone("stopped")
            try:
                return self._read(self._post(body))
            except _MayPass as error:
                self.count(error.kind)
                failure = error
        kind = ServerGone if failure.kind == "unreachable" else QuestionFailed
        raise kind(f"{failure} (after {self._settings.attempts} attempts)") from failure

    def _post(self, body: dict[str, Any]) -> bytes:
        data = json.dumps({"model": self._model} | body).encode()
        self.count("requests")
        try:
            with urlopen(Request(self._url, data, self._headers), timeout=self._settings.timeout) as reply:
                return reply.read()
        except HTTPError as error:
            said = f"{error.code} {error.read(_MOST_SHOWN).decode(errors='replace').strip() or error.reason}"
            if error.code in _MAY_PASS or error.code >= 500:
                raise _MayPass("overloaded" if error.code == 429 else "server_errors", said, _wait(error)) from error
            if error.code in _SAME_FOR_ALL:
                raise ServerGone(f"{said}; check the address, the name of the model and OPENAI_API_KEY") from error
            self.count("refused")
            raise Refused(said) from error
        except (OSError, HTTPException) as error:  # URLError is an OSError; its reason says what happened
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise _MayPass("timeouts", f"no reply within {self._settings.timeout:g} s") from error
            raise _MayPass("unreachable", reason or type(error).__name__) from error

    def _read(self, data: bytes) -> Reply:
        try:
            reply = json.loads(data)
            choice = reply["choices"][0]
            text = choice["message"]["content"] or ""
            logprobs = _first_logprobs(choice)
            usage = {name: int((reply.get("usage") or {}).get(name) or 0) for name in
                     ("prompt_tokens", "completion_tokens")}
            if not isinstance(text, str):
                raise TypeError("content is no text")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            shown = data[:_MOST_SHOWN].decode(errors="replace")
            raise _MayPass("malformed_replies", f"no chat completion: {shown}") from error
        is_complete = choice.get("finish_reason") != "length"
        with self._lock:
            self.counts.update(usage)
            self.served = str(reply.get("model") or self.served)
        return Reply(text, logprobs, is_complete)

    def count(self, kind: str) -> None:
        """One more of a kind among the counts."""
        with self._lock:
            self.counts[kind] += 1


def _first_logprobs(choice: dict[str, Any]) -> dict[str, float] | None:
    content = (choice.get("logprobs") or {}).get("content")
    if not content:
        return None
    return {item["token"]: float(item["logprob"]) for item in [content[0], *(content[0].get("top_logprobs") or [])]}


def _wait(error: HTTPError) -> float:
    """Seconds of the header Retry-After; 0 without it."""
    try:
        return min(max(float(error.headers.get("Retry-After", 0)), 0.0), _LONGEST_WAIT)
    except ValueError:  # a date
        return 0.0
