"""What both sides work on, made once: vocabularies, models of random weights, examples as plain lines of JSON.

`python -m performance.inputs JOB` prints the folder. Real benchmark data are taken from $XLMR_BENCH_SHARED (default:
`../shared` beside the repository) where they are there, else the miniature; `about.json` tells which. A folder's name
is decided by what decides its content, so nothing is made twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import TAGS, read_conll
from xlmr_bench.benchmarks.squad_files import read_squad
from xlmr_bench.benchmarks.xnli_files import LABELS, read_xnli
from xlmr_bench.cache import cache_folder
from xlmr_bench.examples import Split, limited
from xlmr_bench.files import atomic_path, digest_of, write_json
from xlmr_bench.miniature import miniature_folder

from .clock import Job, read_job
from .machine import REPOSITORY
from .vocabularies import vocabulary

_VERSION = 1  # raise when what a maker makes changes
HEADS = {"nli": "sequence", "ner": "token", "qa": "span"}
CLASSES: dict[str, tuple[str, ...]] = {"nli": LABELS, "ner": TAGS, "qa": ()}
_SQUAD = {"train": "standin-train.from-dev-articles-01-40.json", "dev": "standin-dev.from-dev-articles-41-48.json"}
_CALLED = {
    "nli": "MultiNLI (8,999 pairs) and XNLI dev, English",
    "ner": "CoNLL-2003 English",
    "qa": "SQuAD v1.1 dev, articles 1-40 to train on, 41-48 as dev",
}


def shared() -> Path | None:
    """The folder of real data, or None."""
    folder = Path(os.environ.get("XLMR_BENCH_SHARED", REPOSITORY.parent / "shared")) / "data"
    return folder if folder.is_dir() else None


def made(name: str, spec: Any, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, from the cache if it is there; `spec` is all that decides its content."""
    folder = cache_folder() / "performance" / f"{name}-{digest_of([_VERSION, spec])[:12]}"
    if not folder.is_dir():
        with atomic_path(folder) as part:
            part.mkdir()
            make(part)
    return folder


def tuning(job: Job) -> Path:
    """A model with its head, and examples to train on and to judge by, for one kind of fine-tuning."""
    spec = {**{k: job[k] for k in ("kind", "size", "vocabulary", "train", "dev")}, "real": shared() is not None}
    return made(f"{job['kind']}-{job['vocabulary']}", spec, lambda folder: _tuning(job, folder))


def _tuning(job: Job, folder: Path) -> None:
    splits = read(job["kind"], job["train"], job["dev"])
    for role, split in splits.items():
        write_lines(folder / f"{role}.jsonl", (plain(job["kind"], example) for example in split.examples))
    tokenizer, how = vocabulary(job["vocabulary"], shared())
    write_model(folder / "model", job["size"], tokenizer, HEADS[job["kind"]], CLASSES[job["kind"]])
    called = _CALLED[job["kind"]] if shared() else "the miniature"
    counts = {role: len(split.examples) for role, split in splits.items()}
    about = {"data": f"{called}; {counts['train']:,} to train on, {counts['dev']:,} to evaluate", "vocabulary": how}
    write_json(folder / "about.json", {**about, "classes": CLASSES[job["kind"]]})


def read(kind: str, train: int, dev: int) -> dict[str, Split[Any]]:
    """The first examples of train and dev, English."""
    data = shared()
    if kind == "qa":
        files = _SQUAD if data else {"train": "train-v1.1.json", "dev": "dev-v1.1.json"}
        patterns = {role: str((data or _small()) / "squad" / file) for role, file in files.items()}
        where = Where(patterns=tuple(patterns.items()))
        return {r: limited(read_squad(where, r), n) for r, n in (("train", train), ("dev", dev))}
    if kind == "ner":
        where = Where((data / "conll" / "2003",) if data else (_small(),))
        return {r: limited(read_conll(where, r, "en"), n) for r, n in (("train", train), ("dev", dev))}
    where = Where((data / "xnli",) if data else (_small(),))
    return {r: limited(read_xnli(where, r, "en"), n) for r, n in (("train", train), ("dev", dev))}


def plain(kind: str, example: Any) -> dict[str, Any]:
    """An example as JSON holds it; `id` leads back to it."""
    if kind == "ner":
        return {"id": example.id, "words": example.words, "tags": example.tags}
    if kind == "qa":
        return {k: getattr(example, k) for k in ("id", "question", "context", "answers", "starts")}
    return {"id": example.id, "first": example.premise, "second": example.hypothesis, "label": example.label}


def write_model(folder: Path, size: str, tokenizer: Path, head: str, labels: tuple[str, ...]) -> None:
    """Random weights, the head's included, in the layout that both sides load."""
    import torch

    from xlmr_bench.modeling.checkpoint import save_checkpoint
    from xlmr_bench.modeling.config import SIZES
    from xlmr_bench.modeling.encoder import Encoder, initialise
    from xlmr_bench.modeling.heads import MlmHead, SequenceHead, TokenHead
    from xlmr_bench.modeling.tokenizer import load_sentencepiece

    config = replace(SIZES[size], vocab_size=load_sentencepiece(tokenizer).vocab_size)
    hidden = config.hidden_size
    if head == "mlm":
        top: torch.nn.Module = MlmHead(config)
    elif head == "sequence":
        top = SequenceHead(hidden, len(labels), dense=True, dropout=0.1)
    else:
        top = TokenHead(hidden, len(labels) or 2, dropout=0.1)
    model = torch.nn.ModuleDict({"encoder": Encoder(config), "head": top})
    generator = torch.Generator().manual_seed(1)
    for part in model.values():
        initialise(part, config.initializer_range, generator)
    named = labels or None if head in ("sequence", "token") else None
    save_checkpoint(folder, config, model.state_dict(), tokenizer, kind=head, labels=named, provenance={})


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _small() -> Path:
    return miniature_folder()


def main() -> None:
    """Make what the job needs, and print where it is."""
    from . import inputs_corpus, inputs_results, inputs_web

    job = read_job()
    makers: dict[str, Callable[[Job], Path]] = {
        "tuning": tuning,
        "pretraining": inputs_corpus.pretraining,
        "shards": inputs_corpus.shards,
        "text": inputs_corpus.text,
        "scoring": inputs_results.scoring,
        "records": inputs_results.records,
        "web": inputs_web.web,
    }
    print(makers[job["inputs"]](job))


if __name__ == "__main__":
    main()
