"""KenLM's `lmplz` and `build_binary` for tests: from PATH, from an earlier build, or built from KenLM's source.

The Python package of KenLM only queries models. `python kenlm_programs.py FOLDER` builds the programs into FOLDER.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PROGRAMS = ("lmplz", "build_binary")
VERSION = "0.3.0"


@cache
def kenlm_programs() -> Path | None:
    """The folder that holds both programs, or None where they are not and cannot be built here."""
    if (found := shutil.which("lmplz")) and (Path(found).parent / "build_binary").exists():
        return Path(found).parent
    folder = Path(os.environ.get("XLMR_BENCH_CACHE") or Path.home() / ".cache" / "xlmr_bench") / "kenlm" / VERSION
    return folder if build(folder) else None


@contextmanager
def kenlm_on_path() -> Iterator[None]:
    """With both programs on PATH; skips the test where they are not and cannot be built here."""
    import pytest

    folder = kenlm_programs()
    if folder is None:
        pytest.skip("KenLM's lmplz is neither on PATH nor can it be built here (see pretrain/corpus/lmplz.py)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


def build(folder: Path) -> bool:
    """Build the programs into `folder` unless they are there; False, with a word on stderr, where that fails."""
    if all((folder / program).exists() for program in PROGRAMS):
        return True
    if not shutil.which("cmake"):
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kenlm.", dir=folder.parent) as scratch:
        work = Path(scratch)
        try:
            source = _source(work)
            _run("cmake", "-S", source, "-B", work / "built", "-DCMAKE_BUILD_TYPE=Release")
            _run("cmake", "--build", work / "built", "--parallel", "2", "--target", *PROGRAMS)
        except (OSError, subprocess.CalledProcessError, tarfile.TarError) as e:
            print(f"KenLM's programs cannot be built here: {e}", getattr(e, "stderr", ""), sep="\n", file=sys.stderr)
            return False
        ready = work / "ready"
        ready.mkdir()
        for program in PROGRAMS:
            shutil.copy2(work / "built" / "bin" / program, ready / program)
        if not folder.exists():  # another process may have been as far
            ready.rename(folder)
    return True


def _source(work: Path) -> Path:
    _run(
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        f"kenlm=={VERSION}", "--no-binary", "kenlm", "--no-deps", "--dest", work,
    )  # fmt: skip
    (archive,) = work.glob("kenlm-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(work / "source", filter="data")
    (folder,) = (work / "source").iterdir()
    return folder


def _run(*words: str | Path) -> None:
    subprocess.run(["nice", *map(str, words)], check=True, capture_output=True, text=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: kenlm_programs.py FOLDER")
    sys.exit(not build(Path(sys.argv[1])))
