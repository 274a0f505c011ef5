"""`export`: a checkpoint of a run as a model folder."""

from __future__ import annotations

import argparse


def execute(args: argparse.Namespace) -> int:
    """Write the folder and say which step it holds."""
    from ..export import export_checkpoint

    step = export_checkpoint(args.run, args.out, args.step)
    print(f"{args.out}: step {step:,} of {args.run}")
    return 0
