"""`export`: results in the formats of others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import UsageError
from ..files import write_text


def execute(args: argparse.Namespace) -> int:
    """Write the documents below --out and print where, or print the one there is."""
    from ..exports import FORMATS, Publisher, collect

    if args.format not in FORMATS:
        raise UsageError(f"unknown format {args.format!r}. Known: {', '.join(FORMATS)}.")
    publisher = Publisher(args.model_id, args.organization, args.relationship)
    results = collect(args.records, anything=args.any)
    documents = FORMATS[args.format](results, publisher)
    out: Path | None = args.out
    if out is None and len(documents) > 1:
        raise UsageError(f"{args.format} makes {len(documents)} files of these records: give a folder (--out DIR).")
    for document in documents:
        if out is None:
            print(document.text, end="")
        else:
            write_text(out / document.path, document.text)
            print(out / document.path)
    for mark in dict.fromkeys(mark for result in results for mark in result.marks):
        print(f"xlmr_bench: exported and marked: {mark}", file=sys.stderr)
    return 0
