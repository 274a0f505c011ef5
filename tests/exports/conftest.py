"""Result records as runs leave them, with their real metrics and signatures, and ways to export them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from samples import result_record

from xlmr_bench.benchmarks import find_benchmark
from xlmr_bench.commands.export_command import execute
from xlmr_bench.exports import FORMATS, Document, Publisher, collect
from xlmr_bench.results import record_path, write_record
from xlmr_bench.scoring import measures

Values = Mapping[str, float]
Write = Callable[..., Path]
Export = Callable[..., list[Document]]


def _rows(benchmark: str, values: Values, split: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every metric of a column has the same value; averages are those of the benchmark."""
    known = find_benchmark(benchmark)
    scores = [
        {"split": split, "language": code, "metric": m.metric.name, "value": v, "n": 100,
         "ci95": [v - 0.02, v + 0.02], "truncated": 0}
        for code, v in values.items() for m in measures(known.task_of(code))
    ]  # fmt: skip
    aggregate = []
    for title, by_column in known.averages(tuple(values)).items():
        mean = sum(w * values[c] for c, w in by_column.items()) / sum(by_column.values())
        used = list(dict.fromkeys(measures(known.task_of(c))[0].metric for c in by_column))
        aggregate.append(
            {"split": split, "average": title, "metric": used[0].name if len(used) == 1 else "score", "value": mean,
             "ci95": [mean - 0.01, mean + 0.01], "languages": len(by_column),
             "signature": " + ".join(m.signature for m in used)}
        )  # fmt: skip
    return scores, aggregate


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a record of these columns below `tmp_path/runs`; `changes` replace its entries."""

    def write_one(
        values: Values, *, benchmark: str = "xnli", seed: int = 1, splits: tuple[str, ...] = ("dev", "test"),
        official: bool | None = True, name: str = "toy", **changes: Any,
    ) -> Path:  # fmt: skip
        made = [_rows(benchmark, values, split) for split in splits]
        data = [
            {"role": role, "language": code, "n": 100, "sha256": f"{role}-{code}-digest", "official": official,
             "deviation": None if official else "3 of 4 examples"}
            for role in splits for code in values
        ]  # fmt: skip
        record = result_record(
            benchmark=benchmark, seed=seed,
            model={"name": name, "weights_sha256": f"{name}-weights", "tokenizer_sha256": "t" * 8},
            data={"name": "files", "official": official, "splits": data},
            config={"preset": "quick", "languages": list(values), "learning_rate": 0.001},
            scores=[s for scores, _ in made for s in scores],
            aggregate=[a for _, aggregate in made for a in aggregate],
            predictions={"path": f"seed{seed}.predictions.parquet", "sha256": f"predictions-{seed}", "rows": 200},
            provenance={"xlmr_bench": "0.1.0", "git_commit": "c0ffee", "git_dirty": False,
                        "packages": {"torch": "2.13"},
                        "command": f"python -m xlmr_bench run {benchmark} --seed {seed}"},
            timing={"started": f"2026-01-0{seed}T10:00:00+00:00", "seconds": 60.5},
        )  # fmt: skip
        record.update({"notes": [], **changes})
        words = (name, benchmark, record["protocol"], record["selection"])
        path = record_path(tmp_path / "runs", *words, seed)
        write_record(path, record)
        return path

    return write_one


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Where `write` writes."""
    return tmp_path / "runs"


@pytest.fixture
def export(runs: Path) -> Export:
    """The documents of all records that were written."""

    def documents(style: str, *, anything: bool = False, **publisher: Any) -> list[Document]:
        return FORMATS[style](collect([runs], anything=anything), Publisher(**publisher))

    return documents


@pytest.fixture
def command(runs: Path) -> Callable[..., int]:
    """The command `export`, as the command line calls it."""

    def run(style: str, **options: Any) -> int:
        chosen = {
            "records": [runs], "out": None, "model_id": None, "organization": "unspecified", "relationship": "other",
            "any": False, **options,
        }  # fmt: skip
        return execute(argparse.Namespace(format=style, **chosen))

    return run
