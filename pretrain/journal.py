"""Metrics of a run: `metrics.jsonl`, one JSON object a line with at least `kind` and `step`; optionally TensorBoard."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import explained, write_text

FILE = "metrics.jsonl"
TENSORBOARD = "tensorboard"  # folder of its event files


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The lines in order of writing; [] where there is no file.

    A last line that was cut off is left out, as kill -9 and power failures leave it. Raises DataError for a damaged
    line before it.
    """
    return [line for line, _ in _lines(path)]


class Journal:
    """Appends to the journal of a run; used by rank 0 alone, elsewhere made with active=False, where it does nothing.

    Lines after `resume_step` are of work that is about to be repeated and are dropped; 0 starts a journal anew. Lines
    of a step belong to the journal of a continued run only if they are written before the step's checkpoint.
    A disk that is full when a line is appended costs that line and not the training. Raises UsageError when
    `tensorboard` is asked for and not installed.
    """

    def __init__(self, folder: Path, resume_step: int, tensorboard: bool, active: bool) -> None:
        self._file = -1
        self._events: Any = None
        self._complained = False
        if not active:
            return
        writer = _summary_writer() if tensorboard else None
        self._path = folder / FILE
        _drop_after(resume_step, self._path)
        with explained(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            if writer is not None:
                self._events = writer(str(folder / TENSORBOARD), purge_step=resume_step + 1)

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one line. Values are numbers, text, None, and mappings and lists of them.

        NaN and infinity, which are no JSON, become null: an infinite perplexity is news, and no reason to stop.
        """
        if self._file < 0:
            return
        clean = {name: _finite(value) for name, value in values.items()}
        line = json.dumps({"kind": kind, "step": step, **clean}, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            _append(self._file, line.encode())
        except OSError as e:
            if not self._complained:
                self._complained = True
                print(
                    f"pretrain: cannot write {self._path}: {e.strerror or e}. Training goes on; free space, until then "
                    "lines are missing there.",
                    file=sys.stderr,
                )
        if self._events is not None:
            self._add_events(kind, step, clean)

    def close(self) -> None:
        """Close the files; further lines are ignored."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        if self._events is not None:
            self._events.close()
            self._events = None

    def _add_events(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        try:
            for name, number in _scalars(kind, values):
                self._events.add_scalar(name, number, step)
            self._events.flush()
        except OSError as e:
            self._events = None  # the thread that writes has ended and does not come back
            print(f"pretrain: TensorBoard gets no more scalars: {e}. {FILE} holds them.", file=sys.stderr)


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each whole line, parsed and as it is written."""
    try:
        raw = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    except OSError as e:
        raise DataError(f"cannot read {path}: {e.strerror}.") from e
    for number, text in enumerate(raw, 1):
        line = _parsed(text)
        if line is not None:
            yield line, text
        elif number < len(raw):
            raise DataError(f"line {number} of {path} is damaged. Delete that line, or move the file away.")


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "kind" in line and isinstance(line.get("step"), int) else None


def _drop_after(step: int, path: Path) -> None:
    """Keep the whole lines up to `step`; the file is replaced only if that changes it."""
    kept = [text if text.endswith(b"\n") else text + b"\n" for line, text in _lines(path) if line["step"] <= step]
    if path.is_file() and sum(map(len, kept)) != path.stat().st_size:
        write_text(path, b"".join(kept).decode())


def _append(file: int, line: bytes) -> None:
    """Write a whole line or nothing: half a line would spoil the one that is written after it."""
    end = os.fstat(file).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(file, line[written:])
    except OSError:
        os.ftruncate(file, end)
        raise


def _finite(value: Any) -> Any:
    """The value with None in place of every float that is no number."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _scalars(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers with their names joined by slashes; text and lists have no curve."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _scalars(f"{prefix}/{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}/{name}", float(value)


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as e:
        raise UsageError(
            f"report.tensorboard=true needs TensorBoard ({e}). Run `pip install tensorboard`, or set "
            f"report.tensorboard=false: {FILE} holds the same numbers."
        ) from e
    return SummaryWriter
