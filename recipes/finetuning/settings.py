"""How a model is trained. Neither paper says how theirs were (rate, schedule, batches of the second; of the first only
that the vision tower is trained, too, and two million samples seen once): these are common values, all in the open."""

from dataclasses import dataclass

from builders.errors import InputError

FULL_RATE, LORA_RATE = 1e-5, 1e-4


@dataclass(frozen=True)
class TrainSettings:
    """What ``--set KEY=VALUE`` of ``recipes/finetune.py`` can say, and its options."""

    batch_size: int = 1
    accumulate: int = 16
    """Batches of each process that make one step."""
    epochs: int = 1
    seed: int = 0
    lora: int = 0
    """Rank of LoRA; 0: all weights are trained."""
    freeze_vision: bool = False
    prompts: str = "bare"
    learning_rate: float = 0.0
    """Highest; 0: 1e-5, with LoRA 1e-4."""
    schedule: str = "cosine"
    """Name in transformers: cosine, linear, constant_with_warmup and so on."""
    warmup: float = 0.03
    """Share of the steps."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    optimizer: str = "adamw_torch"
    """Name in transformers."""
    lora_alpha: int = 0
    """0: twice the rank."""
    lora_dropout: float = 0.0
    dtype: str = "auto"
    """Of the weights while they are trained: float32, bfloat16; auto: float32, with LoRA what the checkpoint has."""
    gradient_checkpointing: bool = True
    """Whether activations are computed twice instead of kept."""
    attention: str = ""
    """Implementation, such as flash_attention_2; empty: what transformers takes by itself."""
    model_revision: str = ""
    longest_side: int = 0
    """Pixels: larger pictures are made smaller first; 0: as they are, and as the processor has it."""
    workers: int = 2
    """Processes that read and prepare samples, for each training process."""
    save_every: int = 500
    """Steps between checkpoints, the last two of which are kept."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "accumulate", "epochs", "save_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name.replace('_', '-')} {getattr(self, name)}: expected a number above 0")
        if self.dtype not in ("auto", "float32", "bfloat16"):
            raise InputError(f"--set dtype={self.dtype}: expected auto, float32 or bfloat16")

    @property
    def rate(self) -> float:
        return self.learning_rate or (LORA_RATE if self.lora else FULL_RATE)

    @property
    def weights(self) -> str:
        """``dtype`` for loading."""
        return "float32" if self.dtype == "auto" and not self.lora else self.dtype


UNIMPORTANT = ("workers", "save_every", "batch_size", "accumulate")
"""What may differ when a run goes on: the samples of a step are the same as long as their number is."""
