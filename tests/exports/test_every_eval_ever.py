"""Every Eval Ever: documents of its schema, with deterministic names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from xlmr_bench.errors import UsageError
from xlmr_bench.exports import Document

Write = Callable[..., Path]
Export = Callable[..., list[Document]]

STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
STRING, NUMBER = {"type": "string"}, {"type": "number"}
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def needs(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}


# What schema version 0.3.0 asks of the keys that we write. The whole schema was held against our output by hand.
SOURCE = {
    "oneOf": [
        needs({"dataset_name": STRING, "source_type": {"const": "other"}}, additional_details=STRINGS),
        needs(
            {"dataset_name": STRING, "source_type": {"const": "url"},
             "url": {"type": "array", "items": STRING, "minItems": 1}},
            additional_details=STRINGS,
        ),
        needs(
            {"dataset_name": STRING, "source_type": {"const": "hf_dataset"}},
            hf_repo=STRING, hf_split=STRING, samples_number={"type": "integer"}, additional_details=STRINGS,
        ),
    ]
}  # fmt: skip
METRIC = needs(
    {"lower_is_better": {"type": "boolean"}, "score_type": {"enum": ["binary", "continuous", "levels"]},
     "min_score": NUMBER, "max_score": NUMBER},
    evaluation_description=STRING, metric_id=STRING, metric_name=STRING, metric_kind=STRING, metric_unit=STRING,
    additional_details=STRINGS,
)  # fmt: skip
UNCERTAINTY = needs(
    {},
    standard_error=needs({"value": NUMBER}, method=STRING),
    confidence_interval=needs({"lower": NUMBER, "upper": NUMBER}, confidence_level=NUMBER, method=STRING),
    num_samples={"type": "integer"}, num_bootstrap_samples={"type": "integer"},
)  # fmt: skip
SCORE = needs(
    {"evaluation_name": STRING, "source_data": SOURCE, "metric_config": closed(METRIC),
     "score_details": closed(needs({"score": NUMBER}, details=STRINGS, uncertainty=closed(UNCERTAINTY)))},
    evaluation_result_id=STRING, evaluation_timestamp=STRING,
)  # fmt: skip
MODEL_DETAILS = {
    **STRINGS,
    "required": ["deployment_type", "model_availability"],
    "properties": {
        "deployment_type": {"enum": ["self_deployed", "externally_managed", "unknown"]},
        "model_availability": {"enum": ["open_weights", "closed_weights", "unknown"]},
    },
}
EXCERPT = closed(
    needs(
        {
            "schema_version": {"const": "0.3.0"},
            "evaluation_id": STRING,
            "retrieved_timestamp": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
            "source_metadata": needs(
                {"source_type": {"enum": ["documentation", "evaluation_run"]}, "source_organization_name": STRING,
                 "evaluator_relationship": {"enum": ["first_party", "third_party", "collaborative", "other"]}},
                source_name=STRING, additional_details=STRINGS,
            ),
            "model_info": needs(
                {"name": STRING, "id": STRING, "additional_details": MODEL_DETAILS},
                developer=STRING, inference_engine=needs({}, name=STRING, version=STRING),
            ),
            "eval_library": needs({"name": STRING, "version": STRING}, additional_details=STRINGS),
            "evaluation_results": {"type": "array", "items": SCORE},
        },
        evaluation_timestamp=STRING,
    )
)  # fmt: skip


def exported(export: Export, **options: Any) -> dict[str, Any]:
    (document,) = export("every-eval-ever", **{"model_id": "me/toy-base", **options})
    content: dict[str, Any] = json.loads(document.text)
    jsonschema.Draft7Validator(EXCERPT).validate(content)
    return content


def scores(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {s["evaluation_result_id"]: s for s in content["evaluation_results"]}


def test_a_result_is_a_document_of_the_schema_in_proportions(write: Write, export: Export) -> None:
    write({"en": 0.8, "sw": 0.6})
    content = exported(export)
    english = scores(content)["xnli/transfer/joint/test/en/accuracy"]
    assert english["score_details"]["score"] == 0.8
    assert english["metric_config"]["metric_unit"] == "proportion"
    assert english["source_data"]["hf_repo"] == "facebook/xnli"
    assert english["source_data"]["additional_details"]["sha256"] == "test-en-digest"
    assert scores(content)["xnli/transfer/joint/test/mean/accuracy"]["score_details"]["score"] == pytest.approx(0.7)


def test_the_excerpt_of_the_schema_refuses_what_the_schema_refuses(write: Write, export: Export) -> None:
    write({"en": 0.8})
    validator = jsonschema.Draft7Validator(EXCERPT)
    for spoil in (
        lambda c: c.pop("eval_library"),
        lambda c: c.update(surplus=1),
        lambda c: c["evaluation_results"][0]["source_data"].update(source_type="hub"),
        lambda c: c["source_metadata"]["additional_details"].update(seeds=3),
        lambda c: c["evaluation_results"][0]["score_details"].update(score="0.8"),
    ):
        content = exported(export)
        spoil(content)
        assert not validator.is_valid(content)


def test_one_seed_has_an_interval_over_examples_and_several_an_error_over_seeds(write: Write, export: Export) -> None:
    write({"en": 0.7}, seed=1)
    one = scores(exported(export))["xnli/transfer/joint/test/en/accuracy"]["score_details"]["uncertainty"]
    assert one["confidence_interval"]["lower"] == pytest.approx(0.68)
    assert (one["confidence_interval"]["confidence_level"], one["num_samples"]) == (0.95, 100)
    write({"en": 0.9}, seed=2)
    both = scores(exported(export))["xnli/transfer/joint/test/en/accuracy"]["score_details"]
    assert both["score"] == pytest.approx(0.8)
    assert both["uncertainty"]["standard_error"]["value"] == pytest.approx(0.1)  # 0.1414 / sqrt(2)
    assert float(both["details"]["std_over_seeds"]) == pytest.approx(0.1414, abs=1e-4)
    assert json.loads(both["details"]["by_seed"]) == {"1": 0.7, "2": 0.9}


def test_a_median_has_no_standard_error(write: Write, export: Export) -> None:
    for seed, value in enumerate((0.6, 0.7, 0.9), 1):
        write({"RTE": value}, seed=seed, benchmark="glue", splits=("dev",), protocol="each", selection="per-language")
    score = scores(exported(export))["glue/each/per-language/dev/RTE/accuracy"]["score_details"]
    assert (score["details"]["summary"], "uncertainty" in score) == ("median", False)


def test_exporting_twice_gives_the_same_file_and_other_scores_another(write: Write, export: Export) -> None:
    write({"en": 0.7})
    (first,), (again,) = (export("every-eval-ever", model_id="me/toy") for _ in range(2))
    assert first == again
    write({"en": 0.71})
    (other,) = export("every-eval-ever", model_id="me/toy")
    assert other.path.parent == first.path.parent
    assert other.path.name != first.path.name


def test_files_lie_where_the_data_store_wants_them_by_times_of_the_records(write: Write, export: Export) -> None:
    import re

    write({"en": 0.7}, seed=1)
    write({"en": 0.7}, seed=2)
    (document,) = export("every-eval-ever", model_id="me/toy")
    assert re.fullmatch(rf"data/xnli/me/toy/{UUID4}\.json", str(document.path))
    content = json.loads(document.text)
    assert content["evaluation_timestamp"] == "2026-01-02T10:00:00+00:00"
    assert content["retrieved_timestamp"] == "1767348060.5"  # the second seed's start and its 60.5 seconds
    assert content["evaluation_id"] == "xnli_transfer_joint/me/toy/1767348060.5"


def test_provenance_is_complete(write: Write, export: Export) -> None:
    write({"en": 0.7}, seed=1)
    write({"en": 0.8}, seed=2)
    content = exported(export, organization="A Lab", relationship="third_party")
    made = content["eval_library"]["additional_details"]
    assert made["command"] == "python -m xlmr_bench run xnli --seed 1 ; python -m xlmr_bench run xnli --seed 2"
    assert (made["versions"], made["packages"]) == ("xlmr_bench 0.1.0 commit c0ffee", "torch==2.13")
    about = content["source_metadata"]["additional_details"]
    assert about["selection"].startswith("joint: one checkpoint, by mean dev score")
    assert about["protocol"].startswith("transfer: fine-tune on English")
    assert about["seeds"] == "mean over 2 seeds (1, 2)"
    assert json.loads(about["data_sha256"])["test/en"] == "test-en-digest"
    assert json.loads(about["predictions_sha256_by_seed"]) == {"1": "predictions-1", "2": "predictions-2"}
    assert content["model_info"]["additional_details"]["weights_sha256"] == "toy-weights"
    assert content["source_metadata"]["source_organization_name"] == "A Lab"
    for score in content["evaluation_results"]:
        assert score["metric_config"]["additional_details"]["signature"] == "accuracy|scorer:xlmr_bench|version:1"


def test_correlations_may_be_negative(write: Write, export: Export) -> None:
    write({"STS-B": -0.1}, benchmark="glue", splits=("dev",), protocol="each", selection="per-language")
    score = scores(exported(export))["glue/each/per-language/dev/STS-B/pearson"]
    assert (score["metric_config"]["min_score"], score["metric_config"]["metric_id"]) == (-1, "pearsonr")


def test_an_average_over_two_data_sets_names_both_and_german_none(write: Write, export: Export) -> None:
    write({"en": 0.9, "es": 0.8, "de": 0.7}, benchmark="ner", protocol="all")
    found = scores(exported(export))
    urls = found["ner/all/joint/test/mean/f1"]["source_data"]["url"]
    assert [u.rsplit("/", 1)[1] for u in urls] == ["conll2003", "conll2002"]
    assert found["ner/all/joint/test/es/f1"]["source_data"]["hf_repo"] == "eriktks/conll2002"
    assert found["ner/all/joint/test/de/f1"]["source_data"]["source_type"] == "other"


def test_other_data_are_never_called_the_published_ones(write: Write, export: Export) -> None:
    write({"en": 0.8}, official=False)
    content = exported(export, anything=True)
    assert all(s["source_data"]["source_type"] == "other" for s in content["evaluation_results"])
    assert content["source_metadata"]["additional_details"]["notes"].startswith("NOT THE PUBLISHED DATA")


def test_a_model_is_named_once_and_properly(write: Write, export: Export) -> None:
    write({"en": 0.8})
    with pytest.raises(UsageError, match="--model-id"):
        export("every-eval-ever")
    for wrong in ("toy", "me/toy/base", "../toy", "me/"):
        with pytest.raises(UsageError, match="OWNER/NAME"):
            export("every-eval-ever", model_id=wrong)
    write({"en": 0.8}, name="other")
    with pytest.raises(UsageError, match=r"other \(other-we\), toy \(toy-weig\)"):
        export("every-eval-ever", model_id="me/toy")
