"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from samples import REPOSITORY

# Buffered output, as users have it; and no cache, for nothing here may need one.
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}, "XLMR_BENCH_CACHE": "/nonexistent"}


def xlmr_bench(*words: object, before: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; `before` is Python code to run first in the same process."""
    main = "\nimport sys\nfrom xlmr_bench.cli import main\nsys.exit(main(sys.argv[1:]))"
    start = ["-m", "xlmr_bench"] if before is None else ["-c", before + main]
    return subprocess.run(
        [sys.executable, *start, *map(str, words)],
        cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def refused(code: int, *words: object) -> str:
    """The one explanation of a command that must fail: on stderr, without a traceback, and nothing on stdout."""
    done = xlmr_bench(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("xlmr_bench: ")
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("xlmr_bench: ").rstrip("\n")
