"""`.eval_results/*.yaml` of a model repository on the Hub: https://huggingface.co/docs/hub/eval-results.

The Hub shows an entry on a leaderboard when the data set's `eval.yaml` declares the task id; for others it is a record
on the model's page. Ids here are `<column or average>-<split>-<metric>`, with `-not-comparable` where a result is
marked, so that no leaderboard can take it for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from ..pairing import run_key
from .collect import Entry, Result, one_model
from .datasets import hub_average, hub_data
from .document import Document, Publisher
from .words import (
    latest_start,
    library_version,
    protocol_words,
    provenance,
    role_words,
    seeds_words,
    selection_words,
    weights,
)

HEAD = "# For the folder .eval_results of the model's repository. Values are percent (76.2), rounded to .01.\n"


def hf_eval_results(results: Sequence[Result], publisher: Publisher) -> list[Document]:
    """One file a result, because a file may hold a data set's task once."""
    import yaml

    one_model(results, publisher.model_id)
    times = Counter(result.name for result in results)
    documents = []
    for result in results:
        # Results of one name differ in settings or data.
        detail = f"_{run_key(result.first)[:8]}" if times[result.name] > 1 else ""
        entries = [_entry(result, entry, publisher) for entry in result.entries]
        text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100)
        documents.append(Document(PurePosixPath(".eval_results") / f"{result.name}{detail}.yaml", HEAD + text))
    return documents


def _entry(result: Result, entry: Entry, publisher: Publisher) -> dict[str, Any]:
    spanned: tuple[str, ...] = ()
    if entry.column is None:
        data, spanned = hub_average(result.benchmark, entry.split, tuple(result.first["config"]["languages"]))
    else:
        data = hub_data(result.benchmark, entry.split, entry.column)
    at = latest_start(result)
    suffix = "-not-comparable" if result.marks else ""
    found: dict[str, Any] = {
        "dataset": {"id": data.id, "task_id": f"{entry.name}-{entry.split}-{entry.metric}{suffix}"},
        "value": round(100 * entry.value, 2),
    }
    if at is not None:
        found["date"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if publisher.model_id is not None:
        url = f"https://huggingface.co/{publisher.model_id}"
        found["source"] = {"url": url, "name": f"run with xlmr_bench {library_version(result)}"}
    about = f"spans {' and '.join(spanned)}" if len(spanned) > 1 else data.remark or ""
    return {**found, "notes": _notes(result, entry, about)}


def _notes(result: Result, entry: Entry, about: str) -> str:
    made = provenance(result)
    parts = [
        *result.marks,
        f"{entry.metric} in percent, {role_words(result, entry)}",
        f"average ({entry.average}) of {entry.columns} columns" if entry.column is None else f"column {entry.column}",
        about,
        f"protocol {protocol_words(result)}",
        f"selection {selection_words(result)}",
        seeds_words(result),
        _uncertainty(entry),
        f"signature {entry.signature}",
        f"data sha256 {entry.data_sha256}",
        *(f"{key.replace('_', ' ')} {value}" for key, value in weights(result).items()),
        made["versions"],
        f"command {made['command']}" if "command" in made else "",
    ]
    return "; ".join(part for part in parts if part)


def _uncertainty(entry: Entry) -> str:
    if entry.std is not None:
        return f"sample standard deviation over seeds {100 * entry.std:.2f}"
    interval = entry.intervals[0]
    return f"95 % interval over examples {100 * interval[0]:.2f} to {100 * interval[1]:.2f}" if interval else ""
