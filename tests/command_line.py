"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from samples import REPOSITORY

# Buffered output, as users have it; and no cache, for nothing here may need one.
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}, "XLMR_BENCH_CACHE": "/nonexistent"}


def run_program(program: str, *words: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of `program`; `before` is Python code to run first in the same process."""
    main = f"\nimport sys\nfrom {program}.cli import main\nif __name__ == '__main__':\n    sys.exit(main(sys.argv[1:]))"
    start = ["-c", before + main] if before else ["-m", program]
    return subprocess.run(
        [sys.executable, *start, *map(str, words)],
        cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def refused_by(program: str, code: int, *words: object) -> str:
    """The one explanation of a command that must fail: on stderr, without a traceback, and nothing on stdout."""
    done = run_program(program, *words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(f"{program}: ")
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix(f"{program}: ").rstrip("\n")


xlmr_bench = partial(run_program, "xlmr_bench")
refused = partial(refused_by, "xlmr_bench")
