"""What command lines have in common: how a mistake is answered, which command runs, and how its end is told.

A program has a `Parser` with subcommands; subcommand `x` is `execute(args)` of the module `x_command` in the program's
package of commands, imported when it runs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from .errors import UsageError, XlmrBenchError, unknown_name


class Parser(argparse.ArgumentParser):
    """argparse, with our way of reporting an error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nSee: {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse an unknown option here, where those of its command are known, with the nearest of them."""
        found, rest = super().parse_known_args(args, namespace)
        for word in rest:
            if word.startswith("-"):
                self.error(str(unknown_name("option", word.partition("=")[0], self._option_string_actions)))
        return found, rest

    def subcommands(self) -> tuple[str, ...]:
        """The names that `add_subparsers` was given."""
        groups = (a for a in self._actions if isinstance(a, argparse._SubParsersAction))
        return tuple(name for group in groups for name in group.choices)


def dispatch(
    parser: Parser, argv: list[str], commands: str, before: Callable[[argparse.Namespace], None] | None = None
) -> int:
    """Run the command that `argv` names from the package `commands`, after `before`; returns the exit code.

    The parser's subcommands have the destination `command` and are not required: nothing at all shows the help.
    """
    known = parser.subcommands()
    if argv and not argv[0].startswith("-") and argv[0] not in known:
        raise unknown_name("command", argv[0], known)
    try:
        args = parser.parse_args(argv)
    except SystemExit:  # --help and --version were answered; mistakes raise UsageError
        return 0
    if args.command is None:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    if before is not None:
        before(args)
    code: int = importlib.import_module(f"{commands}.{args.command}_command").execute(args)
    return code


def ended(program: str, work: Callable[[], int]) -> int:
    """Do the work and return the exit code; a failure is told on stderr in `program`'s name, without a traceback."""
    try:
        code = work()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except XlmrBenchError as e:
        print(f"{program}: {e}", file=sys.stderr)
        _finish_stdout()
        return e.exit_code
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        _finish_stdout()
        return 0
    except OSError as e:
        place = f" ({e.filename})" if e.filename else ""
        print(f"{program}: {e.strerror or e}{place}. Nothing finished was lost.", file=sys.stderr)
        _finish_stdout()
        return XlmrBenchError.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted; the same command continues.", file=sys.stderr)
        return 130


def _finish_stdout() -> None:
    """Write what is left, or drop it where nobody takes it: else the interpreter would complain at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
