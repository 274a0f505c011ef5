"""`model-index`: the YAML header of a model card, made by huggingface_hub, which knows its form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from .collect import Entry, Result, one_model
from .datasets import hub_average, hub_data, metric_id, task_type
from .document import Document, Publisher
from .words import protocol_words, provenance, seeds_words, selection_words, weights

HEAD = """\
# For the YAML header of the model's README.md. Scores are fractions (0.762 is 76.2 %).
"""


def model_index(results: Sequence[Result], publisher: Publisher) -> list[Document]:
    """The header with all results of one model."""
    from huggingface_hub import ModelCardData

    model = one_model(results, publisher.model_id)
    found = [_evaluated(result, entry) for result in results for entry in result.entries]
    card = ModelCardData(model_name=publisher.model_id or model["name"], eval_results=found)
    return [Document(PurePosixPath("model-index.yaml"), HEAD + card.to_yaml() + "\n")]


def _evaluated(result: Result, entry: Entry) -> Any:
    from huggingface_hub import EvalResult

    benchmark, first = result.benchmark, result.first
    columns = tuple(first["config"]["languages"])
    if entry.column is None:
        data, _ = hub_average(benchmark, entry.split, columns)
        name = f"{benchmark.title} (averages)"
    else:
        data = hub_data(benchmark, entry.split, entry.column)
        name = f"{benchmark.title} ({entry.column})"
    what = entry.metric if entry.column else f"{entry.metric}, {entry.average} of {entry.columns} columns"
    if result.marks:
        what = f"NOT COMPARABLE: {what}"
    return EvalResult(
        task_type=task_type(benchmark, entry.column or columns[0]),
        dataset_type=data.id,
        dataset_name=name,
        dataset_config=data.config,
        dataset_split=data.split,
        metric_type=metric_id(entry.metric),
        metric_name=f"{what} ({first['protocol']}, {first['selection']} selection, {entry.split}; fraction)",
        metric_value=entry.value,
        metric_args=_details(result, entry, data.remark),
    )


def _details(result: Result, entry: Entry, remark: str | None) -> dict[str, Any]:
    """What the number rests on; huggingface_hub has no other place for it."""
    interval = entry.intervals[0] if len(entry.values) == 1 else None
    facts = {
        "protocol": protocol_words(result),
        "selection": selection_words(result),
        "seeds": seeds_words(result),
        "n_seeds": len(entry.values),
        "std_over_seeds": entry.std,
        "ci95_over_examples": list(interval) if interval else None,
        "signature": entry.signature,
        "data_sha256": entry.data_sha256,
        **weights(result),
        **{key: value for key, value in provenance(result).items() if key in ("versions", "command", "packages")},
        "notes": "; ".join([*result.marks, *([remark] if remark else [])]) or None,
    }
    return {key: value for key, value in facts.items() if value is not None}
