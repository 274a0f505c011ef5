"""The built world in the user's cache."""

from __future__ import annotations

import sys
from pathlib import Path

from ..cache import cache_folder
from ..errors import XlmrBenchError
from ..files import digest_of, sha256_of
from .write import NAME, VERSION, write_miniature


def miniature_folder() -> Path:
    """The folder of the miniature world, built on first use and again whenever its sources change.

    Several processes may ask at once: each may build, one complete folder remains.
    Raises XlmrBenchError where the cache cannot be written or holds a damaged folder.
    """
    sources = sorted(p for p in Path(__file__).parent.iterdir() if p.suffix in (".py", ".tsv"))
    digest = digest_of([VERSION, {path.name: sha256_of(path) for path in sources}])
    folder = cache_folder() / f"{NAME}-{digest[:12]}"
    if not (folder / "manifest.json").is_file():
        if folder.is_dir() and any(folder.iterdir()):  # complete folders appear at once, so this one was damaged later
            raise XlmrBenchError(f"{folder} is not a complete miniature world: manifest.json is missing. Delete it.")
        print(f"building the miniature world in {folder} (once, some seconds)", file=sys.stderr)
        write_miniature(folder)
    return folder
