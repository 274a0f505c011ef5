"""`predict`: a fine-tuned model's predictions, without looking at gold labels."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from ..benchmarks import find_benchmark
from ..errors import UsageError
from ..examples import limited
from ..languages import choose_languages
from ..request import locate
from ..settings import override


def execute(args: argparse.Namespace) -> int:
    """Predict one split in the languages asked for and write the prediction file."""
    benchmark = find_benchmark(args.benchmark)
    languages = choose_languages(args.languages, benchmark.languages, benchmark.chosen, benchmark.column)
    if args.limit is not None and args.limit < 1:
        raise UsageError(f"--limit {args.limit}: at least 1 example is needed.")
    where = locate(args.data, args.files)
    if args.output.suffix != ".parquet":
        raise UsageError(f"--output {args.output}: prediction files end in .parquet.")
    heads = {benchmark.model_of(code) for code in languages}
    if benchmark.column == "task" and len(heads) > 1:
        raise UsageError(f"{benchmark.name} has a model a task. Name one with --tasks: {', '.join(sorted(heads))}.")

    from ..device import start_ranks
    from ..modeling.model import load_fine_tuned, open_source
    from ..predict import predict_outputs
    from ..predictions import write_predictions
    from ..workload import prepare

    ranks = start_ranks(args.device)
    source, task = open_source(args.model), benchmark.task_of(languages[0])
    settings = override(benchmark.presets[0].settings, args.assignments)
    max_length = args.max_length or min(settings.max_length, source.max_tokens)
    if max_length > source.max_tokens:
        raise UsageError(f"--max-length {max_length}: {source.name} takes {source.max_tokens} tokens.")
    settings = replace(settings, max_length=max_length)
    model = load_fine_tuned(source, task.head, task.labels, task.outputs).to(ranks.device)
    name = (args.split or benchmark.tested).removeprefix("translate-")
    columns: dict[str, list[Any]] = {c: [] for c in ("split", "language", "id", "prediction")}
    digests = {}
    for code in languages:
        role = name if code == "en" else args.split or name
        split = limited(benchmark.read(where, role, code), args.limit)
        prepared = prepare(task, split, source.tokenizer, settings)
        predicted, numbers = prepared.decode(predict_outputs(model, prepared.encoded, source.tokenizer.pad_id, ranks))
        digests[f"{name}/{code}"] = split.gold_digest
        columns["split"] += [name] * len(predicted)
        columns["language"] += [code] * len(predicted)
        columns["id"] += [e.id for e in split.examples]
        columns["prediction"] += predicted
        for column, values in numbers.items():
            columns.setdefault(column, []).extend(values)
    about = {
        "benchmark": benchmark.name,
        "protocol": "translate-test" if (args.split or "").startswith("translate-") else "",
        "limited": args.limit,
        "gold_sha256": digests,
        "model": source.identity,
    }
    write_predictions(args.output, columns, about)
    print(f"{args.output}: {len(columns['id']):,} predictions in {len(languages)} languages")
    return 0
