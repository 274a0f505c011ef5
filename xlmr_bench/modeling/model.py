"""An encoder with the head of a task, whatever the encoder comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .checkpoint import Checkpoint, load_state, open_checkpoint
from .dropout import ExampleDropout
from .encoder import Encoder, initialise
from .heads import SequenceHead, TokenHead
from .tokenizer import Tokenizer, load_sentencepiece

TRANSFORMERS_PREFIX = "hf:"


@dataclass(frozen=True)
class Source:
    """A pretrained model as the user named it: what it is, before its weights are read.

    `checkpoint` is set for XLM-R folders; otherwise the weights come through `transformers`.
    """

    spec: str
    name: str
    tokenizer: Tokenizer
    identity: dict[str, Any]
    max_tokens: int
    checkpoint: Checkpoint | None = None


class Model(nn.Module):
    """Encoder and head."""

    def __init__(self, encoder: nn.Module, head: SequenceHead | TokenHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(
        self, ids_BT: Tensor, lengths_B: Tensor, drop: ExampleDropout | None = None, reads_BK: Tensor | None = None
    ) -> Tensor:
        """Outputs (B, K, C) at the positions `reads_BK` of each input; without them at `<s>`, (B, 1, C)."""
        if reads_BK is None:
            reads_BK = torch.zeros(len(ids_BT), 1, dtype=torch.long, device=ids_BT.device)
        outputs: Tensor = self.head(self.encoder(ids_BT, lengths_B, drop, reads_BK), drop)
        return outputs


def open_source(spec: str) -> Source:
    """Check the model folder (or `hf:NAME_OR_FOLDER`) and load its tokenizer, not its weights."""
    if spec.startswith(TRANSFORMERS_PREFIX):
        from .transformers_backbone import describe_transformers

        return describe_transformers(spec)
    checkpoint = open_checkpoint(Path(spec))
    identity = {
        "name": checkpoint.name,
        "spec": spec,
        "layout": checkpoint.layout,
        "architecture": checkpoint.architecture,
        "weights_sha256": checkpoint.weights_digest,
        "tokenizer_sha256": checkpoint.tokenizer_digest,
        "parameters": checkpoint.config.parameters(),
        "config": checkpoint.config.to_hf(),
    }
    tokenizer = load_sentencepiece(checkpoint.tokenizer_file)
    return Source(spec, checkpoint.name, tokenizer, identity, checkpoint.config.max_tokens, checkpoint)


def build_model(
    source: Source,
    kind: str,
    outputs: int,
    *,
    dense: bool,
    dropout: float,
    attention_dropout: float,
    head_dropout: float,
    seed: int,
) -> Model:
    """The pretrained encoder with a fresh head of `kind` (a task's `head`), drawn from `seed`; fp32, on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    if source.checkpoint is None:
        from .transformers_backbone import load_transformers

        loaded = load_transformers(source.spec.removeprefix(TRANSFORMERS_PREFIX), dropout, attention_dropout)
        encoder: nn.Module = loaded[0]
        hidden, std = loaded[0].hidden_size, 0.02
    else:
        config = replace(
            source.checkpoint.config, hidden_dropout_prob=dropout, attention_probs_dropout_prob=attention_dropout
        )
        with torch.device("meta"):  # the weights come from the file: initialising them would be wasted
            encoder = Encoder(config)
        state = load_state(source.checkpoint, head=None)
        encoder.load_state_dict({k.removeprefix("encoder."): v for k, v in state.items()}, assign=True)
        hidden, std = config.hidden_size, config.initializer_range
    head = _head(kind, hidden, outputs, dense, head_dropout)
    initialise(head, std, generator)
    return Model(encoder, head)


def load_fine_tuned(source: Source, kind: str, labels: tuple[str, ...], outputs: int) -> Model:
    """A fine-tuned checkpoint folder with its head; its outputs are put into the order of `labels` by name.

    Label order differs between publishers (c/n/e, c/e/n, e/n/c): mapping by position scores such models at 6 %.
    """
    checkpoint = source.checkpoint
    theirs = list(checkpoint.labels) if checkpoint else []
    if checkpoint is None or (labels and sorted(theirs) != sorted(labels)):
        wanted = f"no classifier for the labels {', '.join(labels)}" if labels else f"no {kind} head"
        raise UsageError(
            f"{source.spec} has {wanted} (found: {', '.join(theirs) or 'none'}). "
            "Fine-tune one: python -m xlmr_bench run ... --save-models."
        )
    state = load_state(checkpoint, head=kind)
    head = _head(kind, checkpoint.config.hidden_size, outputs, "head.dense.weight" in state, 0.0)
    model = Model(Encoder(checkpoint.config), head)
    if labels:
        order = torch.tensor([theirs.index(label) for label in labels])
        for name in ("head.out.weight", "head.out.bias"):
            state[name] = state[name][order]
    if len(state["head.out.bias"]) != outputs:
        raise UsageError(f"{source.spec}: its head has {len(state['head.out.bias'])} outputs, not {outputs}.")
    model.load_state_dict(state)
    return model.eval()


def _head(kind: str, hidden_size: int, outputs: int, dense: bool, dropout: float) -> SequenceHead | TokenHead:
    if kind == "sequence":
        return SequenceHead(hidden_size, outputs, dense=dense, dropout=dropout)
    return TokenHead(hidden_size, outputs, dropout=dropout)
