"""What else turns text into arrays and predictions into scores: `python -m performance.peer_text JOB`.

Text: `transformers` is the fast tokenizer on batches of 1,000 lines, as `run_mlm` maps it, then one array a language;
`sentencepiece` is the bare library on the same lines, ids as they come, with no offset and no `</s>`.
Scores: pandas reads the files; `documented` is `evaluate`'s way, scikit-learn's accuracy in `scipy.stats.bootstrap`
(percentiles, 1,000 resamples; its own default of BCa takes far longer); `flags-best` the same with `vectorized=True`
on 0 and 1.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .clock import Found, Job, phase, read_job, report

RESAMPLES = 1000
LABELS = ["entailment", "neutral", "contradiction"]
_LINES = 1000

Encode = Callable[[list[str]], list[list[int]]]


def tokenise(job: Job) -> Found:
    """Every language's lines to one array on disk."""
    folder = Path(job["folder"])
    files = sorted((folder / "text").glob("*.txt"))
    size = sum(path.stat().st_size for path in files)
    encode = _sentencepiece(folder) if job["side"] == "sentencepiece" else _transformers(folder)
    encode(["warm"])
    found: Found = {}
    with tempfile.TemporaryDirectory() as scratch:
        with phase(found, "encode", size / 1e6):
            for path in files:
                parts = [np.fromiter((t for row in encode(lines) for t in row), np.uint32) for lines in _batches(path)]
                np.save(Path(scratch) / path.stem, np.concatenate(parts))
        if job["mode"] == "logits":
            np.savez(job["out"], **{path.stem: np.load(Path(scratch) / f"{path.stem}.npy") for path in files})
    return found


def _batches(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for part in _in_parts(line.rstrip("\n") for line in lines if line.strip()):
            yield list(part)


def _in_parts(lines: Iterator[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for line in lines:
        part.append(line)
        if len(part) == _LINES:
            yield part
            part = []
    if part:
        yield part


def _transformers(folder: Path) -> Encode:
    import transformers
    from transformers import AutoTokenizer

    transformers.logging.set_verbosity_error()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder / "tokenizer")

    def encode(lines: list[str]) -> list[list[int]]:
        return tokenizer(lines, add_special_tokens=False, return_attention_mask=False)["input_ids"]

    return encode


def _sentencepiece(folder: Path) -> Encode:
    from sentencepiece import SentencePieceProcessor

    processor: Any = SentencePieceProcessor(model_file=str(folder / "tokenizer" / "sentencepiece.bpe.model"))

    def encode(lines: list[str]) -> list[list[int]]:
        return processor.encode(lines, out_type=int, num_threads=1)

    return encode


def score(job: Job) -> Found:
    """Accuracy and its 95 % interval by language."""
    import pandas
    from scipy.stats import bootstrap
    from sklearn.metrics import accuracy_score

    folder = Path(job["folder"])
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    scores, found = {}, Found()
    how: dict[str, Any] = {"n_resamples": RESAMPLES, "method": "percentile", "rng": 0}
    with phase(found, "score", about["rows"]):
        path = Path(about["gold"]) / "XNLI-1.0" / "xnli.test.tsv"
        right = pandas.read_csv(path, sep="\t", quoting=csv.QUOTE_NONE, usecols=["language", "gold_label"])
        right["id"] = (right.groupby("language").cumcount() + 1).astype(str)
        table = pandas.read_parquet(folder / "predictions.parquet").merge(right, on=["language", "id"])
        for code, rows in table.groupby("language", sort=False):
            gold, predicted = (rows[name].map(LABELS.index).to_numpy() for name in ("gold_label", "prediction"))
            if job["side"] == "documented":
                drawn = bootstrap((gold, predicted), accuracy_score, paired=True, vectorized=False, **how)
            else:
                drawn = bootstrap((np.equal(gold, predicted).astype(float),), np.mean, vectorized=True, **how)
            interval = drawn.confidence_interval
            scores[code] = [float(accuracy_score(gold, predicted)), float(interval.low), float(interval.high)]
    return {**found, "scores": scores}


def main() -> None:
    """Do the job's kind of work."""
    job = read_job()
    report({"text": tokenise, "scoring": score}[job["inputs"]](job))


if __name__ == "__main__":
    main()
