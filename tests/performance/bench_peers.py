"""The Hugging Face way of fine-tuning for NER, QA and sentence pairs, measured on real data and one thread.

Variants `documented` and `best` (see `peers`) take turns in one process; figures are medians of examples per CPU-second
over several rounds. An example is a sentence, a window of a question's context, or a pair.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

from peers import VARIANTS, Text, Timing, Words, ner_peer, text_peer
from peers_qa import Asked, qa_peer

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import TAGS, read_conll
from xlmr_bench.benchmarks.squad_files import read_squad
from xlmr_bench.benchmarks.xnli_files import read_xnli

REPOSITORY = Path(__file__).resolve().parents[2]
NLI_LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True)
class Measured:
    """One kind of work: `side(variant, steps)` trains and evaluates once; `batch` is the documented size."""

    batch: int
    train_examples: int
    side: Callable[[str, int], Timing]


def make_model(folder: Path, shared: Path, size: str, vocabulary: int) -> Path:
    """A random model whose vocabulary was trained on sentences in the four languages of CoNLL."""
    text, pieces, model = shared / "text" / "lingua_sentences", folder / "bpe.model", folder / "model"
    options = ["--languages", "en,de,es,nl", "--type", "bpe", "--size", str(vocabulary), "--threads", "1"]
    _run("pretrain", "vocab", str(text), str(pieces), *options)
    _run("xlmr_bench", "init", "--size", size, "--tokenizer", str(pieces), str(model))
    return model


def _run(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")


def read_words(shared: Path, n: int) -> tuple[list[Words], list[Words]]:
    """The first sentences of CoNLL-2003 English, train and dev."""
    where = Where((shared / "conll" / "2003",))
    train, dev = (read_conll(where, role, "en").examples[:n] for role in ("train", "dev"))
    return [(s.words, s.tags) for s in train], [(s.words, s.tags) for s in dev]


def read_pairs(shared: Path, n: int) -> tuple[list[Text], list[Text]]:
    """The first pairs of MultiNLI's training set and of XNLI's English dev set."""
    where = Where((shared / "xnli",))
    train, dev = (read_xnli(where, role, "en").examples[:n] for role in ("train", "dev"))
    return [(p.premise, p.hypothesis, p.label) for p in train], [(p.premise, p.hypothesis, p.label) for p in dev]


def read_questions(shared: Path, n: int) -> tuple[list[Asked], list[Asked]]:
    """The first questions of stand-ins for SQuAD's train and dev, both of articles of the official dev set."""
    files = {"train": "standin-train.from-dev-articles-01-40.json", "dev": "standin-dev.from-dev-articles-41-48.json"}
    where = Where(patterns=tuple((role, str(shared / "squad" / name)) for role, name in files.items()))
    train, dev = (read_squad(where, role).examples[:n] for role in ("train", "dev"))
    return [Asked(q.question, q.context, q.answers, q.starts) for q in train], [
        Asked(q.question, q.context, q.answers, q.starts) for q in dev
    ]


def works(model: Path, shared: Path, n: int) -> dict[str, Measured]:
    """All that is measured; ours is to be set beside each."""
    words, pairs, asked = read_words(shared, n), read_pairs(shared, n), read_questions(shared, n)
    return {
        "ner": Measured(8, n, lambda variant, steps: ner_peer(model, *words, TAGS, variant, steps, 8)),
        "nli": Measured(32, n, lambda variant, steps: text_peer(model, *pairs, NLI_LABELS, variant, steps, 32)),
        "qa": Measured(12, n, lambda variant, steps: qa_peer(model, *asked, variant, steps, 12)),
    }


def main() -> None:
    shared = Path(os.environ.get("XLMR_BENCH_SHARED", REPOSITORY.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=shared, help="folder whose `data` holds the benchmarks' files")
    parser.add_argument("--work", nargs="+", default=["ner", "nli", "qa"], choices=["ner", "nli", "qa"])
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--examples", type=int, default=1280, help="to train on and to evaluate")
    parser.add_argument("--steps", type=int, help="batches to train (default: all examples once)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    data = args.shared / "data"
    if not data.is_dir():
        raise SystemExit(f"there are no benchmark data in {data}: give --shared or XLMR_BENCH_SHARED.")
    with tempfile.TemporaryDirectory() as scratch:
        model = make_model(Path(scratch), data, args.size, args.vocabulary)
        for name, work in works(model, data, args.examples).items():
            if name in args.work:
                _report(name, work, args.steps or -(-work.train_examples // work.batch), args.rounds)


def _report(name: str, work: Measured, steps: int, rounds: int) -> None:
    found: dict[str, list[Timing]] = {variant: [] for variant in VARIANTS}
    for _ in range(rounds):
        for variant in VARIANTS:
            found[variant].append(work.side(variant, steps))
    for variant, timings in found.items():
        train = statistics.median(t.train_examples_per_cpu_s for t in timings)
        evaluate = statistics.median(t.eval_examples_per_cpu_s for t in timings)
        last = timings[-1]
        print(
            f"{name}, {variant}: train {train:,.1f} ({last.train_examples:,} examples), "
            f"evaluate {evaluate:,.1f} ({last.eval_examples:,}), score {last.score:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
