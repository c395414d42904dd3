"""The parts of the worked example that training rests on."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `models` is not installed")

import torch

from builders.tunnel.compose import encode
from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.examples import training
from recipes.examples.tiny_vlm import TinyModel, TinySize, make_tiny
from recipes.examples.tunnel_lessons import Lessons, make_lessons, words

SIZE = TinySize(width=32, layers=2, vision_width=32, picture=32)


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return make_lessons(6, biased=True, resolution=32, seed=0)


@pytest.fixture(scope="module")
def tiny(lessons: Lessons) -> TinyModel:
    return make_tiny([*(text for asked in lessons.questions for text in asked), words()], SIZE, seed=0)


def test_questions_in_one_sequence_are_read_as_each_alone(tiny: TinyModel, lessons: Lessons, tmp_path: Path):
    """Against the saved checkpoint, loaded as any other and asked one question at a time."""
    tokens, chosen = training._tokens(tiny, lessons), torch.tensor([0, 3])
    tiny.model.eval()
    with torch.inference_mode():
        loss = training._loss(tiny.model, training._pixels(tiny, lessons)[chosen], tokens, chosen).item()
    loaded = VisionLanguageModel(str(tiny.save(tmp_path / "tiny")), LocalSettings(dtype="float32"))
    chats = [([encode(lessons.pixels[n])], text) for n in chosen.tolist() for text in lessons.questions[n]]
    logits = loaded.first_logits(chats, {})
    said = [word for n in chosen.tolist() for word in lessons.answers[n]]
    right = loaded.processor.tokenizer.convert_tokens_to_ids(said)
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(logits, torch.tensor(right)).item(), abs=1e-4)


def test_in_biased_lessons_the_farther_object_is_the_higher_one(lessons: Lessons):
    """Rows are told by their number from the top: that of the farther object is never the larger."""
    farther, nearer = (np.array([int(said[place].removeprefix("row")) for said in lessons.answers]) for place in (5, 7))
    assert (farther <= nearer).all() and (farther < nearer).any()
    balanced = make_lessons(60, biased=False, resolution=32, seed=0).answers
    gaps = [int(said[5].removeprefix("row")) - int(said[7].removeprefix("row")) for said in balanced]
    assert min(gaps) < 0 < max(gaps)


def test_a_few_steps_lower_the_loss(tiny: TinyModel, lessons: Lessons):
    losses = training.train(tiny, lessons, steps=12, batch=6, rate=1e-2, seed=0)
    assert losses[-1] < 0.8 * losses[0]
