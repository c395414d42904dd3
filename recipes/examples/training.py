"""Trains a tiny model on lessons: all questions about a picture in one sequence, each seeing the picture and itself.

Questions follow each other behind the picture; a mask hides them from one another and each starts at the position after
the picture, so that every one is read as if it stood alone. The loss is on the answer, one word.
"""

from typing import Any

import numpy as np
from tqdm import tqdm

from recipes.examples.tiny_vlm import IMAGE, START, TinyModel
from recipes.examples.tunnel_lessons import Lessons


def train(tiny: TinyModel, lessons: Lessons, steps: int, batch: int, rate: float, seed: int) -> list[float]:
    """Train in place.

    Args:
        rate: highest learning rate; it warms up over a tenth of the steps and falls to 0.

    Returns:
        Loss of each step.
    """
    import torch

    model, tokens = tiny.model.train(), _tokens(tiny, lessons)
    pixels = _pixels(tiny, lessons)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    rng, losses = np.random.default_rng(seed), []
    with tqdm(total=steps, desc="training", unit="step") as bar:
        for _ in range(steps):
            chosen = torch.from_numpy(rng.integers(0, len(pixels), batch))
            loss = _loss(model, pixels[chosen], tokens, chosen)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}")
            bar.update()
    model.eval()
    return losses


class _Tokens:
    """Questions as tokens: which template a token belongs to is the same in all lessons."""

    def __init__(self, ids: Any, answers: Any, start: int, lengths: list[int]) -> None:
        import torch

        self.ids, self.answers = ids, answers
        """(lessons, tokens), and (lessons, questions)."""
        block = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
        beginning = torch.full((start,), -1)
        owner = torch.cat([beginning, block])
        order = torch.arange(len(owner))
        seen = (order[None] <= order[:, None]) & ((owner[None] == owner[:, None]) | (owner[None] == -1))
        self.mask = torch.where(seen, 0.0, torch.finfo(torch.float32).min)[None, None]
        self.positions = torch.cat([order[:start], *(start + torch.arange(length) for length in lengths)])[None]
        self.ends = start + torch.tensor(lengths).cumsum(0) - 1


def _tokens(tiny: TinyModel, lessons: Lessons) -> _Tokens:
    import torch

    tokenizer = tiny.processor.tokenizer
    encoded = [tokenizer(asked, add_special_tokens=False)["input_ids"] for asked in lessons.questions]
    lengths = [len(question) for question in encoded[0]]
    assert all([len(question) for question in asked] == lengths for asked in encoded)
    config = tiny.model.config
    pictures = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    beginning = tokenizer.convert_tokens_to_ids([START] + [IMAGE] * pictures)
    ids = torch.tensor([beginning + [token for question in asked for token in question] for asked in encoded])
    answers = torch.tensor([tokenizer.convert_tokens_to_ids(said) for said in lessons.answers])
    return _Tokens(ids, answers, len(beginning), lengths)


def _pixels(tiny: TinyModel, lessons: Lessons) -> Any:
    return tiny.processor.image_processor(list(lessons.pixels), return_tensors="pt")["pixel_values"]


def _loss(model: Any, pixels: Any, tokens: _Tokens, chosen: Any) -> Any:
    import torch

    count = len(chosen)
    made = model(input_ids=tokens.ids[chosen], pixel_values=pixels, position_ids=tokens.positions.expand(count, -1),
                 attention_mask=tokens.mask.expand(count, 1, -1, -1), logits_to_keep=tokens.ends, use_cache=False)
    return torch.nn.functional.cross_entropy(made.logits.flatten(0, 1), tokens.answers[chosen].flatten())
