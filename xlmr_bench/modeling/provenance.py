"""`provenance.json`: where a checkpoint folder came from, and the SHA-256 of each of its files.

A folder appears whole or not at all, and one whose files no longer match their digests is not opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import DataError, UsageError
from ..files import atomic_path, sha256_of, write_json
from .weights import read_json

PROVENANCE = "provenance.json"


@contextmanager
def new_folder(folder: Path, provenance: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a scratch folder that becomes `folder`, with its provenance, when the block ends without an error."""
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} exists and is not empty. Choose another folder, or delete this one.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Choose another folder.")
    with atomic_path(folder) as part:
        part.mkdir()
        yield part
        files = {path.name: sha256_of(path) for path in sorted(part.iterdir())}
        write_json(part / PROVENANCE, {**provenance, "created_by": f"xlmr_bench {__version__}", "files": files})


def verified_provenance(folder: Path) -> dict[str, Any]:
    """The content of a folder's `provenance.json`, every file it lists being unchanged; {} where there is none."""
    path = folder / PROVENANCE
    if not path.exists():
        return {}
    record = read_json(path)
    files = record.get("files", {})
    if not isinstance(files, dict):
        raise DataError(f"{path}: `files` is not an object of names and digests. Restore the file.")
    for name, recorded in files.items():
        file = folder / name
        if Path(name).name != name or not file.is_file():
            raise DataError(f"{path}: lists {name!r}, which is not a file of this folder. Copy the folder again.")
        actual = sha256_of(file)
        if actual != recorded:
            raise DataError(
                f"{file}: not the file that was saved: its SHA-256 is {actual}, provenance.json has {recorded}. "
                "Copy the folder again; if you changed the file yourself, delete provenance.json."
            )
    return record
