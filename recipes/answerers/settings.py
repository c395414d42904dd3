"""How a model is asked: what ``--prompts`` and ``--set KEY=VALUE`` of the recipes can say."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from builders.errors import InputError
from recipes.answerers.prompts import FORMS

DTYPES = ("auto", "bfloat16", "float16", "float32")
THINKING: dict[str, dict[str, Any]] = {
    "": {}, "on": {"enable_thinking": True}, "off": {"enable_thinking": False},
}
"""What the setting ``thinking`` gives to the chat template."""


@dataclass(frozen=True)
class LocalSettings:
    """Of a checkpoint that runs here."""

    model_revision: str = ""
    """Commit, branch or tag of a Hub id; empty: its main branch."""
    dtype: str = "auto"
    """bfloat16, float16 or float32; auto: what the checkpoint was saved in."""
    device_map: str = "auto"
    """Of accelerate: auto puts the model on the GPUs there are (layers shared among several), else on the CPU."""
    attention: str = ""
    """Implementation, such as flash_attention_2; empty: what transformers takes by itself."""
    share_pictures: bool = True
    """Whether questions of a batch about the same pictures have them looked at once, where the family allows it."""
    token_variants: bool = False
    """Whether the probabilities of yes, YES and the like count as those of Yes; else the one token counts that the chat
    template would go on with."""

    def __post_init__(self) -> None:
        _check("--set dtype", self.dtype, DTYPES)


@dataclass(frozen=True)
class EndpointSettings:
    """Of a server that speaks the OpenAI protocol. Its key is read from the environment: OPENAI_API_KEY."""

    concurrency: int = 16
    """Requests under way at once."""
    timeout: float = 300.0
    """Seconds to wait for a reply."""
    attempts: int = 6
    """How often a question is asked before it counts as failed."""
    first_wait: float = 1.0
    """Seconds before the second attempt; each further wait is twice as long, unless the server says how long."""
    prompt_price: float = 0.0
    """Of a million tokens, for the cost among the counts."""
    completion_price: float = 0.0

    def __post_init__(self) -> None:
        _check_positive("concurrency", self.concurrency)
        _check_positive("timeout", self.timeout)
        _check_positive("attempts", self.attempts)


@dataclass(frozen=True)
class AnswererSettings:
    """Everything; baselines need nothing of it."""

    prompts: str = "published"
    """A form of ``prompts.yaml``."""
    max_new_tokens: int = 4096
    """Most tokens of a written answer: enough for models that reason before they answer. How many answers it cut short
    is counted."""
    exact_match: bool = True
    """Whether yes/no questions, whose first token is looked at, are answered in words too: one run then gives v and,
    beside it, exact match. false spares the time it takes to write."""
    thinking: str = ""
    """on or off, for chat templates that know ``enable_thinking``; empty: what the template takes by itself, and off
    where the first token of an answer is looked at."""
    local: LocalSettings = field(default_factory=LocalSettings)
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)

    def __post_init__(self) -> None:
        _check("--prompts", self.prompts, FORMS)
        _check("--set thinking", self.thinking, THINKING)
        _check_positive("max_new_tokens", self.max_new_tokens)


def _check(option: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise InputError(f"{option}={value}: expected one of: {', '.join(name or repr('') for name in known)}")


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise InputError(f"--set {name}={value}: expected a number above 0")


DEFAULTS = AnswererSettings()
