"""The trainer of transformers, with three things of ours: the loss is computed at answers alone, every step says which
samples it saw, and a checkpoint counts once it is whole."""

import json
import math
import shutil
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from tqdm import tqdm
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from builders.errors import InputError
from builders.hub.files import replacing
from recipes.finetuning.collator import IGNORED, SEEN
from recipes.finetuning.model import disk_errors
from recipes.finetuning.samples import FILLING
from recipes.finetuning.settings import TrainSettings

_WHOLE = "whole"
"""Empty file in a checkpoint that has been written to its end."""


def training_arguments(settings: TrainSettings, folder: Path, processes: int = 1) -> TrainingArguments:
    """The settings as transformers has them: in bfloat16 where there is a GPU, one epoch in the order of the plan.

    Args:
        folder: for checkpoints.
    """
    has_gpu, saves = torch.cuda.is_available(), settings.gradient_checkpointing
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=1, seed=settings.seed,
        per_device_train_batch_size=settings.batch_size, gradient_accumulation_steps=settings.accumulate,
        learning_rate=settings.rate, lr_scheduler_type=settings.schedule, warmup_steps=settings.warmup,
        weight_decay=settings.weight_decay, max_grad_norm=settings.max_grad_norm, optim=settings.optimizer,
        bf16=has_gpu and torch.cuda.is_bf16_supported(), use_cpu=not has_gpu,
        activation_checkpointing=saves, activation_checkpointing_kwargs={"use_reentrant": False} if saves else None,
        ddp_find_unused_parameters=processes > 1,  # conversations without a picture leave the vision tower out
        train_sampling_strategy="sequential", remove_unused_columns=False, dataloader_num_workers=settings.workers,
        save_strategy="steps", save_steps=settings.save_every, save_total_limit=2, logging_steps=1, report_to="none",
        logging_nan_inf_filter=False, disable_tqdm=True)
    # Without torchrun it would split batches among all GPUs that it sees: other steps than the plan's.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


class AnswerTrainer(Trainer):
    """Logits are made for the tokens of answers alone, which are few: those of all tokens would be most of the memory.

    The loss of a step is the mean over all tokens of its answers, however they are spread over batches and processes.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.model_accepts_loss_kwargs = self._loss_shifts_labels = True  # so that it counts the answers' tokens
        self.seen: list[dict[str, Any]] = []
        """Samples of this process since the last step."""
        model = self.accelerator.unwrap_model(self.model)
        model = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._chooses_logits = "logits_to_keep" in signature(model.forward).parameters

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
        self.seen += inputs.pop(SEEN)
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        labels = inputs.pop("labels")[:, 1:]
        places = (labels != IGNORED).any(0).nonzero()[:, 0]
        if not len(places):  # nothing to learn, but a loss all the same: other processes wait for its gradients
            places = labels.new_zeros(1)
        options = {"logits_to_keep": places} if self._chooses_logits else {}
        outputs = model(**inputs, **options, use_cache=False)
        logits = outputs.logits if self._chooses_logits else outputs.logits[:, places]
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), labels[:, places].flatten(), ignore_index=IGNORED, reduction="sum")
        loss = loss * self.accelerator.num_processes / max(num_items_in_batch, 1)
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """
        Raises:
            InputError: the weights are lost. No checkpoint is written of them.
        """
        for name in ("loss", "grad_norm"):
            if not math.isfinite(logs.get(name, 0)):
                raise InputError(f"step {self.state.global_step}: {name} is {logs[name]}; choose another --out with a "
                                 f"--set learning_rate below {self.args.learning_rate:g}, or --set dtype=float32")
        super().log(logs, start_time)

    def _save_checkpoint(self, *arguments: Any) -> None:
        with disk_errors():
            super()._save_checkpoint(*arguments)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Only adapters and sharded weights: others have been read from the checkpoint already. The base class would
        look for them by the names that they have in memory; files of many families have other names, and it would go
        on with the weights that training began with."""
        if hasattr(self.model, "get_base_model") or self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)


class SampleLog(TrainerCallback):
    """``samples.jsonl``: a line for every sample of every step, in the order of the plan."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trainer: Any = None

    def go_on_after(self, step: int) -> None:
        """Forget what came after this step: it was done by weights that are lost, and will be done again."""
        kept = [line for line in _lines(self._path) if json.loads(line)["step"] <= step]
        with replacing(self._path) as temporary:
            temporary.write_text("".join(kept))

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        seen = gather_object(self.trainer.seen)
        self.trainer.seen = []
        if state.is_world_process_zero:
            with self._path.open("a") as file:
                file.writelines(json.dumps({"step": state.global_step} | sample) + "\n"
                                for sample in sorted(seen, key=lambda sample: sample["position"])
                                if sample["position"] != FILLING)


class WholeCheckpoints(TrainerCallback):
    """Marks checkpoints that have been written to their end."""

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / _WHOLE).touch()


class Progress(TrainerCallback):
    """A bar of the steps, with the loss of the last."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._bar = tqdm(total=state.max_steps, initial=state.global_step, desc="training", unit="step")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        if logs and "loss" in logs:
            self._bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._bar.update()

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._bar.close()


def read_samples(path: Path) -> Iterator[dict[str, Any]]:
    """The samples that a run has seen, those of an interrupted last line left out."""
    return (json.loads(line) for line in _lines(path))


def sweep(folder: Path) -> None:
    """Delete the checkpoints that a killed run has left half-written: they would count as one of the last two."""
    for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        if not (path / _WHOLE).exists():
            shutil.rmtree(path)


def last_checkpoint(folder: Path) -> tuple[int, Path | None]:
    """The step of the last whole checkpoint, and where it is; 0 and None where there is none."""
    found = [path.parent for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*/{_WHOLE}")]
    steps = {int(path.name.rpartition("-")[2]): path for path in found}
    return max(steps.items(), default=(0, None))


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open() as file:
            yield from (line for line in file if line.endswith("\n"))
