"""Every Eval Ever, schema 0.3.0: one JSON document a result (https://github.com/evaleval/every_eval_ever).

Files lie where its data store wants them: `data/<benchmark>/<owner>/<model>/<UUID>.json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import sqrt
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from ..errors import UsageError
from ..files import digest_of
from ..metrics import RESAMPLES
from .collect import Entry, Result, one_model
from .datasets import URL, hub_average, hub_data, is_on_hub, lowest, metric_id
from .document import Document, Publisher
from .words import (
    compact,
    data_digests,
    data_words,
    latest_end,
    latest_start,
    library_version,
    protocol_words,
    provenance,
    role_words,
    seeds_words,
    selection_words,
    weights,
)

SCHEMA_VERSION = "0.3.0"


def every_eval_ever(results: Sequence[Result], publisher: Publisher) -> list[Document]:
    """One document a result. File names derive from the content, in the form of version-4 UUIDs that is asked for."""
    if publisher.model_id is None:
        raise UsageError("every-eval-ever files models by their name on the Hub: give --model-id OWNER/NAME.")
    one_model(results, publisher.model_id)
    documents = []
    for result in results:
        content = _document(result, publisher, publisher.model_id)
        name = f"{UUID(digest_of(content)[:32], version=4)}.json"
        folder = PurePosixPath("data") / result.benchmark.name / publisher.model_id
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        documents.append(Document(folder / name, text))
    return documents


def _document(result: Result, publisher: Publisher, model_id: str) -> dict[str, Any]:
    at = latest_start(result)
    done = latest_end(result)
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{result.name}/{model_id}/{done}",
        **({"evaluation_timestamp": at.isoformat()} if at else {}),
        # When our record was written: exporting it again gives the same document.
        "retrieved_timestamp": str(done),
        "source_metadata": {
            "source_name": "xlmr_bench result records",
            "source_type": "evaluation_run",
            "source_organization_name": publisher.organization,
            "evaluator_relationship": publisher.relationship,
            "additional_details": _source(result),
        },
        "eval_library": {
            "name": "xlmr_bench",
            "version": library_version(result),
            "additional_details": provenance(result),
        },
        "model_info": _model(result, model_id),
        "evaluation_results": [_score(result, entry) for entry in result.entries],
    }


def _source(result: Result) -> dict[str, str]:
    predictions = {str(r["seed"]): r["predictions"]["sha256"] for r in result.records if r["predictions"]}
    return _there(
        notes="; ".join(result.marks),
        unit="scores are proportions from 0 to 1 (correlations from -1)",
        protocol=protocol_words(result),
        selection=selection_words(result),
        seeds=seeds_words(result),
        data=data_words(result),
        data_sha256=compact(data_digests(result)),
        predictions_sha256_by_seed=compact(predictions) if predictions else None,
    )


def _model(result: Result, model_id: str) -> dict[str, Any]:
    model = result.first["model"]
    details = _there(
        deployment_type="self_deployed",
        model_availability="unknown",
        adaptation="the encoder of this name, fine-tuned by xlmr_bench as the settings say",
        settings=compact(result.first["config"]),
        **weights(result),
        architecture=model.get("architecture"),
        parameters=model.get("parameters"),
    )
    return {
        "name": model["name"],
        "id": model_id,
        "developer": model_id.split("/")[0],
        "inference_engine": {"name": "xlmr_bench", "version": library_version(result)},
        "additional_details": details,
    }


def _score(result: Result, entry: Entry) -> dict[str, Any]:
    first = result.first
    place = "/".join([first["benchmark"], first["protocol"], first["selection"], entry.split, entry.name, entry.metric])
    description = f"{result.benchmark.title}; {protocol_words(result)}; {role_words(result, entry)}"
    return {
        "evaluation_result_id": place,
        "evaluation_name": f"{first['benchmark']} {entry.name} ({first['protocol']}, {entry.split})",
        "source_data": _data(result, entry),
        "metric_config": {
            "evaluation_description": description,
            "metric_id": metric_id(entry.metric),
            "metric_name": entry.metric,
            "metric_kind": metric_id(entry.metric),
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": lowest(entry.metric),
            "max_score": 1,
            "additional_details": _there(
                signature=entry.signature,
                average=f"{entry.average} of {entry.columns} columns" if entry.column is None else None,
            ),
        },
        "score_details": {
            "score": entry.value,
            "details": _details(result, entry),
            **_uncertainty(result, entry),
        },
    }


def _data(result: Result, entry: Entry) -> dict[str, Any]:
    """The published data set by its name on the Hub; data of its own otherwise."""
    benchmark = result.benchmark
    details = {"read": data_words(result), "sha256": entry.data_sha256, "split": entry.split, "column": entry.name}
    name = {"dataset_name": f"{benchmark.name} {entry.name}", "additional_details": details}
    if not is_on_hub(benchmark) or result.first["data"]["official"] is not True:
        return {**name, "source_type": "other"}
    if entry.column is None:
        data, spanned = hub_average(benchmark, entry.split, tuple(result.first["config"]["languages"]))
        if len(spanned) > 1:
            return {**name, "source_type": "url", "url": [URL + each for each in spanned]}
    else:
        data = hub_data(benchmark, entry.split, entry.column)
        if data.remark:
            return {**name, "source_type": "other", "additional_details": {**details, "remark": data.remark}}
        details["hf_config"] = str(data.config)
    sized = {} if entry.n is None else {"samples_number": entry.n}
    return {**name, "source_type": "hf_dataset", "hf_repo": data.id, "hf_split": data.split, **sized}


def _details(result: Result, entry: Entry) -> dict[str, str]:
    seeds = [r["seed"] for r in result.records]
    return _there(
        n_seeds=len(entry.values),
        summary=result.summary if len(seeds) > 1 else None,
        std_over_seeds=entry.std,
        by_seed=compact(dict(zip(map(str, seeds), entry.values, strict=True))),
        ci95_over_examples_by_seed=compact(dict(zip(map(str, seeds), entry.intervals, strict=True))),
    )


def _uncertainty(result: Result, entry: Entry) -> dict[str, Any]:
    """Over examples for one seed, over seeds for a mean of several; the schema has no place for a median's."""
    interval = entry.intervals[0]
    if entry.std is None and interval is not None:
        bounds = {"lower": interval[0], "upper": interval[1], "confidence_level": 0.95}
        found: dict[str, Any] = {
            "confidence_interval": {**bounds, "method": "percentile bootstrap over examples, one seed"},
            "num_bootstrap_samples": RESAMPLES,
        }
        return {"uncertainty": found if entry.n is None else {**found, "num_samples": entry.n}}
    if entry.std is not None and result.summary == "mean":
        seeds = len(entry.values)
        method = "sample standard deviation over seeds / sqrt(seeds); examples are not resampled"
        error = {"value": entry.std / sqrt(seeds), "method": method}
        return {"uncertainty": {"standard_error": error, "num_samples": seeds}}
    return {}


def _there(**facts: Any) -> dict[str, str]:
    """Facts that there are, as the strings that the schema wants."""
    return {key: str(value) for key, value in facts.items() if value not in (None, "")}
