"""An encoder with a classification head, whatever the encoder comes from."""

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
from .heads import SequenceHead
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
    """Encoder and head; the logits of a batch come from the `<s>` position."""

    def __init__(self, encoder: nn.Module, head: SequenceHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, ids_BT: Tensor, lengths_B: Tensor, drop: ExampleDropout | None = None) -> Tensor:
        """Logits (B, C)."""
        first_B1 = torch.zeros(len(ids_BT), 1, dtype=torch.long, device=ids_BT.device)
        logits: Tensor = self.head(self.encoder(ids_BT, lengths_B, drop, first_B1), drop)
        return logits


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


def build_classifier(
    source: Source, classes: int, *, head: str, dropout: float, attention_dropout: float, head_dropout: float, seed: int
) -> Model:
    """The pretrained encoder with a fresh classification head, initialised from `seed`; fp32, on the CPU."""
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
    classifier = SequenceHead(hidden, classes, dense=head == "dense", dropout=head_dropout)
    initialise(classifier, std, generator)
    return Model(encoder, classifier)


def load_classifier(source: Source, labels: tuple[str, ...]) -> Model:
    """A fine-tuned checkpoint folder with its head; its logits are put into the order of `labels` by name.

    Label order differs between publishers (c/n/e, c/e/n, e/n/c): mapping by position scores such models at 6 %.
    """
    checkpoint = source.checkpoint
    theirs = list(checkpoint.labels) if checkpoint else []
    if checkpoint is None or sorted(theirs) != sorted(labels):
        raise UsageError(
            f"{source.spec} has no classifier for the labels {', '.join(labels)} "
            f"(found: {', '.join(theirs) or 'none'}). Fine-tune one: python -m xlmr_bench run ... --save-models."
        )
    state = load_state(checkpoint, head="sequence")
    encoder, dense = Encoder(checkpoint.config), "head.dense.weight" in state
    model = Model(encoder, SequenceHead(checkpoint.config.hidden_size, len(labels), dense=dense, dropout=0.0))
    order = torch.tensor([theirs.index(label) for label in labels])
    for name in ("head.out.weight", "head.out.bias"):
        state[name] = state[name][order]
    model.load_state_dict(state)
    return model.eval()
