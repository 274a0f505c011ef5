"""`convert`: checkpoint folders between layouts."""

from __future__ import annotations

import argparse


def execute(args: argparse.Namespace) -> int:
    """Convert and say what was written."""
    from ..modeling.checkpoint import convert

    convert(args.source, args.to, args.target)
    print(f"{args.target}: {args.to} layout of {args.source}")
    return 0
