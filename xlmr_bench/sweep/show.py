"""Jobs as people and programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .status import BROKEN, Row, summary
from .submit import Sorted

# Of the progress of a job or the reason that it waits for; the log has the rest.
_WIDTH = 70


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One object a job."""
    return [asdict(row) for row in rows]


def as_text(rows: Sequence[Row]) -> str:
    """A table, a count, and for each failure why it failed and where its log lies."""
    from tabulate import tabulate

    cells = [
        [r.benchmark, r.model, r.protocol, r.seed, r.state, r.attempts, "" if r.state in BROKEN else _short(r.about)]
        for r in rows
    ]
    head = ["benchmark", "model", "protocol", "seed", "state", "starts", "progress"]
    lines = [tabulate(cells, head, disable_numparse=True), summary([r.state for r in rows])]
    for row in rows:
        if row.state in BROKEN:
            lines += [f"{row.state}: {row.title}: {row.about}", f"  log: {row.log or '(none)'}"]
    return "\n".join(lines)


def dry_run(found: Sorted, how: str, commands: Sequence[str]) -> str:
    """What would be sent, and what is done or on its way already."""
    lines = [f"done: {job.title}" for job in found.done]
    lines += [f"on its way: {job.title}" for job in found.left]
    lines += [f"to send: {job.title}\n  {command}" for job, command in zip(found.to_send, commands, strict=True)]
    return "\n".join([*lines, f"{_there(found)}, {len(found.to_send)} to send: {how}"])


def sent(found: Sorted, ids: Sequence[str], output: Path) -> str:
    """What was sent to Slurm, and how to look at it."""
    number = f" as {ids[0].partition('_')[0]}" if ids else ""
    return f"{_there(found)}, {len(ids)} sent{number}. See: python -m xlmr_bench status --output {output}"


def _there(found: Sorted) -> str:
    return f"{len(found.done)} done, {len(found.left)} on their way"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
