"""``--source hub`` through the real client, against a small server on the loopback interface that answers as the Hub
does for one dataset repository with one commit and one tag."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from builders.hub.manifest import read_manifest
from tests.builders.tagged.made import depth_row, write_json, write_parquet
from tests.commands import run

ROOT = Path(__file__).parents[3]
COMMIT = "3c0e6b34b632de666a51091727c0128d07a54a6a"
REPO = "FlagEval/EmbSpatial-Bench"


def rows(count):
    return [depth_row("mp3d", n, "far", (100, 200, 300, 400)) for n in range(count)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """(address, names of the files that were fetched)."""
    held = tmp_path_factory.mktemp("hub")
    write_parquet(held / "test.parquet", rows(5))
    write_json(held / "bench.json", rows(4))
    repos = {
        REPO: {"README.md": b"card", "data/test-00000-of-00001.parquet": (held / "test.parquet").read_bytes(),
               "other.bin": b"x"},
        "Phineas476/EmbSpatial-Bench": {"embspatial_bench.json": (held / "bench.json").read_bytes(),
                                        "embspatial_sft.json": b"[]"},
        "org/empty": {"README.md": b"card"},
    }
    fetched = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(body=True)

        def do_HEAD(self):
            self._answer(body=False)

        def _answer(self, body):
            path = self.path.partition("?")[0]
            for repo, files in repos.items():
                api, resolve = f"/api/datasets/{repo}", f"/datasets/{repo}/resolve/{COMMIT}/"
                if path.startswith(f"{api}/tree/"):
                    listed = [{"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                              for name, data in files.items()]
                    return self._send(json.dumps(listed).encode(), body)
                if path in (api, *(f"{api}/revision/{name}" for name in ("main", "v1", COMMIT))):
                    said = {"id": repo, "sha": COMMIT, "private": False,
                            "siblings": [{"rfilename": name} for name in files]}
                    return self._send(json.dumps(said).encode(), body)
                if path.startswith(f"{api}/"):
                    return self._send(b"{}", body, 404, {"X-Error-Code": "RevisionNotFound"})
                if path.startswith(resolve) and path.removeprefix(resolve) in files:
                    name = path.removeprefix(resolve)
                    fetched.extend([name] * body)
                    return self._send(files[name], body, headers={
                        "ETag": f'"{hashlib.sha1(files[name]).hexdigest()}"', "X-Repo-Commit": COMMIT})
            return self._send(b"{}", body, 404, {"X-Error-Code": "RepoNotFound"})

        def _send(self, data, body, status=200, headers=None):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", fetched
    server.shutdown()
    server.server_close()


def build(hub, home, out, source, **more):
    environment = os.environ | {"HF_ENDPOINT": hub[0], "HF_HUB_OFFLINE": "0", "HF_HOME": str(home),
                                "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"} | more
    script = ROOT / "scripts" / "build.py"
    command = [sys.executable, script, "embspatial_tagged", "--source", source, "--out", out]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_published_copy_is_fetched_once_and_then_kept(hub, tmp_path):
    first = build(hub, tmp_path / "home", tmp_path / "out", "hub=FlagEval/EmbSpatial-Bench@v1")
    assert first.returncode == 0, first.stderr
    assert hub[1] == ["data/test-00000-of-00001.parquet"]
    said = read_manifest(tmp_path / "out")["settings"]["input"]
    assert (said["repo"], said["revision"], said["commit"], said["rows"]) == (REPO, "v1", COMMIT, 5)
    (snapshot,) = (tmp_path / "home").rglob(f"snapshots/{COMMIT}")
    (snapshot / "train.parquet").write_text("what another program has fetched into the cache is not read")
    offline = build(hub, tmp_path / "home", tmp_path / "out", "hub=FlagEval/EmbSpatial-Bench@v1", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0 and "(1 reused" in offline.stdout, offline.stderr
    plain = build(hub, tmp_path / "home", tmp_path / "plain", "hub")
    assert plain.returncode == 0, plain.stderr
    assert read_manifest(tmp_path / "plain")["settings"]["input"]["revision"] == "main" and len(hub[1]) == 1


def test_a_repository_with_the_json_alone_serves_too(hub, tmp_path):
    done = build(hub, tmp_path / "home", tmp_path / "out", "hub=Phineas476/EmbSpatial-Bench")
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "out")["rows"]["default/test"] == 4


@pytest.mark.parametrize("source, more, says", [
    ("hub=org/none", {}, "org/none: cannot be downloaded from the Hub (RepositoryNotFoundError"),
    ("hub=FlagEval/EmbSpatial-Bench@v9", {}, "EmbSpatial-Bench@v9: cannot be downloaded from the Hub (Revision"),
    ("hub=a/b/c", {}, "a/b/c: not a repository's name"),
    ("hub=org/empty", {}, "org/empty: holds none of *test*.parquet, embspatial_bench.json"),
    ("hub", {"HF_HUB_OFFLINE": True}, "give a downloaded file with --source file=PATH"),
    ("hub", {"ENDPOINT": "http://127.0.0.1:9"}, "give a downloaded file with --source file=PATH"),
])
def test_what_cannot_be_fetched_ends_with_2_and_one_line(hub, source, more, says, tmp_path, monkeypatch):
    """In this process: what the environment decides at import is set afterwards."""
    decided = {"ENDPOINT": hub[0], "HF_HUB_OFFLINE": False, "HF_HUB_CACHE": str(tmp_path / "home")} | more
    for name, value in decided.items():
        monkeypatch.setattr(constants, name, value)
    close_session()
    result = run("scripts/build.py", "embspatial_tagged", "--source", source, "--out", tmp_path / "out")
    close_session()
    assert result.returncode == 2, result.stderr
    errors = [line for line in result.stderr.strip().split("\n") if line.startswith("error: ")]
    assert len(errors) == 1 and says in errors[0] and "Traceback" not in result.stderr
