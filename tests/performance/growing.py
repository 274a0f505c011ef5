"""How time and memory grow: one piece of our work at several sizes, each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .figures import exponent
from .measuring import run_job

_PYTHON = "{python}"
Job = dict[str, Any]


@dataclass(frozen=True)
class Axis:
    """What grows: `job` gives the job of a size for `module`; `why` explains growth that is not linear."""

    title: str
    unit: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    module: str
    job: Callable[[int], Job]
    why: str = ""


def _examples(n: int) -> Job:
    sizes = {"train": n, "dev": n, "batch": 32, "learning_rate": 1e-4, "max_length": 128}
    return {"inputs": "tuning", "kind": "nli", "size": "tiny", "vocabulary": 8_000, "seed": 1, **sizes}


def _length(n: int) -> Job:
    return {
        "inputs": "pretraining", "size": "tiny", "vocabulary": 8_000, "block_tokens": n, "blocks": 64, "batch": 8,
        "steps": 6, "seed": 1,
    }  # fmt: skip


def _seeds(n: int) -> Job:
    model = [_PYTHON, "-m", "xlmr_bench", "init", "--size", "mini", "--tokenizer", "miniature", "{run}/model"]
    tune = [
        _PYTHON, "-m", "xlmr_bench", "run", "xnli", "--model", "{run}/model", "--languages", "en,sw",
        "--seed", f"1-{n}", "--set", "epochs=1", "--output", "{run}/runs",
    ]  # fmt: skip
    return {"inputs": "", "setup": [model], "timed": {"run": [tune]}}


def _records(n: int) -> Job:
    table = [_PYTHON, "-m", "xlmr_bench", "table", "1", "--runs", "{folder}/runs", "--any-data"]
    page = [_PYTHON, "-m", "xlmr_bench", "leaderboard", "build", "--runs", "{folder}/runs", "--out", "{run}/page"]
    return {"inputs": "records", "records": n, "timed": {"table": [table], "page": [page]}}


def _text(n: int) -> Job:
    return {"inputs": "text", "vocabulary": 250_000, "bytes": n * 1_000_000}


def _shards(n: int) -> Job:
    return {
        "inputs": "shards", "size": "tiny", "vocabulary": 8_000, "files": n, "block_tokens": 64, "batch": 64,
        "steps": 20, "seed": 1, "mode": "draw",
    }  # fmt: skip


_START = "the start of Python and of the command is in every size"
AXES: Mapping[str, Axis] = {
    "examples": Axis(
        "fine-tuning one epoch and evaluating, XNLI", "examples", (300, 600, 1200, 2400), (32, 64, 128),
        "performance.ours_tuning", _examples,
    ),
    "length": Axis(
        "six pretraining steps of 8 blocks", "tokens a block", (32, 64, 128, 256, 512), (16, 32, 64),
        "performance.ours_pretraining", _length,
        "what a step costs at any length weighs at the short end; attention compares all pairs",
    ),
    "text": Axis("tokenising text", "MB", (1, 2, 4, 8, 16), (1, 2), "performance.ours_text", _text, "loading XLM-R's "
                 "vocabulary costs the same at every size"),
    "languages": Axis(
        "scoring predictions of 5,010 examples a language", "languages", (1, 2, 4, 8, 15), (1, 2, 4),
        "performance.ours_text", lambda n: {"inputs": "scoring", "languages": n},
        "gold of all languages lies in one file, which is read whole",
    ),
    "seeds": Axis(
        "`run xnli` on the miniature", "seeds", (1, 2, 4), (1, 2), "performance.commands", _seeds,
        f"{_START}; data are read and encoded once for all seeds",
    ),
    "shards": Axis(
        "opening 2 MB in shards and drawing 20 steps", "files", (4, 16, 64, 256), (2, 8),
        "performance.ours_pretraining", _shards, "the text is the same, only cut into more files",
    ),
    "records": Axis(
        "Table 1 and the page", "records", (125, 250, 500, 1000), (20, 40), "performance.commands", _records, _START,
    ),
}  # fmt: skip


def grow(name: str, *, quick: bool) -> dict[str, Any]:
    """Time by phase and memory at each size, and the exponents with which they grow."""
    axis = AXES[name]
    sizes = list(axis.quick if quick else axis.sizes)
    found = []
    for size in sizes:
        print(f"growth of {name}: {size:,} {axis.unit}", file=sys.stderr, flush=True)
        found.append(run_job(axis.module, {"mode": "measure", **axis.job(size)}))
    seconds = {phase: [one["phases"][phase]["cpu_s"] for one in found] for phase in found[0]["phases"]}
    memory = [one["memory_gb"] for one in found]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "title": axis.title,
        "unit": axis.unit,
        "why": axis.why,
        "quick": quick,
        "sizes": sizes,
        "cpu_s": seconds,
        "memory_gb": memory,
        "exponents": {
            **{phase: exponent(sizes, values) for phase, values in seconds.items()},
            "memory": exponent(sizes, memory),
        },
    }
