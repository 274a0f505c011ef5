"""Shards, a configuration and finished runs that the tests of the trainer share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six languages of the miniature, two of them tiny."""
    from training import write_text_and_shards

    return write_text_and_shards(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def config(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from training import write_config

    return write_config(tmp_path_factory.mktemp("config") / "small.toml", shards)


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Sums over several threads round differently: what is compared bit for bit has one, as the processes have."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def unbroken(config: Path, one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one process, with checkpoints at the steps 8, 16 and 24."""
    from training import train_here

    run = tmp_path_factory.mktemp("unbroken") / "run"
    assert train_here(config, run) == 0
    return run


@pytest.fixture(scope="session")
def killed(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes that were killed with kill -9 between the checkpoints of the steps 8 and 16."""
    from training import kill_when

    run = tmp_path_factory.mktemp("killed") / "run"
    kill_when(2, config, run, step=13)
    assert not (run / "FINISHED").exists()
    return run


@pytest.fixture(scope="session")
def by_two(config: Path, unbroken: Path, killed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of two processes by what is special about them; `stderr` is a file with what was said on the way."""
    from training import launch_several, stopped_at

    folder = tmp_path_factory.mktemp("two")
    special = {
        "ddp": [],
        "fsdp": ["parallel.mode=fsdp"],
        "bf16": ["parallel.precision=bf16"],
        "silent": ["report.validate_every=0", "report.every=5", "parallel.mode=fsdp"],
        "continues one": [],
        "refused": ["batch_size=15"],
    }
    runs = {name: folder / name.replace(" ", "-") for name in special}
    stopped_at(unbroken, 8, runs["continues one"])
    commands = [([str(config), f"output={runs[n]}", *words], 2 * (n == "refused")) for n, words in special.items()]
    commands.append(([str(config), f"output={killed}"], 0))
    (folder / "stderr").write_text(launch_several(1, 2, folder, commands))
    return {**runs, "killed": killed, "stderr": folder / "stderr"}


@pytest.fixture(scope="session")
def by_four(config: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Finished runs of two nodes with two processes each, by the way of sharding."""
    from training import launch_several

    folder = tmp_path_factory.mktemp("four")
    runs = {mode: folder / mode for mode in ("ddp", "fsdp", "hsdp")}
    commands = [([str(config), f"output={run}", f"parallel.mode={mode}"], 0) for mode, run in runs.items()]
    launch_several(2, 2, folder, commands)
    return runs
