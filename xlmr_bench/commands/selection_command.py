"""`selection`: what English-dev, joint and per-language selection give for one run, and the oracle as a bound."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..selection_report import RunReport, SeedReport


def execute(args: argparse.Namespace) -> int:
    """Print a table a run."""
    from ..selection_report import selection_report

    reports = selection_report(args.place)
    if args.format == "json":
        print(json.dumps([asdict(r) for r in reports], indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(_text(r) for r in reports))
    return 0


def _text(report: RunReport) -> str:
    from tabulate import tabulate

    from ..selection_report import ORACLE

    title = f"{report.model}: {report.benchmark} {report.protocol}, {len(report.seeds)} seeds, test scores (%) by rule"
    base = next(iter(report.values.values()), {}).get("avg")
    rows = [
        [
            "oracle (upper bound)" if rule == ORACLE else rule,
            f"{100 * values['avg']:.1f}",
            "-" if base is None else f"{100 * (values['avg'] - base):+.1f}",
            _percent(report.std[rule]),
            *(f"{100 * values[code]:.1f}" for code in report.columns),
        ]
        for rule, values in report.values.items()
    ]
    first = next(iter(report.values), "-")
    head = ["selected by", "avg", f"vs {first}", "± sd", *report.columns]
    lines = [title, tabulate(rows, head, disable_numparse=True)]
    lines += [_seed_line(seed) for seed in report.seeds]
    lines.append(
        "oracle: by column the best test score among the checkpoints that a rule selected, for others were never "
        "tested; an upper bound among those, and no result"
    )
    if report.limited:
        lines.append(f"LIMITED to {report.limited} examples a split: no result")
    return "\n".join(lines)


def _seed_line(seed: SeedReport) -> str:
    """Which checkpoints each rule chose."""
    parts = []
    for rule, steps in seed.steps.items():
        chosen = [f"{tuning} {step:,}" for tuning, step in sorted(set(steps.values()))]
        parts.append(f"{rule}: {', '.join(chosen)}")
    text = f"seed {seed.seed}: {seed.tested} of {seed.evaluated} evaluated checkpoints tested ({'; '.join(parts)})"
    return text if seed.collapsed is None else f"{text}; COLLAPSED, in no mean: {seed.collapsed}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
