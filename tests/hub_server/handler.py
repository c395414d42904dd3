"""HTTP on one side, ``repos`` on the other: reads requests, lets faults hit, writes answers."""

import json
import re
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_server import answers
from tests.hub_server.repos import HubError

if TYPE_CHECKING:
    from tests.hub_server.server import HubServer

Route = tuple[Callable[[answers.Call], answers.Answer], dict[str, str]]

NAME = r"(?P<kind>datasets|spaces)/(?P<name>[^/]+/[^/]+?)"
ROUTES = [(method, re.compile(pattern), answer) for method, pattern, answer in (
    ("POST", r"/api/repos/create", answers.create),
    ("POST", r"/api/validate-yaml", answers.validate_yaml),
    ("GET", r"/api/whoami-v2", answers.whoami),
    ("GET", rf"/api/{NAME}", answers.info),
    ("GET", rf"/api/{NAME}/revision/(?P<rev>[^/]+)", answers.info),
    ("PUT", rf"/api/{NAME}/settings", answers.settings),
    ("GET", rf"/api/{NAME}/refs", answers.refs),
    ("GET", rf"/api/{NAME}/commits/(?P<rev>[^/]+)", answers.commits),
    ("GET", rf"/api/{NAME}/tree/(?P<rev>[^/]+)(?:/(?P<path>.*))?", answers.tree),
    ("POST", rf"/api/{NAME}/paths-info/(?P<rev>[^/]+)", answers.paths_info),
    ("POST", rf"/api/{NAME}/preupload/(?P<rev>[^/]+)", answers.preupload),
    ("POST", rf"/api/{NAME}/commit/(?P<rev>[^/]+)", answers.commit),
    ("POST", rf"/api/{NAME}/tag/(?P<rev>[^/]+)", answers.tag),
    ("POST", rf"/api/{NAME}/branch/(?P<rev>[^/]+)", answers.branch),
    ("POST", rf"/{NAME}\.git/info/lfs/objects/batch", answers.lfs_batch),
    ("POST", rf"/{NAME}\.git/info/lfs/objects/verify", answers.lfs_verify),
    ("PUT", rf"/lfs/{NAME}/(?P<oid>[0-9a-f]{{64}})", answers.lfs_put),
    ("GET", rf"/{NAME}/resolve/(?P<rev>[^/]+)/(?P<path>.*)", answers.resolve),
)]


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's acknowledgement of its headers
    server: "HubServer"

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET

    def _serve(self) -> None:
        body = self._body()
        route = self._route()
        fault = self.server.next_fault() if route else ""
        if fault in ("drop", "stall"):
            if fault == "stall":
                self._wait_for_client()
            return self._hang_up(len(body))
        if fault in ("refuse", "error", "conflict"):
            status = {"refuse": 403, "error": 500, "conflict": 412}[fault]
            return self._send(answers.Answer(status, {"error": f"fault: {fault}"}), len(body))
        if fault == "corrupt" and self.command == "PUT":
            body = bytes([body[0] ^ 1]) + body[1:]
        try:
            answer = self._answer(route, body)
        except HubError as error:
            headers = {"X-Error-Code": error.code} if error.code else {}
            answer = answers.Answer(error.status, {"error": str(error)}, headers)
        if fault == "corrupt" and isinstance(answer.body, bytes) and answer.body:
            answer.body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
        if fault == "lost":
            return self._hang_up(len(body))
        self._send(answer, len(body))

    def _route(self) -> Route | None:
        """The endpoint asked for, and what the address says; None for what clients ask of other services."""
        path = urlsplit(self.path).path
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, function in ROUTES:
            match = pattern.fullmatch(path) if wanted == method else None
            if match:
                return function, {name: unquote(value) for name, value in match.groupdict().items() if value}
        return None

    def _answer(self, route: Route | None,
                body: bytes) -> answers.Answer:
        if route is None:
            raise HubError(404, f"{self.command} {self.path}: not part of this Hub", "EntryNotFound")
        function, found = route
        call = answers.Call(self.server, found, parse_qs(urlsplit(self.path).query), body, dict(self.headers.items()))
        if "name" in found and function is not answers.lfs_put:  # only who was given the address knows it
            call.may_read()
        if function in answers.WRITING:
            call.may_write()
        return function(call)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, answer: answers.Answer, received: int) -> None:
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        headers = {"Content-Length": str(len(data)), "Date": formatdate(usegmt=True)} | answer.headers
        sent = 0 if self.command == "HEAD" else len(data)
        self._note(received, sent, answer.status)  # before the client can go on and look at the log
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if sent:
            self.wfile.write(data)

    def _note(self, received: int, sent: int, status: int) -> None:
        from tests.hub_server.server import Request

        self.server.note(Request(self.command, self.path, received, sent, status))

    def _hang_up(self, received: int) -> None:
        self._note(received, 0, 0)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _wait_for_client(self) -> None:
        """Until it has closed the connection, or our patience ends, which is noted."""
        self.connection.settimeout(0.02)
        end = time.monotonic() + self.server.stall_seconds
        while time.monotonic() < end:
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        self.server.outwaited += 1

    def log_message(self, *arguments: object) -> None:
        """The log is ``HubServer.log``."""
