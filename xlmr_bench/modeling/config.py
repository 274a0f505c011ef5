"""The shape of an XLM-R encoder, spelled as in Hugging Face's `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import DataError

# Ids of XLM-R's special tokens: piece i of the SentencePiece model is id i + 1, `<mask>` is the last id.
BOS_ID, PAD_ID, EOS_ID, UNK_ID = 0, 1, 2, 3
# The first real position (fairseq counts positions from padding_idx + 1), so 514 rows mean 512 tokens.
FIRST_POSITION = PAD_ID + 1


@dataclass(frozen=True)
class EncoderConfig:
    """Encoder hyper-parameters (paper Table 7); the defaults are XLM-R Base."""

    vocab_size: int = 250_002
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 514
    layer_norm_eps: float = 1e-5
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise DataError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads {self.num_attention_heads}"
            )

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens, special tokens included."""
        return self.max_position_embeddings - FIRST_POSITION

    @property
    def head_size(self) -> int:
        """Dimensions of one attention head."""
        return self.hidden_size // self.num_attention_heads

    def parameters(self) -> int:
        """Number of encoder parameters, embeddings and normalisations included, heads excluded."""
        h, f = self.hidden_size, self.intermediate_size
        layer = 4 * (h * h + h) + (h * f + f) + (f * h + h) + 4 * h
        return (self.vocab_size + self.max_position_embeddings) * h + 2 * h + self.num_hidden_layers * layer

    def to_hf(self, **extra: Any) -> dict[str, Any]:
        """The content of a `config.json` that Hugging Face's XLM-R classes load."""
        return {
            "model_type": "xlm-roberta",
            **asdict(self),
            "hidden_act": "gelu",
            "type_vocab_size": 1,
            "position_embedding_type": "absolute",
            "bos_token_id": BOS_ID,
            "pad_token_id": PAD_ID,
            "eos_token_id": EOS_ID,
            **extra,
        }

    @classmethod
    def from_hf(cls, values: Mapping[str, Any], where: str) -> EncoderConfig:
        """Read a Hugging Face configuration; refuse one that this encoder would compute differently."""
        expected = {
            "model_type": "xlm-roberta",
            "hidden_act": "gelu",
            "position_embedding_type": "absolute",
            "type_vocab_size": 1,
            "pad_token_id": PAD_ID,
        }
        for key, value in expected.items():
            if values.get(key, value) != value:
                raise DataError(
                    f"{where}: {key} is {values[key]!r}, an XLM-R encoder has {value!r}. "
                    "Give other architectures as hf:FOLDER."
                )
        names = {f.name for f in fields(cls)}
        missing = [n for n in ("vocab_size", "hidden_size", "num_hidden_layers") if n not in values]
        if missing:
            raise DataError(f"{where}: {', '.join(missing)} missing; this is not a model configuration")
        return cls(**{k: v for k, v in values.items() if k in names and v is not None})


# `init --size`: base and large are the paper's (Table 7); tiny and small are for laptops and tests, mini for the
# miniature world: what narrow matrices pass on at a deviation of .02 is too little to learn from.
SIZES: dict[str, EncoderConfig] = {
    "mini": EncoderConfig(
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
        initializer_range=0.1,
    ),
    "tiny": EncoderConfig(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024),
    "small": EncoderConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=6, intermediate_size=1536),
    "base": EncoderConfig(),
    "large": EncoderConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
}
