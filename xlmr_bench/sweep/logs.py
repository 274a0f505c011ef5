"""What the log of a job tells: how far it has come, and why it ended."""

from __future__ import annotations

import re
from pathlib import Path

from .worker import MARK

# The end of a log, which is all that is read: a progress line every 15 seconds makes it long.
_TAIL_BYTES = 64_000
_PROGRESS = re.compile(r"^\S.*: .+/s\b")
_ERROR = re.compile(
    r"^(xlmr_bench: |(?!torch\.distributed)[\w.]*(Error|Exception|Interrupt)\b|(slurmstepd|srun)\S*: error: )"
)


def last_progress(log: Path) -> str:
    """The newest line of progress since the last start; empty where there is none."""
    return next((line for line in reversed(_last_start(log)) if _PROGRESS.match(line)), "")


def last_error(log: Path) -> str:
    """The line that says why the last start ended; empty where nothing was written."""
    lines = _last_start(log)
    return next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1] if lines else "")


def _last_start(log: Path) -> list[str]:
    """The command's own lines since it was started last."""
    lines = [line.rstrip() for line in _tail(log).splitlines()]
    starts = [i for i, line in enumerate(lines) if line.startswith(f"{MARK} start")]
    lines = lines[starts[-1] + 1 :] if starts else lines
    ends = [i for i, line in enumerate(lines) if line.startswith(MARK)]
    return [line for line in lines[: ends[0] if ends else None] if line]


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as f:
            f.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return f.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
