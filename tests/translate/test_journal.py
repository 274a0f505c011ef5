"""The journal: whole lines stay, a cut one goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.translate.journal import Entry, Journal

HAUS, CUT = Entry("Haus\u2028\t„x“", False), Entry("Katze und", True)


def test_what_was_added_is_read_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "a" / "j.jsonl") as journal:
        journal.add([("house", HAUS), ("cat", CUT)], 3.0)
        assert "dog" not in journal
    with Journal(tmp_path / "a" / "j.jsonl") as journal:
        assert (journal["house"], journal["cat"]) == (HAUS, CUT)
        assert journal.seconds(["house"]) == pytest.approx(1.5)
        assert journal.seconds(["house", "cat", "dog"]) == pytest.approx(3.0)


@pytest.mark.parametrize("kept", [1, 20, -2, -1])
def test_a_last_line_that_was_cut_anywhere_is_dropped_and_written_over(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.add([("house", HAUS)], 1.0)
        first = path.read_bytes()
        journal.add([("cat", CUT)], 1.0)
    path.write_bytes(first + path.read_bytes()[len(first) :][:kept])
    with Journal(path) as journal:
        assert "house" in journal and "cat" not in journal
        assert path.read_bytes() == first
        journal.add([("dog", HAUS)], 1.0)
    with Journal(path) as journal:
        assert "house" in journal and "dog" in journal


def test_a_damaged_line_ends_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.add([("house", HAUS)], 1.0)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0\0\0\n" + b'{"seconds": 1, "texts": [["a"]]}\n')
    with Journal(path) as journal:
        assert "house" in journal
    assert path.read_bytes() == whole


def test_a_full_disk_is_said_and_what_stands_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    code = (
        "import resource, sys; from pathlib import Path; from xlmr_bench.translate.journal import Entry, Journal\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "from xlmr_bench.errors import XlmrBenchError\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "try:\n"
        "    for i in range(100): journal.add([(str(i), Entry('x' * 50, False))], 1.0)\n"
        "except XlmrBenchError as e: print(e); sys.exit(7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 7, done.stderr
    assert "cannot write" in done.stdout and "free space" in done.stdout
    with Journal(path) as journal:
        assert "0" in journal and "99" not in journal


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(XlmrBenchError, match="cannot write"):
        Journal(tmp_path / "file" / "j.jsonl")
