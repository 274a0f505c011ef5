"""The heads on top of the encoder, named and shaped as in Hugging Face's XLM-R classes.

Shapes: B examples, T tokens, K positions read, H hidden size, C classes, V vocabulary, N selected tokens.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import EncoderConfig
from .dropout import ExampleDropout


class SequenceHead(nn.Module):
    """Classifies an input by the last layer's `<s>` vector, the one position it is given.

    With `dense`: dropout, dense, tanh, dropout, linear (fairseq, Hugging Face). Without: dropout and one linear
    layer, the head of the authors' PyText code for XNLI.
    """

    def __init__(self, hidden_size: int, classes: int, *, dense: bool, dropout: float) -> None:
        super().__init__()
        self.p = dropout
        self.dense = nn.Linear(hidden_size, hidden_size) if dense else None
        self.out = nn.Linear(hidden_size, classes)

    def forward(self, hidden_BKH: Tensor, drop: ExampleDropout | None = None) -> Tensor:
        """Logits (B, K, C)."""
        x = hidden_BKH if drop is None else drop(hidden_BKH, self.p)
        if self.dense is not None:
            x = torch.tanh(self.dense(x))
            if drop is not None:
                x = drop(x, self.p)
        logits: Tensor = self.out(x)
        return logits


class TokenHead(nn.Module):
    """Dropout and one linear layer at every position: tags (C classes), or starts and ends of answers (C = 2)."""

    def __init__(self, hidden_size: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.p = dropout
        self.out = nn.Linear(hidden_size, classes)

    def forward(self, hidden_BKH: Tensor, drop: ExampleDropout | None = None) -> Tensor:
        """Logits (B, K, C)."""
        logits: Tensor = self.out(hidden_BKH if drop is None else drop(hidden_BKH, self.p))
        return logits


class MlmHead(nn.Module):
    """Dense, GELU, LayerNorm, then the transposed word embeddings and a bias."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        h = config.hidden_size
        self.dense = nn.Linear(h, h)
        self.norm = nn.LayerNorm(h, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden_NH: Tensor, embeddings_VH: Tensor) -> Tensor:
        """Logits (N, V) for the selected tokens only: over all tokens this would be the largest tensor of all."""
        return F.linear(self.transform(hidden_NH), embeddings_VH, self.bias)

    def transform(self, hidden_NH: Tensor) -> Tensor:
        """What is compared with the embeddings, (N, H)."""
        transformed: Tensor = self.norm(F.gelu(self.dense(hidden_NH)))
        return transformed
