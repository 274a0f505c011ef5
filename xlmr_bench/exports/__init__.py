"""Results in the formats of others: Every Eval Ever, the Hugging Face Hub, a flat table, and words to cite a run by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .citation import citation
from .collect import Result, collect
from .document import Document, Publisher
from .every_eval_ever import every_eval_ever
from .hf_eval_results import hf_eval_results
from .model_index import model_index
from .tidy_csv import tidy_csv

__all__ = ["FORMATS", "Document", "Publisher", "collect"]

FORMATS: dict[str, Callable[[Sequence[Result], Publisher], list[Document]]] = {
    "every-eval-ever": every_eval_ever,
    "hf-eval-results": hf_eval_results,
    "model-index": model_index,
    "csv": tidy_csv,
    "citation": citation,
}
