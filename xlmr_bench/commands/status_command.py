"""`status`: what became of the jobs that `run --launcher` sent."""

from __future__ import annotations

import argparse
import json

from ..sweep.show import as_json, as_text
from ..sweep.status import rows_of


def execute(args: argparse.Namespace) -> int:
    """Print all jobs of a folder of results; failures among them are no failure of this command."""
    rows = rows_of(args.output)
    if args.json:
        print(json.dumps(as_json(rows), indent=1, ensure_ascii=False))
    elif rows:
        print(as_text(rows))
    else:
        print(
            f"no jobs were sent into {args.output}. Send some: "
            "python -m xlmr_bench run xnli --model ckpt/ --launcher local (or slurm)"
        )
    return 0
