"""Result records on disk, as runs leave them, with scores chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samples import result_record

from xlmr_bench.benchmarks import find_benchmark
from xlmr_bench.results import Record, record_path, write_record

Values = Mapping[str, float | Sequence[float]]


def run_record(
    benchmark: str, protocol: str, values: Values, *, selection: str = "joint", seed: int = 1, name: str = "toy",
    official: bool | None = True, **changes: Any,
) -> Record:  # fmt: skip
    """A result of these columns; several values of a column are of its metrics in order. Intervals are ± .02."""
    known = find_benchmark(benchmark)
    scored = {code: [v] if isinstance(v, float) else list(v) for code, v in values.items()}
    scores = [
        {"split": known.tested, "language": code, "metric": f"m{place}", "value": v, "n": 100,
         "ci95": [v - 0.02, v + 0.02], "truncated": 0}
        for code, of_column in scored.items() for place, v in enumerate(of_column)
    ]  # fmt: skip
    aggregate = []
    for title, weights in known.averages(tuple(values)).items():
        for place in range(known.shown):
            mean = sum(w * scored[c][place] for c, w in weights.items()) / sum(weights.values())
            aggregate.append(
                {"split": known.tested, "average": title, "metric": f"m{place}", "value": mean,
                 "ci95": [mean - 0.01, mean + 0.01], "languages": len(weights), "signature": "m|v:1"}
            )  # fmt: skip
    return result_record(
        benchmark=benchmark, protocol=protocol, selection=selection, seed=seed, scores=scores, aggregate=aggregate,
        model={"name": name, "weights_sha256": f"{name}-w", "tokenizer_sha256": "t"},
        data={"name": "files", "official": official, "splits": []},
        config={"preset": "quick", "languages": list(values)},
        **{"notes": [], **changes},
    )  # fmt: skip


def write_run(folder: Path, record: Record) -> Path:
    """Write a record where a run would."""
    words = (record["model"]["name"], record["benchmark"], record["protocol"], record["selection"])
    path = record_path(folder, *words, record["seed"])
    write_record(path, record)
    return path
