"""Comparison by a metric that is no mean over examples: entity F1, resampled by sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import result_record
from tagged import mistaken, write_tagged

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.ner import NER
from xlmr_bench.comparison import compare
from xlmr_bench.entities import entities
from xlmr_bench.files import sha256_of
from xlmr_bench.metrics import _SEED, RESAMPLES
from xlmr_bench.predictions import write_predictions
from xlmr_bench.results import read_record, write_record
from xlmr_bench.scoring import score_splits

CODES = ("en", "de")


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Where:
    return Where((write_tagged(tmp_path_factory.mktemp("tags") / "data"),))


def write_result(where: Where, folder: Path, right: float, seed: int) -> tuple[Path, dict[str, list[str]]]:
    """A record with its predictions; the predictions by language too."""
    rng = np.random.default_rng(seed)
    gold = {("test", code): NER.read(where, "test", code) for code in CODES}
    predicted = {key: [mistaken(e.tags, right, rng) for e in split.examples] for key, split in gold.items()}
    scores, aggregate = score_splits(NER, predicted, gold, {})
    path = folder / "seed1.json"
    file = path.with_suffix(".predictions.parquet")
    columns = {
        "split": ["test"] * sum(map(len, predicted.values())),
        "language": [code for (_, code), rows in predicted.items() for _ in rows],
        "id": [e.id for split in gold.values() for e in split.examples],
        "prediction": [tags for rows in predicted.values() for tags in rows],
    }
    write_predictions(file, columns, {"benchmark": "ner"})
    splits = [
        {"role": "test", "language": c, "n": len(s.examples), "sha256": s.digest, "gold_sha256": s.gold_digest,
         "official": None}
        for (_, c), s in gold.items()
    ]  # fmt: skip
    record = result_record(
        benchmark="ner",
        data={"name": "toy tags", "official": None, "splits": splits},
        config={"preset": "quick", "languages": list(CODES)},
        scores=scores,
        aggregate=aggregate,
        predictions={"path": file.name, "sha256": sha256_of(file), "rows": len(columns["id"])},
    )
    write_record(path, record)
    return path, {code: predicted["test", code] for code in CODES}


def f1_of(gold: list[tuple[str, ...]], predicted: list[str]) -> float:
    """Micro F1 from the entities of whole sentences, counted anew."""
    right = given = wanted = 0
    for tags, text in zip(gold, predicted, strict=True):
        a, b = set(entities(tags)), set(entities(text.split(" ")))
        right, given, wanted = right + len(a & b), given + len(b), wanted + len(a)
    return 2 * right / (given + wanted) if given + wanted else 0.0


def slow_bootstrap(where: Where, code: str, a: list[str], b: list[str]) -> np.ndarray:
    """The difference of the two F1 in every sample of sentences, sentence by sentence."""
    gold = [e.tags for e in NER.read(where, "test", code).examples]
    rng = np.random.default_rng([_SEED, len(gold)])
    draws = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, len(gold), len(gold))
        drawn = [gold[i] for i in rows]
        draws.append(f1_of(drawn, [a[i] for i in rows]) - f1_of(drawn, [b[i] for i in rows]))
    return np.array(draws)


def test_a_paired_bootstrap_of_f1_equals_the_one_that_counts_every_sample_anew(where: Where, tmp_path: Path) -> None:
    (one, a), (two, b) = (write_result(where, tmp_path / str(s), right, s) for s, right in ((1, 0.9), (2, 0.75)))
    rows = compare((one, read_record(one)), (two, read_record(two)), where)
    assert [r["language"] for r in rows] == [*CODES, "avg"]
    gold = {code: [e.tags for e in NER.read(where, "test", code).examples] for code in CODES}
    draws = {code: slow_bootstrap(where, code, a[code], b[code]) for code in CODES}
    draws["avg"] = (draws["en"] + draws["de"]) / 2
    for row in rows[:2]:
        code = row["language"]
        assert row["a"] == pytest.approx(f1_of(gold[code], a[code]))
        assert row["difference"] == pytest.approx(f1_of(gold[code], a[code]) - f1_of(gold[code], b[code]))
    assert rows[2]["difference"] == pytest.approx((rows[0]["difference"] + rows[1]["difference"]) / 2)
    for row in rows:
        found: Any = draws[row["language"]]
        assert row["ci95"] == pytest.approx(tuple(np.quantile(found, [0.025, 0.975])), abs=1e-6)
        tail = min((found <= 0).sum(), (found >= 0).sum())
        assert row["p"] == pytest.approx(min(1.0, 2 * (tail + 1) / (RESAMPLES + 1)))
        assert 0 < row["ci95"][0] < row["difference"] < row["ci95"][1]


def test_no_model_is_better_than_itself(where: Where, tmp_path: Path) -> None:
    path, _ = write_result(where, tmp_path, 0.8, 3)
    record = read_record(path)
    rows = compare((path, record), (path, record), where)
    assert [(r["difference"], r["ci95"], r["p"]) for r in rows] == [(0.0, (0.0, 0.0), 1.0)] * 3
