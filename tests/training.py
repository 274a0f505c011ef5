"""Small pretraining runs: shards of the miniature, a configuration, commands in one or several processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from toy import REPOSITORY

from pretrain.cli import main
from pretrain.configuration import load_settings
from pretrain.settings import Settings
from xlmr_bench.miniature import miniature_folder

LINES = {"en": 1200, "zh": 600, "th": 400, "sw": 300, "ur": 9, "vi": 1}  # ur: too small to hold out; vi: for a block
LANGUAGES = ("en", "sw", "th", "ur", "zh")
STEPS, EVERY = 24, 8  # of the usual run, and its checkpoints
CONFIG: dict[str, dict[str, Any]] = {
    "model": {
        "size": "tiny", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    },
    # Blocks are shorter than many documents and nearly all of their tokens are masked: those with a `</s>` inside
    # have fewer masked tokens than the others.
    "data": {"languages": list(LANGUAGES), "block_tokens": 16, "mask_fraction": 0.9, "validation_blocks": 4},
    "training": {"steps": STEPS, "batch_size": 16, "learning_rate": 3e-3, "warmup_steps": 4},
    "parallel": {"micro_batch": 4, "precision": "fp32", "device": "cpu"},
    "checkpoint": {"every": EVERY, "keep": 9},
    "report": {"every": 1, "validate_every": 12},
}  # fmt: skip
TIMING = ("tokens_per_s", "mfu", "data_wait", "memory_gb")
ALONE = (sys.executable, "-m", "pretrain")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


def write_text_and_shards(folder: Path) -> Path:
    """Shards made by the real commands, with a vocabulary whose size is odd; every sentence is a document."""
    text = folder / "text"
    text.mkdir()
    for code, lines in LINES.items():
        source = (miniature_folder() / "text" / f"{code}.txt").read_text(encoding="utf-8").splitlines()
        chosen = [line for line in source if line][:lines]
        (text / f"{code}.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")
    model = folder / "sentencepiece.bpe.model"
    shards = folder / "shards"
    vocab: list[str | Path] = ["vocab", text, model, "--size", "801", "--threads", "1"]
    shard: list[str | Path] = ["shard", text, shards, "--tokenizer", model, "--workers", "1", "--line-documents"]
    for words in (vocab, shard):
        subprocess.run([*ALONE, *words], check=True, capture_output=True, env=environment(), timeout=120)
    return shards


def write_config(path: Path, shards: Path, sections: Mapping[str, Mapping[str, Any]] = CONFIG) -> Path:
    """A configuration as a TOML file; its values are those of JSON."""
    described = {**sections, "data": {"shards": str(shards), **sections.get("data", {})}}
    lines = []
    for section, values in described.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def settings_of(config: Path, *overrides: str) -> Settings:
    return load_settings(config, overrides)


def train_here(config: Path, run: Path, *words: str) -> int:
    """The command in this very process, which has torch already; returns its exit code."""
    return main(["train", str(config), f"output={run}", *words])


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}


def command(processes: int, config: Path, run: Path, *words: str) -> list[str]:
    """What a user types to train with one process, or with several of one machine."""
    several = [*TORCHRUN, "--nproc-per-node", str(processes), "--rdzv-backend", "c10d", "--rdzv-endpoint"]
    start = ALONE if processes == 1 else (*several, "localhost:0", "-m", "pretrain")
    return [*start, "train", str(config), f"output={run}", *words]


def launch(processes: int, config: Path, run: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Train in processes of their own to the end."""
    return subprocess.run(
        command(processes, config, run, *words), capture_output=True, text=True, env=environment(), timeout=300
    )


