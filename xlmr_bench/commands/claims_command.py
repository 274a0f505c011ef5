"""`claims`: what the paper says, whether its own numbers bear it out, and whether ours do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..claims import CLAIMS
from ..claims.claim import Claim
from ..errors import UsageError, unknown_name

DEFAULT_RUNS = Path("leaderboards/runs")


def execute(args: argparse.Namespace) -> int:
    """Print the claims with their verdicts. Without runs the paper's own evidence is shown."""
    chosen = _chosen(args.only)

    from ..claims.printed import read_book
    from ..claims.runs import Runs, bind, load_runs
    from ..claims.show import as_json, as_table
    from ..claims.verdict import PRETRAIN, UNTESTED, find

    book = read_book()
    place = args.runs or DEFAULT_RUNS
    runs = load_runs(place) if args.runs or place.exists() else Runs({})
    if args.model and not runs.models:
        raise UsageError(f"--model names runs, but {place} holds none. Give --runs DIR.")
    bound = bind(runs, args.model, [row.model for row in book.values()])
    findings = [find(claim, book, bound) for claim in chosen]
    if args.untested:
        findings = [f for f in findings if f.verdict in (UNTESTED, PRETRAIN)]
    if args.format == "json":
        print(as_json(findings, runs.excluded))
    else:
        print(as_table(findings, runs.excluded, args.format))
    return 0


def _chosen(only: Sequence[str]) -> list[Claim]:
    """The claims of these names; a name stands for all that begin with it, unless it is that of a claim."""
    names = {c.id for c in CLAIMS}
    for prefix in only:
        if not any(name.startswith(prefix) for name in names):
            raise unknown_name("claim", prefix, [c.id for c in CLAIMS])
    whole = [p for p in only if p in names]
    prefixes = tuple(p for p in only if p not in names)
    return [c for c in CLAIMS if not only or c.id in whole or c.id.startswith(prefixes)]
