"""From a mix and a checkpoint to a model folder: everything that ``recipes/finetune.py`` does behind its options."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from builders.errors import InputError
from builders.hub.files import replacing
from recipes.answerers.vision_language import VisionLanguageModel, sample_of_weights
from recipes.finetuning.general_rows import GeneralRows
from recipes.finetuning.mix import Mix, Source, counts_of
from recipes.finetuning.own_rows import OwnRows
from recipes.finetuning.plan import Plan, make_plan, size_of
from recipes.finetuning.samples import PlannedSamples, Rows
from recipes.finetuning.settings import UNIMPORTANT, TrainSettings
from recipes.finetuning.streamed_rows import StreamedRows
from recipes.questions import identify

_RUN = "run.json"
_CURVE = ("step", "loss", "learning_rate", "grad_norm")


@dataclass(frozen=True)
class Data:
    """What is trained on, and in which order."""

    mix: Mix
    rows: Mapping[str, Rows]
    counts: dict[str, int]
    """Of each epoch."""
    plan: Plan

    def described(self) -> dict[str, Any]:
        """For ``training.json``."""
        return {"title": self.mix.title, "sources": {
            source.name: {
                **self.rows[source.name].provenance,
                "where": {column: list(values) for column, values in source.where.items()},
                "balance": source.balance,
                "share": float(source.share) if source.share else None,
                "available": size_of(self.rows[source.name].strata),
                "count": self.counts[source.name],
            } for source in self.mix.sources}}

    def text(self) -> str:
        """A table of what is about to be trained on."""
        total = sum(self.counts.values())
        lines = [f"{self.mix.title}: {total:,} samples", f"{'':<24}{'available':>14}{'samples':>14}{'share':>9}"]
        for name, count in self.counts.items():
            available = size_of(self.rows[name].strata)
            again = f"   each {count / available:.1f} times" if available and count > available else ""
            shown = "streamed" if available is None else f"{available:,}"
            lines.append(f"{name:<24}{shown:>14}{count:>14,}{count / total:>9.1%}{again}")
            left_out = self.rows[name].provenance.get("left_out") or {}
            lines += [f"    left out {number:,}: {reason}" for reason, number in left_out.items()]
        return "\n".join(lines)


def open_data(mix: Mix, total: int | None, settings: TrainSettings, scans: Sequence[str] = (),
              progress: bool = True) -> Data:
    """Find the datasets of a mix and draw the order of training.

    Raises:
        InputError: a dataset cannot be read, or has not what is asked of it.
    """
    rows = {source.name: _rows_of(source, settings, scans, progress) for source in mix.sources}
    counts = counts_of(mix, {name: size_of(held.strata) for name, held in rows.items()}, total)
    if empty := [name for name, count in counts.items() if count and size_of(rows[name].strata) == 0]:
        raise InputError(f"{empty[0]}: has no row of one of the tags that are to be balanced")
    plan = make_plan({name: held.strata for name, held in rows.items()}, counts, settings.epochs, settings.seed)
    if not len(plan):
        raise InputError(f"{mix.title}: nothing to train on")
    for name in mix.sources:  # what cannot be read is better known now
        places = (plan.source == plan.sources.index(name.name)).nonzero()[0]
        if len(places):
            PlannedSamples(plan, rows)[int(places[0])]
    return Data(mix, rows, counts, plan)


def fine_tune(model: str, data: Data, settings: TrainSettings, out: Path, progress: bool = True) -> None:
    """Train, or go on from the last checkpoint; write ``model/``, ``training.json``, ``loss.svg``, ``samples.jsonl``.

    Raises:
        InputError: the checkpoint cannot be trained, or ``out`` belongs to another run.
    """
    import torch
    from accelerate import PartialState
    from accelerate.utils import set_seed
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils import logging

    from recipes.finetuning.collator import AnswerCollator
    from recipes.finetuning.model import disk_errors, open_model, prepared, read_weights, save_model, stops_of
    from recipes.finetuning.outcome import FILE_NAME, tally, write_outcome
    from recipes.finetuning.trainer import (
        AnswerTrainer,
        Progress,
        SampleLog,
        WholeCheckpoints,
        last_checkpoint,
        read_samples,
        sweep,
        training_arguments,
    )

    state = PartialState(cpu=not torch.cuda.is_available())  # otherwise it does not see several processes without GPUs
    processes = state.num_processes
    if progress and processes == 1 and torch.cuda.device_count() > 1:
        print(f"one of {torch.cuda.device_count()} GPUs is used; torchrun --nproc_per_node takes more")
    vlm = open_model(model, settings)
    run = _run(vlm, model, data, settings, processes)
    _begin(out, run, state.is_main_process)
    state.wait_for_everyone()
    if (out / FILE_NAME).exists():
        return
    logging.disable_progress_bar()  # of weights that are read and written: it would break ours
    set_seed(settings.seed)
    dataset = PlannedSamples(data.plan, data.rows, settings.longest_side, settings.batch_size * processes)
    step, checkpoint = last_checkpoint(out / "checkpoints")
    log = SampleLog(out / "samples.jsonl")
    weights = read_weights(vlm, settings, checkpoint)
    trainer = AnswerTrainer(
        model=prepared(weights, settings), args=training_arguments(settings, out / "checkpoints", processes),
        train_dataset=dataset,
        data_collator=AnswerCollator(vlm, stops_of(weights, vlm.processor.tokenizer)),
        callbacks=[log, WholeCheckpoints(), *([Progress()] if progress else [])])
    log.trainer = trainer
    trainer.remove_callback(PrinterCallback)
    if trainer.is_world_process_zero():
        log.go_on_after(step)
        sweep(out / "checkpoints")
    trainer.accelerator.wait_for_everyone()
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise InputError("out of memory; take a smaller --batch-size (and a larger --accumulate), --lora 16, --set "
                         "longest_side=448 or more GPUs (scripts/benchmarks/training.py measures)") from error
    except InputError as error:  # one of a worker comes with the worker's traceback before it
        raise InputError(str(error).strip().rpartition("InputError: ")[2]) from error
    trained = trainer.accelerator.get_state_dict(trainer.model)
    if trainer.is_world_process_zero():
        with disk_errors():
            save_model(vlm, trainer.accelerator.unwrap_model(trainer.model), trained, out / "model")
        curve = [{key: entry[key] for key in _CURVE if key in entry}
                 for entry in trainer.state.log_history if "loss" in entry]
        devices = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
        write_outcome(out, run, tally(read_samples(out / "samples.jsonl")), curve, f"{processes} x {devices}")
    trainer.accelerator.wait_for_everyone()


def _rows_of(source: Source, settings: TrainSettings, scans: Sequence[str], progress: bool) -> Rows:
    is_ours, commit = identify(source.dataset, source.revision or None)
    source = replace(source, revision=commit or "")
    if is_ours:
        if source.stream:
            raise InputError(f"{source.name}: our own datasets are not streamed: each row is read when it is its turn")
        return OwnRows(source, settings.prompts, scans)
    return StreamedRows(source, settings.seed) if source.stream else GeneralRows(source, progress)


def _run(vlm: VisionLanguageModel, model: str, data: Data, settings: TrainSettings, processes: int) -> dict[str, Any]:
    """What the trained weights depend on (JSON)."""
    said = {name: value for name, value in asdict(settings).items() if name not in UNIMPORTANT}
    step = settings.batch_size * settings.accumulate * processes
    return {"model": {"name": model, "revision": vlm.commit, "weights_sample_sha256": sample_of_weights(model)},
            "mix": data.described(), "samples": len(data.plan), "samples_per_step": step,
            "settings": said | {"learning_rate": settings.rate}}


def _begin(out: Path, run: Mapping[str, Any], is_main: bool) -> None:
    """Make the folder, or see that it belongs to this run.

    Raises:
        InputError: it does not.
    """
    path = out / _RUN
    if path.exists():
        held = json.loads(path.read_text())
        if held != run:
            other = ", ".join(sorted(key for key in held.keys() | run.keys() if held.get(key) != run.get(key)))
            raise InputError(f"{out}: holds another run (other {other}); choose another --out or delete it")
    elif is_main:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(run, indent=1) + "\n")
