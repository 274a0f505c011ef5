"""Brings benchmark archives into a data folder: downloaded, verified, unpacked, and never twice.

`folder` then holds the official layout (`XNLI-1.0/xnli.dev.tsv`, ...), usable with --data. `folder/downloads` holds
the archives and, beside each, `<name>.unpacked.json` (the files it gave) and, where no digest is published,
`<name>.sha256.json` (the digest of the first download, which every later one must have).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ..errors import DataError
from ..files import atomic_path, locked, sha256_of, write_json
from .catalogue import Archive
from .download import download
from .unpack import unpack


def fetch(benchmark_archives: Sequence[Archive], folder: Path, base_url: str | None) -> None:
    """Make sure that `folder` holds the members of all archives, whole; what is there already is not fetched again.

    base_url: a mirror; it takes the place of scheme and host in every archive's URL.
    Raises DataError where an archive cannot be had or is not what it should be, and XlmrBenchError when another
    process is fetching into the same folder. After an interruption the same call continues.
    """
    with locked(folder / "downloads" / ".lock", f"the data folder {folder}"):
        for archive in benchmark_archives:
            _fetch_one(archive, folder, base_url)


def _fetch_one(archive: Archive, folder: Path, base_url: str | None) -> None:
    receipt = folder / "downloads" / f"{archive.name}.unpacked.json"
    if _is_whole(archive, receipt, folder):
        _say(f"{archive.name}: already whole in {folder}")
        return
    url = _url(archive, base_url)
    _say(f"{archive.name}: {archive.note} Licence: {archive.licence}.")
    file = folder / "downloads" / PurePosixPath(urlsplit(url).path).name
    record = folder / "downloads" / f"{archive.name}.sha256.json"
    digest = _verified_archive(archive, url, file, record)
    unpacked = _place(archive, file, folder)
    files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in unpacked}
    missing = [member for member in archive.members if member not in files]
    if missing:
        raise DataError(
            f"{file} lacks {', '.join(missing)}; it holds {', '.join(list(files)[:10]) or 'nothing'}. "
            "It is not the archive it should be: delete it and repeat the command, or give --data DIR."
        )
    if archive.sha256 is None and not record.exists():
        # Only now: an error page that came instead of the archive must not become the digest to match.
        today = datetime.now(UTC).date().isoformat()
        write_json(record, {"url": url, "size": file.stat().st_size, "sha256": digest, "date": today})
        _say(
            f"{archive.name}: no digest is published; {digest} was written to {record}, and later downloads must match"
        )
    write_json(receipt, {"archive_sha256": digest, "files": files})
    _say(f"{archive.name}: {len(files)} files in {folder}")


def _place(archive: Archive, file: Path, folder: Path) -> list[Path]:
    """Put what was downloaded where the readers look for it; a single file is not unpacked."""
    if file.suffix != ".json":
        return unpack(file, folder, max_bytes=archive.max_bytes, keep=lambda name: True)
    try:
        json.loads(file.read_bytes())
    except ValueError as e:
        raise DataError(f"{file} is not JSON ({e}): it is cut, or an error page. Delete it and repeat.") from None
    target = folder / archive.members[0]
    if target.exists() and sha256_of(target) != sha256_of(file):
        raise DataError(f"{target} is there with other content. Move it away, or fetch into another folder.")
    with atomic_path(target) as part:
        shutil.copyfile(file, part)
    return [target]


def _verified_archive(archive: Archive, url: str, file: Path, record: Path) -> str:
    """The digest of the archive at `file`, downloaded unless it is there already (perhaps put there by hand)."""
    first = {} if archive.sha256 is not None else _read_json(record)
    expected = archive.sha256 or first.get("sha256")
    size = archive.size if archive.sha256 is not None else first.get("size")
    source = f"{record}, written at the first download" if first else "the catalogue"
    if file.exists():
        digest = sha256_of(file)
        if expected not in (None, digest):
            raise DataError(
                f"{file} has SHA-256 {digest}, expected {expected} (from {source}). It was left as it is. "
                "Delete it and repeat the command to download it anew."
            )
        return digest
    try:
        return download(url, file, sha256=expected, size=size)
    except DataError as e:
        if first:
            raise DataError(f"{e} (What is expected comes from {source}; delete that file to accept another.)") from e
        raise


def _is_whole(archive: Archive, receipt: Path, folder: Path) -> bool:
    """Whether everything that the archive once gave is still there, byte for byte."""
    noted = _read_json(receipt)
    files = noted.get("files", {})
    if archive.sha256 not in (None, noted.get("archive_sha256")) or not set(archive.members) <= set(files):
        return False
    return all((folder / name).is_file() and sha256_of(folder / name) == digest for name, digest in files.items())


def _url(archive: Archive, base_url: str | None) -> str:
    return archive.url if base_url is None else base_url.rstrip("/") + urlsplit(archive.url).path


def _read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty when there is no such file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DataError(f"{path} is not the JSON object that was written there. Delete it and repeat the command.")
    return value


def _say(line: str) -> None:
    print(line, file=sys.stderr)
