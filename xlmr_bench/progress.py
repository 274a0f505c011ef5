"""Progress of long work, on stderr only: stdout is for data."""

from __future__ import annotations

import os
import sys
from time import monotonic
from types import TracebackType

_TERMINAL_INTERVAL_S = 0.2
_LINES_INTERVAL_S = 15.0
_QUIET_BELOW_S = 1.0


class Progress:
    """Reports how far a piece of work has come; use it as a context manager and call `update`.

    On a terminal one line is rewritten at most five times a second. Elsewhere (a log file, a scheduler) plain
    lines appear at most every 15 seconds, and work of less than a second leaves no trace.

    total: the amount when the work is done, or None where nobody knows.
    unit: "B" for bytes (shown as kB, MB, ...), else any word such as "ex" or "tok".
    start: what an earlier run had done already; it counts for the percentage, not for the rate.
    quiet: say nothing, as the processes of a parallel run do that are not the first.
    """

    def __init__(self, total: int | None, unit: str, label: str, *, start: int = 0, quiet: bool = False) -> None:
        self.total = total
        self.unit = unit
        self.label = label
        self.start = start
        self.done = start
        self.quiet = quiet

    def __enter__(self) -> Progress:
        self._on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._interval_s = _TERMINAL_INTERVAL_S if self._on_terminal else _LINES_INTERVAL_S
        self._began = self._shown = monotonic()
        self._width = 0
        return self

    def update(self, n: int = 1) -> None:
        """Count `n` more units."""
        self.done += n
        now = monotonic()
        if now - self._shown >= self._interval_s:
            self._shown = now
            self._show(self._running_line(now - self._began), last=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        elapsed_s = monotonic() - self._began
        if self._on_terminal or elapsed_s >= _QUIET_BELOW_S:
            stopped = "stopped at " if kind is not None else ""
            line = f"{self.label}: {stopped}{self._amount_of_total()} in {duration(elapsed_s)}, {self._rate(elapsed_s)}"
            self._show(line, last=True)

    def _running_line(self, elapsed_s: float) -> str:
        line = f"{self.label}: {self._amount_of_total()}"
        if self.total:
            line += f" ({self.done / self.total:.0%})"
        line += f", {self._rate(elapsed_s)}"
        new = self.done - self.start
        if self.total is not None and new > 0 and self.done < self.total:
            line += f", {duration(elapsed_s / new * (self.total - self.done))} left"
        return line

    def _amount_of_total(self) -> str:
        if self.total is None or self.done == self.total:
            return amount(self.done, self.unit)
        return f"{amount(self.done, self.unit)} of {amount(self.total, self.unit)}"

    def _rate(self, elapsed_s: float) -> str:
        return f"{amount((self.done - self.start) / max(elapsed_s, 1e-3), self.unit)}/s"

    def _show(self, line: str, *, last: bool) -> None:
        if self.quiet:
            return
        if self._on_terminal:
            line = line[: _columns() - 1]  # a wrapped line could not be rewritten
            text = "\r" + line.ljust(self._width) + ("\n" if last else "")
            self._width = len(line)
        else:
            text = line + "\n"
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (AttributeError, OSError, ValueError):
            pass  # a terminal that went away must not end the work it was watching


def amount(n: float, unit: str) -> str:
    """A number with its unit: `12.3 MB` for bytes (powers of 1000), `1,234 ex` for anything else."""
    if unit != "B":
        return f"{n:,.1f} {unit}" if 0 < n < 10 and n != int(n) else f"{n:,.0f} {unit}"
    for prefix in ("", "k", "M", "G"):
        if n < 999.95:
            return f"{n:.1f} {prefix}B" if prefix else f"{n:.0f} B"
        n /= 1000
    return f"{n:,.1f} TB"


def duration(seconds: float) -> str:
    """`m:ss`, or `h:mm:ss` from an hour on."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def _columns() -> int:
    """Columns of the terminal behind stderr; some terminals report none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
