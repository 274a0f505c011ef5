"""Several trainings by the same processes, one after another: torchrun's start costs more than a small training.

torchrun ... several_runs.py COMMANDS.json

The file lists for each training a free port, the words of its command line, and the exit code that it must have.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pretrain.cli import main


def run_all(commands: list[tuple[int, list[str], int]]) -> int:
    """0 if every training ended as it must."""
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"
    for port, words, expected in commands:
        # Each training meets in a store of its own: that of the launcher still knows the one before.
        os.environ["MASTER_PORT"] = str(port)
        code = main(words)
        if code != expected:
            print(f"exit code {code} instead of {expected}: {words}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_all(json.loads(Path(sys.argv[1]).read_text())))
