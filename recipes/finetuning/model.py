"""The model to be trained, and the folder it becomes: a checkpoint as any other."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builders.errors import InputError
from recipes.answerers.settings import LocalSettings
from recipes.answerers.vision_language import VisionLanguageModel
from recipes.finetuning.settings import TrainSettings

_OF_PROCESSOR = (".json", ".jinja", ".txt", ".model")
_OF_WEIGHTS = ("config.json", "adapter_config.json")


def open_model(name: str, settings: TrainSettings) -> VisionLanguageModel:
    """The checkpoint, its weights not read yet.

    Raises:
        InputError: no such checkpoint, or none of pictures and text.
    """
    return VisionLanguageModel(name, LocalSettings(
        model_revision=settings.model_revision, dtype=settings.weights, device_map="", attention=settings.attention))


def read_weights(vlm: VisionLanguageModel, settings: TrainSettings, checkpoint: Path | None) -> Any:
    """The model with its weights; where training goes on with all of them, those of its own checkpoint."""
    if checkpoint is None or settings.lora:
        return vlm.model
    from transformers import AutoModelForImageTextToText

    given = {"attn_implementation": settings.attention} if settings.attention else {}
    return AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=vlm.dtype, **given)


def stops_of(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer."""
    held = model.generation_config.eos_token_id
    return [*(held if isinstance(held, list) else [held]), tokenizer.eos_token_id]


def prepared(model: Any, settings: TrainSettings) -> Any:
    """The model with what is to be trained: everything, all but the vision tower, or adapters of LoRA beside them.

    Raises:
        InputError: the vision tower cannot be found, or peft is missing.
    """
    tower = _vision_tower(model) if settings.freeze_vision else None
    if not settings.lora:
        if tower:
            model.get_submodule(tower).requires_grad_(False)
        return model
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise InputError(f"--lora: needs peft ({error}): bash scripts/setup.sh geometry,render,dev,train") from error
    return get_peft_model(model, LoraConfig(
        r=settings.lora, lora_alpha=settings.lora_alpha or 2 * settings.lora, lora_dropout=settings.lora_dropout,
        target_modules=_linear_layers(model, tower)))


@contextmanager
def disk_errors() -> Iterator[None]:
    """What goes wrong when weights are written, as Python says it: their writers have errors of their own for a full
    disk."""
    import torch
    from safetensors import SafetensorError

    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (SafetensorError, RuntimeError) as error:
        raise OSError(f"weights cannot be written ({' '.join(str(error).split())})") from error


def save_model(vlm: VisionLanguageModel, model: Any, state: dict[str, Any], folder: Path) -> None:
    """Write a model folder that every recipe takes as ``--model``, in the dtype that the checkpoint had. Adapters are
    merged into it, and also written alone, beside it.

    Args:
        model: without what accelerate wraps it in.
        state: its weights.
    """
    import torch

    if hasattr(model, "merge_and_unload"):
        model.save_pretrained(folder.with_name("adapter"), state_dict=state)
        model, state = model.merge_and_unload(), {}
    dtype = getattr(torch, vlm.saved_dtype)
    cast: dict[int, Any] = {}  # by where they are in memory: weights that are tied stay one
    whole = {name: cast.setdefault(weight.data_ptr(), weight.to(dtype) if weight.is_floating_point() else weight)
             for name, weight in (state or model.state_dict()).items()}
    partial = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    model.config.dtype = dtype
    model.save_pretrained(partial, state_dict=whole)
    for path in _processor_files(vlm):
        shutil.copyfile(path, partial / path.name)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _processor_files(vlm: VisionLanguageModel) -> list[Path]:
    """What turns pictures and chats into inputs is left as it is; and so is what the checkpoint says of generating."""
    base = Path(vlm.name)
    if not base.is_dir():
        from huggingface_hub import snapshot_download

        patterns = [f"*{end}" for end in _OF_PROCESSOR]
        base = Path(snapshot_download(vlm.name, revision=vlm.commit, allow_patterns=patterns))
    return [path for path in sorted(base.iterdir()) if path.suffix in _OF_PROCESSOR
            and path.name not in _OF_WEIGHTS and not path.name.endswith(".index.json")]


def _vision_tower(model: Any) -> str:
    tower = model.get_encoder(modality="image")
    name = next((name for name, module in model.named_modules() if module is tower), "")
    if not name:
        raise InputError(f"--freeze-vision: no vision tower found in {type(model).__name__}; train it, too")
    return name


def _linear_layers(model: Any, without: str | None) -> list[str]:
    """Names of the layers that get an adapter: all linear ones but the head, and those of the tower if frozen."""
    import torch

    head = model.get_output_embeddings()
    return [name for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and module is not head
            and not (without and name.startswith(f"{without}."))]
