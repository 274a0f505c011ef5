"""What can be typed after `python -m pretrain corpus`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .cores import usable_cores

_LIST = "python -m pretrain corpus list CC-MAIN-2018-30 CC-MAIN-2018-34 paths.txt"
_MODELS = "python -m pretrain corpus models wikipedia/ models/ --languages sw,ur"
_BUILD = "python -m pretrain corpus build paths.txt cc/ --lid lid.176.bin --models models/ --workers 16"
_REPORT = "python -m pretrain corpus report cc/"
_PLAN = "python -m pretrain corpus plan --dumps 12 --nodes 64 --cores 40"

Command = Callable[[str, str, str], argparse.ArgumentParser]
Action = Callable[[str, str, str], argparse.ArgumentParser]


def add_corpus(command: Command) -> None:
    """The command and its actions."""
    p = command("corpus", "build a CC-100-like corpus from CommonCrawl: list -> models -> build -> report", _BUILD)
    actions: Any = p.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        raw = argparse.RawDescriptionHelpFormatter
        added: argparse.ArgumentParser = actions.add_parser(
            name, help=summary, description=summary, epilog=f"example:\n  {example}", formatter_class=raw
        )
        return added

    for add in (_list, _models, _build, _report, _plan):
        add(action)


def _list(action: Action) -> None:
    p = action("list", "write the addresses of all WET files of one or more dumps", _LIST)
    p.add_argument("dumps", nargs="+", metavar="DUMP", help="such as CC-MAIN-2018-30")
    p.add_argument("out", type=Path, metavar="LIST", help="the list to write; `build` takes it")
    p.add_argument("--base", metavar="URL", help="another address, or a folder, with CommonCrawl's layout")


def _models(action: Action) -> None:
    p = action("models", "train a SentencePiece and a KenLM model for each language", _MODELS)
    p.add_argument("text", type=Path, metavar="TEXT", help="LANGUAGE.txt (.gz, .xz) or LANGUAGE/*.txt, as Wikipedia's")
    p.add_argument("out", type=Path, metavar="MODELS", help="folder for LANGUAGE.sp.model and LANGUAGE.arpa.bin")
    p.add_argument("--languages", metavar="CODES", help="codes separated by commas (default: all found)")
    p.add_argument("--size", type=int, default=65_536, help="pieces (default: 65536, cc_net's)")
    p.add_argument("--order", type=int, default=5, help="of the n-grams (default: 5)")
    p.add_argument("--threads", type=int, default=usable_cores(), help="default: one a core")


def _build(action: Action) -> None:
    p = action("build", "WET files to text a language; repeating the command continues it", _BUILD)
    p.add_argument("source", type=Path, metavar="WET", help="folder of WET files (.wet, .wet.gz), or a list of `list`")
    p.add_argument("out", type=Path, metavar="OUT", help="folder of the corpus; OUT/text is what `shard` reads")
    p.add_argument(
        "--lid",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="fastText model that identifies languages: lid.176; a second one has a vote",
    )
    p.add_argument("--threshold", type=float, default=0.5, metavar="P", help="least probability (default: 0.5)")
    p.add_argument("--models", type=Path, metavar="DIR", help="language models, as of `models` or cc_net's")
    p.add_argument(
        "--cutoffs",
        type=Path,
        metavar="FILE",
        help="published perplexities: cc_net's cutoff.csv (default: percentiles 30, 60 of this corpus)",
    )
    p.add_argument(
        "--keep",
        default="head,middle,all",
        metavar="BUCKETS",
        help="of head, middle, tail, all (default: head,middle,all; all: languages without a model)",
    )
    p.add_argument("--english-dump", metavar="DUMP", help="English of this dump only, as XLM-R's (default: of all)")
    p.add_argument(
        "--group-files",
        type=int,
        default=2000,
        metavar="N",
        help="WET files among which repeated lines are removed (default: 2000, 50 of cc_net's shards)",
    )
    p.add_argument("--launcher", choices=("local", "slurm"), default="local", help="default: local")
    p.add_argument("--workers", type=int, help="tasks at once (default: one a core; on Slurm 100)")
    p.add_argument("--partition", help="of Slurm, which needs one")
    p.add_argument("--hours", type=int, default=24, help="time limit of a Slurm job (default: 24)")


def _report(action: Action) -> None:
    p = action("report", "what a corpus holds, what was dropped and why, beside Table 6", _REPORT)
    p.add_argument("out", type=Path, metavar="OUT", help="folder of the corpus")


def _plan(action: Action) -> None:
    p = action("plan", "what CC-100 and XLM-R Large cost: core-hours, bytes, hours, GPU-days", _PLAN)
    p.add_argument("--dumps", type=int, default=12, metavar="N", help="default: 12, XLM-R's")
    p.add_argument("--nodes", type=int, default=64, metavar="N", help="default: 64")
    p.add_argument("--cores", type=int, default=40, metavar="N", help="of a node (default: 40)")
    p.add_argument("--measured", type=Path, metavar="OUT", help="rates of this corpus instead of the ones we measured")
