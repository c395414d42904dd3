"""A vision-language model of a real architecture (LLaVA: CLIP, a projector, LLaMA) in any size, with new weights.

The tokenizer knows whole words, those it is made with. What is saved is a checkpoint as any other, which every recipe
takes as ``--model FOLDER``.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGE, START, END, PAD, UNKNOWN = "<image>", "<s>", "</s>", "<pad>", "<unk>"
_TEMPLATE = (
    "<s>{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %} {{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


@dataclass(frozen=True)
class TinySize:
    """How large."""

    width: int = 64
    layers: int = 4
    heads: int = 4
    vision_width: int = 64
    vision_layers: int = 1
    picture: int = 48
    """Pixels along a side."""
    patch: int = 8


@dataclass(frozen=True)
class TinyModel:
    """A model with what turns chats into its inputs."""

    model: Any
    processor: Any

    def save(self, folder: Path) -> Path:
        """Write a checkpoint."""
        self.model.save_pretrained(folder)
        self.processor.image_processor.save_pretrained(folder)
        self.processor.tokenizer.save_pretrained(folder)
        (folder / "chat_template.jinja").write_text(_TEMPLATE)
        kept = ("patch_size", "vision_feature_select_strategy", "num_additional_image_tokens")
        settings = {name: getattr(self.processor, name) for name in kept}
        (folder / "processor_config.json").write_text(json.dumps({"processor_class": "LlavaProcessor"} | settings))
        return folder


def make_tiny(texts: Iterable[str], size: TinySize, seed: int, keeps_spaces: bool = False) -> TinyModel:
    """A model with random weights.

    Args:
        texts: all that it will be asked and answer.
        keeps_spaces: words know the space before them, so that "1.5" is not written "1 . 5".
    """
    import torch
    import transformers

    tokenizer = _tokenizer(texts, keeps_spaces)
    vision = transformers.CLIPVisionConfig(
        hidden_size=size.vision_width, intermediate_size=4 * size.vision_width, num_hidden_layers=size.vision_layers,
        num_attention_heads=size.heads, image_size=size.picture, patch_size=size.patch, projection_dim=size.width)
    text = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=size.width, intermediate_size=4 * size.width,
        num_hidden_layers=size.layers, num_attention_heads=size.heads, num_key_value_heads=size.heads,
        max_position_embeddings=2048, initializer_range=size.width**-0.5, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    config = transformers.LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1, vision_feature_select_strategy="default")
    torch.manual_seed(seed)
    model = transformers.LlavaForConditionalGeneration(config)
    seen: Any = model.get_submodule("model.vision_tower.embeddings")
    with torch.no_grad():  # places count from the start, and as much as colours: else they are found out late
        seen.position_embedding.weight.normal_(0, 0.5)
        seen.patch_embedding.weight.normal_(0, (3 * size.patch**2) ** -0.5)
    pictures = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": size.picture}, crop_size={"height": size.picture, "width": size.picture})
    processor = transformers.LlavaProcessor(
        pictures, tokenizer, patch_size=size.patch, vision_feature_select_strategy="default", chat_template=_TEMPLATE,
        num_additional_image_tokens=1)
    return TinyModel(model, processor)


def _tokenizer(texts: Iterable[str], keeps_spaces: bool) -> Any:
    import tokenizers
    import transformers

    split: Any = tokenizers.pre_tokenizers.Whitespace()
    if keeps_spaces:
        split = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        texts = [f" {text}" for text in texts]  # as the template has them
    words = sorted({word for text in texts for word, _ in split.pre_tokenize_str(text)})
    vocabulary = {word: number for number, word in enumerate([PAD, START, END, UNKNOWN, IMAGE, *words])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = split
    if keeps_spaces:
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=START, eos_token=END, pad_token=PAD, unk_token=UNKNOWN,
        extra_special_tokens={"image_token": IMAGE})
