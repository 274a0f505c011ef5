"""Translation that is killed, stopped, repeated, or started twice."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.errors import UsageError, XlmrBenchError
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.translate import TranslateRequest, translate

Run = Callable[..., list[Path]]
REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = Path("XNLI-MT-1.0/multinli/multinli.train.de.tsv")
CODE = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1]).parent))
from xlmr_bench.benchmarks.base import Where
from xlmr_bench.errors import XlmrBenchError
from test_interrupted import work
try:
    print(*work(Path(sys.argv[2]), Path(sys.argv[3])))
except XlmrBenchError as e:
    print(e, file=sys.stderr)
    sys.exit(e.exit_code)
"""


def work(model: Path, out: Path) -> list[Path]:
    """About 280 distinct texts in batches of five."""
    request = TranslateRequest(
        "xnli", "train", ("de",), Where((miniature_folder(),)), str(model), out, beams=2, max_new_tokens=8,
        batch_tokens=60, device="cpu", limit=180,
    )  # fmt: skip
    return translate(request)


def command(model: Path, out: Path) -> list[str]:
    return [sys.executable, "-c", CODE, __file__, str(model), str(out)]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}


def begin(model: Path, out: Path, batches: int) -> subprocess.Popen[str]:
    """Another process at that work, caught when so many batches are done."""
    process = subprocess.Popen(
        command(model, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    while process.poll() is None:
        found = journal(out)
        if found is not None and found.read_bytes().count(b"\n") >= batches:
            break
        time.sleep(0.01)
    return process


def journal(out: Path) -> Path | None:
    return next(iter(out.glob(".translations/*.jsonl")), None)


def keys(path: Path | None) -> list[str]:
    assert path is not None
    return [key for line in path.read_text().splitlines() for key, _, _ in json.loads(line)["texts"]]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def unbroken(m2m: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    assert work(m2m, out) == [out / TARGET]
    return out


def test_killed_in_the_middle_the_file_is_the_same_and_nothing_is_translated_twice(
    m2m: Path, tmp_path: Path, unbroken: Path
) -> None:
    process = begin(m2m, tmp_path, 7)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not list(tmp_path.rglob("*.tsv"))
    found = journal(tmp_path)
    assert found is not None
    before = keys(found)
    with found.open("ab") as f:  # a kill may cut the last line anywhere
        f.write(found.read_bytes().splitlines()[0][:40])
    assert work(m2m, tmp_path) == [tmp_path / TARGET]
    assert (tmp_path / TARGET).read_bytes() == (unbroken / TARGET).read_bytes()
    assert keys(found)[: len(before)] == before
    assert keys(found) == keys(journal(unbroken))
    assert len(keys(found)) == len(set(keys(found))) > 100


def test_a_repeated_command_does_nothing(m2m: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def written() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in unbroken.rglob("*") if p.is_file() and p.suffix != ".lock"}

    before = written()
    assert work(m2m, unbroken) == []
    assert written() == before
    assert "already complete" in capsys.readouterr().err


def test_ctrl_c_exits_130_and_says_that_the_same_command_continues(m2m: Path, tmp_path: Path) -> None:
    process = begin(m2m, tmp_path, 3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command continues" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.rglob("*.tsv"))


def test_a_full_disk_leaves_nothing_half_written_and_the_same_command_continues(
    m2m: Path, tmp_path: Path, unbroken: Path
) -> None:
    # Files of at most 12 kB: the journal does not fit, as on a disk that is full.
    with largest_file(12_000), pytest.raises(XlmrBenchError, match=r"cannot write .*free space"):
        work(m2m, tmp_path)
    assert not list(tmp_path.rglob("*.tsv")) and not list(tmp_path.rglob("*.json"))
    assert work(m2m, tmp_path) == [tmp_path / TARGET]
    assert (tmp_path / TARGET).read_bytes() == (unbroken / TARGET).read_bytes()


def test_a_failure_between_record_and_file_does_not_stand_in_the_way(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "ner"
    data.mkdir()
    (data / "eng.train").write_text("Tom X I-PER\nleft X O\n\n")
    (file,) = run("ner", "train", "de", data)
    whole = file.read_bytes()
    for path in file.parent.iterdir():
        path.unlink()
    # The file would fit, its record does not: all translations are in the journal already.
    with largest_file(1000), pytest.raises(XlmrBenchError, match="cannot write"):
        run("ner", "train", "de", data)
    assert not list(file.parent.iterdir())
    assert run("ner", "train", "de", data) == [file]
    assert file.read_bytes() == whole


def test_two_processes_on_one_output_are_refused(run: Run, tmp_path: Path) -> None:
    work = tmp_path / "out" / ".translations"
    work.mkdir(parents=True)
    held = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(1); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-uc", held, str(work / "en-de.lock")], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(XlmrBenchError, match="another process is already working on en to de"):
            run("xnli", "train", "de", miniature_folder(), limit=3)
        assert len(run("xnli", "train", "sw", miniature_folder(), limit=3)) == 1
    finally:
        other.kill()
        other.communicate()
    assert len(run("xnli", "train", "de", miniature_folder(), limit=3)) == 1


def test_a_trial_is_continued_by_the_whole(run: Run, tmp_path: Path) -> None:
    (file,) = run("xnli", "train", "de", miniature_folder(), limit=6)
    small = file.read_text().splitlines()
    path = journal(tmp_path / "out")
    assert path is not None
    assert run("xnli", "train", "de", miniature_folder(), limit=30) == [file]
    assert file.read_text().splitlines()[:7] == small
    assert len(keys(path)) == len(set(keys(path)))


def test_a_whole_file_of_another_model_or_settings_is_not_replaced(run: Run, marian: Path, tmp_path: Path) -> None:
    data = tmp_path / "ner"
    data.mkdir()
    (data / "eng.train").write_text("Tom X I-PER\nleft X O\n\n")
    assert len(run("ner", "train", "de", data)) == 1
    with pytest.raises(UsageError, match=r"was translated by m2m-tiny with other settings.*Delete it"):
        run("ner", "train", "de", data, beams=1)
    with pytest.raises(UsageError, match="other settings"):
        run("ner", "train", "de", data, model=str(marian))
    assert run("ner", "train", "de", data, batch_tokens=7) == []


def test_texts_that_two_files_share_are_translated_once(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "ner"
    data.mkdir()
    (data / "eng.train").write_text("Tom X I-PER\nleft X O\n\n")
    run("ner", "train", "de", data)
    path = journal(tmp_path / "out")
    assert path is not None
    before = keys(path)
    (tmp_path / "out" / "translate-train" / "de.conll").unlink()
    assert len(run("ner", "train", "de", data)) == 1
    assert keys(path) == before
