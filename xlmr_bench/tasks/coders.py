"""From a kind of task to the module that encodes its examples and decodes its outputs."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..encode import Encoded
from ..modeling.tokenizer import Tokenizer
from . import Classification, Extraction, Regression, Tagging, Task, classification, extraction, tagging

Outputs = npt.NDArray[np.float32]


class Coder(Protocol):
    """What each of the modules provides; the examples of `split` are of the kind that goes with `task`."""

    def encode(self, task: Any, split: Any, tokenizer: Tokenizer, settings: Any) -> Encoded:
        """A split as arrays; cached."""
        ...

    def decode(
        self, task: Any, split: Any, encoded: Encoded, outputs: Outputs, settings: Any
    ) -> tuple[list[str], dict[str, list[float]]]:
        """Predictions in the order of the split's examples, and columns of numbers to keep beside them."""
        ...

    def collapsed(self, task: Any, split: Any, predicted: list[str]) -> str | None:
        """Why dev predictions are no better than chance, or None. Such runs are shown, never averaged silently."""
        ...


_CODERS: dict[type, Coder] = {
    Classification: classification,
    Regression: classification,
    Tagging: tagging,
    Extraction: extraction,
}


def coder_of(task: Task) -> Coder:
    """The module for a task."""
    return _CODERS[type(task)]
