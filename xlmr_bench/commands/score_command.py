"""`score`: a prediction file against gold labels; torch is not needed."""

from __future__ import annotations

import argparse
import json

from ..benchmarks import find_benchmark
from ..errors import DataError, UsageError, unknown_name
from ..examples import limited
from ..predictions import match, read_predictions
from ..request import locate
from ..scoring import check_predictions, score_splits


def execute(args: argparse.Namespace) -> int:
    """Score every split and language that the file holds."""
    predictions = read_predictions(args.file)
    name = args.benchmark or predictions.about.get("benchmark")
    if name is None:
        raise UsageError(f"{args.file} does not say which benchmark it is of. Add --benchmark NAME.")
    benchmark = find_benchmark(name)
    where = locate(args.data, args.files)
    digests = predictions.about.get("gold_sha256", {})
    gold, predicted = {}, {}
    for key in predictions.labels:
        split_name, language = key
        if split_name not in ("dev", "test"):
            raise DataError(f"{args.file}: split {split_name!r} is neither dev nor test. Nothing was scored.")
        if language not in benchmark.languages:
            raise unknown_name(f"language of {name}", language, benchmark.languages)
        role = benchmark.gold_role(predictions.about.get("protocol", ""), split_name, language)
        split = limited(benchmark.read(where, role, language), predictions.about.get("limited"))
        expected = digests.get(f"{split_name}/{language}")
        if expected not in (None, split.gold_digest):
            raise DataError(
                f"{args.file} was made for other {language!r} {split_name} data than these ({split.files[0]}). "
                "Give the same data with --data; nothing was scored."
            )
        predicted[key] = match(predictions, split, split_name)
        check_predictions(benchmark.task_of(language), split, predicted[key], str(args.file))
        gold[key] = split
    if not gold:
        raise DataError(f"{args.file} holds no predictions.")
    scores, aggregate = score_splits(benchmark, predicted, gold, {})
    if args.format == "json":
        print(json.dumps({"benchmark": name, "scores": scores, "aggregate": aggregate}, indent=1))
        return 0
    from ..report import score_table

    print(score_table(scores, aggregate))
    return 0
