"""Predictions to score and records to show: what the parts of the harness that need no model work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tabled import run_record, write_run

from xlmr_bench.benchmarks import find_benchmark
from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli_files import LABELS, read_xnli
from xlmr_bench.files import write_json
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.predictions import write_predictions

from .clock import Job
from .inputs import made, shared

_RIGHT = 0.7
_SEEDS = 5


def scoring(job: Job) -> Path:
    """Predictions for XNLI's test in `languages` languages, about 70 % right: a prediction file, and plain lists."""
    spec = {"languages": job["languages"], "real": shared() is not None}
    return made("scoring", spec, lambda folder: _scoring(job, folder))


def _scoring(job: Job, folder: Path) -> None:
    data = shared()
    gold_folder = data / "xnli" if data else miniature_folder()
    where, rng = Where((gold_folder,)), np.random.default_rng(0)
    columns: dict[str, list[str]] = {"split": [], "language": [], "id": [], "prediction": []}
    for code in XNLI_LANGUAGES[: job["languages"]]:
        split = read_xnli(where, "test", code)
        gold = [LABELS.index(e.label) for e in split.examples]
        shift = np.where(rng.random(len(gold)) < _RIGHT, 0, rng.integers(1, 3, len(gold)))
        predicted = [int(i) for i in (np.array(gold) + shift) % 3]
        columns["split"] += ["test"] * len(gold)
        columns["language"] += [code] * len(gold)
        columns["id"] += [e.id for e in split.examples]
        columns["prediction"] += [LABELS[i] for i in predicted]
    write_predictions(folder / "predictions.parquet", columns, {"benchmark": "xnli"})
    rows = len(columns["id"])
    called = "XNLI's test" if data else "the miniature's XNLI test"
    about = {"data": f"{rows:,} predictions for {called} in {job['languages']} languages", "gold": str(gold_folder)}
    write_json(folder / "about.json", {**about, "rows": rows})


def records(job: Job) -> Path:
    """`runs/` with `records` records of XNLI, NER, MLQA and GLUE: models of five seeds each, scores drawn at random."""
    return made("records", {"records": job["records"]}, lambda folder: _records(job, folder))


def _records(job: Job, folder: Path) -> None:
    rng = np.random.default_rng(0)
    protocols = {"xnli": "transfer", "ner": "transfer", "mlqa": "transfer", "glue": "each"}
    for number in range(job["records"]):
        place, seed = divmod(number, _SEEDS)
        model, which = divmod(place, len(protocols))
        name, protocol = list(protocols.items())[which]
        benchmark = find_benchmark(name)
        level = 0.4 + 0.4 * float(rng.random())
        drawn = {
            code: tuple(round(level + 0.02 * float(rng.random()), 4) for _ in range(benchmark.shown))
            for code in benchmark.languages
        }
        selection = benchmark.selections[0]
        write_run(
            folder / "runs",
            run_record(name, protocol, drawn, selection=selection, seed=seed + 1, name=f"model-{model:03}"),
        )
    write_json(folder / "about.json", {"data": f"{job['records']:,} records of {', '.join(protocols)}"})
