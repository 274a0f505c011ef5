"""Files that are either whole or absent: digests, atomic writes and locks."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import XlmrBenchError

_UMASK = os.umask(0)
os.umask(_UMASK)


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """Hex SHA-256 of a JSON-serialisable value, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it becomes `target`, on failure nothing remains.

    A file replaces an existing file. A folder that another process completed meanwhile stays and ours is dropped:
    write folders this way whose content is the same whoever writes them, or whose name is free.
    """
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    part = scratch / target.name
    try:
        with explained(target):
            yield part
            if part.is_dir():
                for child in part.iterdir():
                    _sync(child)
            else:
                _sync(part)
            try:
                os.replace(part, target)
            except OSError as e:
                # Renaming onto a folder that is not empty: another process completed it first.
                if not part.is_dir() or e.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            _sync(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn an operating-system error while writing `target` into a message with the next step."""
    try:
        yield
    except OSError as e:
        raise XlmrBenchError(
            f"cannot write {target}: {e.strerror or e}. Nothing was changed there; free space or choose another folder."
        ) from e


def write_text(target: Path, text: str) -> None:
    """Write a UTF-8 file atomically."""
    with atomic_path(target) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(target: Path, value: Any) -> None:
    """Write a JSON file atomically; NaN and infinity are refused because they are not JSON."""
    write_text(target, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def locked(path: Path, waiting_for: str) -> Iterator[None]:
    """Hold an exclusive lock on `path` (created if absent); it ends with the process, however that ends.

    Raises XlmrBenchError at once when another process holds it: two runs of the same work would race.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise XlmrBenchError(
                f"another process is already working on {waiting_for} ({handle.read().strip() or 'unknown holder'}). "
                "Wait for it to end, or stop it and repeat the command: it will continue."
            ) from None
        handle.truncate(0)
        handle.write(f"pid {os.getpid()} on {os.uname().nodename}")
        handle.flush()
        yield


def _sync(path: Path) -> None:
    """Flush a file's or folder's content to the disk, so that a rename never exposes an empty file.

    Files get ordinary permissions: some writers make them readable by their owner alone.
    """
    if path.is_file():
        path.chmod(0o666 & ~_UMASK)
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
