"""Where a result comes from: code, command, versions, machine."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from . import __version__

_PACKAGES = ("torch", "sentencepiece", "numpy", "safetensors", "pyarrow", "sacrebleu", "datasets", "transformers")


def provenance() -> dict[str, Any]:
    """Code, command and environment of this process; file names are as the user typed them."""
    commit, dirty = _git()
    return {
        "xlmr_bench": __version__,
        "git_commit": commit,
        "git_dirty": dirty,
        "command": shlex.join(["python", "-m", "xlmr_bench", *sys.argv[1:]]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git() -> tuple[str | None, bool | None]:
    """Commit of the checkout this package runs from and whether it was changed; None outside one."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(here), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != here.parent.resolve():
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None
