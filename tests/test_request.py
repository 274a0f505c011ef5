"""What is typed becomes a request whose every name exists; wrong names cost no work."""

from __future__ import annotations

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
        ({"files": ["tain=x"]}, "--files tain=...: roles are train, dev, test, translate-train, translate-dev, translate-test"),
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
