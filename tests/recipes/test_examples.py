"""The parts of the worked example that its training rests on."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `models` is not installed")

import torch

from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.examples.lessons import SIDE, Lessons, make_lessons
from recipes.examples.tiny_vlm import TinyModel, TinySize, make_tiny
from recipes.examples.training import Sequences, train

SIZE = TinySize(width=32, layers=2, vision_width=32, picture=SIDE)


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return make_lessons(24, biased=True, seed=0)


@pytest.fixture(scope="module")
def tiny(lessons: Lessons) -> TinyModel:
    torch.set_num_threads(1)
    asked = [each for number in range(24) for each in (
        *lessons.yes_no(number), *lessons.choices(number), *lessons.which(number))]
    return make_tiny([text for both in asked for text in both] + ["right below"], SIZE, seed=0)


def test_questions_in_one_sequence_are_read_as_each_alone(tiny: TinyModel, lessons: Lessons, tmp_path: Path):
    """Against the saved checkpoint, loaded as any other and asked one question at a time."""
    sequences, chosen = Sequences(tiny, lessons, np.random.default_rng(0)), torch.tensor([0, 3])
    pixels = tiny.processor.image_processor(list(lessons.pixels), return_tensors="pt")["pixel_values"]
    tiny.model.eval()
    with torch.inference_mode():
        loss = sequences.loss(tiny.model, pixels[chosen], chosen).item()
    loaded = VisionLanguageModel(str(tiny.save(tmp_path / "tiny")), LocalSettings(dtype="float32"))
    asked = [(number, *each) for number in chosen.tolist() for each in sequences.asked[number]]
    logits = loaded.first_logits([([lessons.png(number)], question) for number, question, _ in asked], {})
    right = loaded.processor.tokenizer.convert_tokens_to_ids([answer for _, _, answer in asked])
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(right)).item()
    assert loss == pytest.approx(expected, abs=1e-4)


def middle(lessons: Lessons, number: int, name: str) -> tuple[float, float]:
    """(x, y) of a square, from the pixels that have its colour."""
    red, _, blue = lessons.pixels[number].astype(int).transpose(2, 0, 1)
    rows, columns = np.nonzero(red - blue > 50 if name.startswith("red") else blue - red > 50)
    return columns.mean(), rows.mean()


@pytest.mark.parametrize("biased", [True, False])
def test_lessons_say_what_the_pixels_show(biased: bool):
    lessons = make_lessons(200, biased, seed=3)
    for number in range(200):
        far, near = (middle(lessons, number, held[number]) for held in (lessons.far, lessons.near))
        said = lessons.categories[number]
        assert (said["horizontal"] == "left") == (far[0] < near[0])
        assert (said["vertical"] == "above") == (far[1] < near[1]) == lessons.far_is_higher[number]
    assert lessons.far_is_higher.mean() == 1 if biased else 0.35 < lessons.far_is_higher.mean() < 0.65


def test_training_lowers_the_loss(tiny: TinyModel, lessons: Lessons):
    losses = train(tiny, lessons, steps=12, batch=6, rate=1e-2, seed=0)
    assert losses[-1] < 0.8 * losses[0]
