"""A run that was stopped goes on where it was, and never mixes in answers of another run."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from builders.errors import InputError
from recipes import asking
from recipes.answerers.answerer import Answer, Answerer
from recipes.predictions import FILE_NAME, PredictionStore, read_predictions
from recipes.questions import Questions, Row, open_questions
from recipes.spar_bench import evaluate
from tests.recipes.made import jpeg, make_folder, make_row

RUN = {"model": "echo"}


def answer_all(answerer: Answerer, questions: Questions, limit: int, path: Path, batch_size: int) -> None:
    asking.answer_all(answerer, questions, limit, PredictionStore(path, RUN), batch_size, progress=False)


class Echo(Answerer):
    """Answers with the question's own id; stops working after a number of questions."""

    reads_images = False

    def __init__(self, fails_after: int = 10**9) -> None:
        self.asked: list[str] = []
        self._fails_after = fails_after

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        if len(self.asked) + len(rows) > self._fails_after:
            raise ConnectionError("gone")
        self.asked += [row["uid"] for row in rows]
        return [Answer(row["uid"], row["uid"], "ok", 0.5, 0.1) for row in rows]


def test_a_stopped_run_keeps_its_answers_and_asks_only_the_rest(small: Questions, tmp_path: Path):
    path = tmp_path / FILE_NAME
    first, second = Echo(fails_after=17), Echo()
    with pytest.raises(ConnectionError):
        answer_all(first, small, 0, path, batch_size=5)
    answer_all(second, small, 0, path, batch_size=5)
    assert len(first.asked) == 15
    assert first.asked + second.asked == [row["uid"] for row in small.rows]
    whole = tmp_path / "whole.parquet"
    answer_all(Echo(), small, 0, whole, batch_size=40)
    assert read_predictions(path, RUN) == read_predictions(whole, RUN)


def test_a_higher_limit_asks_only_what_is_new(small: Questions, tmp_path: Path):
    echo = Echo()
    for limit in (10, 30, 30):
        answer_all(echo, small, limit, tmp_path / FILE_NAME, batch_size=4)
    assert echo.asked == [row["uid"] for row in small.rows[:30]]


@pytest.mark.parametrize("bytes_left", [0, 100, -1])
def test_a_truncated_file_is_set_aside_and_answered_again(small: Questions, tmp_path: Path, bytes_left: int):
    good = evaluate(small, "baseline:random", tmp_path, progress=False)
    path = tmp_path / FILE_NAME
    whole, answers = path.read_bytes(), read_predictions(path)
    path.write_bytes(whole[:bytes_left])
    assert evaluate(small, "baseline:random", tmp_path, progress=False).metrics == good.metrics
    assert {uid: a.answer for uid, a in read_predictions(path).items()} == {u: a.answer for u, a in answers.items()}
    assert path.with_suffix(".unreadable").read_bytes() == whole[:bytes_left]


@pytest.mark.parametrize("change", [{"model": "baseline:frequency"}, {"model": "baseline:random", "seed": 1}])
def test_answers_of_another_run_are_not_mixed_in(small: Questions, tmp_path: Path, change: dict):
    evaluate(small, "baseline:random", tmp_path, progress=False)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(InputError, match="another run"):
        evaluate(small, **change, out=tmp_path, progress=False)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_pictures_reach_an_answerer_that_reads_them(tmp_path: Path):
    rows = [make_row("position_matching", i, "A", ("1", "2", "3", "4"),
                     image=[{"bytes": jpeg(i), "path": "a.jpg"}, {"bytes": jpeg(200 - i), "path": "b.jpg"}])
            for i in range(23)]
    questions = open_questions(str(make_folder(tmp_path / "bench", rows)))

    class Looks(Echo):
        reads_images = True

        def answer(self, rows: Sequence[Row]) -> list[Answer]:
            seen = {row["uid"]: row["image"] for row in rows}
            assert seen == {row["uid"]: [jpeg(row["id"]), jpeg(200 - row["id"])] for row in rows}
            return super().answer(rows)

    echo = Looks()
    answer_all(echo, questions, 0, tmp_path / FILE_NAME, batch_size=5)
    assert len(echo.asked) == 23


def test_what_a_killed_writer_left_is_swept(small: Questions, tmp_path: Path):
    out = tmp_path / "run"
    out.mkdir()
    for name in (FILE_NAME, "predictions.part-1.parquet"):
        (out / f".{name}.0bdb6ac0.tmp").write_bytes(b"half")
    evaluate(small, "baseline:random", out, progress=False)
    assert sorted(path.name for path in out.iterdir()) == [FILE_NAME, "results.json"]
