"""`table`: one of the paper's tables, with our results beside the published rows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import UsageError
from ..files import write_text
from ..tables import build, find_table
from ..tables.grid import below
from ..tables.layout import FactTable
from ..tables.render import render

RUNS = Path("leaderboards/runs")


def execute(args: argparse.Namespace) -> int:
    """Print the table, or write it to --output."""
    runs: Path | None = args.runs
    if isinstance(find_table(args.number), FactTable):
        if runs is not None or args.any_data:
            raise UsageError(f"table {args.number} holds facts of the paper, no results. Leave out --runs, --any-data.")
    elif args.paper_only:
        if runs is not None or args.any_data:
            raise UsageError("--paper-only shows no results of runs. Leave it out, or leave out --runs and --any-data.")
    elif runs is None and RUNS.is_dir():
        runs = RUNS
    sheet = build(args.number, runs, any_data=args.any_data)
    rendered = render(sheet, args.format)
    if args.output is None:
        print(rendered)
    else:
        write_text(args.output, rendered + "\n")
    if args.format == "csv":  # which has no place for them
        for line in below(sheet):
            print(f"xlmr_bench: {line}", file=sys.stderr)
    return 0
