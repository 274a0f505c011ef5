"""Progress goes to stderr: rewritten on a terminal, sparse lines elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_bench import progress as module
from xlmr_bench.progress import Progress, amount, duration

REPOSITORY = Path(__file__).parents[1]
WORK = """
import sys, time
from xlmr_bench.progress import Progress
seconds = float(sys.argv[1])
with Progress(1000, "ex", "work") as progress:
    for _ in range(1000):
        progress.update()
        time.sleep(seconds / 1000)
"""


def on_a_terminal(seconds: float) -> tuple[str, bytes]:
    """What WORK writes to a pseudo-terminal as stderr, and to stdout."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-c", WORK, str(seconds)]
    child = subprocess.Popen(command, cwd=REPOSITORY, stderr=terminal, stdout=subprocess.PIPE)
    os.close(terminal)
    shown = b""
    while True:
        try:
            data = os.read(controller, 4096)
        except OSError:  # how Linux reports that the other end was closed
            break
        if not data:
            break
        shown += data
    os.close(controller)
    out, _ = child.communicate(timeout=20)
    return shown.decode(), out


def test_a_terminal_sees_one_line_rewritten_at_most_five_times_a_second() -> None:
    shown, out = on_a_terminal(1.0)
    assert out == b""
    *running, last = shown.split("\r")[1:-1]  # the terminal itself turns the final newline into \r\n
    assert shown.count("\n") == 1
    seconds = float(max(1, int(re.search(r"in 0:(\d\d)", last)[1]) + 1))  # type: ignore[index]
    assert 2 <= len(running) <= 5 * seconds
    assert re.fullmatch(r"work: \d+ ex of 1,000 ex \(\d+%\), [\d,]+ ex/s, 0:0\d left *", running[0])
    assert re.fullmatch(r"work: 1,000 ex in 0:0\d, [\d,]+ ex/s *", last)


def test_short_work_leaves_no_trace_in_a_log() -> None:
    done = subprocess.run([sys.executable, "-c", WORK, "0.01"], cwd=REPOSITORY, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_long_work_leaves_sparse_plain_lines_in_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    with Progress(2_000_000_000, "B", "file.zip", start=500_000_000) as progress:
        for _ in range(30):
            now[0] += 1.0
            progress.update(50_000_000)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "file.zip: 1.2 GB of 2.0 GB (62%), 50.0 MB/s, 0:15 left",
        "file.zip: 2.0 GB (100%), 50.0 MB/s",
        "file.zip: 2.0 GB in 0:30, 50.0 MB/s",
    ]


def test_without_a_total_there_is_neither_percentage_nor_remaining_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    with Progress(None, "tok", "count") as progress:
        now[0] += 16
        progress.update(4_000)
    assert capsys.readouterr().err == "count: 4,000 tok, 250 tok/s\ncount: 4,000 tok in 0:16, 250 tok/s\n"


def test_interrupted_work_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    with pytest.raises(KeyboardInterrupt), Progress(10, "ex", "work") as progress:
        now[0] += 2
        progress.update(4)
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "work: stopped at 4 ex of 10 ex in 0:02, 2 ex/s\n"


def test_work_without_a_stderr_goes_on() -> None:
    code = "import sys; sys.stderr = None\n" + WORK
    done = subprocess.run([sys.executable, "-c", code, "1.05"], cwd=REPOSITORY, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_of_stderr_that_went_away_does_not_end_the_work() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WORK + "print('finished')", "1.05"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stderr is not None and child.stdout is not None
    child.stderr.close()
    with child:
        assert child.stdout.read() == b"finished\n"


@pytest.mark.parametrize(
    ("n", "unit", "text"),
    [
        (0, "B", "0 B"),
        (999, "B", "999 B"),
        (1000, "B", "1.0 kB"),
        (999_949, "B", "999.9 kB"),
        (999_950, "B", "1.0 MB"),
        (17_865_352, "B", "17.9 MB"),
        (2.5e9, "B", "2.5 GB"),
        (3e12, "B", "3.0 TB"),
        (1234, "ex", "1,234 ex"),
        (0.25, "ex", "0.2 ex"),
        (2.0, "ex", "2 ex"),
    ],
)
def test_amounts_are_written_for_people(n: float, unit: str, text: str) -> None:
    assert amount(n, unit) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")])
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
