"""Fine-tuning and evaluation for NER, QA and sentence pairs beside the Hugging Face way, on real data and one thread.

Ours and the peer as `documented` and at its `best` (see `peers`) take turns in one process, from the same weights and
with equal batch sizes; figures are medians of examples per CPU-second over several rounds. An example is a sentence,
a window of a question's context, or a pair. The peer's windows overlap by 128 pieces, ours start 128 apart.
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
from functools import partial
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

from ours import ours
from peers import VARIANTS, Text, Timing, Words, ner_peer, text_peer
from peers_qa import Asked, qa_peer

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import TAGS, read_conll
from xlmr_bench.benchmarks.squad_files import read_squad
from xlmr_bench.benchmarks.xnli_files import LABELS, read_xnli
from xlmr_bench.examples import LabelledText, Question, Split, TaggedSentence, limited
from xlmr_bench.settings import ExtractionSettings, Settings
from xlmr_bench.tasks import Classification, Extraction, Tagging

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = "ours"


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


def words_of(split: Split[TaggedSentence]) -> list[Words]:
    return [(s.words, s.tags) for s in split.examples]


def texts_of(split: Split[LabelledText]) -> list[Text]:
    return [(e.texts()[0], (*e.texts(), None)[1], e.label) for e in split.examples]


def asked_of(split: Split[Question]) -> list[Asked]:
    return [Asked(q.question, q.context, q.answers, q.starts) for q in split.examples]


def works(model: Path, data: Path, n: int) -> dict[str, Measured]:
    """All that is measured: CoNLL-2003 English, stand-ins for SQuAD (parts of its dev set), MultiNLI and XNLI dev."""
    squad = {"train": "standin-train.from-dev-articles-01-40.json", "dev": "standin-dev.from-dev-articles-41-48.json"}
    asked = Where(patterns=tuple((role, str(data / "squad" / name)) for role, name in squad.items()))
    roles = ("train", "dev")
    ner = [limited(read_conll(Where((data / "conll" / "2003",)), role, "en"), n) for role in roles]
    nli = [limited(read_xnli(Where((data / "xnli",)), role, "en"), n) for role in roles]
    qa = [limited(read_squad(asked, role), n) for role in roles]
    tagging, classes, answers = Tagging(TAGS), Classification(LABELS), Extraction(("squad_f1",))
    common = {"max_length": 128, "epochs": 1, "clip_norm": 1.0, "schedule": "linear"}
    for_ner = Settings(learning_rate=5e-5, batch_size=8, head="linear", **common)
    for_nli = Settings(learning_rate=2e-5, batch_size=32, **common)
    for_qa = ExtractionSettings(learning_rate=3e-5, batch_size=12, head="linear", **{**common, "max_length": 384})

    def side(variant: str, steps: int, kind: str) -> Timing:
        if kind == "ner":
            return (
                ours(model, tagging, *ner, for_ner, steps)
                if variant == OURS
                else ner_peer(model, *map(words_of, ner), TAGS, variant, steps, 8)
            )
        if kind == "nli":
            return (
                ours(model, classes, *nli, for_nli, steps)
                if variant == OURS
                else text_peer(model, *map(texts_of, nli), LABELS, variant, steps, 32)
            )
        if variant == OURS:
            return ours(model, answers, *qa, for_qa, steps)
        return qa_peer(model, *map(asked_of, qa), variant, steps, 12)

    batches = {"ner": 8, "nli": 32, "qa": 12}
    return {kind: Measured(batch, n, partial(side, kind=kind)) for kind, batch in batches.items()}


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
    found: dict[str, list[Timing]] = {variant: [] for variant in (OURS, *VARIANTS)}
    for _ in range(rounds):
        for variant, timings in found.items():
            timings.append(work.side(variant, steps))
    rates = {
        variant: [
            statistics.median(getattr(t, f"{kind}_examples_per_cpu_s") for t in timings) for kind in ("train", "eval")
        ]
        for variant, timings in found.items()
    }
    for variant, (train, evaluate) in rates.items():
        last = found[variant][-1]
        ratio = f"; ours {rates[OURS][0] / train:.2f} x / {rates[OURS][1] / evaluate:.2f} x" if variant != OURS else ""
        print(
            f"{name}, {variant}: train {train:,.1f} ({last.train_examples:,} examples), "
            f"evaluate {evaluate:,.1f} ({last.eval_examples:,}), score {last.score:.3f}{ratio}",
            flush=True,
        )


if __name__ == "__main__":
    main()
