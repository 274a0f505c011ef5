"""The cores of this process."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """The cores this process may use, which a scheduler can make fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
