"""`leaderboard`: all results ranked, with the paper's rows and what was left out; or the page of them."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..request import MINIATURE, locate

if TYPE_CHECKING:
    from ..benchmarks.base import Where
    from ..leaderboard import Board
    from ..ranking import Standing
    from ..results import Record

DEFAULT = Path("leaderboards/runs")


def execute(args: argparse.Namespace) -> int:
    """Dispatch on the action."""
    return _build(args) if args.action == "build" else _ranked(args)


def _build(args: argparse.Namespace) -> int:
    from ..page import build_page

    runs = args.runs or (DEFAULT if DEFAULT.is_dir() else None)
    for path in build_page(runs, args.out, _where(args)):
        print(path)
    return 0


def _ranked(args: argparse.Namespace) -> int:
    """Print the boards; what was left out stands below, or on stderr where stdout is CSV."""
    from ..leaderboard import FILTERS, boards, load

    runs = load(args.places or [DEFAULT], {key: getattr(args, key) for key in FILTERS})
    if not runs:
        raise DataError(f"no results below {', '.join(map(str, args.places or [DEFAULT]))}. Make some with `run`.")
    found = boards(runs, _where(args))
    if args.format == "json":
        print(json.dumps([_as_json(board) for board in found], indent=1, ensure_ascii=False))
    elif args.format == "csv":
        print(_csv(found), end="")
        notes = [line for board in found for line in _notes(board)]
        if notes:
            print("\n".join(notes), file=sys.stderr)
    else:
        print("\n\n".join(_text(board) for board in found))
    return 0


def _where(args: argparse.Namespace) -> Callable[[Record], Where | None]:
    """Where the gold of a board lies: what the user said, or the built-in miniature for results on that."""
    if args.data or args.files:
        said = locate(args.data, args.files)
        return lambda record: said
    return lambda record: locate([], []) if record["data"]["name"] == MINIATURE else None


def _text(board: Board) -> str:
    from tabulate import tabulate

    from ..report import N_MODELS

    rows = [
        [
            _rank(row),
            row.model + (f" [{row.detail}]" if row.detail else "") + (" (paper)" if row.origin == "paper" else ""),
            N_MODELS[row.selection],
            f"{row.n if row.n is not None else '-'}" + (f" +{len(row.collapsed)}c" if row.collapsed else ""),
            _percent(row.value),
            _percent(row.std),
            "-" if row.ci95 is None else f"{_percent(row.ci95[0])} - {_percent(row.ci95[1])}",
            "-" if row.p is None else f"{row.p:.3f}",
            *(_percent(row.values.get(code)) for code in board.columns),
        ]
        for row in board.rows
    ]
    head = ["rank", "model", "#M", "n", "avg", "± sd", "95 % interval", "p above", *board.columns]
    title = f"{board.benchmark} {board.protocol}: {board.metric} (%), data: {board.data}"
    table = tabulate(rows, head, disable_numparse=True)
    return "\n".join([title, table, *_legend(board), *_notes(board)])


def _legend(board: Board) -> list[str]:
    lines = []
    if any(row.origin == "run" for row in board.rows):
        lines.append(
            "ranks: a row shares that of our row above it while the difference is not significant at 5 % after Holm's "
            "correction (p above), or ~ while their intervals overlap; sd: over n seeds"
        )
    if any(row.rank and row.origin == "paper" for row in board.rows):
        lines.append("*: printed in the paper, ranked by its value alone")
    if any(row.collapsed for row in board.rows):
        lines.append("+kc: k more seeds collapsed and are not in the mean")
    return [*lines, board.signature]


def _notes(board: Board) -> list[str]:
    left_out = [f"left out: {x.model} seed {x.seed}: {x.reason} ({x.path})" for x in board.excluded]
    return [*board.remarks, *left_out]


def _rank(row: Standing) -> str:
    if row.rank is None:
        return "-"
    return f"{row.rank}{'*' if row.origin == 'paper' else '~' if row.ranked_by == 'intervals' else ''}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _as_json(board: Board) -> dict[str, Any]:
    return {
        "benchmark": board.benchmark,
        "protocol": board.protocol,
        "data": board.data,
        "official": board.official,
        "metric": board.metric,
        "signature": board.signature,
        "columns": list(board.columns),
        "rows": [{**_cells(row), "values": dict(row.values), **_files(row)} for row in board.rows],
        "excluded": [{**vars(x), "path": str(x.path)} for x in board.excluded],
        "remarks": list(board.remarks),
    }


def _cells(row: Standing) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "ranked_by": row.ranked_by,
        "tied": row.tied,
        "model": row.model,
        "detail": row.detail,
        "origin": row.origin,
        "selection": row.selection,
        "n": row.n,
        "collapsed": len(row.collapsed),
        "value": row.value,
        "std": row.std,
        "ci95": row.ci95,
        "p": row.p,
    }


def _files(row: Standing) -> dict[str, Any]:
    return {
        "weights_sha256": row.about["model"]["weights_sha256"],
        "seeds": [record["seed"] for _, record in row.runs],
        "records": [str(path) for path, _ in row.runs],
    }


def _csv(found: Sequence[Board]) -> str:
    """One line a row of every board, scores as fractions; columns that a board has not are empty."""
    codes = list(dict.fromkeys(code for board in found for code in board.columns))
    fixed = ["benchmark", "protocol", "selection", "rank", "ranked_by", "model", "detail", "origin", "n", "collapsed"]
    numbers = ["value", "std", "ci95_low", "ci95_high", "p"]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*fixed, *numbers, *codes], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for board in found:
        for row in board.rows:
            low, high = row.ci95 or (None, None)
            about = {"benchmark": board.benchmark, "protocol": board.protocol, "ci95_low": low, "ci95_high": high}
            writer.writerow({**_cells(row), **about, **row.values})
    return out.getvalue()
