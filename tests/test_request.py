"""What is typed becomes a request whose every name exists; wrong names cost no work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlmr_bench.benchmarks.xnli import PAPER, XTREME
from xlmr_bench.errors import UsageError
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.request import Request, locate, parse_seeds, resolve


def asked(**changes: Any) -> Request:
    typed: dict[str, Any] = {
        "benchmark": "xnli", "model": "ckpt/", "protocol": "transfer", "languages": None, "data": ["data/"],
        "files": [], "preset": None, "assignments": [], "seeds": None, "output": Path("out"), "name": None,
        "limit": None, "device": "auto", "save_models": False,
    }  # fmt: skip
    return resolve(**{**typed, **changes})


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the miniature world would be made."""
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_not_said_follows_the_papers_preset() -> None:
    request = asked()
    assert (request.preset, request.settings, request.seeds) == (PAPER, PAPER.settings, (1, 2, 3, 4, 5))
    assert request.languages == XNLI_LANGUAGES
    assert request.where.folders == (Path("data/"),)
    assert [t.name for t in request.fine_tunings] == ["en"]


def test_everything_that_is_said_counts() -> None:
    request = asked(
        protocol="translate-train", languages="sw,fr", preset="xtreme", assignments=["batch_size=8"], seeds="3,1",
        name="mine", limit=10, data=["a", "b"], files=["train=mt/{language}.tsv"],
    )  # fmt: skip
    assert request.preset is XTREME
    assert (request.settings.batch_size, request.settings.learning_rate) == (8, 3e-5)
    assert (request.seeds, request.name, request.limit) == ((3, 1), "mine", 10)
    assert [t.name for t in request.fine_tunings] == ["fr", "sw"]
    assert request.where.folders == (Path("a"), Path("b"))
    assert request.where.patterns == (("train", "mt/{language}.tsv"),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"benchmark": "xnl"}, r"unknown benchmark 'xnl'. Did you mean 'xnli'\?"),
        ({"protocol": "tranfer"}, r"unknown protocol 'tranfer'. Did you mean 'transfer'\?"),
        ({"languages": "en,swa"}, r"unknown language 'swa'. Did you mean 'sw'\?"),
        ({"preset": "papper"}, r"unknown preset 'papper'. Did you mean 'paper'\?"),
        ({"assignments": ["batchsize=8"]}, "Did you mean 'batch_size'"),
        ({"seeds": "one"}, "--seed 'one' is not a number, a list"),
        ({"seeds": ""}, "--seed '' is not a number"),
        ({"limit": 0}, "--limit 0: at least 1 example is needed"),
        ({"limit": -3}, "--limit -3"),
        ({"name": "a/b"}, "--name 'a/b' cannot be a folder name"),
        ({"name": ".."}, "--name '..' cannot be a folder name"),
        ({"name": ""}, "--name '' cannot be a folder name"),
        (
            {"files": ["tain=x"]},
            "--files tain=...: roles are train, dev, test, translate-train, translate-dev, translate-test",
        ),
        ({"files": ["train"]}, "--files takes ROLE=PATTERN"),
        ({"files": ["train="]}, "--files takes ROLE=PATTERN"),
        ({"data": ["hub:facebook/xnli", "dir"]}, "--data hub:NAME stands alone"),
        ({"data": ["hub:a", "hub:b"]}, "--data hub:NAME stands alone"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_made(no_cache: Path, change: dict[str, Any], words: str) -> None:
    empty: tuple[dict[str, Any], ...] = ({}, {"data": []})
    for data in empty:
        with pytest.raises(UsageError, match=words):
            asked(**{**data, **change})
    assert not no_cache.exists()


def test_the_hub_is_a_source_beside_the_users_own_files() -> None:
    where = locate(["hub:facebook/xnli"], ["translate-test=mt/{language}.tsv"])
    assert (where.hub, where.folders) == ("facebook/xnli", ())
    assert dict(where.patterns) == {"translate-test": "mt/{language}.tsv"}


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (3,)),
        ("0", (0,)),
        ("1,2,5", (1, 2, 5)),
        ("5,1", (5, 1)),
        ("1-5", (1, 2, 3, 4, 5)),
        ("1-2, 7-8", (1, 2, 7, 8)),
    ],
)
def test_seeds_are_a_number_a_list_or_a_range(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "1,", "1-", "-1", "1.5", "1-2-3", "5-1", "1,1", "1-3,2", "2147483648"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"--seed '{text}'"):
        parse_seeds(text)


def test_a_range_of_absurd_length_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="--seed"):
        parse_seeds("0-2147483647")


# --- what differs between benchmarks ---


@pytest.mark.parametrize(
    ("benchmark", "protocol", "roles"),
    [
        ("xnli", "translate-train", ("train", "train")),
        ("ner", "translate-train", ("train", "translate-train")),
        ("ner", "translate-train-all", ("train", "translate-train")),
        ("ner", "each", ("train", "train")),
        ("ner", "all", ("train", "train")),
        ("mlqa", "translate-train", ("train", "train")),
    ],
)
def test_translated_training_sets_are_what_the_benchmark_calls_them(
    benchmark: str, protocol: str, roles: tuple[str, str]
) -> None:
    request = asked(benchmark=benchmark, protocol=protocol, languages="en,de")
    assert (request.train_role("en"), request.train_role("de")) == roles
    assert (request.test_role("en"), request.test_role("de")) == ("test", "test")


