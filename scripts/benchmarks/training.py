"""How fast a model trains: samples per second, memory, and the share of the device's matrix rate, over some steps.

    python scripts/benchmarks/training.py --side 112                          # a small model, on the CPU
    python scripts/benchmarks/training.py --size 3b --steps 50 --batch-size 4 --accumulate 4        # on a GPU
    python scripts/benchmarks/training.py --size 7b --steps 50 --lora 16 --set gradient_checkpointing=false

The model is a Qwen2.5-VL with random weights, made here, of the size of a published one; it is trained by what
recipes/finetune.py trains with. Samples are questions about pictures of smooth noise, several in each as in SPAR's
multi-view tasks. The first steps, in which memory is allocated, are not counted. Arithmetic is what has to be done:
three times that of the forward pass (twice with LoRA, which leaves the gradients of most weights out), as torch counts
it; what gradient checkpointing does again is no work done. The matrix rate is what one large matrix product reaches
here in the precision that is trained in. On a GPU times are of the clock, on a CPU of the processor, which bears with a
machine that others use.
"""

import resource
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # before this folder, where `metrics` is a benchmark

import numpy as np
import typer
from PIL import Image

from builders.command import run_command
from builders.errors import InputError
from builders.settings import apply_settings, settable
from recipes.finetuning.own_rows import conversation
from recipes.finetuning.samples import Sample
from recipes.finetuning.settings import TrainSettings
from scripts.benchmarks.answering import Stopwatch, matrix_rate
from scripts.benchmarks.random_checkpoint import SIZES, save_random_checkpoint

_OWN_OPTIONS = ("batch_size", "accumulate", "lora", "freeze_vision", "epochs", "seed", "prompts", "save_every")
_QUESTION = "Which of these is farther from the camera, the {}th from the left or the one behind it?\nA. this\nB. that"

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    size: Annotated[str, typer.Option(help=f"One of: {', '.join(SIZES)}.")] = "small",
    steps: Annotated[int, typer.Option(min=2, help="That are counted.")] = 5,
    warm_up: Annotated[int, typer.Option(min=1, help="Steps before them.")] = 2,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples at once.")] = 1,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches of a step.")] = 2,
    pictures: Annotated[int, typer.Option(min=1, help="Of each sample.")] = 3,
    side: Annotated[int, typer.Option(min=64, help="Pixels along a picture's side.")] = 448,
    lora: Annotated[int, typer.Option(min=0, help="Rank; 0: all weights are trained.")] = 0,
    freeze_vision: Annotated[bool, typer.Option("--freeze-vision", help="Leave the vision tower as it is.")] = False,
    set_: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help=", ".join(settable(
        TrainSettings(), _OWN_OPTIONS)))] = [],  # noqa: B006
) -> None:
    import torch

    if size not in SIZES:
        raise InputError(f"--size {size}: expected one of: {', '.join(SIZES)}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = "bfloat16" if device == "cuda" else "float32"
    settings = TrainSettings(batch_size=batch_size, accumulate=accumulate, lora=lora, freeze_vision=freeze_vision,
                             save_every=10**9, **apply_settings(TrainSettings(), set_, _OWN_OPTIONS))
    each = batch_size * accumulate
    samples = _samples((warm_up + steps) * each, pictures, side)
    with tempfile.TemporaryDirectory() as folder:
        count = save_random_checkpoint(SIZES[size], Path(folder) / "model", dtype, device)
        where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
        print(f"Qwen2.5-VL, {size}: {count / 1e9:.2f} billion random parameters; {dtype} on {where}")
        trainer, forward, tokens = _trainer(Path(folder), samples, settings)
        watch = _watched(trainer, warm_up, device)
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        trainer.train()
    seconds = watch.seconds / steps
    flops, peak = forward / batch_size * each * (2 if lora else 3), matrix_rate(dtype, device)
    memory = (torch.cuda.max_memory_allocated() if device == "cuda"
              else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(f"{pictures} pictures of {side} x {side} pixels, {tokens} tokens in a sample; "
          f"{each} samples in a step ({batch_size} at once); "
          f"{f'LoRA of rank {lora}' if lora else 'all weights'}{', vision tower frozen' if freeze_vision else ''}")
    print(f"{steps} steps: {seconds:.3g} s each, {each / seconds:.3g} samples/s, "
          f"{each * tokens / seconds:.4g} tokens/s")
    print(f"memory at its peak: {memory / 2**30:.1f} GiB")
    print(f"arithmetic: {flops / each / 1e12:.3g} TFLOP per sample, {flops / seconds / 1e12:.3g} TFLOP/s, "
          f"{flops / seconds / peak:.0%} of one large matrix product's {peak / 1e12:.3g}")
    print(f"loss: {losses[0]:.2f} to {losses[-1]:.2f}")


def _samples(count: int, pictures: int, side: int) -> list[Sample]:
    rng = np.random.default_rng(0)
    shown = [Image.fromarray(rng.integers(0, 255, (side // 16, side // 16, 3), np.uint8)).resize((side, side))
             for _ in range(8)]
    return [Sample(str(number), "", conversation(_QUESTION.format(number), "AB"[number % 2], pictures),
                   [shown[(number + view) % len(shown)] for view in range(pictures)], position=number)
            for number in range(count)]


def _trainer(folder: Path, samples: list[Sample], settings: TrainSettings) -> tuple[Any, int, int]:
    """What trains; operations of a forward pass over one batch, and tokens of a sample."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers.trainer_callback import PrinterCallback

    from recipes.finetuning.collator import SEEN, AnswerCollator
    from recipes.finetuning.model import open_model, prepared, stops_of
    from recipes.finetuning.trainer import AnswerTrainer, training_arguments

    vlm = open_model(str(folder / "model"), settings)
    collator = AnswerCollator(vlm, stops_of(vlm.model, vlm.processor.tokenizer))
    trainer = AnswerTrainer(model=prepared(vlm.model, settings), args=training_arguments(settings, folder / "run"),
                            train_dataset=samples, data_collator=collator)
    trainer.remove_callback(PrinterCallback)
    collated: dict[str, Any] = collator(samples[: settings.batch_size])
    tokens = collated.pop(SEEN)[0]["tokens"]
    batch = trainer._prepare_inputs(collated)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        trainer.compute_loss(trainer.model, batch, num_items_in_batch=1)
    return trainer, counter.get_total_flops(), tokens


def _watched(trainer: Any, warm_up: int, device: str) -> Stopwatch:
    """A watch that runs from the end of the warm-up to the end of training."""
    from transformers import TrainerCallback

    watch = Stopwatch(device)

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.global_step == warm_up:
                watch.__enter__()
            elif state.global_step == state.max_steps:
                watch.__exit__()

    trainer.add_callback(Watch())
    return watch


if __name__ == "__main__":
    run_command(app)
