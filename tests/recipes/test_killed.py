"""A run killed at any time goes on where it was: what was kept is not asked again, and in the end nothing tells it from
a run that was left in peace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recipes import spar_bench
from recipes.answerers.settings import AnswererSettings, EndpointSettings
from recipes.predictions import FILE_NAME, read_predictions
from recipes.questions import Questions, open_questions
from tests.recipes.chat_server import ChatServer, completion, question_of
from tests.recipes.made import jpeg, make_folder, make_row

ROOT = Path(__file__).parents[2]
COUNT = 90
ASKING = AnswererSettings(endpoint=EndpointSettings(concurrency=4))


@pytest.fixture
def bench(tmp_path: Path) -> Questions:
    rows = [make_row("position_matching", i, "ABCD"[i % 4], ("1", "2", "3", "4"), scene=f"room_{i % 3}",
                     question=f"Question {i}: is it {'ABCD'[i * 7 % 4]}?",
                     image=[{"bytes": jpeg(i), "path": "a.jpg"}, {"bytes": jpeg(100 + i), "path": "b.jpg"}])
            for i in range(COUNT)]
    return open_questions(str(make_folder(tmp_path / "bench", rows)))


def test_a_run_that_is_killed_twice_ends_as_one_that_was_not(
    bench: Questions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served, allowed = 0, 0

    def reply(body: dict, number: int) -> dict:
        nonlocal served
        while served >= allowed:
            time.sleep(0.002)
        served += 1
        return completion(question_of(body).split("is it ")[1][0])

    server, out = ChatServer(reply), tmp_path / "run"
    uids = {f"Question {row['id']}:": row["uid"] for row in bench.rows}
    kept: set[str] = set()
    for allowed in (20, 45):  # more than a batch each time: something is kept, and something under way
        before = len(server.requests)
        command = [sys.executable, str(ROOT / "recipes/spar_bench.py"), "--dataset", bench.repo, "--model",
                   server.model, "--out", str(out), "--set", "concurrency=4", "--batch-size", "16"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while served < allowed or not held(out) > kept:
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        asked = {uids[question_of(body).split("is it ")[0].strip()] for body in server.requests[before:]}
        assert not asked & kept
        kept = held(out)
        assert not (out / "results.json").exists()
    allowed = 10 * COUNT
    before = len(server.requests)
    resumed = spar_bench.evaluate(bench, server.model, out, batch_size=16, asking=ASKING, progress=False)
    assert len(server.requests) - before == COUNT - len(kept)
    assert sorted(path.name for path in out.iterdir()) == [FILE_NAME, "results.json"]

    whole = spar_bench.evaluate(bench, server.model, tmp_path / "whole", asking=ASKING, progress=False)
    server.close()
    assert resumed.metrics == whole.metrics
    assert without_time(out) == without_time(tmp_path / "whole")


def held(folder: Path) -> set[str]:
    """The questions whose answers are kept."""
    return {uid for part in folder.glob("predictions.*parquet") for uid in read_predictions(part)}


def without_time(folder: Path) -> list[tuple]:
    """The answers of a run, in their order."""
    return [(uid, a.raw_text, a.answer, a.status) for uid, a in read_predictions(folder / FILE_NAME).items()]
