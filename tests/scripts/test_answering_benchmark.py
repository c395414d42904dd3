"""The benchmark of answering, with a model too small to time: what it counts and prints holds together."""

import re

import pytest

pytest.importorskip("torch", reason="the extra `models` is not installed")

from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.answerers.transformers_vlm import YesNoLean
from scripts.benchmarks import answering
from scripts.benchmarks.random_checkpoint import Size, save_random_checkpoint

TINY = Size(64, 128, 2, 4, 2, 512, 64, 128, 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("checkpoint")
    save_random_checkpoint(TINY, folder, "float32", "cpu")
    return str(folder)


def test_operations_are_those_of_the_weights_and_a_shared_picture_costs_them_once(folder: str):
    """Two per weight and token: of the language model's layers by hand, for pictures of 64 tokens."""
    rows = answering.questions(4, 224)
    found = {}
    for shared in (False, True):
        local = LocalSettings(dtype="float32", share_pictures=shared)
        answerer = YesNoLean(folder, rows, AnswererSettings(exact_match=False, local=local))
        found[shared] = answering.counted(answerer, rows)
    weights = TINY.layers * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128)
    assert found[False] > 2 * weights * 64 * 4
    assert 0.25 < found[True] / found[False] < 0.75


def test_each_line_is_a_share_of_the_same_run(folder: str, capsys: pytest.CaptureFixture[str]):
    answering.print_table(folder, "float32", "cpu", answering.questions(8, 112), 2, [4])
    lines = [re.split(r"\s{2,}|\s(?=each|shared)", line.strip()) for line in capsys.readouterr().out.splitlines()[2:]]
    assert [(line[0], line[1]) for line in lines] == [("1", "each"), ("4", "each"), ("4", "shared")]
    assert float(lines[0][3].rstrip("x")) == 1
    for line in lines:
        assert 0 < int(line[4].rstrip("%")) <= 100 and 0 <= int(line[5].rstrip("%")) <= 100
