"""Run records that say what a test wants them to say, written as the harness writes its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples import result_record

from xlmr_bench.benchmarks import find_benchmark
from xlmr_bench.results import record_path, write_record


@dataclass(frozen=True)
class WriteRun:
    """Writes records below `folder`."""

    folder: Path

    def __call__(
        self,
        model: str,
        values: Mapping[str, float | Sequence[float]],
        *,
        benchmark: str = "xnli",
        protocol: str = "transfer",
        selection: str = "joint",
        seed: int = 1,
        half: float = 1.0,
        folder: str = "runs",
        **changes: Any,
    ) -> Path:
        """Write one record; `values` are points by column, one a metric, and `half` is half of every 95 % interval."""
        about = find_benchmark(benchmark)
        points = {c: [v] if isinstance(v, int | float) else list(v) for c, v in values.items()}

        def score(place: int, value: float) -> dict[str, Any]:
            metric = "accuracy" if place == 0 else "exact_match"
            return {
                "split": about.tested,
                "metric": metric,
                "value": value / 100,
                "ci95": [(value - half) / 100, (value + half) / 100],
            }

        places = range(len(next(iter(points.values()))))
        scores = [
            {**score(p, row[p]), "language": code, "n": 100, "truncated": 0}
            for code, row in points.items()
            for p in places
        ]
        aggregate = []
        for average, weights in about.averages(tuple(points)).items():
            for p in places:
                mean = sum(w * points[c][p] for c, w in weights.items()) / sum(weights.values())
                aggregate.append(
                    {**score(p, mean), "average": average, "languages": len(weights), "signature": "made for a test"}
                )
        record = result_record(
            benchmark=benchmark,
            protocol=protocol,
            selection=selection,
            seed=seed,
            model={"name": model, "weights_sha256": "w", "tokenizer_sha256": "t"},
            config={"preset": "paper", "languages": list(points)},
            data={"name": "official", "official": True, "splits": []},
            scores=scores,
            aggregate=aggregate,
        )
        path = record_path(self.folder / folder, model, benchmark, protocol, selection, seed)
        write_record(path, {**record, **changes})
        return path
