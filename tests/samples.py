"""Data of the official shape with invented texts, and small worlds with a manifest of their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_bench.languages import XNLI_LANGUAGES

REPOSITORY = Path(__file__).resolve().parents[1]
LABELS = ("entailment", "neutral", "contradiction")
ROWS = {"dev": 2490, "test": 5010}
# fmt: off
COLUMNS = (
    "language", "gold_label", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse",
    "sentence1", "sentence2", "promptID", "pairID", "genre", "label1", "label2", "label3", "label4", "label5",
    "sentence1_tokenized", "sentence2_tokenized", "match",
)
# fmt: on
Row = list[str]


def gold(row: int) -> str:
    """The label of row `row` (from 0): each prompt has all three, in one of six orders."""
    prompt, place = divmod(row, 3)
    step = 1 if prompt % 2 else 2
    return LABELS[(prompt // 2 + step * place) % 3]


def xnli_rows(rows: int, languages: Iterable[str]) -> list[Row]:
    """The header and the 19 columns of an official file; prompt numbers have gaps, as the official ones do."""
    made = [list(COLUMNS)]
    for code in languages:
        for i in range(rows):
            prompt = 1 + 5 * (i // 3)
            texts = [f"premise {i // 3} {code}", f"hypothesis {i} {code}"]
            ids = [str(prompt), str(3 * prompt - 2 + i % 3)]
            made.append([code, gold(i), "", "", "", "", *texts, *ids, "genre", "", "", "", "", "", "", "", ""])
    return made


def write_rows(path: Path, rows: Iterable[Sequence[str]], end: str = "\n") -> Path:
    """A tab-separated file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join("\t".join(row) + end for row in rows).encode("utf-8"))
    return path


def official_dev() -> list[Row]:
    """The dev file: 15 blocks of 2,490 rows, languages in alphabetical order as in the official file."""
    return xnli_rows(ROWS["dev"], sorted(XNLI_LANGUAGES))


def pair_rows(rows: int, code: str, spelling: Mapping[str, str] = {}) -> list[Row]:
    """(premise, hypothesis, label) of the same pairs as `xnli_rows`."""
    return [[f"premise {i // 3} {code}", f"hypothesis {i} {code}", spelling.get(gold(i), gold(i))] for i in range(rows)]


def write_manifest(folder: Path, name: str = "toy") -> None:
    """Declare everything below a folder to be a data set of its own."""
    files = {
        p.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(p.read_bytes()).hexdigest()}
        for p in sorted(folder.rglob("*.tsv"))
    }
    (folder / "manifest.json").write_text(json.dumps({"name": name, "files": files}))


def write_world(folder: Path, rows: int = 300, languages: Sequence[str] = ("en", "sw")) -> Path:
    """A complete data set of its own: dev, test and English train."""
    for split in ("dev", "test"):
        write_rows(folder / "XNLI-1.0" / f"xnli.{split}.tsv", xnli_rows(rows, languages))
    train = [["premise", "hypo", "label"], *pair_rows(rows, "en", {"contradiction": "contradictory"})]
    write_rows(folder / "XNLI-MT-1.0" / "multinli" / "multinli.train.en.tsv", train)
    write_manifest(folder)
    return folder


def result_record(**changes: Any) -> dict[str, Any]:
    """A valid record of a run on two languages; `changes` replace top-level entries."""
    splits = [
        {"role": "test", "language": code, "n": 4, "sha256": f"{code}-data", "gold_sha256": "gold", "official": None}
        for code in ("en", "sw")
    ]
    score = {"split": "test", "metric": "accuracy", "value": 0.75, "ci95": [0.5, 1.0]}
    return {
        "schema_version": 1,
        "origin": "run",
        "status": "ok",
        "limited": None,
        "benchmark": "xnli",
        "protocol": "transfer",
        "selection": "joint",
        "seed": 1,
        "model": {"name": "toy", "weights_sha256": "w", "tokenizer_sha256": "t"},
        "data": {"name": "toy", "official": None, "splits": splits},
        "config": {"preset": "quick", "languages": ["en", "sw"], "learning_rate": 0.001},
        "scores": [{**score, "language": code, "n": 4, "truncated": 0} for code in ("en", "sw")],
        "aggregate": [{**score, "languages": 2, "signature": "accuracy|scorer:xlmr_bench|version:1"}],
        "predictions": {"path": "seed1.predictions.parquet", "sha256": "p", "rows": 8},
        "provenance": {},
        "timing": {},
        **changes,
    }
