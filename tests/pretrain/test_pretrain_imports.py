"""What the trainer's package may import: the shared floor of the harness, and torch only where something is trained."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from samples import REPOSITORY

PACKAGE = REPOSITORY / "pretrain"
# The two packages meet in a checkpoint folder; of the harness itself (run, benchmarks, results) nothing is known here.
SHARED = {"modeling", "data", "device", "console", "errors", "files", "cache", "progress", "languages", "signals"}
WITHOUT_TORCH = [
    "cli", "settings", "configuration", "languages", "shape", "plan", "sampling", "masking", "text", "vocabulary",
    "shards", "tokenise", "sharding", "workers", "tables", "schedule", "guard", "journal", "probe",
    "cli_corpus", "cores", "corpus.__init__",
    *(f"corpus.{path.stem}" for path in (PACKAGE / "corpus").glob("[a-z]*.py")),
    *(f"commands.{name}_command" for name in ("vocab", "shard", "inspect", "plan", "train", "export", "corpus")),
]  # fmt: skip
TRAINING = {"batches", "checkpoints", "export", "loss", "model", "parallel", "train", "trainer", "validation"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_of_the_harness_only_the_shared_floor_is_imported(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        names += [n.name for n in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.split(".")[0] == "xlmr_bench":
                assert name.split(".")[1] in SHARED, f"{path} imports {name}"


def test_every_module_is_known_to_train_or_not_to() -> None:
    found = {".".join(p.relative_to(PACKAGE).with_suffix("").parts) for p in modules()}
    named = {*WITHOUT_TORCH, *TRAINING, "__main__", "__init__", "commands.__init__"}
    assert found == named


def test_everything_before_training_works_without_torch() -> None:
    wanted = ", ".join(f"pretrain.{name.removesuffix('.__init__')}" for name in WITHOUT_TORCH)
    code = f"import sys; import {wanted}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_the_command_line_itself_imports_nothing_heavy() -> None:
    code = "import sys; import pretrain.cli; sys.exit(bool({'torch', 'numpy', 'sentencepiece'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
