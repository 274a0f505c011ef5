"""The journal on real files: continued runs, torn lines, full disks, TensorBoard."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy import REPOSITORY

from pretrain.journal import Journal, read_journal
from xlmr_bench.errors import DataError, XlmrBenchError

FIRST = [
    {"kind": "train", "step": 100, "loss": 9.5, "tokens_per_s": 1200},
    {"kind": "validation", "step": 100, "perplexity": {"en": 31.5, "sw": 64.25}},
    {"kind": "train", "step": 200, "loss": 8.25, "tokens_per_s": 1250},
]


def journal(folder: Path, resume_step: int = 0) -> Journal:
    return Journal(folder, resume_step, tensorboard=False, active=True)


def write_first(folder: Path) -> Path:
    new = journal(folder)
    for line in FIRST:
        new.write(**line)  # type: ignore[arg-type]
    new.close()
    return folder / "metrics.jsonl"


def script(code: str, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with warnings as errors."""
    places = [str(p) for p in (REPOSITORY, path, os.environ.get("PYTHONPATH")) if p]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-W", "error", "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_journal(write_first(tmp_path / "run")) == FIRST


def test_kind_and_step_stand_first_and_text_is_readable(tmp_path: Path) -> None:
    journal(tmp_path).write("train", 3, language="日本語", best=None)
    written = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")
    assert written == '{"kind": "train", "step": 3, "language": "日本語", "best": null}\n'


def test_a_line_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from pretrain.journal import Journal
Journal(Path(sys.argv[1]), 0, tensorboard=False, active=True).write("train", 7, loss=2.5)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert script(code, str(tmp_path)).returncode == -signal.SIGKILL
    assert read_journal(tmp_path / "metrics.jsonl") == [{"kind": "train", "step": 7, "loss": 2.5}]


def test_a_continued_run_drops_what_it_is_about_to_repeat(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    continued = journal(tmp_path, resume_step=100)
    assert read_journal(path) == FIRST[:2]
    continued.write(**FIRST[2])  # type: ignore[arg-type]
    assert read_journal(path) == FIRST


def test_a_run_that_starts_anew_has_an_empty_journal(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    journal(tmp_path)
    assert read_journal(path) == []


def test_a_journal_with_nothing_to_drop_is_left_as_it_is(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    before = path.stat()
    journal(tmp_path, resume_step=200)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_last_line_cut_at_any_byte_is_dropped(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in range(1, len(last) - 1):
        path.write_bytes(whole[: -len(last) + cut])
        assert read_journal(path) == FIRST[:2]
        continued = journal(tmp_path, resume_step=200)
        continued.write("train", 300, loss=7.0)
        continued.close()
        assert read_journal(path) == [*FIRST[:2], {"kind": "train", "step": 300, "loss": 7.0}]


def test_a_last_line_that_only_lacks_its_end_is_kept_and_ended(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    journal(tmp_path, resume_step=200).write("train", 300, loss=7.0)
    assert read_journal(path) == [*FIRST, {"kind": "train", "step": 300, "loss": 7.0}]


def test_zeros_at_the_end_as_after_a_power_failure_are_dropped(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0" * 512)
    journal(tmp_path, resume_step=200)
    assert path.read_bytes().count(b"\0") == 0
    assert read_journal(path) == FIRST


@pytest.mark.parametrize("damage", [b'{"kind": "train", "st\n', b"[1, 2]\n", b'{"kind": "train"}\n', b"5\n", b"\n"])
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_lost(tmp_path: Path, damage: bytes) -> None:
    path = write_first(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], damage, *lines[1:]]))
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"line 2 of .*metrics\.jsonl is damaged. Delete that line"):
        read_journal(path)
    with pytest.raises(DataError, match="line 2"):
        journal(tmp_path, resume_step=100)
    assert path.read_bytes() == before


def test_a_journal_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "metrics.jsonl") == []


def test_numbers_that_are_none_become_null_at_any_depth(tmp_path: Path) -> None:
    values = {"loss": math.nan, "perplexity": {"en": math.inf, "sw": 2.0}, "norms": [1.0, -math.inf]}
    journal(tmp_path).write("train", 1, **values)
    text = (tmp_path / "metrics.jsonl").read_text()
    expected = {"kind": "train", "step": 1, "loss": None, "perplexity": {"en": None, "sw": 2.0}, "norms": [1.0, None]}
    assert json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")) == expected


def test_an_inactive_journal_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("not a journal\n\n")
    inactive = Journal(tmp_path, 0, tensorboard=True, active=False)
    inactive.write("train", 1, loss=2.0)
    inactive.close()
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.jsonl"]
    assert (tmp_path / "metrics.jsonl").read_text() == "not a journal\n\n"


def test_a_folder_that_cannot_be_written_is_explained_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(XlmrBenchError, match=r"cannot (read|write) .*run/metrics\.jsonl"):
        journal(tmp_path / "run")


def test_a_full_disk_costs_lines_and_is_said_once(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: it too takes a part of a line before it refuses."""
    code = """
import resource, sys
from pathlib import Path
from pretrain.journal import Journal
journal = Journal(Path(sys.argv[1]), 0, tensorboard=False, active=True)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited))
for step in range(1, 6):
    journal.write("train", step, loss=2.5)
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
journal.write("train", 6, loss=2.5)
"""
    done = script(code, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [line["step"] for line in read_journal(tmp_path / "metrics.jsonl")] == [1, 2, 6]  # 42 bytes a line
    assert done.stderr.count("\n") == done.stderr.count("Training goes on; free space") == 1


def test_missing_tensorboard_is_explained_before_anything_is_dropped(tmp_path: Path) -> None:
    path = write_first(tmp_path)
    code = """
import sys
from pathlib import Path
sys.modules["tensorboard"] = None  # as if it were not installed
from pretrain.journal import Journal
from xlmr_bench.errors import UsageError
try:
    Journal(Path(sys.argv[1]), 0, tensorboard=True, active=True)
except UsageError as e:
    print(e)
"""
    done = script(code, str(tmp_path))
    assert "Run `pip install tensorboard`, or set report.tensorboard=false" in done.stdout, done.stderr
    assert read_journal(path) == FIRST


def test_tensorboard_shows_every_number_and_each_step_once_after_a_continued_run(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed", exc_type=ImportError)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for start, losses in ((0, {1: 9.0, 2: 8.0, 3: 99.0}), (2, {3: 7.0})):
        part = Journal(tmp_path, start, tensorboard=True, active=True)
        for step, loss in losses.items():
            part.write("train", step, loss=loss, language="en", bad=math.nan, memory={"rank0": {"gib": 4}})
        part.close()
    shown = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert sorted(shown.Tags()["scalars"]) == ["train/loss", "train/memory/rank0/gib"]
    assert [(e.step, e.value) for e in shown.Scalars("train/loss")] == [(1, 9.0), (2, 8.0), (3, 7.0)]


def test_a_disk_that_fills_up_ends_tensorboard_and_not_the_training(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed", exc_type=ImportError)
    code = """
import resource, sys, threading
from pathlib import Path
from pretrain.journal import Journal
threading.excepthook = lambda told: None  # TensorBoard's own thread prints its traceback
journal = Journal(Path(sys.argv[1]), 0, tensorboard=True, active=True)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited))
for step in range(1, 16):
    journal.write("train", step, loss=2.5, a=1, b=2, c=3)
journal.close()
"""
    done = script(code, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(read_journal(tmp_path / "metrics.jsonl")) == 15
    assert done.stderr.count("TensorBoard gets no more scalars") == 1
