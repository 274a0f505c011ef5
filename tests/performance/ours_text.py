"""Our side of what needs no model: tokenising text, scoring. `python -m performance.ours_text JOB`.

The work is what the commands `pretrain shard` and `xlmr_bench score` do, without the start of Python.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pretrain.sharding import shard_text
from pretrain.shards import TokenStream, open_shards
from pretrain.text import find_text
from pretrain.tokenise import WorkItem, tokenise_item
from xlmr_bench.commands import score_command
from xlmr_bench.modeling.tokenizer import load_sentencepiece

from .clock import Found, Job, phase, read_job, report
from .profiles import grouped

_TEXT = {
    "SentencePiece": ("modeling/tokenizer.py:encode_batch",),
    "reading": ("pretrain/tokenise.py:_batches",),
    "flushing to disk": ("xlmr_bench/files.py:_sync",),
}
_SCORING = {
    "reading predictions": ("xlmr_bench/predictions.py:read_predictions",),
    "reading gold": ("benchmarks/xnli_files.py:read_xnli",),
    "matching": ("xlmr_bench/predictions.py:match", "xlmr_bench/scoring.py:check_predictions"),
    "resampling": ("xlmr_bench/metrics.py:resampled_sums",),
}


def tokenise(job: Job) -> Found:
    """Text folder to shards, one process."""
    folder, out = Path(job["folder"]), Path(tempfile.mkdtemp())
    size = sum(path.stat().st_size for path in (folder / "text").glob("*.txt"))
    tokenizer = folder / "tokenizer" / "sentencepiece.bpe.model"
    load_sentencepiece(tokenizer).encode_batch(["warm"])

    def work() -> None:
        shard_text(folder / "text", out / "shards", tokenizer, workers=1)

    def work_here() -> None:
        """The same in this process: a profile does not see into another."""
        digest = load_sentencepiece(tokenizer).digest
        for files in find_text(folder / "text").values():
            for file in files:
                target = out / "shards" / file.language / "00000.bin"
                tokenise_item(WorkItem(file, 0, 0, target, tokenizer, digest, False), lambda _: None)

    if job["mode"] == "profile":
        found = {"profile": {"encode": grouped(work_here, _TEXT)}}
    else:
        found = _timed(job, "encode", work, size / 1e6, _TEXT)
    if job["mode"] == "logits":
        manifest = open_shards(out / "shards")
        streams = {code: TokenStream(manifest, code) for code in sorted(manifest.languages)}
        np.savez(job["out"], **{code: s.read(0, len(s)) for code, s in streams.items()})
    shutil.rmtree(out)
    return found


def score(job: Job) -> Found:
    """A prediction file to accuracies with intervals by language and on average, as `score --format json` prints."""
    folder = Path(job["folder"])
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    arguments = argparse.Namespace(
        file=folder / "predictions.parquet", benchmark=None, data=[about["gold"]], files=[], format="json"
    )
    printed = io.StringIO()

    def work() -> None:
        with contextlib.redirect_stdout(printed):
            score_command.execute(arguments)

    found = _timed(job, "score", work, about["rows"], _SCORING)
    scores = json.loads(printed.getvalue())["scores"]
    return {**found, "scores": {s["language"]: [s["value"], *s["ci95"]] for s in scores}}


def _timed(job: Job, name: str, work: Callable[[], None], items: float, groups: dict[str, tuple[str, ...]]) -> Found:
    found: Found = {}
    if job["mode"] == "profile":
        return {"profile": {name: grouped(work, groups)}}
    with phase(found, name, items):
        work()
    return found


def main() -> None:
    """Do the job's kind of work."""
    job = read_job()
    report({"text": tokenise, "scoring": score}[job["inputs"]](job))


if __name__ == "__main__":
    main()
