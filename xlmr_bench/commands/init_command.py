"""`init`: a randomly initialised model."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..request import MINIATURE


def execute(args: argparse.Namespace) -> int:
    """Write the checkpoint folder and say what it is."""
    from ..modeling.create import create_random

    if args.tokenizer == MINIATURE:
        from ..miniature import miniature_folder

        tokenizer = miniature_folder() / "sentencepiece.bpe.model"
    else:
        tokenizer = Path(args.tokenizer)
    made = create_random(args.size, tokenizer, args.out, args.seed)
    parameters, vocabulary = made.config.parameters(), made.config.vocab_size
    print(f"{args.out}: {args.size}, {parameters:,} encoder parameters, vocabulary {vocabulary:,}")
    return 0
