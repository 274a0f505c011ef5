"""Several trainings by the same processes, one after another: torchrun's start costs more than a small training.

torchrun ... several_runs.py COMMANDS.json    a list of command lines, each a free port and a list of words
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pretrain.cli import main


def run_all(commands: list[tuple[int, list[str]]]) -> int:
    """The first exit code that is not 0, or 0."""
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"
    for port, words in commands:
        # Each training meets in a store of its own: that of the launcher still knows the one before.
        os.environ["MASTER_PORT"] = str(port)
        code = main(words)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(run_all(json.loads(Path(sys.argv[1]).read_text())))
