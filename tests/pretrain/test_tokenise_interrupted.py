"""Tokenising that is interrupted, killed, or out of space: real commands in a group of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from samples import REPOSITORY
from token_streams import expected, streams, written

from pretrain.sharding import shard_text
from xlmr_bench.miniature import miniature_folder

SHARD = (
    "import sys; from pathlib import Path; from xlmr_bench.console import ended; from pretrain.sharding import *\n"
    "text, out, model, size = sys.argv[1:]\n"
    "work = lambda: shard_text(Path(text), Path(out), Path(model), workers=2, item_bytes=int(size)) and 0\n"
    "sys.exit(ended('pretrain', work))"
)


@pytest.fixture(scope="module")
def tokenizer() -> Path:
    return miniature_folder() / "sentencepiece.bpe.model"


@pytest.fixture
def long_text(tmp_path: Path) -> Path:
    """English that takes a process a few seconds: time enough to be killed in."""
    folder = tmp_path / "long"
    folder.mkdir()
    once = (miniature_folder() / "text" / "en.txt").read_text()
    (folder / "en.txt").write_text("\n".join([once] * 100))
    return folder


def start(
    text: Path, out: Path, tokenizer: Path, item_bytes: int = 1_500_000, limit: str = ""
) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", SHARD, str(text), str(out), str(tokenizer), str(item_bytes)]
    return subprocess.Popen(
        ["bash", "-c", f'{limit} exec "$@"', "-", *words],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def in_the_middle(out: Path) -> bool:
    """Something is done, something else is being written, and something is still to do."""
    return any(out.glob("en/*.json")) and any(out.glob("en/.*.bin.*"))


def living(group: int) -> list[int]:
    """Processes of a group that are not merely waiting to be collected."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue
    return found


def workers_of(pid: int) -> list[int]:
    found = []
    for process in living(pid):
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes():
                found.append(process)
    return found


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@linux
@pytest.mark.parametrize("caught", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_an_interrupted_command_leaves_no_process_and_continues_to_the_same_bytes(
    long_text: Path, tokenizer: Path, tmp_path: Path, caught: signal.Signals
) -> None:
    out = tmp_path / "s"
    process = start(long_text, out, tokenizer)
    wait_for(lambda: in_the_middle(out))
    if caught == signal.SIGINT:
        os.killpg(process.pid, caught)  # as a terminal does
    else:
        process.send_signal(caught)
    _, errors = process.communicate(timeout=20)
    wait_for(lambda: not living(process.pid), 5)
    if caught == signal.SIGINT:
        assert process.returncode == 130
        assert errors.splitlines()[-1] == "pretrain: interrupted; the same command continues."
        assert not list(out.glob("*/.*"))
    assert "Traceback" not in errors
    assert not (out / "manifest.json").exists()
    kept = written(out)
    assert kept

    done = shard_text(long_text, out, tokenizer, workers=2, item_bytes=1_500_000)
    assert 0 < done.text_bytes < done.languages["en"].bytes
    assert {name: when for name, when in written(out).items() if name in kept} == kept
    assert not list(out.glob("*/.*"))
    reference = np.tile(expected(tokenizer, [(miniature_folder() / "text" / "en.txt").read_text()]), 100)
    assert np.array_equal(np.array(streams(out)["en"]), reference)


@linux
def test_a_worker_that_is_killed_ends_the_command_with_a_clear_word(
    long_text: Path, tokenizer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "s"
    process = start(long_text, out, tokenizer)
    wait_for(lambda: in_the_middle(out))
    for worker in workers_of(process.pid):  # one of them may just be without work, and nobody misses it then
        with suppress(ProcessLookupError):  # the command has ended it already, for the sake of the other
            os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "pretrain: a worker process was killed (SIGKILL) while tokenising" in errors
    assert "use fewer --workers" in errors
    assert "Traceback" not in errors
    wait_for(lambda: not living(process.pid), 5)
    assert not list(out.glob("*/.*"))
    assert not (out / "manifest.json").exists()
    # A worker may have been killed between a file and its counts: such a file is made again.
    shard_text(long_text, out, tokenizer, workers=2, item_bytes=1_500_000)
    assert all(p.with_suffix(".json").exists() for p in out.glob("*/*.bin"))
    reference = np.tile(expected(tokenizer, [(miniature_folder() / "text" / "en.txt").read_text()]), 100)
    assert np.array_equal(np.array(streams(out)["en"]), reference)


@linux
def test_workers_leave_an_interrupt_to_the_command(long_text: Path, tokenizer: Path, tmp_path: Path) -> None:
    process = start(long_text, tmp_path / "s", tokenizer)
    wait_for(lambda: len(workers_of(process.pid)) == 2)
    while process.poll() is None:
        for worker in workers_of(process.pid):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGINT)
        time.sleep(0.01)
    _, errors = process.communicate()
    assert (process.returncode, "Traceback" in errors) == (0, False)


def test_a_full_disk_ends_the_command_with_a_clear_word(long_text: Path, tokenizer: Path, tmp_path: Path) -> None:
    """Files may not exceed 2 MB here, which the system refuses in the same place as a disk that is full."""
    out = tmp_path / "s"
    process = start(long_text, out, tokenizer, item_bytes=8_000_000, limit="ulimit -f 2000;")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    (line,) = [line for line in errors.splitlines() if line.startswith("pretrain: ")]
    assert line.startswith(f"pretrain: cannot write {out}/en/0000")
    assert "free space" in line
    assert "Traceback" not in errors
    assert not list(out.glob("*/.*"))
    assert not list(out.glob("*/*.bin"))


def test_a_file_that_grows_while_it_is_read_is_refused(long_text: Path, tokenizer: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    process = start(long_text, out, tokenizer)
    wait_for(lambda: in_the_middle(out))
    with (long_text / "en.txt").open("a") as f:
        f.write("more\n")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "en.txt changed while it was read. Repeat the command" in errors
