"""`list`: the benchmarks, protocols, presets and settings that exist."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from ..benchmarks import all_benchmarks
from ..benchmarks.base import Benchmark
from ..protocols import PROTOCOLS, SELECTIONS
from ..settings import describe


def execute(args: argparse.Namespace) -> int:
    """Print the catalogue."""
    print(json.dumps(catalogue(), indent=1, ensure_ascii=False) if args.json else "\n".join(_lines()))
    return 0


def catalogue() -> dict[str, Any]:
    """Everything `list --json` shows."""
    return {
        "benchmarks": [
            {
                "name": b.name,
                "title": b.title,
                "languages": list(b.languages),
                "protocols": list(b.protocols),
                "metrics": {code: list(b.task_of(code).metrics) for code in b.languages},
                "labels": {code: list(b.task_of(code).labels) for code in b.languages},
                "runs_by_default": list(b.chosen or b.languages),
                "reported_on": b.tested,
                "plugin": b.plugin,
                "licence": b.licence,
                "reference": b.reference,
                "presets": {
                    p.name: {"settings": asdict(p.settings), "seeds": list(p.seeds), "source": p.source}
                    for p in b.presets
                },
            }
            for b in all_benchmarks()
        ],
        "protocols": [{"name": p.name, "summary": p.summary, "selections": list(p.selections)} for p in PROTOCOLS],
        "selections": SELECTIONS,
    }


def _lines() -> list[str]:
    lines = []
    for b in all_benchmarks():
        lines += [f"{b.name}: {b.title}; {_metrics(b)}; {b.licence}", f"  languages: {' '.join(b.languages)}"]
        if b.chosen:
            lines.append(f"  run by default: {' '.join(b.chosen)}")
        lines += [f"  protocols: {', '.join(b.protocols)}"]
        lines += [
            f"  preset {p.name} (seeds {', '.join(map(str, p.seeds))}): {describe(p.settings)}" for p in b.presets
        ]
    lines += [f"protocol {p.name}: {p.summary}" for p in PROTOCOLS]
    lines += [f"selection {name}: {meaning}" for name, meaning in SELECTIONS.items()]
    return lines


def _metrics(benchmark: Benchmark) -> str:
    """The first metric of each column, each once."""
    return ", ".join(dict.fromkeys(benchmark.task_of(code).metrics[0] for code in benchmark.languages))
