"""How long a model takes for a question, and how much memory: features of the pictures, the whole answer, the peak.

Pictures are generated, because time depends on their size and not on what they show; answers have a fixed length.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from builders.errors import InputError
from builders.spar.pictures import encode_jpeg
from recipes.answerers.prompts import prompt_of
from recipes.answerers.settings import DEFAULTS, THINKING, AnswererSettings
from recipes.answerers.shared_pictures import Chat
from recipes.answerers.vision_language import VisionLanguageModel, sample_of_weights
from recipes.reporting.speed_charts import FIGURES
from recipes.results import Results
from recipes.scene_views import size_of
from recipes.scoring import Score
from recipes.stopwatch import Device, Spread, spread_of

QUESTION = {"question": "What is next to the door?", "situation": ""}


@dataclass(frozen=True)
class Setting:
    """What a question shows."""

    frames: int
    size: str

    @property
    def name(self) -> str:
        """13x448x448."""
        return f"{self.frames}x{self.size}"


@dataclass(frozen=True)
class Plan:
    """What is measured, and how."""

    settings: tuple[Setting, ...]
    repeats: int = 10
    warmup: int = 2
    new_tokens: int = 16

    def __post_init__(self) -> None:
        for setting in self.settings:
            size_of(setting.size)
        if min(self.repeats, self.new_tokens, *(one.frames for one in self.settings)) < 1 or self.warmup < 0:
            raise InputError("--frames, --repeats and --new-tokens are 1 or more, --warmup is 0 or more")


class _Reached(Exception):
    """The features of the pictures are there."""


@contextmanager
def _until_features(model: Any) -> Iterator[None]:
    """Inside, a forward pass of the model ends when it has made the features of its pictures."""
    holder = model.model if hasattr(model.model, "get_image_features") else model
    if not hasattr(holder, "get_image_features"):
        raise InputError(f"{type(model).__name__}: has no get_image_features; its feature extraction cannot be timed")
    original = holder.get_image_features

    def features(*arguments: Any, **named: Any) -> None:
        original(*arguments, **named)
        raise _Reached

    holder.get_image_features = features  # of this instance
    try:
        yield
    finally:
        del holder.get_image_features


def pictures_of(setting: Setting) -> list[bytes]:
    """Smooth noise, another for each frame, as JPEG."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (setting.frames, 12, 16, 3), dtype=np.uint8)
    return [encode_jpeg(Image.fromarray(one).resize(size_of(setting.size), Image.Resampling.BICUBIC)) for one in coarse]


def _measured(
    vlm: VisionLanguageModel, chat: Chat, template: Mapping[str, Any], plan: Plan, device: Device
) -> tuple[dict[str, Spread], dict[str, int | None]]:
    """Figure -> its spread; and the tokens of the prompt, those of pictures among them (None: the family does not say
    which they are)."""
    import torch

    model = vlm.model
    values: dict[str, list[float]] = {name: [] for name in FIGURES}
    with torch.inference_mode():
        for _ in range(plan.warmup + plan.repeats):
            start = device.now()
            with _until_features(model):
                try:
                    model(**vlm.encode([chat], template))
                except _Reached:
                    values["features_ms"].append(1000 * (device.now() - start))
            device.forget_peak()
            start = device.now()
            inputs = vlm.encode([chat], template)
            made = model.generate(**inputs, do_sample=False, min_new_tokens=plan.new_tokens,
                                  max_new_tokens=plan.new_tokens)
            values["latency_ms"].append(1000 * (device.now() - start))
            values["peak_mib"].append(device.peak())
    ids = inputs["input_ids"]
    assert made.shape[1] == ids.shape[1] + plan.new_tokens
    token = getattr(model.config, "image_token_id", None)
    of_pictures = None if token is None else int((ids == token).sum())
    spreads = {name: spread_of(own[plan.warmup :]) for name, own in values.items()}
    return spreads, {"prompt_tokens": ids.shape[1], "picture_tokens": of_pictures}


def measure(
    model: str, plan: Plan, asked: AnswererSettings = DEFAULTS, progress: bool = True, before: Results | None = None
) -> Iterator[Results]:
    """Measure a model at every setting; what is known so far, after each of them.

    Args:
        before: earlier results; settings that they have are not measured again.

    Raises:
        InputError: no such model, ``before`` is of something else, or none of the settings fits into memory.
    """
    import torch

    vlm, device = VisionLanguageModel(model, asked.local), Device()
    how: dict[str, Any] = {
        "repeats": plan.repeats, "warmup": plan.warmup, "new_tokens": plan.new_tokens, "prompts": asked.prompts,
        "batch_size": 1, "device": device.name}
    answerer = {"dtype": vlm.dtype, "attention": asked.local.attention, "model_revision": vlm.commit,
                "weights_sample_sha256": sample_of_weights(model)}
    environment = {"python": platform.python_version(), "platform": platform.machine()} | vlm.environment()
    metrics, details = _known(before, model, how | {"answerer": answerer}) if before else ({}, {})
    template = THINKING[asked.thinking] if "enable_thinking" in vlm.chat_template else {}
    too_large = []
    for setting in tqdm(plan.settings, desc="settings", disable=not progress):
        if setting.name not in details:
            chat = pictures_of(setting), prompt_of(QUESTION, asked.prompts)
            try:
                spreads, tokens = _measured(vlm, chat, template, plan, device)
            except torch.OutOfMemoryError:
                too_large.append(setting.name)
            else:
                quartiles = {f"{name}_quartiles": [found.first_quartile, found.third_quartile]
                             for name, found in spreads.items()}
                details[setting.name] = {"frames": setting.frames, "size": setting.size} | tokens | quartiles
                metrics |= {f"{setting.name}/{name}": Score(found.median, found.n, found.low, found.high, found.method,
                                                            found.n, 1, 0) for name, found in spreads.items()}
            finally:
                device.tidy()
        if not details:
            continue
        identity = hashlib.sha256(json.dumps([how, sorted(details)], sort_keys=True).encode()).hexdigest()
        yield Results("efficiency", model, {
            "repo": "generated pictures", "revision": None, "manifest_sha256": identity,
        }, dict(metrics), how | {
            "config": device.name, "split": f"{plan.new_tokens} new tokens", "unit": "measured",
            "peak_mib": device.memory, "settings": dict(details), "out_of_memory": [*too_large], "answerer": answerer,
        }, environment)
    if not details:
        raise InputError(f"--model {model}: out of memory at every setting ({', '.join(too_large)})")


def _known(before: Results, model: str, how: dict[str, Any]) -> tuple[dict[str, Score], dict[str, dict[str, Any]]]:
    """Figures and details of earlier results, if they were measured in the same way."""
    held = {"recipe": before.recipe, "model": before.model} | before.settings
    wanted = {"recipe": "efficiency", "model": model} | how
    if differing := [key for key in wanted if held.get(key) != wanted[key]]:
        raise InputError(f"--out: holds results of something else (other {', '.join(differing)}); choose another")
    return dict(before.metrics), dict(before.settings["settings"])
