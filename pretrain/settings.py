"""The settings of a pretraining run: sections of plain values, and what of them cannot be meant.

Every default is the published XLM-R recipe where one is known: Adam's constants, dropout and clipping are fairseq's
`roberta_base`; batch, length, alpha and updates are the paper's (section 3); the peak rate of Base is XLM-V's, which
says that it follows XLM-R.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from xlmr_bench.errors import UsageError, unknown_name


@dataclass(frozen=True)
class ModelSettings:
    """The encoder. `size` names one of `xlmr_bench init`'s; any number above 0 beside it replaces the size's own."""

    size: str = "base"
    vocab_size: int = 0  # what the shards must have, special tokens included (0: whatever they have)
    hidden_size: int = 0
    num_hidden_layers: int = 0
    num_attention_heads: int = 0
    intermediate_size: int = 0
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02
    start_from: str = ""  # a checkpoint folder to continue from, instead of random weights


@dataclass(frozen=True)
class DataSettings:
    """What is drawn, and how. `languages`: codes, or the name of a set (`xlm7`), or `all` of the shards."""

    shards: str = "shards"
    languages: tuple[str, ...] = ("all",)
    alpha: float = 0.3
    sampling_unit: str = "sentences"
    block_tokens: int = 512
    mask_fraction: float = 0.15
    validation_blocks: int = 64  # kept out of training at the end of each language, at most 5 % of it


@dataclass(frozen=True)
class TrainingSettings:
    """Steps and the optimizer. `batch_size` counts blocks of the whole step, over all processes and micro-batches."""

    steps: int = 1_500_000
    batch_size: int = 8192
    learning_rate: float = 6e-4
    warmup_steps: int = 24_000
    schedule: str = "polynomial"
    decay_steps: int = 0  # `wsd`: length of the final decay
    adam_beta1: float = 0.9
    adam_beta2: float = 0.98
    adam_eps: float = 1e-6
    weight_decay: float = 0.01
    clip_norm: float = 0.0  # 0: no clipping
    seed: int = 1


@dataclass(frozen=True)
class ParallelSettings:
    """How a step is spread over processes and memory. None of it changes what is learned beyond rounding."""

    mode: str = "ddp"
    micro_batch: int = 32
    precision: str = "auto"
    device: str = "auto"
    activation_checkpointing: bool = False
    compile: bool = False


@dataclass(frozen=True)
class CheckpointSettings:
    """A checkpoint every so many steps; the newest `keep` stay, and every `keep_every`th step for good (0: none)."""

    every: int = 1000
    keep: int = 2
    keep_every: int = 0


@dataclass(frozen=True)
class ReportSettings:
    """Steps between lines of `metrics.jsonl`, between validations, and between probes (0: none).

    `probe` is what follows `python -m xlmr_bench run` on the exported model: perplexity is no stopping rule (paper,
    section 5.1), a downstream task is.
    """

    every: int = 100
    validate_every: int = 5000
    probe_every: int = 0
    probe: str = "xnli --protocol transfer"
    tensorboard: bool = False


@dataclass(frozen=True)
class GuardSettings:
    """Stop when the loss exceeds `spike_ratio` x the recent median for `spike_steps` steps (0: only at NaN)."""

    spike_ratio: float = 1.5
    spike_steps: int = 100


@dataclass(frozen=True)
class Settings:
    """One run. `output` is its folder: checkpoints, metrics, the exported model."""

    output: str = ""
    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    parallel: ParallelSettings = field(default_factory=ParallelSettings)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)

    def as_dict(self) -> dict[str, Any]:
        """Plain values by section, for JSON."""
        return asdict(self)

    @property
    def masked_per_block(self) -> int:
        """Masked tokens of a block; `<s>` and `</s>` at its ends do not count."""
        return max(1, round(self.data.mask_fraction * (self.data.block_tokens - 2)))


CHOICES = {
    "data.sampling_unit": ("sentences", "tokens"),
    "training.schedule": ("polynomial", "wsd", "constant"),
    "parallel.mode": ("ddp", "fsdp", "hsdp"),
    "parallel.precision": ("auto", "fp32", "bf16"),
    "parallel.device": ("auto", "cpu", "cuda"),
}
# What may differ when a run continues: where and how it computes and reports, not what it learns.
RESUMABLE = ("output", "parallel", "checkpoint", "report", "guard")


def check(settings: Settings) -> None:
    """Raise UsageError for values that cannot be meant."""
    for name, allowed in CHOICES.items():
        section, key = name.split(".")
        value = getattr(getattr(settings, section), key)
        if value not in allowed:
            raise unknown_name(name, str(value), allowed)
    t, d, p = settings.training, settings.data, settings.parallel
    positive = {
        "training.steps": t.steps, "training.batch_size": t.batch_size, "training.learning_rate": t.learning_rate,
        "parallel.micro_batch": p.micro_batch, "checkpoint.every": settings.checkpoint.every,
        "checkpoint.keep": settings.checkpoint.keep, "report.every": settings.report.every,
    }  # fmt: skip
    for name, number in positive.items():
        if number <= 0:
            raise UsageError(f"{name} is {number}; it must be above 0.")
    if not 0.0 <= d.alpha <= 1.0:
        raise UsageError(f"data.alpha is {d.alpha}; it lies between 0 (all languages alike) and 1 (as in the corpus).")
    if not 0.0 < d.mask_fraction < 1.0:
        raise UsageError(f"data.mask_fraction is {d.mask_fraction}; it lies between 0 and 1, usually 0.15.")
    if d.block_tokens < 8:
        raise UsageError(f"data.block_tokens is {d.block_tokens}; a block needs at least 8 tokens.")
    if t.warmup_steps + (t.decay_steps if t.schedule == "wsd" else 0) > t.steps:
        raise UsageError(
            f"training.steps is {t.steps:,}, less than warmup_steps {t.warmup_steps:,}"
            + (f" + decay_steps {t.decay_steps:,}." if t.schedule == "wsd" else ".")
        )
    for section in ("model", "data", "training", "report", "checkpoint", "guard"):
        for name, number in vars(getattr(settings, section)).items():
            if isinstance(number, int | float) and number < 0:
                raise UsageError(f"{section}.{name} is {number}; it cannot be below 0.")
            if name.endswith(("dropout_prob", "beta1", "beta2")) and number >= 1:
                raise UsageError(f"{section}.{name} is {number}; it lies between 0 and 1.")
