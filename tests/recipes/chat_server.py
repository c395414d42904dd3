"""A server on loopback that speaks the OpenAI protocol and behaves as a test tells it to."""

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]
Behaviour = Callable[[Request, int], Any]
"""(Body of the request, how many requests came before) -> what to send: a dict as a chat completion, bytes as they are,
an (HTTP status, headers) pair as an error, a number of seconds to sleep before hanging up."""


def completion(text: str | None, logprobs: dict[str, float] | None = None, finish: str = "stop") -> dict[str, Any]:
    """A reply as vLLM sends it."""
    top = [{"token": token, "logprob": value} for token, value in (logprobs or {}).items()]
    content = [{**top[0], "top_logprobs": top}] if top else None
    return {"model": "served", "usage": {"prompt_tokens": 10, "completion_tokens": 2}, "choices": [{
        "message": {"role": "assistant", "content": text}, "finish_reason": finish,
        "logprobs": {"content": content} if content else None}]}


def question_of(body: Request) -> str:
    return body["messages"][0]["content"][-1]["text"]


def pictures_of(body: Request) -> list[bytes]:
    return [base64.b64decode(part["image_url"]["url"].partition(",")[2])
            for part in body["messages"][0]["content"][:-1]]


class ChatServer:
    """Runs from construction until ``close``."""

    def __init__(self, behaviour: Behaviour, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self, behaviour)

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def model(self) -> str:
        """For ``--model``."""
        return f"endpoint:http://127.0.0.1:{self.port}/v1#tiny"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler, behaviour: Behaviour) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            number = len(self.requests)
            self.requests.append(body | {"path": handler.path})
            self.headers.append(dict(handler.headers))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            reply = behaviour(body, number)
        finally:
            with self._lock:
                self._at_once -= 1
        if isinstance(reply, int | float):
            time.sleep(reply)
            return
        status, headers = reply if isinstance(reply, tuple) else (200, {})
        data = reply if isinstance(reply, bytes) else json.dumps(reply if status == 200 else {"error": "no"}).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)
