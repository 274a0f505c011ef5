"""Finding a benchmark's files below the folders the user named, in every layout they are known to come in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import DataError, MissingData, UsageError
from ..files import sha256_of

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Found:
    """A file and the folder (`root`) it was found under; a manifest in that folder describes a data set of its own."""

    path: Path
    root: Path


def find_file(folders: tuple[Path, ...], layouts: tuple[str, ...], pattern: str | None, language: str) -> Found | None:
    """The first file that exists: the user's own `pattern` alone where given, else `layouts` below each folder."""
    if pattern is not None:
        path = Path(_fill(pattern, language))
        return Found(path, path.parent) if path.is_file() else None
    for folder in folders:
        for layout in layouts:
            path = folder / layout.format(language=language)
            if path.is_file():
                return Found(path, folder)
    return None


def missing_file(
    what: str, folders: tuple[Path, ...], layouts: tuple[str, ...], pattern: str | None, language: str, role: str
) -> MissingData:
    """The error for a file that is nowhere, with every place that was looked at and the ways to supply it."""
    if pattern is not None:
        return MissingData(f"{what}: no file {_fill(pattern, language)} (from --files {role}={pattern}).")
    absent = [str(f) for f in folders if not f.is_dir()]
    if absent:
        return MissingData(f"{what}: there is no folder {', '.join(absent)}. Give --data an existing folder.")
    suffix = "".join(Path(layouts[0].format(language=language)).suffixes[-1:])
    looked = "\n  ".join(str(folder / layout.format(language=language)) for folder in folders for layout in layouts)
    return MissingData(
        f"{what} not found. Looked for\n  {looked}\n"
        f"Fetch it (python -m xlmr_bench data fetch), add its folder (--data DIR, repeatable), "
        f"or name the files: --files '{role}=DIR/{{language}}{suffix}'."
        + (" `data translate` makes translations." if role.startswith("translate-") else "")
    )


def data_set_name(found: Found) -> str | None:
    """The name in the folder's manifest, after checking the file against it; None for folders without one.

    Raises DataError when the file is not the one that the manifest lists.
    """
    listed = _manifest(found.root)
    if listed is None:
        return None
    relative = found.path.relative_to(found.root).as_posix()
    digest = listed["files"].get(relative)
    if digest is not None and sha256_of(found.path) != digest:
        raise DataError(
            f"{found.path} is not the file that {found.root / MANIFEST} lists (its digest differs). "
            "Delete the folder and make or fetch it again."
        )
    return str(listed["name"]) if digest is not None else None


@lru_cache
def _manifest(root: Path) -> dict[str, Any] | None:
    path = root / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not {"name", "files"} <= content.keys():
            return None
        return {"name": str(content["name"]), "files": {k: v["sha256"] for k, v in content["files"].items()}}
    except (ValueError, AttributeError, KeyError, TypeError) as e:
        raise DataError(f"{path} is not a readable manifest ({e}). Delete it or make the data again.") from None


def _fill(pattern: str, language: str) -> str:
    try:
        return pattern.format(language=language)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError):
        raise UsageError(f"pattern {pattern!r}: only {{language}} may stand in braces.") from None