def launch_several(nodes: int, per_node: int, folder: Path, commands: Sequence[tuple[list[str], int]]) -> str:
    """Trainings (words after `train`, exit code) by the same processes, one after another; stderr of all of them."""
    listed = folder / "commands.json"
    listed.write_text(json.dumps([(free_port(), ["train", *words], code) for words, code in commands]))
    port = str(free_port())
    script = [str(REPOSITORY / "tests" / "pretrain" / "several_runs.py"), str(listed)]
    size = ["--nnodes", str(nodes), "--nproc-per-node", str(per_node)]
    meet = ["--master-addr", "localhost", "--master-port", port]
    launchers = [[*TORCHRUN, *size, "--node-rank", str(rank), *meet, *script] for rank in range(nodes)]
    with ExitStack() as stack:
        processes = [stack.enter_context(started(words)) for words in launchers]
        errors = "".join(process.communicate(timeout=300)[1] for process in processes)
    assert not any(process.returncode for process in processes), errors
    return errors


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return int(s.getsockname()[1])


@contextmanager
def started(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A running command; no process of it outlives the block."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        yield process
    finally:
        kill_all(process)
        process.communicate()


def kill_all(process: subprocess.Popen[str]) -> None:
    """kill -9 for a command and everything that it started: torchrun's workers are in sessions of their own."""
    for pid in [process.pid, *children_of(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def children_of(pid: int) -> list[int]:
    """All living descendants of a process."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listed.splitlines())}
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [grandchild for child in found for grandchild in children_of(child)]


def steps_done(run: Path) -> int:
    """The last step that a run has reported."""
    return max((line["step"] for line in lines_of(run)), default=0)


def wait_for_step(run: Path, step: int, process: subprocess.Popen[str], timeout_s: float = 120) -> None:
    """Wait until a run has reported a step, or is over."""
    until = time.monotonic() + timeout_s
    while process.poll() is None and steps_done(run) < step:
        assert time.monotonic() < until, "the run does not get there"
        time.sleep(0.005)


def kill_when(processes: int, config: Path, run: Path, *, step: int, delay_s: float = 0.01, one: bool = False) -> str:
    """Begin or continue a run and kill it some time after a step, all processes or `one` of them; its first line.

    Step 0 is before the start: the delay counts from when the command was given.
    """
    with started(command(processes, config, run)) as process:
        assert process.stdout
        said = process.stdout.readline() if step else ""
        wait_for_step(run, step, process)
        time.sleep(delay_s)
        if one and (workers := children_of(process.pid)):
            os.kill(workers[-1], signal.SIGKILL)
            process.wait(60)  # torchrun ends the other
        return said


def model_of(run: Path) -> Path:
    """The folder of the finished model."""
    return run / "model" / run.name


def lines_of(run: Path, kind: str = "train") -> list[dict[str, Any]]:
    """The metrics without what depends on the clock; a line that is being written is left out."""
    path = run / "metrics.jsonl"
    found = []
    for text in path.read_text().splitlines(keepends=True) if path.is_file() else []:
        if text.endswith("\n"):
            line = json.loads(text)
            if line["kind"] == kind:
                found.append({key: value for key, value in line.items() if key not in TIMING})
    return found


def losses_of(run: Path) -> list[float]:
    """The loss of every step; nothing is missing and nothing twice."""
    lines = lines_of(run)
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return [line["loss"] for line in lines]


def weights_of(run: Path) -> dict[str, Tensor]:
    return load_file(model_of(run) / "model.safetensors")


def same_weights(one: Path, other: Path) -> bool:
    """Whether two runs ended with the same weights, bit for bit."""
    a, b = weights_of(one), weights_of(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def largest_difference(one: Path, other: Path) -> float:
    a, b = weights_of(one), weights_of(other)
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def steps_saved(run: Path) -> list[int]:
    """The steps of all checkpoint folders, complete or not."""
    return sorted(int(path.name.removeprefix("step-")) for path in (run / "checkpoints").glob("step-*"))


def checkpoint(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step-{step:08}"


def stopped_at(run: Path, step: int, copy: Path) -> Path:
    """A copy of a finished run as it was right after the checkpoint of a step."""
    shutil.copytree(checkpoint(run, step), checkpoint(copy, step))
    kept = [text for text in (run / "metrics.jsonl").read_text().splitlines() if json.loads(text)["step"] <= step]
    (copy / "metrics.jsonl").write_text("\n".join(kept) + "\n")
    return copy
