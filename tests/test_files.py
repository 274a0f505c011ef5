"""Files are whole or absent, whatever interrupts the writer; locks end with their process."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from samples import REPOSITORY

from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.files import atomic_path, digest_of, locked, sha256_of, write_json, write_text


def hidden(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


def test_json_is_readable_text_with_an_end(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"b": "ü", "a": [1, 2.5, None]})
    text = (tmp_path / "a" / "b.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"b": "ü", "a": [1, 2.5, None]}
    assert "ü" in text
    assert text.endswith("}\n")
    assert hidden(tmp_path / "a") == []


def test_nan_and_infinity_are_no_json(tmp_path: Path) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON compliant"):
            write_json(tmp_path / "a.json", {"value": value})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_file_and_no_remains(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fail() -> None:
        with atomic_path(target) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert hidden(tmp_path) == []


def test_who_reads_while_a_file_is_replaced_reads_the_old_one_to_its_end(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with (tmp_path / "a.txt").open() as reader:
        write_text(tmp_path / "a.txt", "new")
        assert reader.read() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_folder_appears_at_once_and_the_first_one_stays(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for text in ("first", "second"):
        with atomic_path(target) as part:
            part.mkdir()
            (part / "file").write_text(text)
            assert text == "second" or not target.exists()
    assert (target / "file").read_text() == "first"
    assert hidden(tmp_path) == []


RACE = """
import sys
from pathlib import Path
from xlmr_bench.files import atomic_path
print("ready", flush=True)
sys.stdin.readline()
for i in range(200):
    with atomic_path(Path(sys.argv[1]) / str(i)) as part:
        part.mkdir()
        (part / "file").write_text("the same")
"""


def test_processes_that_finish_the_same_folder_at_the_same_moment_both_succeed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RACE, str(tmp_path)]
    started = [
        subprocess.Popen(words, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1].decode() for process in started]
    assert errors == ["", ""]
    assert sorted(int(p.name) for p in tmp_path.iterdir()) == list(range(200))


def test_files_get_ordinary_permissions(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a") as part:
        part.touch(mode=0o600)
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(XlmrBenchError, match=r"cannot write .*file/a\.json: .*Nothing was changed there; free space"):
        write_json(tmp_path / "file" / "a.json", {})


def test_digests_are_sha256_and_know_no_order_of_keys(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert len(digest_of("ü")) == 64


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from xlmr_bench.files import write_json
target, i = Path(sys.argv[1]), 0
while True:
    i += 1
    write_json(target, {"i": i, "body": [i] * 20_000})
    if i == 1:
        print("writing", flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    for delay in (0.0, 0.003, 0.01, 0.017, 0.031, 0.05):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(target)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert process.stdout.readline() == "writing\n"
        time.sleep(delay)
        process.kill()
        process.wait(timeout=30)
        process.stdout.close()
        content = json.loads(target.read_text())
        assert content["body"] == [content["i"]] * 20_000


HOLD = """
import sys
from pathlib import Path
from xlmr_bench.files import locked
with locked(Path(sys.argv[1]), "seed 1 of this run"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_with_the_holder_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "work" / "lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(XlmrBenchError, match=rf"already working on seed 1 of this run \(pid {process.pid} on "),
            locked(lock, "seed 1 of this run"),
        ):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    with locked(lock, "seed 1 of this run"):
        assert lock.read_text().startswith(f"pid {os.getpid()} on ")
