"""A Qwen2.5-VL checkpoint of a given size with random weights, made here: what answering.py times without a download.

Sizes are those of the published configurations; ``small`` is for a CPU. The tokenizer knows bytes and little else, the
vocabulary of the model has its published size: what a token costs is right, what it says is noise.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
            "<|video_pad|>")


class Size(NamedTuple):
    """Of the language model, and of the one that looks at pictures."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    vision_hidden: int
    vision_intermediate: int
    vision_layers: int


SIZES = {
    "small": Size(512, 1408, 6, 8, 2, 8192, 256, 688, 4),
    "3b": Size(2048, 11008, 36, 16, 2, 151_936, 1280, 3420, 32),
    "7b": Size(3584, 18944, 28, 28, 4, 152_064, 1280, 3420, 32),
}


def save_random_checkpoint(size: Size, folder: Path, dtype: str, device: str) -> int:
    """Write config, weights, tokenizer and processor; the number of parameters."""
    import tokenizers
    import torch
    import transformers

    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), special_tokens=[*_SPECIAL],
        show_progress=False)
    backend.train_from_iterator(["Yes No Is the cyan cube closer to the camera than the red sphere?"] * 3, trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    ids: dict[str, Any] = {f"{name}_token_id": tokenizer.convert_tokens_to_ids(token) for name, token in zip(
        ("vision_start", "vision_end", "image", "video"), _SPECIAL[3:])}
    head = size.hidden // size.heads // 2
    part = head // 4  # time, height and width share a head as 16 : 24 : 24 of 64
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": size.hidden, "intermediate_size": size.intermediate, "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads, "num_key_value_heads": size.kv_heads, "vocab_size": size.vocabulary,
            "max_position_embeddings": 32_768, "bos_token_id": None, "eos_token_id": None,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6,
                                "mrope_section": [part, (head - part) // 2, head - part - (head - part) // 2]}},
        vision_config={
            "depth": size.vision_layers, "hidden_size": size.vision_hidden, "num_heads": 16,
            "intermediate_size": size.vision_intermediate, "out_hidden_size": size.hidden,
            "fullatt_block_indexes": [*range(size.vision_layers // 4 - 1, size.vision_layers, size.vision_layers // 4)],
            "window_size": 112},
        **ids)
    torch.manual_seed(0)
    with torch.device(device):
        model = transformers.AutoModelForImageTextToText.from_config(config, dtype=getattr(torch, dtype))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformers.Qwen2VLImageProcessorPil().save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "Qwen2_5_VLProcessor"}))
    return sum(weight.numel() for weight in model.parameters())

