"""`compare`: two results, or one and the paper."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..errors import ToleranceError, UsageError
from ..request import locate
from ..results import read_record


def execute(args: argparse.Namespace) -> int:
    """Print the differences; exit 5 when they would mean nothing, 6 when outside --tolerance."""
    if (args.b is None) == (args.paper is None):
        raise UsageError("compare takes either a second record or --paper ROW.")
    if args.tolerance is not None and args.paper is None:
        raise UsageError("--tolerance goes with --paper.")
    # Not `< 0`: every comparison with NaN is false, and would let anything pass.
    if args.tolerance is not None and not args.tolerance >= 0:
        raise UsageError(f"--tolerance {args.tolerance:g} is not a number of points from 0.")

    from ..comparison import compare, compare_with_paper

    a = read_record(args.a)
    if args.paper:
        rows = compare_with_paper(a, args.paper)
    else:
        where = locate(args.data, args.files)
        rows = compare((args.a, a), (args.b, read_record(args.b)), where)
    print(json.dumps(rows, indent=1) if args.format == "json" else _table(rows))
    distance = 100 * rows[-1]["difference"]
    if args.tolerance is not None and abs(distance) > args.tolerance:
        raise ToleranceError(f"the mean is {distance:+.2f} points from {args.paper}, more than {args.tolerance:g}.")
    return 0


def _table(rows: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    shown = [
        [
            r["language"],
            f"{100 * r['a']:.1f}",
            f"{100 * r['b']:.1f}",
            f"{100 * r['difference']:+.1f}",
            "-" if r["ci95"] is None else f"{100 * r['ci95'][0]:+.1f} to {100 * r['ci95'][1]:+.1f}",
            "-" if r["p"] is None else f"{r['p']:.3f}",
        ]
        for r in rows
    ]
    text: str = tabulate(shown, ["language", "A", "B", "A - B", "95 % interval", "p"], disable_numparse=True)
    return text
