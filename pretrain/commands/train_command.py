"""`train`: one run, from its beginning or from where it stands."""

from __future__ import annotations

import argparse

from ..configuration import load_settings


def execute(args: argparse.Namespace) -> int:
    """Train to the end; the first process says where the model is."""
    settings = load_settings(args.config, args.settings, args.variant)
    from ..train import train

    train(settings, accept_changes=args.accept_changes)
    return 0
