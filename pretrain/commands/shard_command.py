"""`pretrain shard`: tokenise text into shards."""

from __future__ import annotations

import argparse
import sys

from xlmr_bench.progress import amount

from ..sharding import shard_text
from ..tables import shards_table


def execute(args: argparse.Namespace) -> int:
    """Write the shards, then a table of what they hold on stdout."""
    done = shard_text(
        args.text,
        args.out,
        args.tokenizer,
        languages=args.languages,
        workers=args.workers,
        line_documents=args.line_documents,
    )
    print(shards_table(done.languages))
    if others := sorted({p.parent.name for p in args.out.glob("*/00000.json")} - set(done.languages)):
        print(f"not asked for now, so not in the manifest: {', '.join(others)}", file=sys.stderr)
    if done.text_bytes:
        rate = amount(done.text_bytes / max(done.seconds, 1e-3), "B")
        processes = f"{args.workers} process{'es' * (args.workers > 1)}"
        print(f"tokenised {amount(done.text_bytes, 'B')} of text, {rate}/s with {processes}", file=sys.stderr)
    else:
        print("nothing was left to do: all of the text was tokenised before", file=sys.stderr)
    return 0
