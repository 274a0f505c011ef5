"""`predict`: a fine-tuned model's predictions, without looking at gold labels."""

from __future__ import annotations

import argparse

from ..benchmarks import find_benchmark
from ..errors import UsageError
from ..examples import limited
from ..languages import choose_languages
from ..request import locate


def execute(args: argparse.Namespace) -> int:
    """Predict one split in the languages asked for and write the prediction file."""
    benchmark = find_benchmark(args.benchmark)
    languages = choose_languages(args.languages, benchmark.languages)
    if args.limit is not None and args.limit < 1:
        raise UsageError(f"--limit {args.limit}: at least 1 example is needed.")
    where = locate(args.data, args.files)
    if args.output.suffix != ".parquet":
        raise UsageError(f"--output {args.output}: prediction files end in .parquet.")

    from ..device import start_ranks
    from ..encode import encode_pairs
    from ..modeling.model import load_classifier, open_source
    from ..outcome import softmax
    from ..predict import predict_logits
    from ..predictions import write_predictions

    ranks = start_ranks(args.device)
    source, labels = open_source(args.model), benchmark.task.labels
    max_length = args.max_length or min(256, source.max_tokens)
    if max_length > source.max_tokens:
        raise UsageError(f"--max-length {max_length}: {source.name} takes {source.max_tokens} tokens.")
    model = load_classifier(source, labels).to(ranks.device)
    name = args.split.removeprefix("translate-")
    columns: dict[str, list[object]] = {c: [] for c in ("split", "language", "id", "prediction", *_columns(labels))}
    digests = {}
    for code in languages:
        role = name if code == "en" else args.split
        split = limited(benchmark.read(where, role, code), args.limit)
        encoded = encode_pairs(split, labels, source.tokenizer, max_length)
        logits = predict_logits(model, encoded, source.tokenizer.pad_id, ranks)
        digests[f"{name}/{code}"] = split.gold_digest
        columns["split"] += [name] * len(encoded)
        columns["language"] += [code] * len(encoded)
        columns["id"] += [e.id for e in split.examples]
        columns["prediction"] += [labels[i] for i in logits.argmax(axis=1)]
        for i, column in enumerate(_columns(labels)):
            columns[column] += softmax(logits)[:, i].tolist()
    about = {"benchmark": benchmark.name, "limited": args.limit, "gold_sha256": digests, "model": source.identity}
    write_predictions(args.output, columns, about)
    print(f"{args.output}: {len(columns['id']):,} predictions in {len(languages)} languages")
    return 0


def _columns(labels: tuple[str, ...]) -> list[str]:
    return [f"p_{label}" for label in labels]
