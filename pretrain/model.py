"""The model under pretraining: encoder, MLM head and loss in one module, so that one forward pass is one call.

Shapes: B blocks, T tokens of a block, K masked positions of a block, H hidden size, V vocabulary.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.checkpoint import load_state, open_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.dropout import ExampleDropout
from xlmr_bench.modeling.encoder import Encoder, initialise
from xlmr_bench.modeling.heads import MlmHead

from .loss import row_losses, summed_loss
from .settings import Settings
from .shape import encoder_config


class MaskedLM(nn.Module):
    """Encoder and MLM head with tied embeddings."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.head = MlmHead(config)

    def forward(
        self,
        ids_BT: Tensor,
        positions_BK: Tensor,
        targets_BK: Tensor,
        drop: ExampleDropout | None = None,
        scale: float | None = None,
    ) -> Tensor:
        """`scale` x the summed loss of the masked tokens, fp32; without `scale` the loss of each, (B, K).

        The blocks are full: nothing is padded.
        """
        hidden_BKH = self.encoder(ids_BT, None, drop, positions_BK)
        h_NH = self.head.transform(hidden_BKH.flatten(0, 1))
        embeddings, targets = self.encoder.word_embeddings.weight, targets_BK.flatten()
        if scale is None:
            return row_losses(h_NH, embeddings, self.head.bias, targets).view(targets_BK.shape)
        return summed_loss(h_NH, embeddings, self.head.bias, targets, scale)


def build_model(settings: Settings, vocab_size: int, tokenizer_sha256: str) -> MaskedLM:
    """The model at step 0 in fp32: random from `training.seed`, or the weights of `model.start_from`."""
    config = encoder_config(settings, vocab_size)
    start = settings.model.start_from
    with torch.device("meta"):  # the modules' own initialisation would be thrown away
        model = MaskedLM(config)
    model.to_empty(device="cpu")
    if not start:
        generator = torch.Generator().manual_seed(settings.training.seed)
        for part in (model.encoder, model.head):
            initialise(part, config.initializer_range, generator)
        nn.init.zeros_(model.head.bias)
        return model
    opened = open_checkpoint(Path(start))
    if opened.tokenizer_digest != tokenizer_sha256:
        raise DataError(f"model.start_from {start} has another tokenizer than the shards. Shard the text with its own.")
    state = load_state(opened, head="mlm")
    own = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    other = {name: tuple(t.shape) for name, t in state.items()}
    wrong = sorted(name for name in own.keys() | other.keys() if own.get(name) != other.get(name))
    if wrong:
        raise UsageError(
            f"model.start_from {start} has another shape than [model] describes ({wrong[0]}: {other.get(wrong[0])}, "
            f"described {own.get(wrong[0])}). Set model.size or its numbers to those of that model."
        )
    model.load_state_dict(state)
    return model
