"""The XLM-R encoder: a post-norm RoBERTa body (paper section 3; Table 7 gives the sizes).

Shapes: B examples, T tokens (padded), K positions read by the head, H hidden size, A heads, D = H / A.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .config import FIRST_POSITION, EncoderConfig
from .dropout import ExampleDropout


class Layer(nn.Module):
    """Self-attention and feed-forward, each followed by residual addition and LayerNorm.

    With `recompute` the backward pass computes the layer again instead of keeping its activations in memory.
    """

    dropout_sites = 3

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        h, f = config.hidden_size, config.intermediate_size
        self.config = config
        self.recompute = False
        self.qkv = nn.Linear(h, 3 * h)
        self.attention_out = nn.Linear(h, h)
        self.attention_norm = nn.LayerNorm(h, eps=config.layer_norm_eps)
        self.ffn_in = nn.Linear(h, f)
        self.ffn_out = nn.Linear(f, h)
        self.ffn_norm = nn.LayerNorm(h, eps=config.layer_norm_eps)

    def forward(
        self, x_BTH: Tensor, bias_B11T: Tensor | None, drop: ExampleDropout | None, read_BK: Tensor | None
    ) -> Tensor:
        """Hidden states at every position, or only at `read_BK`: keys and values always cover all positions."""
        if self.recompute and torch.is_grad_enabled():
            again: Tensor = checkpoint(self._compute, x_BTH, bias_B11T, drop, read_BK, use_reentrant=False)
            return again
        return self._compute(x_BTH, bias_B11T, drop, read_BK)

    def _compute(
        self, x_BTH: Tensor, bias_B11T: Tensor | None, drop: ExampleDropout | None, read_BK: Tensor | None
    ) -> Tensor:
        if drop is not None:
            drop.site = 0  # the same masks when computed again
        p = self.config.hidden_dropout_prob
        if read_BK is None:
            queries = x_BTH
            q, k, v = self.qkv(x_BTH).chunk(3, dim=-1)
        else:
            h = self.config.hidden_size
            queries = _pick(x_BTH, read_BK)
            q = F.linear(queries, self.qkv.weight[:h], self.qkv.bias[:h])
            k, v = F.linear(x_BTH, self.qkv.weight[h:], self.qkv.bias[h:]).chunk(2, dim=-1)
        context = self.attention_out(self._attend(q, k, v, bias_B11T, drop))
        x = self.attention_norm(queries + (context if drop is None else drop(context, p)))
        y = self.ffn_out(F.gelu(self.ffn_in(x)))
        out: Tensor = self.ffn_norm(x + (y if drop is None else drop(y, p)))
        return out

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, drop: ExampleDropout | None) -> Tensor:
        """Scaled dot-product attention of q (B, K, H) over k, v (B, T, H); returns (B, K, H)."""
        a, d = self.config.num_attention_heads, self.config.head_size
        q, k, v = (t.view(*t.shape[:2], a, d).transpose(1, 2) for t in (q, k, v))
        p = self.config.attention_probs_dropout_prob
        # The fused kernel is slower than plain products for bf16 on a CPU, and cannot take our dropout masks.
        if q.is_cuda and (drop is None or p == 0.0 or drop.fused_attention):
            dropped = 0.0 if drop is None else p
            out: Tensor = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropped)
        else:
            probabilities = torch.softmax(_scores(q, k, bias), dim=-1)
            out = (probabilities if drop is None else drop(probabilities, p)) @ v
        return out.transpose(1, 2).flatten(-2)


class Encoder(nn.Module):
    """Token ids to contextual vectors. Weights start as in the paper's random baseline (section 5.4): N(0, .02)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        h = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, h)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, h)
        self.embedding_norm = nn.LayerNorm(h, eps=config.layer_norm_eps)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))

    def forward(
        self,
        ids_BT: Tensor,
        lengths_B: Tensor | None,
        drop: ExampleDropout | None = None,
        read_BK: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, T, H), or (B, K, H) at the positions `read_BK` alone.

        `ids_BT` is padded on the right; `lengths_B` counts the real tokens of each example, None where all are real.
        With `read_BK` the last layer is computed only at those positions, which changes nothing in their values.
        """
        T = ids_BT.shape[1]
        positions = self.position_embeddings.weight[FIRST_POSITION : FIRST_POSITION + T]
        x: Tensor = self.embedding_norm(self.word_embeddings(ids_BT) + positions)
        if drop is not None:
            x = drop(x, self.config.hidden_dropout_prob)
        bias = None if lengths_B is None else padding_bias(lengths_B, T, x.dtype)
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            own = None if drop is None else drop.after(1 + i * Layer.dropout_sites)
            x = layer(x, bias, own, read_BK if i == last else None)
        if drop is not None:
            drop.site = 1 + len(self.layers) * Layer.dropout_sites  # the head's masks follow
        return x


def _scores(q_BAKD: Tensor, k_BATD: Tensor, bias_B11T: Tensor | None) -> Tensor:
    """Scaled products of queries and keys plus bias, (B, A, K, T), in one operation: several cost a tenth more."""
    (B, A, K, d), T = q_BAKD.shape, k_BATD.shape[2]
    if bias_B11T is None:
        bias, share = q_BAKD.new_empty(1, 1, 1), 0.0  # not read
    else:
        bias, share = bias_B11T.expand(B, A, K, T).reshape(B * A, K, T), 1.0
    scores = torch.baddbmm(
        bias, q_BAKD.reshape(B * A, K, d), k_BATD.reshape(B * A, T, d).transpose(1, 2), beta=share, alpha=d**-0.5
    )
    return scores.view(B, A, K, T)


def padding_bias(lengths_B: Tensor, T: int, dtype: torch.dtype) -> Tensor | None:
    """0 at real keys and -inf at padding, (B, 1, 1, T); None on a CPU where nothing is padded."""
    if not lengths_B.is_cuda and bool((lengths_B == T).all()):  # asking a GPU would stall it
        return None
    padded_BT = torch.arange(T, device=lengths_B.device) >= lengths_B[:, None]
    bias = torch.zeros(padded_BT.shape, dtype=dtype, device=lengths_B.device)
    return bias.masked_fill_(padded_BT, float("-inf"))[:, None, None, :]


def initialise(module: nn.Module, std: float, generator: torch.Generator) -> None:
    """Fresh weights as in BERT: N(0, std) for matrices and embeddings, 0 for biases, 1 for norms; `<pad>` is 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=std, generator=generator)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
        if isinstance(part, nn.LayerNorm):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
    if isinstance(module, Encoder):
        nn.init.zeros_(module.word_embeddings.weight[FIRST_POSITION - 1])


def _pick(x_BTH: Tensor, read_BK: Tensor) -> Tensor:
    """Rows of x at the positions `read_BK`: (B, K, H)."""
    return torch.gather(x_BTH, 1, read_BK.unsqueeze(-1).expand(-1, -1, x_BTH.shape[-1]))
