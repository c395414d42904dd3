"""A small Hugging Face Hub on the loopback interface, for the real clients: what ``HfApi``, ``load_dataset`` and
``evaluate.load`` ask of dataset and Space repositories, with faults on demand, every request logged.

Not covered: Xet, LFS multipart uploads, redirects to a CDN, who may read what is gated, rate limits, the viewer.
Clients need ``HF_ENDPOINT`` (or ``HfApi(endpoint=...)``), ``HF_HUB_DISABLE_XET=1`` and ``HF_TOKEN=server.token``.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer

from tests.hub_server.faults import Fault
from tests.hub_server.handler import HubHandler
from tests.hub_server.repos import HubError, Repo


@dataclass(frozen=True)
class Request:
    """One line of the log."""

    method: str
    path: str
    received: int
    """Bytes of the body."""
    sent: int
    status: int
    """0: no answer was given."""


class HubServer(ThreadingHTTPServer):
    daemon_threads = True
    token = "hf_loopbackTokenThatMustNeverBePrinted"

    def __init__(self, stall_seconds: float = 20.0, page: int = 1000):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.stall_seconds = stall_seconds
        self.outwaited = 0
        """Stalled requests that the client would have waited for longer than ``stall_seconds``."""
        self.page = page
        """Entries of a tree per answer."""
        self.repos: dict[tuple[str, str], Repo] = {}
        self.log: list[Request] = []
        self._fault: Fault | None = None
        self._seen = 0
        self._lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what some tests are about."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def arm(self, fault: Fault | None) -> None:
        """Count requests from 1 again, and let the fault hit; None: all goes well."""
        with self._lock:
            self._fault, self._seen = fault, 0

    def next_fault(self) -> str:
        """The kind of fault that hits the request at hand, or nothing."""
        with self._lock:
            self._seen += 1
            return self._fault.kind if self._fault and self._fault.hits(self._seen) else ""

    @property
    def seen(self) -> int:
        """Requests since ``arm``."""
        return self._seen

    def note(self, request: Request) -> None:
        with self._lock:
            self.log.append(request)

    @property
    def uploaded_bytes(self) -> int:
        """Bodies of all PUT requests in the log."""
        return sum(request.received for request in self.log if request.method == "PUT")

    def repo(self, kind: str, name: str) -> Repo:
        if (kind, name) not in self.repos:
            raise HubError(404, "Repository not found", "RepoNotFound")
        return self.repos[kind, name]


@contextmanager
def serving(**options: float) -> Iterator[HubServer]:
    server = HubServer(**options)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
