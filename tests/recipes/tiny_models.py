"""Checkpoints of real architectures with random weights and a tokenizer trained here: tiny, and made in a moment.

Everything but size is what a published checkpoint has: the family's own model class, image processor and processor,
the special tokens they look for, a chat template of the family's form, and the files of ``save_pretrained``.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch", reason="the extra `models` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `models` is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="the extra `models` is not installed")

torch.set_num_threads(1)  # what is so small is slower with more, and tests run side by side

_WORDS = (
    "Yes No yes no user assistant User Assistant system You are a helpful assistant. Is the cyan cube closer to the "
    "camera than the red sphere? Is it farther from the camera? A. left B. right C. above D. below Where? Answer with "
    "the option's letter from the given choices directly. Please answer the question using a single word or phrase. "
    "0 1 2 3 4 5 6 7 8 9 meters chair table office lamp bed trash can <think> </think> <answer> </answer>"
)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Of Qwen2.5-VL, InternVL3 and LLaVA-OneVision, with IMAGE for the family's own placeholder."""

USER_COLON = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""Of Idefics3 and SmolVLM: an answer follows a space."""

_LAYERS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
           "num_key_value_heads": 2}
_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def _tokenizer(special: list[str], **named: str) -> Any:
    pre_tokenizers = tokenizers.pre_tokenizers
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", *special],
                                  show_progress=False)
    tokenizer.train_from_iterator([_WORDS, *_WORDS.split(), *(" " + word for word in _WORDS.split())] * 3, trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
        extra_special_tokens=named)

def _text(vocabulary: int) -> dict[str, Any]:
    return _LAYERS | {"vocab_size": vocabulary, "max_position_embeddings": 8192}


class Parts(NamedTuple):
    """What a checkpoint consists of."""

    config: Any
    image_processor: Any
    tokenizer: Any
    chat_template: str
    settings: dict[str, Any]
    """Further arguments of the processor."""


def _qwen2_5_vl() -> Parts:
    tokenizer = _tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    config = transformers.Qwen2_5_VLConfig(
        text_config=_text(len(tokenizer)) | {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4,
                                                                 "mrope_section": [2, 1, 1]}},
        vision_config={"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 32,
                       "fullatt_block_indexes": [1], "window_size": 56},
        **_vision_ids(tokenizer))
    image = transformers.Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 4})
    return Parts(config, image, tokenizer, CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"), {})


def _qwen3_vl() -> Parts:
    tokenizer = _tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    config = transformers.Qwen3VLConfig(
        text_config=_text(len(tokenizer)) | {"head_dim": 8, "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1], "mrope_interleaved": True}},
        vision_config={"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 32,
                       "patch_size": 14, "num_position_embeddings": 16, "deepstack_visual_indexes": [0]},
        **_vision_ids(tokenizer))
    image = transformers.Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 4})
    return Parts(config, image, tokenizer, CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"), {})


def _vision_ids(tokenizer: Any) -> dict[str, int]:
    return {name: tokenizer.convert_tokens_to_ids(f"<|{token}|>") for name, token in (
        ("image_token_id", "image_pad"), ("video_token_id", "video_pad"), ("vision_start_token_id", "vision_start"),
        ("vision_end_token_id", "vision_end"))}


def _internvl() -> Parts:
    tokenizer = _tokenizer(["<img>", "</img>", "<IMG_CONTEXT>", "<video>"], start_image_token="<img>",
                           end_image_token="</img>", context_image_token="<IMG_CONTEXT>", video_token="<video>")
    config = transformers.InternVLConfig(
        text_config={"model_type": "qwen2"} | _text(len(tokenizer)),
        vision_config=_VISION | {"image_size": [28, 28], "patch_size": [14, 14]},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=1)
    image = transformers.GotOcr2ImageProcessorPil(size={"height": 28, "width": 28}, min_patches=1, max_patches=3,
                                                  crop_to_patches=True)
    return Parts(config, image, tokenizer, CHATML.replace("IMAGE", "<IMG_CONTEXT>\n"), {"image_seq_length": 1})


def _llava_onevision() -> Parts:
    tokenizer = _tokenizer(["<image>", "<video>"])
    grid = [[28, 28], [28, 56], [56, 28]]
    config = transformers.LlavaOnevisionConfig(
        text_config={"model_type": "qwen2"} | _text(len(tokenizer)),
        vision_config={"model_type": "siglip_vision_model"} | _VISION | {"image_size": 28, "patch_size": 14},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<video>"), image_grid_pinpoints=grid)
    image = transformers.LlavaOnevisionImageProcessorPil(size={"height": 28, "width": 28}, image_grid_pinpoints=grid)
    return Parts(config, image, tokenizer, CHATML.replace("IMAGE", "<image>\n"),
                 {"num_image_tokens": 4, "vision_feature_select_strategy": "full"})


def _smolvlm() -> Parts:
    return _tiled(transformers.SmolVLMConfig, transformers.SmolVLMImageProcessorPil)


def _idefics3() -> Parts:
    return _tiled(transformers.Idefics3Config, transformers.Idefics3ImageProcessorPil)


def _tiled(config_class: Any, image_class: Any) -> Parts:
    """Idefics3 and its small sibling: a picture is shown in tiles and as a whole."""
    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    tokenizer = _tokenizer(["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *tiles])
    config = config_class(
        text_config={"model_type": "llama"} | _text(len(tokenizer)),
        vision_config=_VISION | {"image_size": 28, "patch_size": 14}, scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"))
    image = image_class(size={"longest_edge": 56}, max_image_size={"longest_edge": 28})
    return Parts(config, image, tokenizer, USER_COLON.replace("IMAGE", "<image>"), {"image_seq_len": 1})


FAMILIES: dict[str, Callable[[], Parts]] = {
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "internvl": _internvl,
    "llava_onevision": _llava_onevision,
    "idefics3": _idefics3,
    "smolvlm": _smolvlm,
}


def save_tiny(family: str, folder: Path) -> Path:
    """Write a checkpoint of this family with random weights, always the same, as its makers would."""
    parts = FAMILIES[family]()
    torch.manual_seed(1)
    config = parts.config
    for part in (config, config.text_config):
        part.bos_token_id = part.eos_token_id = part.pad_token_id = None
    model = transformers.AutoModelForImageTextToText.from_config(config)
    with torch.no_grad():  # from_config makes near-zero weights: with larger ones pictures and words matter
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(6)
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=parts.tokenizer.eos_token_id, pad_token_id=parts.tokenizer.pad_token_id,
        do_sample=True, temperature=0.7, repetition_penalty=1.5)  # as published ones have: nothing of it may be used
    model.save_pretrained(folder)
    parts.image_processor.save_pretrained(folder)
    parts.tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(parts.chat_template)
    kind = transformers.models.auto.processing_auto.PROCESSOR_MAPPING[type(config)].__name__
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": kind} | parts.settings))
    return folder
