"""What a training run leaves beside the model: ``training.json`` and a picture of its loss."""

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from builders.hub.files import replacing
from builders.hub.manifest import versions_of

SCHEMA_VERSION = 1
FILE_NAME = "training.json"
_LIBRARIES = ("torch", "transformers", "accelerate", "peft", "datasets", "tokenizers", "numpy", "pillow")


def tally(samples: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Source -> how many samples were learned from, by task; and why nothing was learned from others."""
    learned: dict[str, Counter[str]] = {}
    without: dict[str, Counter[str]] = {}
    for sample in samples:
        counts, key = (without, sample["problem"]) if sample["problem"] else (learned, sample["task"])
        counts.setdefault(sample["source"], Counter())[key] += 1
    return {name: {"samples": sum(learned.get(name, Counter()).values()),
                   "by_task": dict(sorted(learned.get(name, Counter()).items())),
                   "without_loss": dict(sorted(without.get(name, Counter()).items()))}
            for name in sorted({*learned, *without})}


def write_outcome(folder: Path, run: Mapping[str, Any], seen: Mapping[str, Any], curve: Sequence[Mapping[str, float]],
                  devices: str) -> None:
    """
    Args:
        run: what the training depends on.
        seen: of ``tally``.
        curve: ``step``, ``loss``, ``learning_rate`` and ``grad_norm`` of every step.
    """
    held = {"schema_version": SCHEMA_VERSION, **run, "seen": seen, "environment": _environment() | {"devices": devices},
            "curve": list(curve)}
    with replacing(folder / FILE_NAME) as temporary:
        temporary.write_text(json.dumps(held, indent=1) + "\n")
    _draw(folder / "loss.svg", [each["step"] for each in curve], [each["loss"] for each in curve])


def _draw(path: Path, steps: Sequence[float], losses: Sequence[float]) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    axes.plot(steps, losses, color="#b9c6d6", linewidth=0.8, label="each step")
    width = max(len(losses) // 25, 1)
    if width > 1:
        smooth = np.convolve(losses, np.full(width, 1 / width), "valid")
        axes.plot(steps[width - 1 :], smooth, color="#2f6db3", linewidth=1.6, label=f"mean of {width} steps")
        axes.legend(frameon=False)
    axes.set(xlabel="step", ylabel="loss on answers (nats per token)", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    plt.close(figure)


def _environment() -> dict[str, str]:
    return {"python": platform.python_version(), "platform": platform.machine()} | versions_of(_LIBRARIES)
