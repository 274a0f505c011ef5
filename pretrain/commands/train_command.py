"""`train`: one run, from its beginning or from where it stands."""

from __future__ import annotations

import argparse
import os

from xlmr_bench.errors import Interrupted, UsageError

from ..configuration import load_settings


def execute(args: argparse.Namespace) -> int:
    """Train to the end; the first process says where the model is."""
    try:
        settings = load_settings(args.config, args.settings, args.variant)
        from ..train import train

        train(settings, accept_changes=args.accept_changes)
    except (Interrupted, UsageError) as e:  # all processes come to these together, so one of them says it
        if os.environ.get("RANK", "0") == "0":
            raise
        return e.exit_code
    return 0
