"""The encoder that the settings describe: its shape, its parameters, its FLOP. Arithmetic alone, no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xlmr_bench.errors import UsageError, unknown_name
from xlmr_bench.modeling.config import FIRST_POSITION, SIZES, EncoderConfig

from .settings import Settings


def encoder_config(settings: Settings, vocab_size: int) -> EncoderConfig:
    """The encoder's shape for a vocabulary of `vocab_size` ids.

    Positions cover the block and at least the size's own 512 tokens, so that fine-tuning may use longer inputs.
    """
    m = settings.model
    if m.size not in SIZES:
        raise unknown_name("model.size", m.size, SIZES)
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    chosen = {name: getattr(m, name) for name in names if getattr(m, name)}
    config = replace(
        SIZES[m.size],
        vocab_size=vocab_size,
        hidden_dropout_prob=m.hidden_dropout_prob,
        attention_probs_dropout_prob=m.attention_probs_dropout_prob,
        initializer_range=m.initializer_range,
        **chosen,
    )
    if settings.data.block_tokens > config.max_tokens:
        raise UsageError(
            f"data.block_tokens is {settings.data.block_tokens}, but the encoder takes at most {config.max_tokens} "
            f"tokens ({config.max_position_embeddings} positions, the first {FIRST_POSITION} unused)."
        )
    return config


def parameter_table(config: EncoderConfig) -> dict[str, int]:
    """Parameters by component. Their sum is the encoder's plus the MLM head's; the head's output weights are tied."""
    h, f, n, v = config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.vocab_size
    return {
        "word embeddings": v * h,
        "position embeddings": config.max_position_embeddings * h,
        "embedding norm": 2 * h,
        f"attention x {n}": n * 4 * (h * h + h),
        f"feed-forward x {n}": n * (h * f + f + f * h + h),
        f"layer norms x {n}": n * 4 * h,
        "MLM head (dense, norm, bias)": h * h + h + 2 * h + v,
    }


@dataclass(frozen=True)
class Flops:
    """Training FLOP a token of input: a multiplication and an addition, once forwards and twice backwards."""

    matmuls: float
    attention: float
    head: float
    head_everywhere: float  # what the head would cost if it read every position

    @property
    def total(self) -> float:
        """With the head on masked positions only."""
        return self.matmuls + self.attention + self.head


def flops(config: EncoderConfig, block_tokens: int, masked_per_block: float) -> Flops:
    """FLOP by part; norms, softmax, GELU and the optimizer are left out, as is usual for MFU."""
    h, n = config.hidden_size, config.num_hidden_layers
    weights = n * (4 * h * h + 2 * h * config.intermediate_size)
    scores = n * 2 * block_tokens * h  # each token's query with T keys, its weights with T values
    head = h * h + config.vocab_size * h
    return Flops(6 * weights, 6 * scores, 6 * head * masked_per_block / block_tokens, 6 * head)


def flops_per_token(config: EncoderConfig, block_tokens: int, masked_per_block: float) -> float:
    """All training FLOP a token, what MFU counts."""
    return flops(config, block_tokens, masked_per_block).total
