"""Several processes answer one split into one folder: together they give what one process gives."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest

from builders.errors import InputError, ShareDone
from recipes import asking, shards
from recipes.answerers.answerer import Answer, Answerer
from recipes.predictions import FILE_NAME, PredictionStore, read_predictions
from recipes.questions import Questions, Row
from recipes.shards import Shard
from recipes.spar_bench import evaluate

ROOT = Path(__file__).parents[2]
RUN = {"model": "noting"}


class Noting(Answerer):
    """Answers with the question's own id, and notes it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        self.asked += [row["uid"] for row in rows]
        return [Answer(row["uid"], row["uid"], "ok", 0.5, 0.1) for row in rows]

    def counts(self) -> dict[str, float]:
        return {"asked": len(self.asked)}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_question_is_in_one_share(count: int):
    shares = [Shard(index, count).of(range(100)) for index in range(count)]
    assert sorted(chain(*shares)) == list(range(100))
    assert max(map(len, shares)) - min(map(len, shares)) <= shards.BLOCK


def test_the_last_share_scores_and_nothing_is_asked_twice(small: Questions, tmp_path: Path):
    whole = evaluate(small, "baseline:random", tmp_path / "whole", progress=False)
    with pytest.raises(ShareDone, match="24 questions are left"):
        evaluate(small, "baseline:random", tmp_path / "shared", shard=Shard(0, 3), progress=False)
    with pytest.raises(ShareDone, match="8 questions are left"):
        evaluate(small, "baseline:random", tmp_path / "shared", shard=Shard(1, 3), progress=False)
    shared = evaluate(small, "baseline:random", tmp_path / "shared", shard=Shard(2, 3), progress=False)
    assert shared == whole
    assert [*read_predictions(tmp_path / "shared" / FILE_NAME)] == [row["uid"] for row in small.rows]


def test_answers_of_a_process_that_was_lost_are_used_by_all(small: Questions, tmp_path: Path):
    """Its parts lie there; how many shares there were then does not matter. What happened is added up."""
    path = tmp_path / FILE_NAME
    lost = PredictionStore(path, RUN)
    lost.add({row["uid"]: Answer("early", "early", "ok", None, 0.1) for row in small.rows[:10]}, {"asked": 12})
    noting = [Noting(), Noting()]
    for index, answerer in enumerate(noting):
        answers, counts = asking.answer_all(answerer, small, 0, PredictionStore(path, RUN), 4, False, Shard(index, 2))
    assert sorted(noting[0].asked + noting[1].asked) == sorted(row["uid"] for row in small.rows[10:])
    assert len(answers) == 40 and counts == {"asked": 42}
    assert [path.name for path in tmp_path.glob("predictions*")] == [FILE_NAME]
    assert {a.raw_text for a in list(read_predictions(path).values())[:10]} == {"early"}


def test_a_part_that_grows_on_after_it_was_folded_counts_once(small: Questions, tmp_path: Path):
    """One process ends while another is at work: what that one has by then is folded, and added to."""
    path, uids = tmp_path / FILE_NAME, [row["uid"] for row in small.rows]
    first, second = PredictionStore(path, RUN), PredictionStore(path, RUN)

    def add(store: PredictionStore, count: int, of: slice) -> None:
        store.add({uid: Answer(uid, uid, "ok", None, 0.1) for uid in uids[of]}, {"asked": count})

    add(second, 8, slice(8))
    add(first, 20, slice(20, 40))
    assert len(first.fold(small.rows, {"asked": 20})[0]) == 28
    add(second, 20, slice(8, 20))
    answers, counts = second.fold(small.rows, {"asked": 20})
    assert len(answers) == 40 and counts == {"asked": 40}
    assert [*read_predictions(path)] == uids
    assert [*PredictionStore(path, RUN).fold(small.rows, {})] == [answers, counts]


def test_a_damaged_part_costs_its_own_answers_alone(small: Questions, tmp_path: Path):
    path = tmp_path / FILE_NAME
    for rows in (small.rows[:10], small.rows[10:30]):
        PredictionStore(path, RUN).add({row["uid"]: Answer("a", "a", "ok", None, 0.1) for row in rows}, {})
    parts = sorted(tmp_path.glob("predictions.part-*"), key=lambda part: part.stat().st_mtime_ns)
    damaged = bytearray(parts[0].read_bytes())
    damaged[60] ^= 255  # in a page: length and footer are as they were
    parts[0].write_bytes(damaged)
    noting = Noting()
    asking.answer_all(noting, small, 0, PredictionStore(path, RUN), 4, False)
    assert noting.asked == [row["uid"] for row in small.rows[:10] + small.rows[30:]]
    assert parts[0].with_suffix(".unreadable").read_bytes() == damaged


def test_parts_that_grow_are_read_whole(tmp_path: Path):
    """One process reads what another writes anew: never a file that is half the old and half the new one."""
    path, stop = tmp_path / FILE_NAME, threading.Event()

    def grow() -> None:
        store, number = PredictionStore(path, RUN), 0
        while not stop.is_set():
            number += 1
            store.add({str(number): Answer("text" * (number % 50), "A", "ok", None, 0.1)}, {})
            time.sleep(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        counts = [0]
        while len(counts) < 100 or counts[-1] < 20:
            assert writer.is_alive()
            counts.append(len(PredictionStore(path, RUN).read()))
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts)
    assert not list(tmp_path.glob("*.unreadable"))


def test_the_command_runs_a_process_per_share(small: Questions, tmp_path: Path):
    """Two real processes, on the CPU where there is no GPU: the files are those of one process."""
    def run(out: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "recipes/spar_bench.py"), "--dataset", small.repo, "--model",
                   "baseline:random", "--out", str(tmp_path / out), *more]
        return subprocess.run(command, capture_output=True, text=True, cwd="/")

    done = run("shared", "--gpus", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ObjRel-OO") == 1  # who ends last, scores
    evaluate(small, "baseline:random", tmp_path / "whole", progress=False)
    held = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("shared", "whole")]
    assert held[0] == held[1]
    tables = [{uid: a.raw_text for uid, a in read_predictions(tmp_path / name / FILE_NAME).items()}
              for name in ("shared", "whole")]
    assert list(tables[0].items()) == list(tables[1].items())


PROGRAM = """
import os, pathlib, signal, sys
index = int(sys.argv[sys.argv.index("--shard-index") + 1])
begun = pathlib.Path(__file__).with_name(f"begun-{index}")
begun.write_text(begun.read_text() + "again" if begun.exists() else "once")
if index == 2 or (index == 1 and begun.read_text() == "once"):
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(index if index == 3 else 0)
"""


def test_a_process_that_is_killed_starts_again_and_failures_end_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    monkeypatch.setattr(sys, "argv", [str(program), "--gpus=2", "--seed", "1"])
    shards.run_on_gpus(2)
    assert [(tmp_path / f"begun-{index}").read_text() for index in range(2)] == ["once", "onceagain"]
    with pytest.raises(OSError, match=r"2 of 4 processes failed \(exit codes 0, 0, its worker process died \(SIGKILL\) "
                                      r"\(tried 3 times\), 3\)"):
        shards.run_on_gpus(4)


def test_a_share_that_does_not_exist_is_refused(small: Questions, tmp_path: Path):
    with pytest.raises(InputError, match="expected 0 to 1"):
        Shard(2, 2)
    given = tmp_path / "given.csv"
    given.write_text("id,raw_text\n")
    with pytest.raises(InputError, match="one process reads --predictions"):
        evaluate(small, "mine", tmp_path, predictions=given, shard=Shard(0, 2), progress=False)
