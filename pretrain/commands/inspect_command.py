"""`pretrain inspect`: what shards hold."""

from __future__ import annotations

import argparse
import sys

from xlmr_bench.errors import UsageError
from xlmr_bench.modeling.tokenizer import load_sentencepiece
from xlmr_bench.progress import amount

from ..shards import TOKEN_BYTES, Manifest, TokenStream, open_shards, verify
from ..tables import block_text, blocks, shards_table


def execute(args: argparse.Namespace) -> int:
    """A table of the languages, or blocks of one as text; with --verify, every file against its digest first."""
    if args.blocks < 1 or args.block_tokens < 1:
        raise UsageError("--blocks and --block-tokens must be at least 1.")
    manifest = open_shards(args.shards)
    if args.verify:
        verify(manifest)
        files = [f for shards in manifest.languages.values() for f in shards.files]
        size = amount(sum(f.tokens for f in files) * TOKEN_BYTES, "B")
        print(f"{len(files)} files, {size}: as in the manifest", file=sys.stderr)
    if args.language is None:
        print(shards_table(manifest.languages))
        print(f"\n{manifest.vocab_size:,} ids; digest {manifest.digest}")
    else:
        _show(manifest, args.language, args.blocks, args.block_tokens)
    return 0


def _show(manifest: Manifest, language: str, count: int, length: int) -> None:
    stream = TokenStream(manifest, language)
    tokenizer = load_sentencepiece(manifest.tokenizer_file, num_threads=1)
    for number, (start, stop) in enumerate(blocks(stream, count, length)):
        if number:
            print()
        print(f"{language}: tokens {start:,} to {stop:,} of {len(stream):,}")
        print(block_text(stream.read(start, stop), tokenizer))
