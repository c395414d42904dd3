"""How fast a checkpoint answers: one question at a time against batches, and where the time goes.

    python scripts/benchmarks/answering.py                                  # a small model, on the CPU
    python scripts/benchmarks/answering.py --size 7b --dtype bfloat16 --batch 8 --batch 32 --rows 256   # on a GPU
    python scripts/benchmarks/answering.py --model Qwen/Qwen2.5-VL-7B-Instruct --batch 32

Questions are SpatialTunnel's: four about each picture of 512 x 512 pixels, of which the first token's logits are taken.
The model is a Qwen2.5-VL with random weights, made here, of the size of a published one (or --model). Every line is of
this run, with the same questions: rows per second, how that compares with one at a time, the share of the time that the
model itself takes (the rest prepares pictures and words), and the rate of its arithmetic as a fraction of what one
large matrix product reaches here (operations as torch counts them, those alone that the model has to do). "shared": a
picture is looked at once for its four questions. On a GPU times are of the clock, on a CPU of the processor, which
bears with a machine that others use.
"""

import io
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # before this folder, where `metrics` is a benchmark

import numpy as np
import typer
from PIL import Image

from builders.command import run_command
from builders.errors import InputError
from builders.randomness import generator
from recipes.answerers.settings import AnswererSettings, LocalSettings
from recipes.questions import Row
from scripts.benchmarks.random_checkpoint import SIZES, save_random_checkpoint

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_QUESTIONS = 4
"""About each picture."""


class Stopwatch:
    """Seconds, added up over ``with`` blocks: of the clock, once a GPU has done its work; of the processor on a CPU."""

    def __init__(self, device: str) -> None:
        self.seconds = 0.0
        self._on_gpu = device == "cuda"

    def __enter__(self) -> None:
        self._start = self._now()

    def __exit__(self, *_: object) -> None:
        self.seconds += self._now() - self._start

    def _now(self) -> float:
        if not self._on_gpu:
            return time.process_time()
        import torch

        torch.cuda.synchronize()
        return time.perf_counter()


@app.command(help=__doc__)
def main(
    size: Annotated[str, typer.Option(help=f"One of: {', '.join(SIZES)}.")] = "small",
    model: Annotated[str, typer.Option(help="A checkpoint instead: a Hub id or a folder.")] = "",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    rows: Annotated[int, typer.Option(min=_QUESTIONS, help="Questions that are asked in batches.")] = 32,
    single: Annotated[int, typer.Option(min=1, help="Questions that are asked one at a time.")] = 8,
    batch: Annotated[list[int], typer.Option(min=2, help="Questions at once; may be repeated.")] = [8],  # noqa: B006
    side: Annotated[int, typer.Option(min=64, help="Pixels along a picture's side.")] = 512,
) -> None:
    import torch

    if size not in SIZES:
        raise InputError(f"--size {size}: expected one of: {', '.join(SIZES)}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        name = model or folder
        if not model:
            count = save_random_checkpoint(SIZES[size], Path(folder), dtype, device)
            print(f"Qwen2.5-VL, {size}: {count / 1e9:.2f} billion random parameters")
        where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
        print(f"{dtype} on {where}; {side} x {side} pixels, {_QUESTIONS} questions per picture")
        print_table(name, dtype, device, questions(rows, side), single, batch)


def print_table(name: str, dtype: str, device: str, rows: Sequence[Row], single: int, batches: Sequence[int]) -> None:
    from recipes.answerers.transformers_vlm import YesNoLean

    peak = matrix_rate(dtype, device)
    print(f"one large matrix product: {peak / 1e12:.3g} TFLOP/s")
    print("batch  pictures   rows/s  against one  in the model  of the matrix rate")
    alone = 0.0
    for size, shared in [(1, False), *((size, share) for size in batches for share in (False, True))]:
        local = LocalSettings(dtype=dtype, share_pictures=shared)
        answerer = YesNoLean(name, rows, AnswererSettings(exact_match=False, local=local))
        asked = rows if size > 1 else rows[:single]
        answerer.answer(asked[:size])  # the first batch compiles, allocates and reads the weights
        flops = len(asked) / size * counted(answerer, asked[:size])
        whole, inside = Stopwatch(device), timed_generate(answerer._model.model, device)
        with whole:
            for start in range(0, len(asked), size):
                answerer.answer(asked[start : start + size])
        rate = len(asked) / whole.seconds
        alone = alone or rate
        print(f"{size:5d}  {'shared' if shared else 'each':<8}{rate:9.3g}{rate / alone:12.2f}x"
              f"{inside.seconds / whole.seconds:14.0%}{flops / inside.seconds / peak:20.0%}", flush=True)


def timed_generate(model: Any, device: str) -> Stopwatch:
    """A watch that from now on runs while the model does."""
    watch, generate = Stopwatch(device), model.generate

    def timed(**inputs: Any) -> Any:
        with watch:
            return generate(**inputs)

    model.generate = timed
    return watch


def counted(answerer: Any, rows: Sequence[Row]) -> int:
    """Floating-point operations of matrix products and attention that answering these rows takes."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        answerer.answer(rows)
    return counter.get_total_flops()


def matrix_rate(dtype: str, device: str) -> float:
    """FLOP per second of one large matrix product, the best of five."""
    import torch

    side = 8192 if device == "cuda" else 2048
    first, second = (torch.randn(side, side, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    seconds = []
    for _ in range(5):
        watch = Stopwatch(device)
        with watch:
            first @ second
        seconds.append(watch.seconds)
    return 2 * side**3 / min(seconds)


def questions(count: int, side: int) -> list[Row]:
    """Questions of differing lengths about pictures of smooth noise."""
    rng = generator("answering benchmark")
    rows: list[Row] = []
    while len(rows) < count:
        noise = Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).resize((side, side))
        buffer = io.BytesIO()
        noise.save(buffer, "PNG")
        for far, near in (("cyan cube", "red sphere"), ("red sphere", "cyan cube")):
            for word in ("closer to the camera", "farther from the camera"):
                rows.append({"uid": str(len(rows)), "question": f"Is the {far} {word} than the {near}?",
                             "image": [buffer.getvalue()]})
    return rows[:count]


if __name__ == "__main__":
    run_command(app)