def test_translated_test_sets_are_tested_in_all_languages_but_english() -> None:
    for benchmark in ("xnli", "mlqa", "xquad"):
        request = asked(benchmark=benchmark, protocol="translate-test", languages="en,de")
        assert (request.test_role("en"), request.test_role("de")) == ("test", "translate-test")
        assert (request.train_role("en"), [t.train for t in request.fine_tunings]) == ("train", [("en",)])


@pytest.mark.parametrize(
    ("benchmark", "protocol", "rules", "tested"),
    [
        ("xnli", "transfer", ("joint", "per-language", "english"), "test"),
        ("mlqa", "transfer", ("joint", "per-language", "english"), "test"),
        ("xquad", "transfer", ("english",), "test"),
        ("xquad", "translate-test", ("english",), "test"),
        ("squad", "each", ("per-language",), "dev"),
        ("glue", "each", ("per-language",), "dev"),
        ("ner", "all", ("joint", "per-language", "english"), "test"),
    ],
)
def test_the_rules_are_those_that_protocol_and_benchmark_admit(
    benchmark: str, protocol: str, rules: tuple[str, ...], tested: str
) -> None:
    request = asked(benchmark=benchmark, protocol=protocol)
    assert request.selections == rules
    assert request.test_role("en") == tested
    for tuning in request.fine_tunings:
        monitors = request.monitors(tuning)
        assert {m.name.partition(":")[0] for m in monitors} == {r.replace("per-language", "language") for r in rules}


def test_xquad_looks_at_no_dev_set_but_squads_english_one() -> None:
    request = asked(benchmark="xquad", languages="es,zh")
    (tuning,) = request.fine_tunings
    assert [(m.name, m.languages) for m in request.monitors(tuning)] == [("english", ("en",))]


def test_mismatched_mnli_is_predicted_by_the_matched_ones_model_and_checkpoint() -> None:
    request = asked(benchmark="glue", protocol="each", languages="MNLI-m,MNLI-mm,RTE")
    assert [(t.name, t.train, t.serves) for t in request.fine_tunings] == [
        ("MNLI-m", ("MNLI-m",), ("MNLI-m", "MNLI-mm")), ("RTE", ("RTE",), ("RTE",))
    ]  # fmt: skip
    assert [m.name for m in request.monitors(request.fine_tunings[0])] == ["language:MNLI-m"]
    alone = asked(benchmark="glue", protocol="each", languages="MNLI-mm")
    assert [(t.name, t.serves) for t in alone.fine_tunings] == [("MNLI-m", ("MNLI-mm",))]


def test_the_default_columns_are_those_of_the_papers_table() -> None:
    assert asked(benchmark="mlqa").languages == ("en", "es", "de", "ar", "hi", "vi", "zh")
    assert len(asked(benchmark="mlqa", languages="all").languages) == 49
    assert asked(benchmark="glue", protocol=None).languages == (
        "MNLI-m", "MNLI-mm", "QNLI", "QQP", "SST-2", "MRPC", "STS-B"
    )  # fmt: skip


def test_single_tasks_have_settings_of_their_own_and_what_is_set_by_hand_wins() -> None:
    def of(*assignments: str) -> dict[str, tuple[float, int, float]]:
        request = asked(benchmark="glue", protocol="each", assignments=list(assignments))
        made = {t.name: request.settings_of(t.name) for t in request.fine_tunings}
        return {name: (s.learning_rate, s.batch_size, s.warmup) for name, s in made.items()}

    usual = (1e-5, 32, 0.06)
    expected = {**dict.fromkeys(("MNLI-m", "QNLI", "QQP", "SST-2"), usual), "MRPC": (1e-5, 16, 0.06)}
    assert of() == {**expected, "STS-B": (2e-5, 16, 0.06)}
    assert of("batch_size=8", "warmup=0") == {name: (rate, 8, 0.0) for name, (rate, _, _) in of().items()}
    assert of("learning_rate=3e-5")["STS-B"] == (3e-5, 16, 0.06)


def test_the_precision_that_the_run_resolved_is_that_of_every_fine_tuning() -> None:
    request = asked(benchmark="glue", protocol="each", assignments=["batch_size=8"])
    resolved = replace(request, settings=replace(request.settings, precision="bf16"))
    assert {resolved.settings_of(t.name).precision for t in resolved.fine_tunings} == {"bf16"}


def test_what_a_benchmark_cannot_do_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match=r"ner has no data for translate-test. It admits: transfer, each, all"):
        asked(benchmark="ner", protocol="translate-test")
    with pytest.raises(UsageError, match=r"mlqa translate-test cannot take de-en: questions in another language"):
        asked(benchmark="mlqa", protocol="translate-test", languages="en,de-en")
    assert asked(benchmark="mlqa", languages="en,de-en").languages == ("en", "de-en")
    for benchmark in ("ner", "mlqa", "squad", "xquad"):
        protocol = "each" if benchmark == "squad" else "transfer"
        with pytest.raises(UsageError, match=f"head=dense is for classification; {benchmark} has a linear head"):
            asked(benchmark=benchmark, protocol=protocol, assignments=["head=dense"])
    with pytest.raises(UsageError, match="unknown setting 'doc_stride'"):
        asked(assignments=["doc_stride=64"])
