"""What can be typed to look at results: none of these commands loads a model."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

# Makes a subcommand of (name, summary, example).
Command = Callable[[str, str, str], argparse.ArgumentParser]
RUNS = "leaderboards/runs"
PLUGIN = "Python file with a benchmark of your own (see README); its code is run"


def _score(command: Command) -> None:
    p = command(
        "score",
        "score a prediction file (parquet, or tsv with columns split language id prediction) without a model",
        "python -m xlmr_bench score seed1.predictions.parquet --data DIR",
    )
    p.add_argument("file", type=Path, metavar="FILE")
    p.add_argument("--benchmark", help="needed where the file does not say it (tsv)")
    p.add_argument("--data", action="append", default=[], metavar="DIR", help="as in run")
    p.add_argument("--files", action="append", default=[], metavar="ROLE=PATTERN", help="as in run")
    p.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)
    p.add_argument("--format", choices=("text", "json"), default="text")


def _compare(command: Command) -> None:
    p = command(
        "compare",
        "compare two results language by language, or one with the paper",
        "python -m xlmr_bench compare a/xnli/transfer/joint/seed1.json b/xnli/transfer/joint/seed1.json",
    )
    p.add_argument("a", type=Path, metavar="A", help="result record, or the folder of its seeds")
    p.add_argument("b", type=Path, nargs="?", metavar="B", help="the same, on the same data")
    p.add_argument("--data", action="append", default=[], metavar="DIR", help="the test data, as in run")
    p.add_argument("--files", action="append", default=[], metavar="ROLE=PATTERN", help="as in run")
    p.add_argument("--paper", metavar="ROW", help="compare A with this model's published row, e.g. 'XLM-R Base'")
    p.add_argument(
        "--tolerance", type=float, metavar="POINTS", help="with --paper: exit 6 when the means differ by more"
    )
    p.add_argument("--strict", action="store_true", help="with --paper: exit 6 outside the noise of our seeds")
    p.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)
    p.add_argument("--format", choices=("text", "json"), default="text")


def _table(command: Command) -> None:
    p = command(
        "table",
        "one of the paper's tables, our results beside the published rows",
        "python -m xlmr_bench table 1 --format markdown",
    )
    p.add_argument("number", metavar="N", help="1 to 7")
    p.add_argument("--format", choices=("text", "markdown", "latex", "html", "csv", "json"), default="text")
    p.add_argument("--runs", type=Path, metavar="DIR", help="our results (default: leaderboards/runs where it exists)")
    p.add_argument("--paper-only", action="store_true", help="the published rows alone")
    p.add_argument(
        "--any-data", action="store_true", help="show results on other data (the miniature, your own), marked"
    )
    p.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to stdout")


def _leaderboard(command: Command) -> None:
    p = command(
        "leaderboard",
        "rank all results with their uncertainty beside the paper's rows, or build the page of them",
        "python -m xlmr_bench leaderboard rank leaderboards/runs --benchmark xnli --data DIR",
    )
    actions = p.add_subparsers(dest="action", metavar="ACTION", required=True)
    rank = actions.add_parser("rank", help="ranks with ties, spread over seeds, what was left out and why")
    rank.add_argument("places", type=Path, nargs="*", metavar="DIR", help=f"records or folders (default: {RUNS})")
    rank.add_argument("--benchmark", help="only this benchmark")
    rank.add_argument("--protocol", help="only this protocol")
    rank.add_argument("--selection", choices=("joint", "per-language", "english"), help="only this selection rule")
    rank.add_argument("--model", metavar="NAME", help="only the model of this name")
    rank.add_argument("--origin", choices=("run", "paper"), help="only our runs, or only the paper's rows")
    rank.add_argument("--format", choices=("text", "json", "csv"), default="text")
    build = actions.add_parser("build", help="write README.md and one page, index.html, that works offline")
    build.add_argument("--runs", type=Path, metavar="DIR", help=f"our results (default: {RUNS} where it exists)")
    build.add_argument("--out", type=Path, default=Path("leaderboards"), metavar="DIR", help="default: leaderboards")
    for sub in (rank, build):
        sub.add_argument("--data", action="append", default=[], metavar="DIR", help="the test data: rows are paired")
        sub.add_argument("--files", action="append", default=[], metavar="ROLE=PATTERN", help="as in run")
        sub.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)


def _claims(command: Command) -> None:
    p = command(
        "claims",
        "the paper's 66 claims: whether its own numbers bear them out, and whether ours do",
        "python -m xlmr_bench claims --runs leaderboards/runs --model 'XLM-R=my-xlmr-large' --only xnli",
    )
    p.add_argument("--runs", type=Path, metavar="DIR", help=f"our results (default: {RUNS})")
    named = "which of our models stands for the paper's (repeatable)"
    p.add_argument("--model", action="append", default=[], metavar="PAPER=OURS", help=named)
    some = "a claim, or the beginning of several (repeatable)"
    p.add_argument("--only", action="append", default=[], metavar="ID", help=some)
    p.add_argument("--untested", action="store_true", help="only what no run has tested yet")
    p.add_argument("--format", choices=("text", "json", "markdown"), default="text")


def _selection(command: Command) -> None:
    p = command(
        "selection",
        "what each rule of choosing checkpoints would have given, and the oracle as an upper bound",
        "python -m xlmr_bench selection leaderboards/runs/ckpt/xnli/transfer",
    )
    p.add_argument("place", type=Path, metavar="RECORD_OR_FOLDER", help="a result record, or a folder of them")
    p.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)
    p.add_argument("--format", choices=("text", "json"), default="text")


def _export(command: Command) -> None:
    p = command(
        "export",
        "results in the formats of others: Every Eval Ever, the Hugging Face Hub, CSV, a citation",
        "python -m xlmr_bench export leaderboards/runs/ckpt/xnli --format csv",
    )
    p.add_argument("records", type=Path, nargs="+", metavar="RECORDS", help="result records, or folders of them")
    formats = ("every-eval-ever", "hf-eval-results", "model-index", "csv", "citation")
    p.add_argument("--format", required=True, choices=formats)
    p.add_argument("--out", type=Path, metavar="DIR", help="write there (default: print, where it is one document)")
    p.add_argument("--model-id", metavar="OWNER/NAME", help="the model on the Hub (needed for every-eval-ever)")
    p.add_argument("--organization", default="unspecified", metavar="NAME", help="who evaluated (every-eval-ever)")
    sides = ("first_party", "third_party", "collaborative", "other")
    p.add_argument("--relationship", choices=sides, default="other", help="of who evaluated to the model's makers")
    p.add_argument("--any", action="store_true", help="also limited, collapsed and unofficial results, marked so")
    p.add_argument("--plugin", action="append", default=[], type=Path, metavar="FILE", help=PLUGIN)


RESULTS = (_score, _compare, _leaderboard, _table, _claims, _selection, _export)
