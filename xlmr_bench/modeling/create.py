"""A randomly initialised model in a checkpoint folder: the start of pretraining, and a baseline without any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from ..errors import unknown_name
from .checkpoint import Checkpoint, open_checkpoint, save_checkpoint
from .config import SIZES
from .encoder import Encoder, initialise
from .heads import MlmHead
from .tokenizer import load_sentencepiece


def create_random(size: str, tokenizer_file: Path, out: Path, seed: int) -> Checkpoint:
    """Save an encoder of `size` (`SIZES`) with an MLM head; the weights depend on the arguments alone.

    The vocabulary is the tokenizer's. Raises UsageError for an unknown size or an occupied folder, DataError for a
    file that is not an XLM-R SentencePiece model.
    """
    if size not in SIZES:
        raise unknown_name("size", size, SIZES)
    config = replace(SIZES[size], vocab_size=load_sentencepiece(tokenizer_file).vocab_size)
    with torch.device("meta"):  # the modules' own initialisation would be thrown away
        encoder, head = Encoder(config), MlmHead(config)
    generator = torch.Generator().manual_seed(seed)
    for module in (encoder, head):
        module.to_empty(device="cpu")
        initialise(module, config.initializer_range, generator)
    nn.init.zeros_(head.bias)
    state = nn.ModuleDict({"encoder": encoder, "head": head}).state_dict()
    provenance = {"initialised": {"size": size, "seed": seed}}
    save_checkpoint(out, config, state, tokenizer_file, kind="mlm", labels=None, provenance=provenance)
    return open_checkpoint(out)
