"""`run`: the main job; several of them one after the other, or each as a job of its own."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import Interrupted, PartialError, UsageError, XlmrBenchError
from ..request import Request, resolve_each

if TYPE_CHECKING:
    from ..device import Ranks
    from ..results import Record
    from ..sweep.submit import Launch


def execute(args: argparse.Namespace) -> int:
    """Resolve the requests before anything heavy is imported, then run them or show what they would do."""
    requests = resolve_each(
        benchmarks=args.benchmarks,
        models=args.models,
        protocols=args.protocol,
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
    launch = _launch(args)
    if launch is not None:
        return _send(args, requests, launch)
    from ..device import start_ranks, stop_ranks

    if args.dry_run:
        from ..plan import dry_run

        print("\n".join(dry_run(request) for request in requests))
        return 0
    ranks = start_ranks(args.device)
    try:
        _run(requests, ranks, args.format)
    finally:
        stop_ranks()
    return 0


def _run(requests: Sequence[Request], ranks: Ranks, style: str) -> None:
    """One after the other; one that fails is told, and the rest goes on."""
    from ..report import report
    from ..run import execute as execute_run

    found: list[Record] = []
    failures: list[str] = []
    partly = False
    for request in requests:
        try:
            records = execute_run(request, ranks)
        except XlmrBenchError as e:
            # Processes of one run must stay together, so there the first failure ends all of them.
            if len(requests) == 1 or ranks.world > 1 or isinstance(e, Interrupted):
                raise
            title = f"{request.benchmark.name} {request.protocol.name} with {request.model}"
            print(f"xlmr_bench: {title} failed: {e}", file=sys.stderr)
            failures.append(f"{title}: {e}")
            partly = partly or isinstance(e, PartialError)
            continue
        found += records
        if ranks.first and style == "text":
            print(report(records, style), flush=True)
    if ranks.first and style == "json" and found:
        print(report(found, style))
    if failures:
        some = partly or len(failures) < len(requests)
        words = f"{len(failures)} of {len(requests)} runs failed. " + " | ".join(failures)
        raise PartialError(words) if some else XlmrBenchError(words)


def _launch(args: argparse.Namespace) -> Launch | None:
    """How jobs are to be sent; None where the work is to be done here and now."""
    only = {"--jobs": args.jobs, "--gpus": args.gpus, "--partition": args.partition, "--time": args.time}
    if args.launcher is None:
        for option, value in only.items():
            if value is not None:
                raise UsageError(f"{option} needs --launcher local or slurm.")
        return None
    for option in ("--jobs", "--gpus"):
        if only[option] is not None and only[option] < 1:
            raise UsageError(f"{option} {only[option]}: at least 1 is needed.")
    from ..sweep.submit import Launch, check

    launch = Launch(args.launcher, args.jobs, args.gpus, args.partition, args.time, args.device)
    check(launch)
    return launch


def _send(args: argparse.Namespace, requests: Sequence[Request], launch: Launch) -> int:
    """Each seed of each request as a job: sent to Slurm, or run here to the end."""
    from ..sweep import local, show, slurm
    from ..sweep.jobs import jobs_of
    from ..sweep.status import rows_for
    from ..sweep.submit import sort_jobs

    jobs = jobs_of(requests, args)
    if args.dry_run:
        found = sort_jobs(jobs, args.output)
        how = (slurm if launch.launcher == "slurm" else local).describe(launch, len(found.to_send))
        print(show.dry_run(found, how, [shlex.join(job.command(launch.gpus or 1)) for job in found.to_send]))
        return 0
    stopped = False
    if launch.launcher == "slurm":
        found, ids = slurm.send(jobs, args.output, launch)
        local.say(show.sent(found, ids, args.output))
    else:
        stopped = local.run_here(jobs, args.output, launch)
    rows = rows_for(jobs, args.output)
    print(json.dumps(show.as_json(rows), indent=1, ensure_ascii=False) if args.format == "json" else show.as_text(rows))
    if launch.launcher == "local":
        _judge([row.state for row in rows], stopped)
    return 0


def _judge(states: Sequence[str], stopped: bool) -> None:
    """How a sweep that ran here ends; jobs that run elsewhere are no failure."""
    from ..sweep.status import BROKEN, DONE, STOPPED, summary

    if stopped:
        raise Interrupted(f"stopped; {summary(states)}; the same command continues.")
    broken = sum(state in (*BROKEN, STOPPED) for state in states)
    if broken:
        words = f"{broken} of {len(states)} jobs failed; see above. The same command sends those again."
        raise PartialError(words) if DONE in states else XlmrBenchError(words)
