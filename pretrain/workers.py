"""Work spread over processes that end with the command: by Ctrl-C, by its death, or when one of them dies.

A process pool of the standard library leaves its workers behind when the command is killed, and cannot stop one in the
middle of its work. These are plain processes with a pipe each; whatever they do must be safe to kill at any moment.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from xlmr_bench.errors import DataError, XlmrBenchError

Item = TypeVar("Item")
Result = TypeVar("Result")
Report = Callable[[int], None]


@dataclass(frozen=True)
class Advanced:
    """An item has come `amount` further, in whatever unit the function reports."""

    amount: int


@dataclass(frozen=True)
class Ended(Generic[Result]):
    """Item number `index` is done, or its data were refused; the other items are worth doing all the same."""

    index: int
    result: Result | None
    refusal: DataError | None


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    index: int | None = None  # of the item it has


def in_processes(
    function: Callable[[Item, Report], Result],
    items: Sequence[Item],
    workers: int,
    describe: Callable[[Item], str],
    to_save_memory: str,
) -> Generator[Advanced | Ended[Result], None, None]:
    """Call `function(item, report)` for every item, in the order given, and yield what comes of it as it comes.

    `function` must be importable. Errors other than DataError end everything, as does a worker that is killed:
    `describe(item)` then says what it was doing, and `to_save_memory` what to do if it was for that. Closing the
    iterator kills the workers.
    """
    context = multiprocessing.get_context("spawn")
    waiting = list(enumerate(items))[::-1]
    team: list[_Worker] = []
    resource_tracker.ensure_running()  # its start would undo what `_start` does
    try:
        for _ in range(min(workers, len(items))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, function), daemon=True)
            _start(process)
            theirs.close()
            team.append(_Worker(process, ours))
            _give(team[-1], waiting)
        while busy := [w for w in team if w.index is not None]:
            ready = wait([w.pipe for w in busy])
            for worker in busy:
                if worker.pipe in ready:
                    assert worker.index is not None
                    index, message = worker.index, _received(worker, describe(items[worker.index]), to_save_memory)
                    if isinstance(message, int):
                        yield Advanced(message)
                        continue
                    _give(worker, waiting)
                    refused = isinstance(message, DataError)
                    yield Ended(index, None if refused else message, message if refused else None)
    finally:
        for worker in team:
            worker.process.kill()
        for worker in team:
            worker.process.join()
            worker.pipe.close()


def _start(process: SpawnProcess) -> None:
    """Start a process that never hears Ctrl-C, not even before its first line: the command decides what it means."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _give(worker: _Worker, waiting: list[tuple[int, Any]]) -> None:
    """Hand out the next item; a worker that is dead already shows when its answer is read."""
    worker.index, item = waiting.pop() if waiting else (None, None)
    with suppress(BrokenPipeError):
        worker.pipe.send(item)


def _received(worker: _Worker, doing: str, to_save_memory: str) -> Any:
    """A worker's next message: an amount, a result or a DataError; anything else that went wrong is raised."""
    try:
        message = worker.pipe.recv()
    except (EOFError, ConnectionError):
        worker.process.join()
        raise _death(worker.process.exitcode, doing, to_save_memory) from None
    if isinstance(message, XlmrBenchError) and not isinstance(message, DataError):
        raise message
    return message


def _serve(pipe: Connection, function: Callable[[Any, Report], Any]) -> None:
    """The life of a worker: items in, results out, until there are none or the command is gone."""
    threading.Thread(target=_end_with_the_command, daemon=True).start()
    with suppress(EOFError, ConnectionError):
        while (item := pipe.recv()) is not None:
            try:
                pipe.send(function(item, pipe.send))
            except XlmrBenchError as e:
                pipe.send(e)


def _end_with_the_command() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _death(exitcode: int | None, doing: str, to_save_memory: str) -> XlmrBenchError:
    if exitcode is not None and exitcode < 0:
        how = f"was killed ({signal.Signals(-exitcode).name})"
        advice = f"If the system ran out of memory, {to_save_memory}. "
    else:
        how, advice = f"ended with exit code {exitcode}", "Its last words are above. "
    return XlmrBenchError(f"a worker process {how} while {doing}. {advice}Repeat the command.")
