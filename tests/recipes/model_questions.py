"""Questions with pictures for tiny models."""

import io

import numpy as np
from PIL import Image

from recipes.answerers.settings import AnswererSettings, LocalSettings

FP32 = AnswererSettings(max_new_tokens=6, local=LocalSettings(dtype="float32"))


def picture(seed: int) -> bytes:
    """Noise, of a size that depends on the seed."""
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    height, width = rng.integers(40, 100, 2)
    Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def asked(count: int = 8) -> list[dict]:
    """Questions of differing lengths, with one to three pictures each."""
    words = ["Is", "the", "cyan", "cube", "closer", "to", "the", "camera", "than", "the", "red", "sphere?"]
    return [{"uid": str(i), "question": " ".join(words[: 3 + i]), "metric": "correctness",
             "image": [picture(10 * i + view) for view in range(1 + i % 3)]} for i in range(count)]
