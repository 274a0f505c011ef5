"""What is measured, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .work import BEST, DOCUMENTED, OURS, Goals, Work, goals
from .works_corpus import CORPUS

_SCRIPTS = ("torch", "transformers", "accelerate", "tokenizers", "sentencepiece", "protobuf", "numpy")
_TRAINER = "the example script's `Trainer`"
_PYTHON = "{python}"


def _tuning(name: str, title: str, kind: str, vocabulary: int, aims: Goals, **job: Any) -> Work:
    unit = "windows" if kind == "qa" else "examples"
    peer = "performance.peer_tuning"
    return Work(
        name=name,
        title=title,
        modules={OURS: "performance.ours_tuning", DOCUMENTED: peer, BEST: peer},
        phases={"train": unit, "evaluate": unit},
        job={"inputs": "tuning", "kind": kind, "size": "tiny", "vocabulary": vocabulary, "steps": 3, **job},
        quick={"train": 4 * job["batch"], "dev": 64},
        short={"limit": 48 if kind == "ner" else 6, "limit_dev": 96},
        needs=(*_SCRIPTS, "seqeval") if kind == "ner" else _SCRIPTS,
        peer=_TRAINER,
        checks=("logits",) if kind == "qa" else ("logits", "steps"),
        score={"nli": "accuracy", "ner": "entity F1", "qa": "F1"}[kind],
        goals=aims,
        note="The loss differs by intent: ours chooses among `<s>` and the context's pieces, the script among all; so "
        "the models are not compared after training steps. Ours has windows that start 128 pieces apart, the script's "
        "share 128." if kind == "qa" else "",
    )  # fmt: skip


def _nli(name: str, vocabulary: int, aims: Goals) -> Work:
    sizes = {"train": 640, "dev": 640, "batch": 32, "learning_rate": 1e-4, "max_length": 128}
    return _tuning(name, f"XNLI, vocabulary {vocabulary:,}", "nli", vocabulary, aims, **sizes)


def _mlm(name: str, vocabulary: int, aims: tuple[float, float | None], *, steps: int, warm: int, **how: Any) -> Work:
    peer = "performance.peer_pretraining"
    return Work(
        name=name,
        title=f"MLM, vocabulary {vocabulary:,}",
        modules={OURS: "performance.ours_pretraining", DOCUMENTED: peer, BEST: peer},
        phases={"train": "tokens"},
        job={
            "inputs": "pretraining", "size": "tiny", "vocabulary": vocabulary, "mask_id": vocabulary + 1, "batch": 8,
            "block_tokens": 512, "blocks": 64, "steps": steps, "warm": warm, "exact_steps": 2, "exact_batch": 1,
        },
        quick={"block_tokens": 64, "steps": 1, "batch": 2},
        of_side={OURS: {"steps": 4}},
        needs=_SCRIPTS,
        peer=_TRAINER,
        checks=("logits", "steps"),
        score="training loss",
        goals=goals(train=aims),
        **how,
    )  # fmt: skip


def _tables(number: int) -> list[str]:
    return [_PYTHON, "-m", "xlmr_bench", "table", str(number), "--runs", "{folder}/runs", "--any-data"]


def _resume(side_words: Sequence[str]) -> dict[str, Any]:
    return {"setup": [list(side_words)], "timed": {"resume": [list(side_words)]}}


_PAGE = [_PYTHON, "-m", "xlmr_bench", "leaderboard", "build", "--runs", "{folder}/runs", "--out", "{run}/page"]
_OURS_RESUME = (
    _PYTHON, "-m", "pretrain", "train", "pretrain/configs/tiny.toml", "data.shards={folder}/shards", "output={run}/run",
    "training.steps=21", "training.warmup_steps=0", "training.batch_size=8", "parallel.micro_batch=8",
    "data.block_tokens=64", "checkpoint.every=20", "report.validate_every=0", "model.start_from={folder}/model",
)  # fmt: skip
_COMMANDS = "performance.commands"
_FINE = goals(train=(5.0, 1.3), evaluate=(4.2, 1.2))

WORKS: tuple[Work, ...] = (
    _nli("nli-8k", 8_000, _FINE),
    _nli("nli-32k", 32_000, _FINE),
    _nli("nli-250k", 250_000, goals(train=(8.0, 2.5), evaluate=(8.0, 1.5))),
    _tuning(
        "ner", "NER, vocabulary 8,000", "ner", 8_000, goals(train=(3.2, 1.2), evaluate=(2.2, 1.2)),
        train=1280, dev=1280, batch=8, learning_rate=2e-4, max_length=128,
    ),
    _tuning(
        "qa", "QA, vocabulary 8,000", "qa", 8_000, goals(train=(2.2, 1.2), evaluate=(2.8, 1.2)),
        train=192, dev=192, batch=12, learning_rate=2e-4, max_length=384,
    ),
    _mlm("mlm-8k", 8_000, (3.6, 2.1), steps=2, warm=1),
    _mlm("mlm-32k", 32_000, (5.0, 3.5), steps=2, warm=1),
    _mlm(
        "mlm-250k", 250_000, (8.5, None), steps=1, warm=0, limits={"memory_gb": 4.0}, rounds=3,
        note="At all vocabularies 8 x 512 tokens a step, 15 % masked, dropout .1. Here the peer's one step takes so "
        "long that it follows a small forward and backward pass instead of a whole step.",
    ),
    Work(
        name="text",
        title="Text to training-ready arrays",
        modules={
            OURS: "performance.ours_text", "transformers": "performance.peer_text",
            "sentencepiece": "performance.peer_text",
        },
        phases={"encode": "MB"},
        job={"inputs": "text", "vocabulary": 250_000, "bytes": 24_000_000},
        quick={"bytes": 500_000},
        needs=("transformers", "tokenizers", "sentencepiece", "numpy", "torch"),
        peer="`transformers`' fast tokenizer, and SentencePiece alone without `</s>` and files",
        checks=("tokens",),
        goals={("encode", "transformers"): 5.0, ("encode", "sentencepiece"): 0.9},
    ),
    Work(
        name="scoring",
        title="Scoring 75,150 predictions, with intervals",
        modules={OURS: "performance.ours_text", DOCUMENTED: "performance.peer_text", BEST: "performance.peer_text"},
        phases={"score": "predictions"},
        job={"inputs": "scoring", "languages": 15},
        quick={"languages": 2},
        needs=("evaluate", "scikit-learn", "numpy"),
        peer="pandas, scikit-learn's accuracy and `scipy.stats.bootstrap` as `evaluate` uses it; vectorised at best",
        checks=("scores",),
        note="Ours also checks ids, labels and digests of the gold, and gives the interval of the average.",
    ),
    Work(
        name="tables",
        title="Tables and page, 1,000 records",
        modules={OURS: _COMMANDS},
        phases={"tables": "s", "page": "s"},
        job={
            "inputs": "records", "records": 1000,
            "timed": {
                "tables": [_tables(number) for number in (1, 2, 3, 4, 5)],
                "page": [_PAGE],
            },
        },
        quick={"records": 40},
        rounds=3,
        peer="none: no other tool makes these",
        note="Five commands for Tables 1 to 5 (6 and 7 hold facts of the paper), each reading all records.",
    ),
    Work(
        name="start-up",
        title="Start-up",
        modules={OURS: _COMMANDS, DOCUMENTED: _COMMANDS},
        phases={"help": "s", "ready": "s"},
        job={"inputs": ""},
        of_side={
            OURS: {
                "timed": {
                    "help": [[_PYTHON, "-m", "xlmr_bench", "--help"]],
                    "ready": [[_PYTHON, "-m", "performance.ours_startup"]],
                }
            },
            DOCUMENTED: {
                "timed": {
                    "help": [[_PYTHON, "-m", "performance.peer_startup", "--help"]],
                    "ready": [[_PYTHON, "-m", "performance.peer_startup"]],
                }
            },
        },
        needs=(*_SCRIPTS, "evaluate"),
        peer="the imports of `run_xnli`, and its `--help`",
        limits={"help": 0.2, "ready": 2.5},
    ),
    Work(
        name="resume",
        title="Resuming pretraining",
        modules={OURS: _COMMANDS, DOCUMENTED: _COMMANDS},
        phases={"resume": "s"},
        job={
            "inputs": "pretraining", "size": "tiny", "vocabulary": 8_000, "block_tokens": 64, "blocks": 512, "batch": 8,
            "steps": 20,
        },
        of_side={
            OURS: {**_resume(_OURS_RESUME), "remove": ["run/FINISHED", "run/model", "run/checkpoints/step-00000021"]},
            DOCUMENTED: _resume((_PYTHON, "-m", "performance.peer_pretraining", "{job}")),
        },
        needs=_SCRIPTS,
        peer=_TRAINER + " with `resume_from_checkpoint`",
        rounds=3,
        note="The whole command after a kill: start, checkpoint, one step. Ours also ends with an exported model.",
    ),
    *CORPUS,
)  # fmt: skip
