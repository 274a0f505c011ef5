"""What is said of the machine and the code is true of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy import REPOSITORY

from xlmr_bench.cli import main
from xlmr_bench.device import Ranks, describe_device, resolve_precision, start_ranks
from xlmr_bench.errors import UsageError
from xlmr_bench.provenance import provenance

CPU = torch.device("cpu")


def test_doctor_finds_everything_that_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert f"ok    torch {torch.__version__}" in text
    assert re.search(r"ok    cache .*GB free", text)


def test_doctor_fails_when_something_needed_is_missing(tmp_path: Path) -> None:
    code = (
        "import importlib.metadata as m, sys\n"
        "version = m.version\n"
        "def without(name):\n"
        "    if name == 'sacrebleu': raise m.PackageNotFoundError(name)\n"
        "    return version(name)\n"
        "m.version = without\n"
        "from xlmr_bench.cli import main\n"
        "sys.exit(main(['doctor']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "LACKS sacrebleu" in done.stdout


def test_provenance_names_code_command_and_versions() -> None:
    about = provenance()
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if head.returncode == 0:
        assert about["git_commit"] == head.stdout.strip()
        assert isinstance(about["git_dirty"], bool)
    assert about["packages"]["torch"] == torch.__version__
    assert about["command"].startswith("python -m xlmr_bench")


def test_precision_asked_for_is_precision_given() -> None:
    assert [resolve_precision(p, CPU) for p in ("fp32", "bf16")] == ["fp32", "bf16"]
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    assert resolve_precision("auto", CPU) == ("bf16" if native else "fp32")


def test_one_process_is_the_first_of_one() -> None:
    ranks = start_ranks("cpu")
    assert ranks == Ranks(0, 1, CPU)
    assert ranks.gather("x") == ["x"]
    assert [ranks.any(True), ranks.any(False)] == [True, False]
    assert describe_device(CPU).startswith("CPU (")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no CUDA GPU"):
        start_ranks("cuda")
