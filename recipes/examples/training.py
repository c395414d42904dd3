"""Trains a tiny model on lessons: some questions about a picture in one sequence, each seeing the picture and itself.

Questions follow each other behind the picture; a mask hides them from one another and each starts at the position after
the picture, so that every one is read as if it stood alone. The loss is on the answer, one word.
"""

from itertools import chain
from typing import Any

import numpy as np
from tqdm import tqdm

from recipes.examples.lessons import Lessons
from recipes.examples.tiny_vlm import IMAGE, START, TinyModel


def train(tiny: TinyModel, lessons: Lessons, steps: int, batch: int, rate: float, seed: int) -> list[float]:
    """Train in place.

    Args:
        rate: highest learning rate; it warms up over a tenth of the steps and falls to 0.

    Returns:
        Loss of each step.
    """
    import torch

    rng = np.random.default_rng(seed)
    model, asked = tiny.model.train(), Sequences(tiny, lessons, rng)
    pixels = tiny.processor.image_processor(list(lessons.pixels), return_tensors="pt")["pixel_values"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    losses: list[float] = []
    with tqdm(total=steps, desc="training", unit="step") as bar:
        for _ in range(steps):
            chosen = torch.from_numpy(rng.integers(0, len(pixels), batch))
            loss = asked.loss(model, pixels[chosen], chosen)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}", refresh=False)
            bar.update()
    model.eval()
    return losses


class Sequences:
    """Lessons as sequences of tokens. Of each picture two of the four questions with yes or no are asked, of each axis
    one of the two with a category, at random, and the three with a colour."""

    def __init__(self, tiny: TinyModel, lessons: Lessons, rng: np.random.Generator) -> None:
        import torch

        tokenizer, config = tiny.processor.tokenizer, tiny.model.config.vision_config
        self.asked = [_some(lessons, number, rng) for number in range(len(lessons.pixels))]
        """Of each picture (question, answer)."""
        encoded = [tokenizer([question for question, _ in asked], add_special_tokens=False)["input_ids"]
                   for asked in self.asked]
        lengths = torch.tensor([len(question) for question in encoded[0]])
        assert all([len(question) for question in asked] == lengths.tolist() for asked in encoded)
        beginning = tokenizer.convert_tokens_to_ids([START] + [IMAGE] * (config.image_size // config.patch_size) ** 2)
        start = len(beginning)
        self._ids = torch.tensor([beginning + list(chain.from_iterable(asked)) for asked in encoded])
        self._answers = torch.tensor([tokenizer.convert_tokens_to_ids([said for _, said in asked])
                                      for asked in self.asked])
        owner = torch.cat([torch.full((start,), -1), torch.repeat_interleave(torch.arange(len(lengths)), lengths)])
        order = torch.arange(len(owner))
        seen = (order[None] <= order[:, None]) & ((owner[None] == owner[:, None]) | (owner[None] == -1))
        self._mask = torch.where(seen, 0.0, torch.finfo(torch.float32).min)[None, None]
        self._positions = torch.cat([order[:start], *(start + torch.arange(int(n)) for n in lengths)])[None]
        self._ends = start + lengths.cumsum(0) - 1

    def loss(self, model: Any, pixels: Any, chosen: Any) -> Any:
        """Cross-entropy of the answers to the chosen lessons."""
        import torch

        count = len(chosen)
        made = model(input_ids=self._ids[chosen], pixel_values=pixels, position_ids=self._positions.expand(count, -1),
                     attention_mask=self._mask.expand(count, 1, -1, -1), logits_to_keep=self._ends, use_cache=False)
        return torch.nn.functional.cross_entropy(made.logits.flatten(0, 1), self._answers[chosen].flatten())


def _some(lessons: Lessons, number: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    halves = [lessons.yes_no(number)[:2], lessons.yes_no(number)[2:]]
    choices = lessons.choices(number)
    drawn = [held[int(rng.integers(2))] for held in (*halves, choices[:2], choices[2:4], choices[4:])]
    return drawn + lessons.which(number)
