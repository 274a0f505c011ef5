"""A Slurm cluster, and a small pretraining run that nothing disturbed, for all tests in here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

STEPS, EVERY = 120, 40  # of the run, and its checkpoints


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Two nodes, which share this machine."""
    from slurm.cluster import SlurmCluster, missing

    if lacking := missing():
        pytest.skip(f"NOT TESTED ON SLURM: {lacking}")
    with SlurmCluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose run lasts long enough to be disturbed."""
    from training import CONFIG, write_config, write_text_and_shards

    folder = tmp_path_factory.mktemp("config")
    longer = {
        "training": {**CONFIG["training"], "steps": STEPS},
        "checkpoint": {"every": EVERY, "keep": 9},
        "report": {"every": 1, "validate_every": 30},
    }
    return write_config(folder / "small.toml", write_text_and_shards(folder), {**CONFIG, **longer})


@pytest.fixture(scope="session")
def unbroken(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two processes on one host."""
    from training import command, environment

    folder = tmp_path_factory.mktemp("unbroken")
    with (folder / "log").open("w+") as f:
        words = command(2, config, folder / "run")
        done = subprocess.run(words, stdout=f, stderr=f, env=environment(), timeout=300)
        f.seek(0)
        assert done.returncode == 0, f.read()
    return folder / "run"
