"""Results without a model: predictions of known accuracy on a small XNLI, scored and written as runs write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from samples import LABELS, result_record

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.examples import limited
from xlmr_bench.files import sha256_of
from xlmr_bench.predictions import write_predictions
from xlmr_bench.results import record_path, write_record
from xlmr_bench.scoring import score_splits


def write_seed(
    path: Path, data: Path, right: Mapping[str, float], *, draw: int = 0, limit: int | None = None, **changes: Any
) -> Path:
    """A record with predictions of which about a share `right` is correct; `draw` decides which ones."""
    rng = np.random.default_rng(draw)
    gold = {("test", code): limited(XNLI.read(Where((data,)), "test", code), limit) for code in right}
    predicted = {
        (split, code): [
            e.label if rng.random() < right[code] else LABELS[(LABELS.index(e.label) + 1) % 3] for e in s.examples
        ]
        for (split, code), s in gold.items()
    }
    scores, aggregate = score_splits(XNLI, predicted, gold, {})
    file = path.with_suffix(".predictions.parquet")
    columns = {
        "split": [split for (split, _), s in gold.items() for _ in s.examples],
        "language": [code for (_, code), s in gold.items() for _ in s.examples],
        "id": [e.id for s in gold.values() for e in s.examples],
        "prediction": [label for key in gold for label in predicted[key]],
    }
    write_predictions(file, columns, {"benchmark": "xnli"})
    splits = [
        {
            "role": split,
            "language": code,
            "n": len(s.examples),
            "sha256": s.digest,
            "gold_sha256": s.gold_digest,
            "official": s.official,
        }
        for (split, code), s in gold.items()
    ]
    record = result_record(
        limited=limit,
        data={"name": "toy", "official": None, "splits": splits},
        scores=scores,
        aggregate=aggregate,
        predictions={"path": file.name, "sha256": sha256_of(file), "rows": len(columns["id"])},
    )
    write_record(path, {**record, **changes})
    return path


def write_model(
    output: Path, data: Path, name: str, accuracies: Mapping[int, Mapping[str, float]], **changes: Any
) -> Path:
    """A model's seeds by accuracy, below the folders that runs make; returns the folder of the seeds."""
    draw = sum(map(ord, name))
    for seed, right in accuracies.items():
        path = record_path(output, name, "xnli", "transfer", changes.get("selection", "joint"), seed)
        model = {"name": name, "weights_sha256": f"{name} weights", "tokenizer_sha256": "t"}
        write_seed(path, data, right, draw=1000 * draw + seed, **{"model": model, "seed": seed, **changes})
    return path.parent


def even(accuracy: float, seeds: int, spread: float = 0.0) -> dict[int, dict[str, float]]:
    """Seeds around an accuracy in English, and 10 points less in Swahili; half of them `spread` above, half below."""
    signs = [1 if s % 2 else -1 for s in range(1, seeds + 1)]
    return {
        s: {"en": accuracy + sign * spread, "sw": accuracy - 0.1 + sign * spread}
        for s, sign in enumerate(signs, 1)
    }  # fmt: skip
