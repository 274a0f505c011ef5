"""`run`: the main job."""

from __future__ import annotations

import argparse

from ..request import resolve


def execute(args: argparse.Namespace) -> int:
    """Resolve the request before anything heavy is imported, then run it or show what it would do."""
    request = resolve(
        benchmark=args.benchmark,
        model=args.model,
        protocol=args.protocol,
        languages=args.languages,
        data=args.data,
        files=args.files,
        preset=args.preset,
        assignments=args.assignments,
        seeds=args.seeds,
        output=args.output,
        name=args.name,
        limit=args.limit,
        device=args.device,
        save_models=args.save_models,
    )
    from ..device import start_ranks, stop_ranks

    if args.dry_run:
        from ..plan import dry_run

        print(dry_run(request))
        return 0
    from ..report import report
    from ..run import execute as execute_run

    ranks = start_ranks(request.device)
    try:
        records = execute_run(request, ranks)
    finally:
        stop_ranks()
    if ranks.first:
        print(report(records, args.format))
    return 0
