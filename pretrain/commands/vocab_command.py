"""`pretrain vocab`: train a SentencePiece vocabulary."""

from __future__ import annotations

import argparse
import sys

from tabulate import tabulate

from xlmr_bench.errors import Interrupted

from ..vocabulary import Options, Sample, train_vocabulary


def execute(args: argparse.Namespace) -> int:
    """Write the model and a record beside it, then a table of the sample on stdout."""
    options = Options(args.size, args.type, args.alpha, args.lines, args.character_coverage, args.threads)
    try:
        samples = train_vocabulary(args.text, args.out, options, args.languages, _tell)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written, and the same command starts anew.") from None
    print(_table(samples))
    _tell(f"wrote {args.out} and {args.out}.json")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _table(samples: dict[str, Sample]) -> str:
    total = sum(s.taken for s in samples.values())
    rows = [[code, f"{s.lines:,}", f"{s.taken:,}", f"{100 * s.taken / total:.2f}"] for code, s in samples.items()]
    if len(rows) > 1:
        rows.append(["all", f"{sum(s.lines for s in samples.values()):,}", f"{total:,}", "100.00"])
    head = ("language", "lines", "sampled", "share %")
    text: str = tabulate(rows, head, tablefmt="simple", disable_numparse=True, colalign=("left", *["right"] * 3))
    return text
