"""A corpus built by jobs of a real Slurm: the same command, the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dump_fixtures import dump, lid, sentences
from made_dump import MadeDump, digests
from slurm.cluster import SlurmCluster, wait_until
from training import REPOSITORY

pytestmark = pytest.mark.slurm
__all__ = ["dump", "lid", "sentences"]


def command(source: Path, out: Path, lid: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "pretrain", "corpus", "build", str(source), str(out), "--lid", str(lid), *words]


def test_jobs_write_the_bytes_of_one_process_even_where_some_were_cancelled(
    cluster: SlurmCluster, dump: MadeDump, lid: Path, tmp_path: Path
) -> None:
    local = command(dump.folder, tmp_path / "local", lid, "--workers", "1")
    assert subprocess.run(local, cwd=REPOSITORY, capture_output=True).returncode == 0
    out = tmp_path / "slurm"
    words = command(dump.folder, out, lid, "--launcher", "slurm", "--partition", "low", "--workers", "2")
    variables = {**os.environ, **cluster.variables}
    with subprocess.Popen(words, cwd=REPOSITORY, env=variables, stderr=subprocess.PIPE, text=True) as building:
        # Three tasks, two at once: not all of them can have ended.
        wait_until((out / "logs" / "documents" / "job").exists, 100, "no job of the stage was submitted")
        cluster.ask("scancel", (out / "logs" / "documents" / "job").read_text())
        _, said = building.communicate(timeout=120)
    assert building.returncode == 1, said
    assert "items of the stage documents are not done" in said
    assert "Traceback" not in said
    done = subprocess.run(words, cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert digests(out) == digests(tmp_path / "local")


def test_a_partition_that_is_not_there_is_told(
    cluster: SlurmCluster, dump: MadeDump, lid: Path, tmp_path: Path
) -> None:
    words = command(dump.folder, tmp_path / "out", lid, "--launcher", "slurm", "--partition", "absent")
    done = subprocess.run(
        words, cwd=REPOSITORY, env={**os.environ, **cluster.variables}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "Slurm took no job" in done.stderr
    assert "invalid partition specified: absent" in done.stderr
    assert "Traceback" not in done.stderr
