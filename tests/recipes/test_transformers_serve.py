"""A real server of the OpenAI protocol, ``transformers serve``, with a tiny checkpoint: the endpoint answerer gets from
it what the same checkpoint answers here, and keeps what it has when the server is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from recipes import spar_bench
from recipes.answerers.settings import AnswererSettings, EndpointSettings, LocalSettings
from recipes.predictions import FILE_NAME, read_predictions
from recipes.questions import open_questions
from tests.recipes.made import jpeg, make_folder, make_row
from tests.recipes.tiny_models import save_tiny

for _library in ("fastapi", "uvicorn", "openai"):
    pytest.importorskip(_library, reason="the extra `serve` is not installed")

ASKING = AnswererSettings(max_new_tokens=8, local=LocalSettings(dtype="float32"),
                          endpoint=EndpointSettings(attempts=2, first_wait=0.01, concurrency=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint that asks for nothing but greedy decoding: what a checkpoint brings, this server does."""
    folder = save_tiny("idefics3", tmp_path / "model")
    settings = json.loads((folder / "generation_config.json").read_text())
    kept = {name: value for name, value in settings.items() if name.endswith("_token_id")}
    (folder / "generation_config.json").write_text(json.dumps(kept))
    return folder


@pytest.fixture
def server(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen, str]]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder), "--host", "127.0.0.1",
               "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/health", tmp_path / "log")
        yield process, f"endpoint:http://127.0.0.1:{port}/v1#{folder}"
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen, address: str, log: Path) -> None:
    start = time.monotonic()
    while True:
        try:
            urlopen(address, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() - start < 180, log.read_text()
            time.sleep(0.2)


def test_a_real_server_gives_the_answers_that_the_checkpoint_gives_here(
    server: tuple[subprocess.Popen, str], folder: Path, tmp_path: Path
):
    process, model = server
    rows = [make_row("position_matching", i, "A", ("1", "2", "3", "4"),
                     image=[{"bytes": jpeg(2 * i), "path": "a.jpg"}, {"bytes": jpeg(200 - i), "path": "b.jpg"}])
            for i in range(60)]
    questions = open_questions(str(make_folder(tmp_path / "bench", rows)))
    spar_bench.evaluate(questions, str(folder), tmp_path / "here", batch_size=20, asking=ASKING, progress=False)
    here = read_predictions(tmp_path / "here" / FILE_NAME)
    assert len({answer.raw_text for answer in here.values()}) > 5  # random weights, but not the same for every picture

    out = tmp_path / "served"
    kill = threading.Thread(target=_kill_when_some_are_answered, args=(process, out))
    kill.start()
    with pytest.raises(ConnectionError, match="the endpoint does not answer: unreachable"):
        spar_bench.evaluate(questions, model, out, asking=ASKING, progress=False)
    kill.join()
    served = read_predictions(out / FILE_NAME)
    assert 5 <= len(served) < len(here)
    assert {uid: a.raw_text for uid, a in served.items()} == {uid: here[uid].raw_text for uid in served}


def _kill_when_some_are_answered(process: subprocess.Popen, out: Path) -> None:
    while sum(len(read_predictions(part)) for part in out.glob("predictions.part-*.parquet")) < 5:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
