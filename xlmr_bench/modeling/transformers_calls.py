"""Calls into Hugging Face's libraries: kept silent, and their failures told with the next step."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import DataError, UsageError, XlmrBenchError


@contextmanager
def explained(where: str, what: str) -> Iterator[None]:
    """Turn whatever the libraries raise about `where` into an error; `what` needs the package transformers."""
    try:
        import huggingface_hub  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as e:
        raise UsageError(f"{what} needs the package transformers: pip install 'xlmr_bench[transformers]'") from e
    try:
        with silenced():
            yield
    except XlmrBenchError:
        raise
    except ImportError as e:
        raise UsageError(f"{where}: {reason(e)}. Install it: pip install 'xlmr_bench[transformers]'") from e
    except Exception as e:  # a damaged or foreign folder raises almost anything
        raise DataError(f"{where}: transformers cannot load it ({reason(e)}). Check it, or fetch it again.") from e


@contextmanager
def silenced() -> Iterator[None]:
    """No log lines, warnings or progress bars: missing weights and the like are errors here, not messages."""
    from huggingface_hub import logging as hub_log
    from transformers import logging as log

    levels, bars = (log.get_verbosity(), hub_log.get_verbosity()), log.is_progress_bar_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            log.set_verbosity(logging.CRITICAL)
            hub_log.set_verbosity(logging.CRITICAL)
            log.disable_progress_bar()
            yield
        finally:
            log.set_verbosity(levels[0])
            hub_log.set_verbosity(levels[1])
            if bars:
                log.enable_progress_bar()


def reason(error: Exception) -> str:
    """The first sentence of an error, or its kind where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0].rstrip(".")
