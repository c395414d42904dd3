"""The benchmark of training, with a model too small to time: what it counts and prints holds together."""

import re

import pytest

pytest.importorskip("torch", reason="the extra `models` is not installed")

from scripts.benchmarks import training
from scripts.benchmarks.random_checkpoint import Size

TINY = Size(64, 128, 2, 4, 2, 512, 64, 128, 4)


def test_figures_are_of_one_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(training.SIZES, "small", TINY)
    training.main("small", steps=2, warm_up=1, batch_size=1, accumulate=2, pictures=2, side=112, set_=["workers=0"])
    text = capsys.readouterr().out
    tokens = int(re.search(r"(\d+) tokens in a sample", text)[1])
    seconds, rate, words = map(float, re.search(
        r"2 steps: (\S+) s each, (\S+) samples/s, (\S+) tokens/s", text).groups())
    assert rate == pytest.approx(2 / seconds, rel=0.01) and words == pytest.approx(rate * tokens, rel=0.01)
    done, speed = map(float, re.search(r"(\S+) TFLOP per sample, (\S+) TFLOP/s", text).groups())
    assert speed == pytest.approx(done * rate, rel=0.02)
    weights = TINY.layers * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128)  # of the language model's layers, by hand
    assert 6 * weights * tokens < done * 1e12 < 60 * weights * tokens  # the vision tower sees four times the tokens
