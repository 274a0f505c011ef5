"""Being asked to stop: by Ctrl-C, by a scheduler."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@contextmanager
def asked_to_stop() -> Iterator[list[int]]:
    """Collect the signals that ask for a clean stop; a second Ctrl-C acts at once.

    Schedulers and torchrun may each send theirs, so a second one of those is no sign of impatience.
    """
    asked: list[int] = []
    before: dict[int, Any] = {}

    def note(number: int, _frame: object) -> None:
        asked.append(number)
        if number == signal.SIGINT:
            signal.signal(number, before[number])

    for number in _STOPPING:
        before[number] = signal.signal(number, note)
    try:
        yield asked
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
