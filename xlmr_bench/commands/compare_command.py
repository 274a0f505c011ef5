"""`compare`: two results, or one and the paper."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..errors import NotComparableError, ToleranceError, UsageError
from ..request import locate


def execute(args: argparse.Namespace) -> int:
    """Print the differences; exit 5 when they would mean nothing, 6 when outside --tolerance or, --strict, noise."""
    if (args.b is None) == (args.paper is None):
        raise UsageError("compare takes either a second record or --paper ROW.")
    strict = args.strict
    for option, given in (("--tolerance", args.tolerance is not None), ("--strict", strict)):
        if given and args.paper is None:
            raise UsageError(f"{option} goes with --paper.")
    # Not `< 0`: every comparison with NaN is false, and would let anything pass.
    if args.tolerance is not None and not args.tolerance >= 0:
        raise UsageError(f"--tolerance {args.tolerance:g} is not a number of points from 0.")

    from ..comparison import compare_sides, distance_to_paper, paper_remarks, remarks
    from ..pairing import load_side

    a = load_side(args.a)
    if args.paper:
        rows = distance_to_paper([record for _, record in a.runs], args.paper)
        _print(args.format, rows, _paper_table(rows), paper_remarks(a, args.paper))
        _judge(args, strict, rows)
        return 0
    b = load_side(args.b)
    rows = compare_sides(a, b, locate(args.data, args.files))
    _print(args.format, rows, _table(rows), remarks(a, b))
    return 0


def _judge(args: argparse.Namespace, strict: bool, rows: list[dict[str, Any]]) -> None:
    distance = 100 * rows[-1]["difference"]
    if args.tolerance is not None and abs(distance) > args.tolerance:
        raise ToleranceError(f"the mean is {distance:+.2f} points from {args.paper}, more than {args.tolerance:g}.")
    if not strict:
        return
    if any(r["inside"] is None for r in rows):
        raise NotComparableError("--strict: one seed does not tell the noise of seeds. Give a folder of several seeds.")
    outside = [f"{r['language']} {100 * r['difference']:+.1f}" for r in rows if not r["inside"]]
    if outside:
        raise ToleranceError(f"outside the noise of seeds around {args.paper}: {', '.join(outside)} points.")


def _print(style: str, rows: list[dict[str, Any]], table: str, remarks: list[str]) -> None:
    if style == "json":
        print(json.dumps({"rows": rows, "remarks": remarks}, indent=1, ensure_ascii=False))
    else:
        print("\n".join([*remarks, "", table]))


def _table(rows: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    shown = [
        [
            r["language"],
            *_values(r),
            f"{100 * r['ci95'][0]:+.1f} to {100 * r['ci95'][1]:+.1f}",
            _number(r["p"], ".3f"),
            _number(r["p_holm"], ".3f"),
            "-" if r["effect"] is None else f"{r['effect']:+.2f} {r['effect_name']}",
            _verdict(r),
        ]
        for r in rows
    ]
    head = ["language", "A", "B", "A - B", "95 % interval", "p", "p (Holm)", "effect", "verdict"]
    text: str = tabulate(shown, head, disable_numparse=True)
    return text


def _verdict(row: dict[str, Any]) -> str:
    if not row["significant"]:
        return "not different"
    return "A better" if row["difference"] > 0 else "B better"


def _paper_table(rows: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    words = {None: "unknown", True: "inside", False: "outside"}
    shown = [
        [
            r["language"],
            *_values(r),
            _number(None if r["std"] is None else 100 * r["std"], ".1f"),
            _number(r["p_holm"], ".3f"),
            words[r["inside"]],
        ]
        for r in rows
    ]
    head = ["language", "ours", "paper", "distance", "sd over seeds", "p (Holm)", "noise of seeds"]
    text: str = tabulate(shown, head, disable_numparse=True)
    return text


def _values(row: dict[str, Any]) -> list[str]:
    return [f"{100 * row['a']:.1f}", f"{100 * row['b']:.1f}", f"{100 * row['difference']:+.1f}"]


def _number(value: float | None, style: str) -> str:
    return "-" if value is None else format(value, style)
