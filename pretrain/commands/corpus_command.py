"""`corpus`: CommonCrawl's WET files to text a language."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from xlmr_bench.errors import DataError, UsageError

from ..cores import usable_cores

_WET = (".wet", ".wet.gz")
_SLURM_WORKERS = 100


def execute(args: argparse.Namespace) -> int:
    """Do one action."""
    {"list": _list, "models": _models, "build": _build, "report": _report, "plan": _plan}[args.action](args)
    return 0


def _list(args: argparse.Namespace) -> None:
    from ..corpus.dumps import BASE, read_list, write_list

    write_list(args.dumps, args.out, base=args.base or BASE)
    print(
        f"{len(read_list(args.out)):,} WET files of {len(args.dumps)} dumps are listed in {args.out}", file=sys.stderr
    )


def _models(args: argparse.Namespace) -> None:
    from ..corpus.train_models import train_models

    train_models(args.text, args.out, languages=args.languages, size=args.size, order=args.order, threads=args.threads)


def _build(args: argparse.Namespace) -> None:
    if args.launcher == "slurm" and not args.partition:
        raise UsageError("--launcher slurm needs --partition.")
    for name in ("workers", "group_files", "hours"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} is {value}; it must be at least 1.")
    if not 0 <= args.threshold <= 1:
        raise UsageError(f"--threshold is {args.threshold}; it is a probability.")
    from ..corpus import report
    from ..corpus.build import build
    from ..corpus.folder import Corpus
    from ..corpus.launch import Launcher

    corpus = Corpus(
        out=args.out.absolute(),
        wet=_wet_files(args.source),
        group_files=args.group_files,
        lid=tuple(path.absolute() for path in args.lid),
        threshold=args.threshold,
        models=args.models.absolute() if args.models else None,
        cutoffs=args.cutoffs.absolute() if args.cutoffs else None,
        english_dump=args.english_dump,
        keep=tuple(dict.fromkeys(args.keep.split(","))),
    )
    slurm = args.launcher == "slurm"
    workers = args.workers or (_SLURM_WORKERS if slurm else usable_cores())
    build(corpus, Launcher(slurm, workers, args.partition, args.hours))
    made = report.collect(corpus)
    report.write(made, corpus.out)
    _show(made, args.out)


def _report(args: argparse.Namespace) -> None:
    from ..corpus import report

    if not (args.out / "report.json").is_file():
        raise DataError(f"{args.out} holds no finished corpus. Repeat `corpus build`: it ends with the report.")
    made = report.load(args.out)
    report.write(made, args.out)
    _show(made, args.out)


def _show(made: object, out: Path) -> None:
    from ..corpus import report

    assert isinstance(made, report.Report)
    print(report.table(made) + "\n\n" + report.drops(made))
    for kind, examples in made.problems.examples.items():
        print(f"{kind}: {'; '.join(examples)}", file=sys.stderr)
    plotted = (out / "report.png").is_file()
    missing = "" if plotted else " (no plot: pip install 'xlmr_bench[notebooks]')"
    print(f"text for `pretrain shard`: {out / 'text'}; report: {out / 'report.md'}{missing}", file=sys.stderr)


def _plan(args: argparse.Namespace) -> None:
    from ..corpus.cost import plan_text

    for name in ("dumps", "nodes", "cores"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name} is {getattr(args, name)}; it must be at least 1.")
    print(plan_text(args.dumps, args.nodes, args.cores, args.measured))


def _wet_files(source: Path) -> tuple[str, ...]:
    """Addresses or absolute paths; a folder's files in alphabetical order, whatever their depth."""
    from ..corpus.dumps import read_list

    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if path.name.endswith(_WET) and path.is_file())
        if not found:
            raise DataError(f"{source} holds no WET files (*.wet.gz). Check the path.")
        return tuple(str(path.absolute()) for path in found)
    if not source.exists():
        raise DataError(f"{source} is not there. Name a folder of WET files, or a list made by `corpus list`.")
    return tuple(read_list(source))
