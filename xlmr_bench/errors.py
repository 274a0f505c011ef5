"""The errors a user can meet: each says what, where and what to do next, and carries its exit code.

Exit codes: 0 ok; 1 the run failed; 2 usage; 3 data missing or not what they should be; 4 some seeds
failed; 5 results that cannot be compared; 6 outside the tolerance asked for; 130 interrupted, resumable.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class XlmrBenchError(Exception):
    """A failure explained to the user; the command line prints it without a traceback."""

    exit_code = 1


class UsageError(XlmrBenchError):
    """The command asks for something that does not exist or does not fit together."""

    exit_code = 2


class DataError(XlmrBenchError):
    """A file is missing, damaged, or not the data it should be."""

    exit_code = 3


class MissingData(DataError):
    """Data that are not there at all."""


class PartialError(XlmrBenchError):
    """Some seeds failed; the records of the others were written."""

    exit_code = 4


class NotComparableError(XlmrBenchError):
    """Two results rest on different data or scorers."""

    exit_code = 5


class ToleranceError(XlmrBenchError):
    """A result lies outside the tolerance that was asked for."""

    exit_code = 6


class Interrupted(XlmrBenchError):
    """Stopped by the user or the scheduler at a point from which the same command continues."""

    exit_code = 130


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in `known`, with the nearest one and the whole list."""
    names = [str(k) for k in known]
    folded = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    hint = f" Did you mean {folded[near[0]]!r}?" if near else ""
    return UsageError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names)}.")
