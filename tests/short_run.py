"""A short run of the main job on the miniature world, as a command and as what it leaves behind."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toy import REPOSITORY

SHORT = ["--set", "epochs=0", "--set", "steps=24", "--set", "evaluate_every=8", "--set", "precision=fp32"]
LANGUAGES = ["--languages", "en,sw,zh"]


def command(model: Path, output: Path, *words: str) -> list[str]:
    run = ["run", "xnli", "--model", str(model), *LANGUAGES, *SHORT, "--set", "steps=160", "--output", str(output)]
    return [sys.executable, "-m", "xlmr_bench", *run, *words]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}


def records(output: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(output.rglob("*.json")):
        yield str(path.relative_to(output)), without_timing(json.loads(path.read_text()))


def values(rec: dict[str, Any], split: str = "test") -> dict[str, float]:
    return {s["language"]: s["value"] for s in rec["scores"] if s["split"] == split}


def without_timing(rec: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in rec.items() if k not in ("timing", "provenance")}
